// SPDX-License-Identifier: GPL-3.0-or-later
// Serves proto/control.capnp and metrics.capnp to one operator's tool, on one connection: Door at
// control.sock, StatusDoor at status.sock. Their operations are in session.cpp and, those on the queue, in
// queue-calls.cpp.
//
// Owns the checks of each call, and the journal entry of each act with the uid of the peer. Created by the
// control server for each connection; answers in progress may keep it alive longer. A call that waits for a
// worker or the database never blocks other connections.
#pragma once

#include <proto/control.capnp.h>
#include <proto/metrics.capnp.h>

#include <optional>
#include <string>

#include "common/rpc/budget.h"
#include "supervisor/control/control-server.h"

namespace smsd::control {

/// Every method.
class Door final : public proto::Observed::Server {
 public:
  Door(Subject& subject, Means means, std::optional<unsigned> uid)
      : subject_(subject), means_(means), uid_(uid) {}

 protected:
  kj::Promise<void> status(StatusContext context) override;
  kj::Promise<void> nudge(NudgeContext context) override;
  kj::Promise<void> stop(StopContext context) override;
  kj::Promise<void> cancel(CancelContext context) override;
  kj::Promise<void> test(TestContext context) override;
  kj::Promise<void> steer(SteerContext context) override;
  kj::Promise<void> retry(RetryContext context) override;
  kj::Promise<void> reload(ReloadContext context) override;
  kj::Promise<void> send(SendContext context) override;
  kj::Promise<void> list(ListContext context) override;
  kj::Promise<void> held(HeldContext context) override;
  kj::Promise<void> release(ReleaseContext context) override;
  kj::Promise<void> discard(DiscardContext context) override;
  kj::Promise<void> explain(ExplainContext context) override;
  kj::Promise<void> cancelChosen(CancelChosenContext context) override;
  kj::Promise<void> metrics(MetricsContext context) override { return means_.metrics.answer(context); }

 private:
  /// The result of an act, in words.
  struct Acted {
    std::string problem;
    std::string done;
  };
  Acted act(proto::Act act, keeper::Keeper& keeper);
  kj::Promise<void> endWaits(RetryContext context, const queue::Whom& whom);
  kj::Promise<void> restore(RetryContext context, const queue::Whom& whom);
  void noteRead(const std::string& act);
  /// Whether a large answer may be made now. If not, sets `problem` and `fault` of the results.
  template <typename T>
  bool mayAnswer(T& context);
  rpc::Budget::Time now() const;

  Subject& subject_;
  Means means_;
  std::optional<unsigned> uid_;
  // Bytes of large answers, so that a client that does not read them takes little memory.
  rpc::Budget answers_{{.perSecond = 1 << 20, .burst = 2 << 20}};
};

/// `status` and `metrics` alone. All other methods are UNIMPLEMENTED.
class StatusDoor final : public proto::Observed::Server {
 public:
  StatusDoor(Subject& subject, Means means) : subject_(subject), means_(means) {}

 protected:
  kj::Promise<void> status(StatusContext context) override;
  kj::Promise<void> metrics(MetricsContext context) override { return means_.metrics.answer(context); }

 private:
  Subject& subject_;
  Means means_;
};

using StatusCall = capnp::CallContext<proto::Control::StatusParams, proto::Control::StatusResults>;
/// Answers `status`, for both doors.
kj::Promise<void> answerStatus(StatusCall context, const Subject& subject, const Means& means);

}  // namespace smsd::control
