// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/output.h"

#include <iostream>
#include <string>

#include "common/text/utf.h"

namespace smsd::io {

void print(std::string_view text) { std::cout << text::printableLines(text); }
void complain(std::string_view text) { std::cerr << text::printableLines(text); }
void complainAs(std::string_view program, std::string_view text) {
  std::string lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto line = text.substr(begin, text.find('\n', begin) - begin);
    begin += line.size() + 1;
    if (!line.empty() && line.front() != ' ') lines.append(program).append(": ");
    lines.append(line).append("\n");
  }
  complain(lines);
}
void flush() { std::cout << std::flush; }
void clearScreen() { std::cout << "\x1b[H\x1b[2J"; }

}  // namespace smsd::io
