// SPDX-License-Identifier: GPL-3.0-or-later
// Why a dispatcher is not ready, in words, and its last trouble. Pure: the caller passes the time.
//
// Owns one reason of the worker and one of the gateway, because the state decides which of them counts, and
// the last trouble of both until an SMS is answered: a dispatcher may be ready again before it has shown that
// it works. Called by the keeper.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <string>

namespace smsd::keeper {

class Reasons {
 public:
  explicit Reasons(kj::TimePoint now) : troubleAt_(now) {}

  void workerFailed(const std::string& words, kj::TimePoint now) { trouble(worker_ = words, now); }
  /// A worker ended by itself.
  void workerEnded(const std::string& words, kj::TimePoint now) {
    workerFailed(words, now);
    ends_.push_back(now);
    while (ends_.size() > mostEnds) ends_.pop_front();
  }
  /// The worker reports that it cannot send, and will report when it can.
  void gatewayFailed(const std::string& words, kj::TimePoint now) { trouble(gateway_ = words, now); }
  /// The last SMS that began got no answer.
  void notAnswered(const std::string& words, kj::TimePoint now) {
    gatewayFailed(words, now);
    unanswered_ = true;
    ofAnSms_ = true;
  }
  /// Replaces a reason without a trouble of its own.
  void setWorker(const std::string& words) { worker_ = words; }
  void setGateway(const std::string& words) { gateway_ = words; }
  /// An SMS was answered.
  void answered() {
    trouble_.clear();
    unanswered_ = retried_ = false;
  }
  /// An operator tries it again, perhaps after a repair. Only an SMS can show that the trouble of an SMS is
  /// over; a worker that is ready shows that of all others.
  void repaired() {
    retried_ = ofAnSms_ && !trouble_.empty();
    if (!retried_) trouble_.clear();
    unanswered_ = false;
    ends_.clear();
  }
  /// The dispatcher is ready. Its last trouble stays: it may work again, but has not yet.
  void over() {
    worker_.clear();
    gateway_.clear();
  }

  const std::string& worker() const { return worker_; }
  const std::string& gateway() const { return gateway_; }
  /// The last trouble of both; empty: there was none since the last answer.
  const std::string& trouble() const { return trouble_; }
  kj::Maybe<kj::Duration> troubleFor(kj::TimePoint now) const {
    if (trouble_.empty()) return nullptr;
    return now - troubleAt_;
  }
  bool unanswered() const { return unanswered_; }
  /// trouble() is from before an operator tried it again, and no SMS was answered since.
  bool retried() const { return retried_; }
  /// How many workers have ended by themselves within ten minutes, and how long ago the first of them did.
  struct Ends {
    std::size_t count = 0;
    std::chrono::seconds within{0};
  };
  Ends ends(kj::TimePoint now) const {
    const auto first = std::find_if(ends_.begin(), ends_.end(),
                                    [now](kj::TimePoint at) { return now - at < 10 * kj::MINUTES; });
    if (first == ends_.end()) return {};
    return {static_cast<std::size_t>(ends_.end() - first),
            std::chrono::seconds((now - *first) / kj::SECONDS)};
  }

 private:
  static constexpr std::size_t mostEnds = 1000;

  void trouble(const std::string& words, kj::TimePoint now) {
    trouble_ = words;
    troubleAt_ = now;
    retried_ = ofAnSms_ = false;
  }

  std::string worker_, gateway_;
  std::string trouble_;
  kj::TimePoint troubleAt_;
  bool unanswered_ = false;
  bool ofAnSms_ = false;  // trouble_ is the outcome of an SMS
  bool retried_ = false;
  std::deque<kj::TimePoint> ends_;
};

}  // namespace smsd::keeper
