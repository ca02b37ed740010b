// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/pem.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace smsd::net {
namespace {

constexpr std::size_t mostPem = 8 << 20;

/// Appends the file to `text`. Returns the number of the error that ended the reading before the end of the
/// file, otherwise 0. `size` is the length of the file in bytes. Memory is reserved for all of it at once,
/// because a text that grows into new memory would leave parts of a key in the old.
int readAll(int fd, off_t size, std::string& text) {
  int error = 0;
  char buffer[65536];
  text.reserve(std::min<std::size_t>(static_cast<std::size_t>(size), mostPem) + 2 * sizeof buffer);
  for (;;) {
    ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0 || text.size() > mostPem) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::explicit_bzero(buffer, sizeof buffer);
  return error;
}

}  // namespace

std::filesystem::path fileOf(const config::Keys& keys, const std::filesystem::path& named) {
  return keys.fileFolder() / named;  // an absolute path stays unchanged
}

PemRead readPem(const std::filesystem::path& path, PemOf what) {
  // O_NONBLOCK, so that a FIFO does not block open().
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return {"", std::string("cannot be read (") + std::strerror(errno) + ")", PemRead::Opened::no};
  struct stat status {};
  bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  std::string text;
  const int error = regular ? readAll(fd, status.st_size, text) : 0;
  ::close(fd);
  if (!regular) return {"", "not a regular file"};
  if (error != 0) {
    config::wipe(text);
    return {"", std::string("cannot be read (") + std::strerror(error) + ")"};
  }
  if (what == PemOf::key && (status.st_mode & S_IRWXO) != 0)
    return {"", "open to all users, expected mode 0640 or less: chmod o= on it"};
  if (text.size() > mostPem) return {"", "too long"};
  if (what == PemOf::key ? text.find("PRIVATE KEY-----") == std::string::npos
                         : text.find("-----BEGIN ") == std::string::npos)
    return {"", what == PemOf::key ? "holds no private key in PEM form" : "holds no certificate in PEM form"};
  return {std::move(text), ""};
}

void Authorities::declare(config::Keys& keys) {
  keys.path(
      "ca_file", file_,
      "certificates (PEM) that are trusted as issuers of the server's certificate, instead of the system's");
  keys.example("ca_file", "/etc/smsd/gateway-ca.pem");
  keys.rule("ca_file", [this, &keys]() -> std::optional<std::string> {
    if (file_.empty()) return std::nullopt;
    auto read = readPem(fileOf(keys, file_), PemOf::authority);
    if (read.opened == PemRead::Opened::no && keys.tolerates("ca_file")) return std::nullopt;
    text_ = std::move(read.text);
    return read.problem.empty() ? std::nullopt : std::optional(read.problem);
  });
}

}  // namespace smsd::net
