// SPDX-License-Identifier: GPL-3.0-or-later
// The paced recipients that the journal has named: each is named once in a window or an hour.
//
// Called by the road with the paced recipients of a claim. Keeps a recipient until its window ends. Pure:
// time comes in as an argument.
#pragma once

#include <kj/time.h>

#include <string>
#include <unordered_map>

#include "common/kj/duration.h"
#include "supervisor/queue/queue.h"

namespace smsd::road {

class PacedLog {
 public:
  /// Returns whether the journal has to name this recipient now.
  bool isNews(const queue::PacedRecipient& one, kj::TimePoint now) {
    if (named_.size() >= forgetAt_) {
      std::erase_if(named_, [&](const auto& entry) { return entry.second <= now; });
      forgetAt_ = 2 * named_.size() + 64;
    }
    auto [found, isNew] = named_.try_emplace(one.recipient, now);
    if (!isNew && found->second > now) return false;
    found->second = now + duration(one.decision.wait);
    return true;
  }

  std::size_t size() const { return named_.size(); }

 private:
  std::unordered_map<std::string, kj::TimePoint> named_;  // with the end of the window
  std::size_t forgetAt_ = 64;
};

}  // namespace smsd::road
