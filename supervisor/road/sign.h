// SPDX-License-Identifier: GPL-3.0-or-later
// A sign of trouble in words, such as why the queue is away, and for how long there has been one. Pure.
#pragma once

#include <kj/time.h>

#include <string>
#include <utility>

namespace smsd::road {

class Sign {
 public:
  /// Sets or, with empty words, ends the sign. Other words of a sign that lasts leave its beginning as it is.
  /// Returns whether it began or ended.
  bool set(std::string words, kj::TimePoint now) {
    const bool before = there();
    words_ = std::move(words);
    if (before == there()) return false;
    if (there()) since_ = now;
    return true;
  }
  bool there() const { return !words_.empty(); }
  const std::string& words() const { return words_; }
  /// Meaningless unless there() is true.
  kj::TimePoint since() const { return since_; }

 private:
  std::string words_;
  kj::TimePoint since_ = kj::origin<kj::TimePoint>();
};

}  // namespace smsd::road
