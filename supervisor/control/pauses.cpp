#include "supervisor/control/pauses.h"

#include <fcntl.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <sstream>
#include <system_error>

namespace smsd::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostBytes = 64 * 1024;  // two thousand names of the longest kind

[[noreturn]] void fail(const fs::path& file) {
  throw std::system_error(errno, std::generic_category(), file.string());
}

std::string contentOf(const fs::path& file) {
  kj::AutoCloseFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() < 0) {
    if (errno == ENOENT) return {};
    fail(file);
  }
  std::string text(mostBytes, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t n = read(fd.get(), text.data() + length, text.size() - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(file);
    if (n == 0) break;
    length += static_cast<std::size_t>(n);
  }
  text.resize(length);
  return text;
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
  if (names_.insert(name).second) write();
}

void Pauses::remove(const std::string& name) {
  if (names_.erase(name) > 0) write();
}

void Pauses::write() const {
  std::string text;
  for (const auto& name : names_) text += name + "\n";
  const fs::path fresh = file_.string() + ".new";
  {
    kj::AutoCloseFd fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (fd.get() < 0) fail(fresh);
    writeAll(fd.get(), text, fresh);
    if (fsync(fd.get()) != 0) fail(fresh);
  }
  if (rename(fresh.c_str(), file_.c_str()) != 0) fail(file_);
  syncFolder(file_.parent_path());
}

}  // namespace smsd::control
