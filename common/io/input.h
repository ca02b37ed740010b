// SPDX-License-Identifier: GPL-3.0-or-later
// Reads standard input to its end, with a bound on the memory.
//
// Called by commands that get a text or a mail from another program. Waits for the end of the input, so that
// the other program can write all of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace smsd::io {

/// Returns the first `most` bytes; none if standard input cannot be read.
std::optional<std::string> readInput(std::size_t most);

}  // namespace smsd::io
