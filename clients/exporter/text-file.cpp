// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/text-file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace smsd::exporter {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

void writeAll(int fd, const std::string& text, const std::filesystem::path& path) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) fail(path);
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

}  // namespace

void replaceFile(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path before = fmt::format("{}.{}", file.string(), ::getpid());
  ::unlink(before.c_str());  // of a process with this id that was killed
  kj::AutoCloseFd fd(::open(before.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (fd.get() < 0) fail(before);
  try {
    if (::fchmod(fd.get(), 0644) != 0) fail(before);  // whatever the umask: the collector is another user
    writeAll(fd.get(), text, before);
    if (::rename(before.c_str(), file.c_str()) != 0) fail(file);
  } catch (const std::system_error&) {
    ::unlink(before.c_str());
    throw;
  }
}

}  // namespace smsd::exporter
