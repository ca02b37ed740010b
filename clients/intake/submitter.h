// SPDX-License-Identifier: GPL-3.0-or-later
// Submits alerts to smsd over intake.sock, for all requests over one connection.
//
// Owns the connection, the order, and the repetition. Requests that wait are put into one call together, up
// to the bounds of proto/intake.capnp, so that a storm needs few transactions. Alerts without keys are never
// divided between two calls. A request whose connection to smsd breaks is repeated once if all its alerts
// have keys; otherwise it is not known whether smsd has them. While smsd is away, requests wait for
// `ridesOut` since the loss at most. Never fails with an exception: a problem is a result, in words for a
// client. Trusts smsd, as smsctl does.
#pragma once

#include <kj/async-io.h>
#include <proto/intake.capnp.h>

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "clients/shapes/submission.h"
#include "common/kj/alarm.h"
#include "common/rpc/channel.h"

namespace smsd::webintake {

struct Readiness {
  std::string problem = {};  // why smsd does not take alerts; empty if it does
  std::uint32_t retryAfter = 0;
};

/// How to connect. Throws std::system_error.
using Connector = kj::Function<kj::Own<rpc::Channel>()>;

class Submitter final : private kj::TaskSet::ErrorHandler {
 public:
  static constexpr auto ridesOut = 2 * kj::SECONDS;
  static constexpr auto patience = 15 * kj::SECONDS;  // for the answer to a call
  static constexpr std::size_t mostCalls = 4;
  static constexpr unsigned mostLeftOut = 250;  // times that alerts of one request are submitted again
  static constexpr std::size_t mostWaitingBytes = 48 << 20;

  Submitter(kj::Timer& timer, Connector connector);
  ~Submitter();

  /// `label`: the name of the token.
  kj::Promise<shapes::SubmissionResult> submit(std::vector<shapes::IncomingAlert> alerts, std::string label);
  kj::Promise<Readiness> ready();

  /// Calls `changed` when away() has changed.
  void watch(kj::Function<void()> changed) { changed_ = kj::mv(changed); }
  /// Why there is no connection; empty if there is one, or none was needed yet.
  const std::string& away() const { return away_; }
  std::uint64_t repeated() const { return repeated_; }

 private:
  struct Job;
  struct Piece;
  struct Call;
  /// The main interface is requested once: on a connection that has ended, Cap'n Proto would throw at a
  /// second request for it.
  struct Connection {
    kj::Own<rpc::Channel> channel;
    proto::Intake::Client smsd;
  };

  void work();
  bool connect();
  kj::Own<Call> nextCall();
  void send(kj::Own<Call> call);
  void took(Call& call, proto::Intake::SubmitResults::Reader results);
  void settle(Piece& piece, capnp::List<proto::Fate>::Reader fates, unsigned at, bool tookSome);
  void broke(Call& call, const std::string& why);
  void setAway(const std::string& why);
  void lose(const std::string& why);
  void finish(Job& job, const std::string& problem, std::uint32_t retryAfter);
  void failAllWaiting();
  void taskFailed(kj::Exception&&) override {}

  kj::Timer& timer_;
  Connector connector_;
  kj::Maybe<Connection> smsd_;
  std::uint64_t connection_ = 0;  // counts the connections
  std::string away_;
  kj::Function<void()> changed_ = []() {};
  kj::TimePoint lostAt_, nextTry_;
  kj::Duration delay_;
  std::deque<std::shared_ptr<Job>> waiting_;  // with alerts that are in no call
  std::size_t waitingBytes_ = 0, calls_ = 0;
  std::uint64_t repeated_ = 0;
  Alarm again_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::webintake
