// Opens a file of a name that others may have filled with something else. A FIFO, a socket, a folder or a
// device in its place holds nobody up: it is an error like any other.
//
// Called by all that read or write a file of their own or of an administrator's. Never waits.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace smsd::files {

/// As open(2), with O_CLOEXEC; -1: `why` says it. `mode` is that of a file that O_CREAT makes.
int openRegular(const std::filesystem::path& path, int flags, std::error_code& why, mode_t mode = 0640);

/// What is in it, but no more than `most` bytes; none: `why` says it. `flags`: more for open(2), O_NOFOLLOW.
std::optional<std::string> readRegular(const std::filesystem::path& path, std::size_t most,
                                       std::error_code& why, int flags = 0);

}  // namespace smsd::files
