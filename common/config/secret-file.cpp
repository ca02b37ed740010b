// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/config/secret-file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace smsd::config {
namespace {

constexpr std::size_t maxSecret = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Appends slightly more than the longest secret to `content`. Returns the number of the error that ended the
/// reading before the end of the file, otherwise 0.
int readSome(int fd, std::string& content) {
  int error = 0;
  content.reserve(2 * (maxSecret + 2));  // growing would leave an unwiped copy in memory
  std::array<char, maxSecret + 2> buffer;
  while (content.size() <= maxSecret + 1) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(n));
  }
  explicit_bzero(buffer.data(), buffer.size());
  return error;
}

}  // namespace

SecretRead readSecretFile(const std::filesystem::path& path, const std::filesystem::path& shown) {
  // O_NONBLOCK, so that a FIFO does not block.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  // Do not quote the path: the key may hold the secret itself instead of the name of its file.
  if (file.get() < 0 && errno == ENOENT)
    return {{},
            "found no such file, expected the path of a file whose first line is the secret",
            SecretRead::Found::nothing};
  if (file.get() < 0)
    return {
        {},
        fmt::format("the file cannot be opened ({}), expected one this user may read", std::strerror(errno)),
        SecretRead::Found::closed};
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return {
        {},
        fmt::format("{} is not a regular file, expected one whose first line is the secret", shown.string())};
  if ((status.st_mode & S_IRWXO) != 0)
    return {{},
            fmt::format("{} is open to all users (mode {:04o}), expected 0640 or less: chmod o= on it",
                        shown.string(), status.st_mode & 07777)};
  std::string line;
  const Wiped wiped(line);
  if (const int error = readSome(file.get(), line); error != 0)
    return {{},
            fmt::format("{} cannot be read ({}), expected the secret in its first line", shown.string(),
                        std::strerror(error))};
  line.erase(std::min(line.find('\n'), line.size()));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty())
    return {{}, fmt::format("{} has an empty first line, expected the secret in it", shown.string())};
  if (line.size() > maxSecret || line.find('\0') != std::string::npos)
    return {{},
            fmt::format("{} does not look like a secret, expected a line of text of at most {} bytes",
                        shown.string(), maxSecret)};
  return {Secret(line), {}};  // a copy, without the rest of the file behind it
}

}  // namespace smsd::config
