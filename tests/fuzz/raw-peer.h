// SPDX-License-Identifier: GPL-3.0-or-later
// The other end of a connection of ours, in raw bytes, as a script of a fuzzer's input acts it.
//
// An act is a letter and one byte `n`: 'w' and the 256 * n' + n'' bytes that follow (two bytes of length, `n`
// is unused) are written, 'r' writes what was written last another 64 * n times, 'd' reads what there is, and
// 'l' lets n seconds pass. Between acts the loop turns. What does not fit into the socket is dropped.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/demand.h"

extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace smsd::fuzz {

/// Bytes on the heap, where the build can tell.
inline std::size_t onTheHeap() {
  return __sanitizer_get_current_allocated_bytes != nullptr ? __sanitizer_get_current_allocated_bytes() : 0;
}

/// `turn` turns the loop, `later` lets seconds pass.
template <typename Turn, typename Later>
void act(int peer, std::string_view script, Turn turn, Later later) {
  constexpr std::size_t most = 16 << 20;
  const std::size_t before = onTheHeap();
  unsigned left = 300;  // repetitions and seconds, so that no input takes long
  std::string_view last;
  auto write = [peer](std::string_view bytes) {
    [[maybe_unused]] auto written = send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  };
  while (script.size() >= 2) {
    const char what = script[0];
    const unsigned n = std::min<unsigned>(static_cast<std::uint8_t>(script[1]), left);
    script.remove_prefix(2);
    if (what == 'w') {
      if (script.size() < 2) break;
      const std::size_t size =
          static_cast<std::uint8_t>(script[0]) * 256U + static_cast<std::uint8_t>(script[1]);
      script.remove_prefix(2);
      last = script.substr(0, size);
      script.remove_prefix(last.size());
      write(last);
    } else if (what == 'r') {
      left -= n;
      for (unsigned i = 0; i < n; ++i) {
        for (int k = 0; k < 64; ++k) write(last);
        turn();
      }
    } else if (what == 'd') {
      char buffer[1 << 16];
      while (recv(peer, buffer, sizeof buffer, MSG_DONTWAIT) > 0) turn();
    } else if (what == 'l') {
      left -= n;
      later(n);
    }
    turn();
    demand("a peer takes no more than 16 MiB", onTheHeap() <= before + most);
  }
}

}  // namespace smsd::fuzz
