// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/output.h"

#include <iostream>

#include "common/text/utf.h"

namespace smsd::io {

void print(std::string_view text) { std::cout << text::printableLines(text); }
void complain(std::string_view text) { std::cerr << text::printableLines(text); }
void flush() { std::cout << std::flush; }
void clearScreen() { std::cout << "\x1b[H\x1b[2J"; }

}  // namespace smsd::io
