// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/events/sent-log.h"

#include <utility>

namespace smsd::events {

void SentLog::sent(const queue::Submission& submission, const std::string& reference, Milliseconds latency) {
  if (timer_.now() - second_ >= 1 * kj::SECONDS) {
    second_ = timer_.now();
    said_ = 0;
  }
  if (policy_ == config::SentInLog::each || said_ < eachUpTo) {
    ++said_;
    return events_.sent(submission, reference, latency);
  }
  if (counted_.empty()) say_.at(second_ + 1 * kj::SECONDS);
  Count& count = counted_[submission.dispatcher];
  ++count.sms;
  count.messages += submission.sms.sent.size();
}

void SentLog::flush() {
  say_.cancel();
  for (const auto& [dispatcher, count] : std::exchange(counted_, {}))
    events_.sentMany(dispatcher, count.sms, count.messages);
}

}  // namespace smsd::events
