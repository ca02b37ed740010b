// SPDX-License-Identifier: GPL-3.0-or-later
// The journal entries about sent SMS: one for each while they are few, a count while they are many.
//
// An entry costs smsd and journald more than the SMS itself, and journald drops entries that come too fast
// (RateLimitBurst=). At thousands a second, the entry that matters would be among the dropped ones. The
// queue's own record keeps each SMS; `smsctl explain` shows it. Called by the road.
#pragma once

#include <kj/timer.h>

#include <map>
#include <string>

#include "common/kj/alarm.h"
#include "supervisor/events/events.h"

namespace smsd::events {

class SentLog {
 public:
  /// Single entries in one second, before the rest of that second is counted.
  static constexpr unsigned eachUpTo = 100;

  SentLog(kj::Timer& timer, const config::SentInLog& policy, const EventLog& events)
      : timer_(timer), policy_(policy), events_(events), say_(timer, [this]() { flush(); }) {}

  void sent(const queue::Submission& submission, const std::string& reference, Milliseconds latency);
  /// Logs the counts so far.
  void flush();

 private:
  struct Count {
    std::size_t sms = 0, messages = 0;
  };

  kj::Timer& timer_;
  const config::SentInLog& policy_;
  const EventLog& events_;
  kj::TimePoint second_ = kj::origin<kj::TimePoint>();  // when the current second began
  unsigned said_ = 0;                                   // entries in this second
  std::map<std::string, Count> counted_;                // by dispatcher
  Alarm say_;
};

}  // namespace smsd::events
