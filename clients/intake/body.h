// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the body of a request, with bounds on its size, its time and the memory of all bodies together.
//
// A body whose length is not declared (chunks) may have `undeclared` bytes at most. Fails with a BodyRefused.
#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

#include <memory>
#include <string>

namespace smsd::webintake {

/// The status of the answer, and words for it.
struct BodyRefused {
  unsigned status = 0;  // 0: the body was read
  const char* words = "";
};

struct BodyRead {
  std::string bytes = {};
  BodyRefused refused = {};
};

/// The memory of the bodies that are there at the same time, without the first 64 KiB of each.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t most) : left_(most) {}
  bool take(std::size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  void giveBack(std::size_t bytes) { left_ += bytes; }

 private:
  std::size_t left_;
};

constexpr std::size_t undeclared = 1024 * 1024;
constexpr auto bodyTime = 15 * kj::SECONDS;

/// Reads all of `body`, which outlives the promise. The budget has the bytes back when the promise resolves
/// or is dropped: the body is read by its dialect in the same turn.
kj::Promise<BodyRead> readBody(kj::AsyncInputStream& body, std::size_t most, BodyBudget& budget,
                               kj::Timer& timer);

}  // namespace smsd::webintake
