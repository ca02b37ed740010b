// SPDX-License-Identifier: GPL-3.0-or-later
// Judges whether another program settles rows of the queue: most likely NAV's own smsd, which then sends the
// same messages.
//
// Owns the criterion. Called by the PostgreSQL backend, with what it found in the database. Pure; time is an
// argument. Either of two signs suffices:
//  - A session on the database has the name that NAV gives to its smsd's.
//  - Within an hour, messages became `Y` at three different times, each as NAV marks them (with smsid and
//    timesent, one message a transaction), and no supervisor of smsd did it.
// Therefore none of these is a sign: one or two messages that an operator marked by hand, any number of them
// that one statement marked (they have one time), messages that smsctl cancelled or discarded (they are `I`),
// and what another supervisor did (the backend leaves these out). Each message counts once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/format/message.h"

namespace smsd::queue {

/// A message that is `Y` although no supervisor marked it, and the database's text of its timesent.
struct ForeignMark {
  format::MessageId id = 0;
  std::string time;
};

class OtherSettlers {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours window{1};
  static constexpr std::size_t enoughTimes = 3;

  /// The number of sessions on the database that have the name of NAV's smsd.
  void sessions(std::int64_t count) { sessions_ = count; }

  void marked(const std::vector<ForeignMark>& marks, Clock::time_point now) {
    for (const auto& mark : marks)
      if (known_.insert({mark.id, mark.time}).second) times_.insert_or_assign(mark.time, now);
    while (known_.size() > mostKnown) known_.erase(known_.begin());
    std::erase_if(times_, [&](const auto& one) { return now - one.second > window; });
    while (times_.size() > mostKnown) times_.erase(times_.begin());
  }

  /// Returns the sign, for an operator; empty: there is none.
  std::string sign() const {
    if (sessions_ > 0)
      return "NAV's own smsd is connected to the database, and sends the same messages: stop it, and take it "
             "out of NAV's daemons.yml (smsd-nav(7))";
    if (times_.size() >= enoughTimes)
      return "another program marks messages as sent, most likely NAV's own smsd on some host, and sends the "
             "same messages: stop it, and take it out of NAV's daemons.yml (smsd-nav(7))";
    return "";
  }

 private:
  static constexpr std::size_t mostKnown = 1000;

  std::int64_t sessions_ = 0;
  std::set<std::pair<format::MessageId, std::string>> known_;
  std::map<std::string, Clock::time_point> times_;  // when each was seen first
};

}  // namespace smsd::queue
