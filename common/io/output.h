// SPDX-License-Identifier: GPL-3.0-or-later
// Writes to standard output and standard error. No other file writes to them.
//
// Owns that no untrusted text (a row of the queue, a gateway's reason, a name in a file) can act on a
// terminal: escape sequences, control characters and marks that change the direction of a line become `?`.
// Called by every program for each text that it prints; `tests/unit/outputs` fails if another file writes to
// these streams. Pass a field that has to stay on its line through text::printable first. Never fails: the
// caller has to check the stream for its exit status.
#pragma once

#include <string_view>

namespace smsd::io {

/// Writes to standard output. Of the characters below U+0020 only line ends stay.
void print(std::string_view text);
/// Writes to standard error, likewise.
void complain(std::string_view text);
/// Writes each line of `text` to standard error after the name of the program, unless it is empty or
/// indented.
void complainAs(std::string_view program, std::string_view text);
/// Writes the buffered output of print() now.
void flush();
/// Clears the terminal's screen and moves to its first line, for a display that is drawn again.
void clearScreen();

}  // namespace smsd::io
