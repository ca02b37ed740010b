// What the journal is told of SMS that were sent: each of them while they are few, how many where they are
// many.
//
// An entry costs smsd and journald more than the SMS itself, and journald drops what comes too fast
// (RateLimitBurst=): at thousands a second the entry that matters would be among the dropped. Each SMS stays
// in the queue's own record, which `smsctl explain` tells. Called by the road.
#pragma once

#include <kj/timer.h>

#include <map>
#include <string>

#include "supervisor/alarm.h"
#include "supervisor/events.h"

namespace smsd {

class SentLog {
 public:
  /// Entries of their own in one second, before the rest of that second is counted.
  static constexpr unsigned eachUpTo = 100;

  SentLog(kj::Timer& timer, const SentInLog& policy, const Events& events)
      : timer_(timer), policy_(policy), events_(events), say_(timer, [this]() { flush(); }) {}

  void sent(const queue::Submission& submission, const std::string& reference, Milliseconds latency);
  /// Says what was counted so far.
  void flush();

 private:
  struct Count {
    std::size_t sms = 0, messages = 0;
  };

  kj::Timer& timer_;
  const SentInLog& policy_;
  const Events& events_;
  kj::TimePoint second_ = kj::origin<kj::TimePoint>();  // when the current one began
  unsigned said_ = 0;                                   // in it
  std::map<std::string, Count> counted_;                // by dispatcher
  Alarm say_;
};

}  // namespace smsd
