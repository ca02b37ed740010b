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

#include "common/io/styled.h"

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

/// Whether styles are written as colours.
enum class Colour { no, yes };
/// Returns yes if standard output is a terminal that shows colours, and the user wants them: NO_COLOR is
/// empty.
Colour wantedColour();
/// Writes each line; a span of a line stays on it.
void print(const Lines& lines, Colour colour);
/// Writes the lines over those that the terminal shows, from its first line on. In one write and without
/// clearing the screen before, so that nothing flickers.
void redraw(const Lines& lines, Colour colour);

}  // namespace smsd::io
