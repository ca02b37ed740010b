// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/files/regular-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace smsd::files {
namespace {

/// The error "not a regular file", for which errno has no value.
class WrongKind final : public std::error_category {
  const char* name() const noexcept override { return "smsd-files"; }
  std::string message(int) const override { return "it is not a regular file"; }
};

std::error_code wrongKind() {
  static const WrongKind category;
  return {1, category};
}

std::error_code lastError() { return {errno, std::generic_category()}; }

}  // namespace

int openRegular(const std::filesystem::path& path, int flags, std::error_code& why, mode_t mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
  if (fd < 0) {
    why = lastError();
    // ENXIO: a FIFO without a reader, or a socket. EISDIR: a folder.
    if (errno == ENXIO || errno == EISDIR) why = wrongKind();
    return -1;
  }
  struct stat status {};
  const bool known = ::fstat(fd, &status) == 0;
  if (known && S_ISREG(status.st_mode)) return fd;
  why = known ? wrongKind() : lastError();
  ::close(fd);
  return -1;
}

std::optional<std::string> readRegular(const std::filesystem::path& path, std::size_t most,
                                       std::error_code& why, int flags) {
  const int fd = openRegular(path, O_RDONLY | flags, why);
  if (fd < 0) return std::nullopt;
  why.clear();
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), std::min(buffer.size(), most - content.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) why = lastError();
    if (n <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  if (why) return std::nullopt;
  return content;
}

}  // namespace smsd::files
