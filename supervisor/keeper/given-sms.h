// SPDX-License-Identifier: GPL-3.0-or-later
// The SMS that the workers of one dispatcher have, or had a moment ago: what they can quote.
//
// Owns their recipients and texts. Outlives the workers, because the next one may report an SMS of the last
// one. Called by Discretion. Pure.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "supervisor/keeper/quoted-sms.h"
#include "supervisor/queue/queue.h"

namespace smsd::keeper {

class GivenSms {
 public:
  /// Words about no SMS in particular may quote any of these: the oldest SMS that have no outcome, which are
  /// those that a worker has begun, and the last ones that have one.
  static constexpr std::size_t mostOpen = 256, mostEnded = 64;

  void add(const queue::Submission& submission) {
    open_.insert_or_assign(open_.end(), submission.attempt,
                           QuotedSms{submission.recipient, submission.sms.text});
  }
  /// Returns the SMS of an attempt; null: it is not known.
  const QuotedSms* find(queue::AttemptId attempt) const {
    auto found = open_.find(attempt);
    return found == open_.end() ? nullptr : &found->second;
  }
  /// The attempt has its outcome.
  void end(queue::AttemptId attempt) {
    auto found = open_.extract(attempt);
    if (found.empty()) return;
    ended_.push_back(std::move(found.mapped()));
    if (ended_.size() > mostEnded) ended_.pop_front();
  }
  bool hasEnded() const { return !ended_.empty(); }

  /// Returns `words` without what they quote of any of the SMS.
  std::string withoutQuotations(std::string words) const {
    std::size_t count = 0;
    for (const auto& [attempt, sms] : open_) {
      if (++count > mostOpen) break;
      words = withoutQuotation(words, sms);
    }
    for (const QuotedSms& sms : ended_) words = withoutQuotation(words, sms);
    return words;
  }

 private:
  std::map<queue::AttemptId, QuotedSms> open_;  // ids grow, so the oldest come first
  std::deque<QuotedSms> ended_;
};

}  // namespace smsd::keeper
