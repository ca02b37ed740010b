// SPDX-License-Identifier: GPL-3.0-or-later
// Opens a file at a path where another user may have put something else. A FIFO, a socket, a folder or a
// device there does not block the program: it is an error like any other.
//
// Called by all code that reads or writes a file of its own or of an administrator. Never waits.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace smsd::files {

/// As open(2), with O_CLOEXEC. Returns -1 on failure, with the reason in `why`. `mode` is the mode of a file
/// that O_CREAT makes.
int openRegular(const std::filesystem::path& path, int flags, std::error_code& why, mode_t mode = 0640);

/// Returns the content, cut to `most` bytes, and clears `why`; none on failure, with the reason in `why`.
/// `flags` are further flags for open(2), for example O_NOFOLLOW.
std::optional<std::string> readRegular(const std::filesystem::path& path, std::size_t most,
                                       std::error_code& why, int flags = 0);

}  // namespace smsd::files
