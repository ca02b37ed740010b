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

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/rpc/budget.h"
#include "supervisor/control/act-steps.h"
#include "supervisor/control/control-server.h"
#include "supervisor/control/retry-words.h"

namespace smsd::control {

/// Every method.
class Door final : public proto::Observed::Server {
 public:
  Door(Subject& subject, Means means, std::shared_ptr<ConnectionAnswers> answers)
      : subject_(subject), means_(means), answers_(std::move(answers)), uid_(answers_->user()) {}

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
  kj::Promise<void> runCanary(RunCanaryContext context) override;
  kj::Promise<void> heartbeat(HeartbeatContext context) override;
  kj::Promise<void> metrics(MetricsContext context) override { return means_.metrics.answer(context); }

 private:
  /// The result of an act, in words.
  struct Acted {
    std::string problem;
    std::string done;
  };
  Acted act(proto::Act act, keeper::Keeper& keeper);
  kj::Promise<void> endWaits(RetryContext context, const queue::Whom& whom, InProgress inProgress);
  kj::Promise<void> endAllWaits(RetryContext context);
  Acted actOnMail(proto::Act act, admin_mail::AdminMail& mail);
  kj::Promise<void> restore(RetryContext context, const queue::Whom& whom);
  kj::Promise<CancelEnd> cancelNow(Questions::Room room, const queue::Choice& choice, std::size_t listed);
  void noteRead(const std::string& act);
  /// Room for a small answer, or for a large one.
  Questions::Room small() const { return std::make_shared<Reservation>(answers_, 0); }
  Questions::Room large() const { return std::make_shared<Reservation>(answers_, AnswerRoom::largest); }
  rpc::Budget::Time now() const;

  Subject& subject_;
  Means means_;
  std::shared_ptr<ConnectionAnswers> answers_;
  std::optional<unsigned> uid_;
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
