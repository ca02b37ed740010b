// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/state-folder.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/text/shell.h"

namespace smsd::control {

std::optional<FolderTrouble> troubleOf(const std::filesystem::path& folder) {
  const std::string name = text::shellWord(folder.string());
  const auto cannot = [&folder](const std::string& why) {
    return fmt::format("smsd cannot write to its state_directory {}: {}", folder.string(), why);
  };
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    if (errno == ENOENT) return std::nullopt;
    const std::string next = errno == EROFS ? "findmnt --target " : "ls -ld ";
    return FolderTrouble{cannot(strerror(errno)), next + name};
  }
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) == 0 && disk.f_blocks > 0 && disk.f_bavail == 0)
    return FolderTrouble{cannot("its disk is full"), "df -h " + name};
  return std::nullopt;
}

}  // namespace smsd::control
