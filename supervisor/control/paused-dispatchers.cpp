// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/paused-dispatchers.h"

#include <fcntl.h>

#include <sstream>
#include <system_error>

#include "common/files/regular-file.h"
#include "common/files/replace-file.h"

namespace smsd::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostBytes = 64 * 1024;  // two thousand names of the longest kind

std::string contentOf(const fs::path& file) {
  std::error_code why;
  auto text = files::readRegular(file, mostBytes, why, O_NOFOLLOW);
  if (!text && why != std::errc::no_such_file_or_directory) throw std::system_error(why, file.string());
  return text.value_or("");
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
  files::replaceFile(file_, text);
  unwritten_ = false;
}

}  // namespace smsd::control
