// SPDX-License-Identifier: GPL-3.0-or-later
// What a program writes to stderr: the level of a line, and how many lines reach the journal. Pure.
//
// Called by the reader of a program's stderr. Time is an argument.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/journal/journal.h"

namespace smsd::command {

/// Bytes of a line that reach the journal.
constexpr std::size_t mostRemark = 1024;

struct Remark {
  journal::Level level = journal::Level::info;
  std::string text;  // one printable line of at most mostRemark bytes
};

/// The level is that of the prefix, which is removed: <0> to <7> as in sd-daemon(3), or E!, W!, I! and D!.
/// Without one of these it is `info`.
Remark readRemark(std::string_view line);

/// Bounds the number of lines, for all programs of a dispatcher together.
class RemarkBudget {
 public:
  using Time = std::chrono::milliseconds;
  static constexpr std::int64_t atOnce = 100, perSecond = 20;

  explicit RemarkBudget(Time now) : at_(now) {}

  /// Whether a line may be written.
  bool admits(Time now) {
    const std::int64_t passed = std::max<std::int64_t>(0, (now - at_).count());
    at_ = std::max(at_, now);
    left_ = std::min(atOnce * 1000, left_ + passed * perSecond);
    if (left_ < 1000) return ++leftOut_, false;
    left_ -= 1000;
    return true;
  }
  /// Returns the number of lines that were left out since the last call.
  std::uint64_t takeLeftOut() { return std::exchange(leftOut_, 0); }

 private:
  Time at_;
  std::int64_t left_ = atOnce * 1000;  // thousandths of a line
  std::uint64_t leftOut_ = 0;
};

}  // namespace smsd::command
