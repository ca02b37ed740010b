// SPDX-License-Identifier: GPL-3.0-or-later
// How the present worker ends and why, and what the last end means for the next start. Pure: the caller
// passes the time.
//
// Owns the reason for which we end a worker, the cause in its own last words, and when a worker last ended.
// Called by the succession: hired() before a worker is started, and then exactly one of gone() and
// cannotStart().
#pragma once

#include <kj/debug.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "supervisor/keeper/generation.h"

namespace smsd::keeper {

class WorkerEnd {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  /// How far a worker had come when it ended: used if it was ready, or if we ended it for a fresh one.
  enum class Was { unused, used };

  void hired() {
    KJ_REQUIRE(!here_, "a worker was hired while another one was there");
    here_ = true;
    cause_ = Cause::other;
    lastWords_ = false;
    quits_ = false;
  }
  void cannotStart() { leaves(); }
  void gone(Time now, Was was) {
    leaves();
    if (cause_ == Cause::told) told_ = true;
    if (was == Was::used || told_) goneAt_ = now;
  }

  /// The worker has sent last words with this cause.
  void announced(Cause cause) {
    cause_ = cause;
    lastWords_ = true;
  }
  /// Sets the reason for which we end the worker.
  void because(const std::string& why) { why_ = why; }
  const std::string& why() const { return why_; }
  /// The end of the connection is not enough: the process has to quit. Forgotten with the next worker.
  void quits(bool quits) { quits_ = quits; }
  bool quits() const { return quits_; }

  /// Called when the connection to a worker that was not ready was closed. Returns true if that happened
  /// while the process of the last worker was still ending: the worker did not die then, and nothing is at
  /// fault.
  bool isShutOut(Time now) const { return !lastWords_ && goneAt_ && now - *goneAt_ < reopensWithin; }
  /// Returns once whether a worker has ended because its unit was stopped or restarted.
  bool takeTold() { return std::exchange(told_, false); }

 private:
  /// systemd closes connections to the socket of a worker that is still ending.
  static constexpr Time reopensWithin = std::chrono::seconds(3);

  void leaves() {
    KJ_REQUIRE(here_, "a worker ended that was not hired");
    here_ = false;
  }

  bool here_ = false;
  Cause cause_ = Cause::other;
  bool lastWords_ = false;
  bool quits_ = false;
  std::string why_;
  bool told_ = false;
  std::optional<Time> goneAt_;  // when a worker last ended that was used or told to
};

}  // namespace smsd::keeper
