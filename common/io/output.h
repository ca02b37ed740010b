// The only way to a terminal: standard output and standard error.
//
// Owns that no text of a stranger (a row of the queue, a gateway's reason, a name in a file) reaches a
// terminal with the power to act there: escape sequences, control characters and marks that turn the
// direction of a line become `?`. Called by every program for each text that it prints; `tests/unit/outputs`
// fails where another file writes to these streams. A field that has to stay on its line goes through
// text::printable first. Never fails: a stream that cannot be written is left to the caller's exit status.
#pragma once

#include <string_view>

namespace smsd::io {

/// To standard output. Ends of lines stay; nothing else below U+0020 does.
void print(std::string_view text);
/// To standard error, likewise.
void complain(std::string_view text);
/// What print() was given so far is written now.
void flush();
/// Empties the terminal's screen and goes to its first line, for a display that is drawn again.
void clearScreen();

}  // namespace smsd::io
