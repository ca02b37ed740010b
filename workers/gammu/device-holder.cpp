// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/device-holder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace smsd::gammu {
namespace {

namespace fs = std::filesystem;

bool hasOpen(const fs::path& process, const fs::path& device) {
  std::error_code error;
  for (auto& entry : fs::directory_iterator(process / "fd", error)) {
    std::error_code unreadable;
    if (fs::read_symlink(entry.path(), unreadable) == device) return true;
  }
  return false;
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
  if (error) return "";
  std::string suspect;
  for (auto& process : fs::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(::getpid()))
      continue;
    const std::string name = nameOf(process.path());
    if (hasOpen(process.path(), node)) return fmt::format("{} (pid {})", name, pid);
    if (name == "ModemManager") suspect = "probably ModemManager (pid " + pid + "), which opens modems";
  }
  return suspect;
}

}  // namespace smsd::gammu
