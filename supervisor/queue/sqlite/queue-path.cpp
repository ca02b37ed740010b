// SPDX-License-Identifier: GPL-3.0-or-later
// See queue-path.h.
#include "supervisor/queue/sqlite/queue-path.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "supervisor/queue/queue.h"

namespace smsd::queue::sqlite {
namespace {

namespace fs = std::filesystem;
using Kind = QueueError::Kind;

constexpr int mostLinks = 40;  // as in the kernel

// The longest ending of a file beside the queue is -journal or .reserve. SQLite accepts paths of 512 bytes,
// the kernel names of 255.
constexpr std::size_t longestEnding = 8, longestPath = 512 - longestEnding, longestName = 255 - longestEnding;

const char* kindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

// Not fs::canonical alone, which needs a file: smsd creates the file that a link leads to.
std::string resolved(const std::string& path) {
  std::error_code failed;
  fs::path at = fs::absolute(path, failed);
  for (int links = 0; links < mostLinks && fs::is_symlink(fs::symlink_status(at, failed)); ++links) {
    const fs::path target = fs::read_symlink(at, failed);
    if (failed) return path;
    at = at.parent_path() / target;
  }
  const fs::path folder = fs::canonical(at.parent_path(), failed);
  return failed ? at.string() : (folder / at.filename()).string();
}

void refuseNoFile(const std::string& path) {
  const auto refuse = [&path](const std::string& what) {
    throw QueueError(Kind::notInstalled,
                     fmt::format("{}: {}: set queue.sqlite.path to another path", path, what));
  };
  const std::size_t name = fs::path(path).filename().native().size();
  if (path.size() > longestPath)
    refuse(fmt::format("the path has {} bytes, and a queue's path may have at most {}", path.size(),
                       longestPath));
  if (name > longestName)
    refuse(fmt::format("the file's name has {} bytes, and a queue's name may have at most {}", name,
                       longestName));
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) refuse(fmt::format("expected a file, found {}", kindOf(status.st_mode)));
  } else if (errno == ELOOP) {
    refuse("its symbolic links lead in a circle");
  } else if (errno == ENOTDIR) {
    refuse("the path leads through a file as if it were a folder");
  }
}

void refuseSecondName(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink <= 1) return;
  throw QueueError(Kind::notInstalled,
                   fmt::format("{0}: the file has {1} names (hard links), and a program that opened it by "
                               "another name would damage the queue: remove the other names, which `find "
                               "FOLDER -samefile {0}` lists, or set queue.sqlite.path to a copy",
                               path, status.st_nlink));
}

}  // namespace smsd::queue::sqlite
