// SPDX-License-Identifier: GPL-3.0-or-later
// Why a dispatcher is not ready, in words, and its last trouble. Pure: the caller passes the time.
//
// Owns one reason of the worker and one of the gateway, because the state decides which of them counts, and
// the last trouble of both until an SMS is answered: a dispatcher may be ready again before it has shown that
// it works. Called by the keeper.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <string>

namespace smsd::keeper {

class Reasons {
 public:
  explicit Reasons(kj::TimePoint now) : troubleAt_(now) {}

  void workerFailed(const std::string& words, kj::TimePoint now) { trouble(worker_ = words, now); }
  void gatewayFailed(const std::string& words, kj::TimePoint now) { trouble(gateway_ = words, now); }
  /// The last SMS that began got no answer.
  void notAnswered(const std::string& words, kj::TimePoint now) {
    gatewayFailed(words, now);
    unanswered_ = true;
  }
  /// Replaces a reason without a trouble of its own.
  void setWorker(const std::string& words) { worker_ = words; }
  void setGateway(const std::string& words) { gateway_ = words; }
  /// An SMS was answered, or a repair makes earlier troubles worthless.
  void answered() {
    trouble_.clear();
    unanswered_ = false;
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

 private:
  void trouble(const std::string& words, kj::TimePoint now) {
    trouble_ = words;
    troubleAt_ = now;
  }

  std::string worker_, gateway_;
  std::string trouble_;
  kj::TimePoint troubleAt_;
  bool unanswered_ = false;
};

}  // namespace smsd::keeper
