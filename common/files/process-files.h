// SPDX-License-Identifier: GPL-3.0-or-later
// Reads files and folders of /proc. The process may end at any moment, and reading an open file then fails.
//
// The iterators of the standard library throw in that case. These functions do not: they return the part that
// was read.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace smsd::files {

/// Returns the content; empty if it cannot be read.
inline std::string contentOf(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

/// Calls `isWanted` for the path of each entry until it returns true, and returns whether it did. Sets
/// `error` if the folder cannot be opened.
template <typename F>
bool anyEntry(const std::filesystem::path& folder, std::error_code& error, F isWanted) {
  std::filesystem::directory_iterator entry(folder, error);
  if (error) return false;
  for (std::error_code gone; !gone && entry != std::filesystem::directory_iterator(); entry.increment(gone))
    if (isWanted(entry->path())) return true;
  return false;
}

}  // namespace smsd::files
