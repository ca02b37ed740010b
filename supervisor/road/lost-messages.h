// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of the last day that nobody got, by their ids, so that the queue can be asked whether they are
// still ignored: an operator may have made one unsent again. Pure: the caller passes the time.
//
// Owns the bound: the ids of the latest messages are kept, and earlier ones are counted only. Called by
// Figures. Knows only the losses of this run.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/format/message.h"
#include "supervisor/road/recent.h"

namespace smsd::road {

class LostMessages {
 public:
  using Time = Recent::Time;
  static constexpr std::size_t mostIds = 1000;

  struct Summary {
    std::uint64_t messages = 0;
    std::string why;                // of the last one
    Time at{0};                     // of the last one
    format::MessageId message = 0;  // the id of the last one; 0: not known
  };
  /// What the queue returned: of `asked`, those that are still ignored.
  struct Checked {
    std::set<format::MessageId> asked, ignored;
  };

  /// `ids` of one SMS; empty: they are not known, so that `count` messages are never taken back. A message
  /// that was lost before, and was made unsent since, counts once.
  void add(Time now, const std::string& why, std::vector<format::MessageId> ids, std::uint64_t count) {
    if (ids.empty()) {
      counted_.add(now, count);
      lastCounted_ = {count, why, now, 0};
      return;
    }
    forget(ids);
    kept_ += ids.size();
    losses_.push_back({now, why, std::move(ids)});
    while (kept_ > mostIds && losses_.size() > 1) countOldest();
  }

  /// The messages of a day whose ids are kept.
  std::vector<format::MessageId> ids(Time now) const {
    std::vector<format::MessageId> all;
    for (const Loss& loss : losses_)
      if (now - loss.at < day) all.insert(all.end(), loss.ids.begin(), loss.ids.end());
    return all;
  }
  /// None: there was no loss within a day, or the queue shows that each was made good. An id that is not
  /// among `checked.asked` counts.
  std::optional<Summary> summary(Time now, const Checked& checked = {}) const {
    Summary sum;
    if (const auto counted = counted_.within(now, day); counted > 0)
      sum = {counted, lastCounted_.why, lastCounted_.at, 0};
    for (const Loss& loss : losses_) {
      if (now - loss.at >= day) continue;
      for (const auto id : loss.ids) {
        if (checked.asked.contains(id) && !checked.ignored.contains(id)) continue;
        ++sum.messages;
        if (sum.at <= loss.at) sum = {sum.messages, loss.why, loss.at, id};
      }
    }
    if (sum.messages == 0) return std::nullopt;
    return sum;
  }

 private:
  static constexpr Time day = std::chrono::days(1);
  struct Loss {
    Time at;
    std::string why;
    std::vector<format::MessageId> ids;
  };

  void forget(const std::vector<format::MessageId>& ids) {
    const std::set<format::MessageId> lostAgain(ids.begin(), ids.end());
    for (Loss& loss : losses_)
      kept_ -= std::erase_if(loss.ids, [&](const auto id) { return lostAgain.contains(id); });
    std::erase_if(losses_, [](const Loss& loss) { return loss.ids.empty(); });
  }

  void countOldest() {
    const Loss& oldest = losses_.front();
    counted_.add(oldest.at, oldest.ids.size());
    lastCounted_ = {oldest.ids.size(), oldest.why, oldest.at, 0};
    kept_ -= oldest.ids.size();
    losses_.pop_front();
  }

  std::deque<Loss> losses_;
  std::size_t kept_ = 0;  // ids in losses_
  Recent counted_{std::chrono::minutes(30), 49};
  Summary lastCounted_;
};

}  // namespace smsd::road
