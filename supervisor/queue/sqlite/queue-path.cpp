// SPDX-License-Identifier: GPL-3.0-or-later
// See queue-path.h.
#include "supervisor/queue/sqlite/queue-path.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "supervisor/queue/queue.h"

namespace smsd::queue::sqlite {
namespace {

namespace fs = std::filesystem;
using Kind = QueueError::Kind;

constexpr int mostLinks = 40;  // as in the kernel

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
