// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/paused-dispatchers.h"

#include <fcntl.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <sstream>
#include <system_error>

#include "common/files/regular-file.h"

namespace smsd::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostBytes = 64 * 1024;  // two thousand names of the longest kind

[[noreturn]] void fail(const fs::path& file, std::error_code why) {
  throw std::system_error(why, file.string());
}
[[noreturn]] void fail(const fs::path& file) { fail(file, {errno, std::generic_category()}); }

std::string contentOf(const fs::path& file) {
  std::error_code why;
  auto text = files::readRegular(file, mostBytes, why, O_NOFOLLOW);
  if (!text && why != std::errc::no_such_file_or_directory) fail(file, why);
  return text.value_or("");
}

void writeAll(int fd, const std::string& text, const fs::path& file) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) fail(file);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

void syncFolder(const fs::path& folder) {
  kj::AutoCloseFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) fail(folder);
}

}  // namespace

Pauses::Pauses(fs::path file) : file_(std::move(file)) {
  std::istringstream lines(contentOf(file_));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) names_.insert(line);
}

void Pauses::add(const std::string& name) {
  if (names_.insert(name).second || unwritten_) write();
}

void Pauses::remove(const std::string& name) {
  if (names_.erase(name) > 0 || unwritten_) write();
}

void Pauses::write() {
  unwritten_ = true;
  std::string text;
  for (const auto& name : names_) text += name + "\n";
  const fs::path fresh = file_.string() + ".new";
  {
    std::error_code why;
    kj::AutoCloseFd fd(files::openRegular(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, why));
    if (fd.get() < 0) fail(fresh, why);
    writeAll(fd.get(), text, fresh);
    if (fsync(fd.get()) != 0) fail(fresh);
  }
  if (rename(fresh.c_str(), file_.c_str()) != 0) fail(file_);
  syncFolder(file_.parent_path());
  unwritten_ = false;
}

}  // namespace smsd::control
