// SPDX-License-Identifier: GPL-3.0-or-later
// What the fuzz targets share: a broken promise ends the run and is named; the input taken apart.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::fuzz {

inline void demand(const std::string& broken) {
  if (broken.empty()) return;
  std::fprintf(stderr, "broken: %s\n", broken.c_str());
  std::abort();
}
inline void demand(const char* promise, const bool kept) {
  if (!kept) demand(std::string(promise));
}

/// The parts between the bytes 0x1E, which a corpus of texts does not hold.
inline std::vector<std::string_view> split(std::string_view bytes) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('\x1E', start), bytes.size());
    parts.push_back(bytes.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace smsd::fuzz
