// SPDX-License-Identifier: GPL-3.0-or-later
// Separates a worker from output files, so that it can neither empty nor overwrite them.
//
// Owns descriptors 0 to 2 of a process before it locks itself in. If stderr or stdout is a file, a pipe
// replaces it, and a small copier process, with a stricter lock than a worker's, writes the pipe's output to
// the file. This is needed because a process that can write to a descriptor can also overwrite the file,
// despite O_APPEND. The copier ends with the last holder of the pipe.
#pragma once

#include <cstdint>

namespace smsd::sandbox {

/// In bytes. Enough for a log file; a worker writes no other file. Output beyond it is lost, so that the disk
/// is not filled.
constexpr std::uint64_t mostFileSize = 64 << 20;

/// Call before lockIn(), and before any thread starts. Throws LockFailed.
void separateOutput();

}  // namespace smsd::sandbox
