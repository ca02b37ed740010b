// SPDX-License-Identifier: GPL-3.0-or-later
// What each check works with: a process of the program, connections to it, and SMS to hand over.
//
// Owns the process and its connections. Called by the checks. A check gets the process and the connection of
// the former one if that check has found nothing and has left them fit, because a modem takes seconds to
// start. Otherwise it gets a fresh process, so that one fault does not look like another one.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "clients/dispatcher-check/checked-connection.h"

namespace smsd::check {

class Bench final {
 public:
  Bench(kj::AsyncIoContext& io, const RunSettings& settings, Findings& findings);

  /// Begins a check. A process in another activation is ended first, because both may need one device.
  void begin(Activation activation);
  /// The check has come to its end. Keeps its process and connection for the next check if they are fit.
  void keep();
  /// Ends the process.
  void end();

  /// Returns the connection that was kept, or starts a process and connects to it.
  CheckedConnection& start();
  /// As start(), but the connection may be drained.
  CheckedConnection& startToQuit();
  /// Starts a process with this configuration, for this check alone.
  CheckedConnection& startWith(const std::string& content);
  /// The connection was drained: no check but quit() can use it.
  void drained() { drained_ = true; }
  /// The process must not be kept for the next check.
  void spoil() { spoiled_ = true; }
  /// Another connection to the same process, which stays open beside the first. Only in socket mode.
  CheckedConnection& connect();
  /// Connects after hangUp(). Connects again, for 5 s, while the program still closes each new connection,
  /// because it has not noticed yet that the former one has ended.
  CheckedConnection& reconnect();
  /// Ends this connection, as a supervisor that dies.
  void hangUp(CheckedConnection& connection) { connection.close(); }
  /// Returns whether the process ends within `bound`.
  bool exits(Milliseconds bound);

  Launch& launch() { return *launch_; }
  Child& child() { return launch_->child(); }
  Activation activation() const { return activation_; }
  const RunSettings& settings() const { return settings_; }
  Findings& findings() { return findings_; }
  const RunClock& clock() const { return clock_; }

  std::vector<AttemptId> newAttempts(std::size_t count);
  AttemptId newAttempt() { return ++lastAttempt_; }
  /// An attempt id that is never handed over.
  static constexpr AttemptId stranger = 3;
  /// Throws Undecided if the program is known to leave SMS without an outcome, because each such SMS takes
  /// its deadline and more, or to end at an SMS.
  void requireOutcomes() const;
  /// Throws Undecided if the program is known to begin SMS that it must not begin: it would send many.
  void requireObedience() const;
  /// The size and time of the witness file, for a comparison. Empty without a witness.
  std::string witness() const;
  /// SMS that the program was allowed to send so far.
  std::size_t sent() const { return sent_; }
  const OutcomeCounts& outcomes() const { return outcomes_; }

 private:
  void drop(CheckedConnection& connection);

  kj::AsyncIoContext& io_;
  const RunSettings& settings_;
  Findings& findings_;
  RunClock clock_;
  Activation activation_ = Activation::spawn;
  std::unique_ptr<Launch> launch_;
  std::vector<std::unique_ptr<CheckedConnection>> connections_;
  bool drained_ = false, spoiled_ = false;
  std::size_t faultsBefore_ = 0;  // of all checks, when this one began
  AttemptId lastAttempt_;
  std::size_t sent_ = 0;
  OutcomeCounts outcomes_;
};

}  // namespace smsd::check
