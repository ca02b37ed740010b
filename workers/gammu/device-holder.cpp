// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/device-holder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/files/process-files.h"

namespace smsd::gammu {
namespace {

namespace fs = std::filesystem;

constexpr unsigned firstPtyMajor = 136, lastPtyMajor = 143;  // of the kernel, for the slaves of devpts

/// Pseudo terminals are numbered within their mount of devpts, and a container has a mount of its own. A
/// container may have a node of its own for any other device, whose number then decides.
bool isSameDevice(const struct stat& one, const struct stat& other) {
  const bool device = S_ISCHR(one.st_mode) && S_ISCHR(other.st_mode);
  const unsigned kind = major(one.st_rdev);
  if (device && (kind < firstPtyMajor || kind > lastPtyMajor)) return one.st_rdev == other.st_rdev;
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool hasOpen(const fs::path& process, const fs::path& node, const struct stat& device) {
  std::error_code error;
  return files::anyEntry(process / "fd", error, [&](const fs::path& file) {
    std::error_code unreadable;
    const fs::path path = fs::read_symlink(file, unreadable);
    // Nothing else is looked at, because a file system of the network may not answer.
    if (path != node && !path.string().starts_with("/dev/")) return false;
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 && isSameDevice(device, found);
  });
}

std::string nameOf(const fs::path& process) {
  std::string name;
  std::getline(std::ifstream(process / "comm"), name);
  return name;
}

}  // namespace

std::string holderOf(const std::string& device) {
  std::error_code error;
  const fs::path node = fs::canonical(device, error);
  struct stat status {};
  if (error || ::stat(node.c_str(), &status) != 0) return "";
  std::string suspect;
  for (auto& process : fs::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(::getpid()))
      continue;
    const std::string name = nameOf(process.path());
    if (hasOpen(process.path(), node, status)) return fmt::format("{} (pid {})", name, pid);
    if (name == "ModemManager") suspect = "probably ModemManager (pid " + pid + "), which opens modems";
  }
  return suspect;
}

}  // namespace smsd::gammu
