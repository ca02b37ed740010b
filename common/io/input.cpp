// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/input.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace smsd::io {

std::optional<std::string> readInput(std::size_t most) {
  std::string all;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t got = read(STDIN_FILENO, piece.data(), piece.size());
    if (got == 0) return all;
    if (got > 0)
      all.append(piece.data(), std::min(static_cast<std::size_t>(got), most - all.size()));
    else if (errno != EINTR)
      return std::nullopt;
  }
}

}  // namespace smsd::io
