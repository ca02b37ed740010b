// SPDX-License-Identifier: GPL-3.0-or-later
// Serves proto/control.capnp to one operator's tool, on one connection.
//
// Owns the checks of each call, and the journal entry of each act with the uid of the peer. Created by the
// control server for each connection; answers in progress may keep it alive longer. A call that waits for a
// worker or the database never blocks other connections.
#pragma once

#include <proto/control.capnp.h>

#include <optional>
#include <string>

#include "supervisor/control/control-server.h"
#include "supervisor/control/queue-depth.h"

namespace smsd::control {

class Door final : public proto::Control::Server {
 public:
  /// Shared by all connections.
  struct Means {
    Glance& glance;
    kj::TaskSet& questions;
    unsigned& asked;  // how many of `questions` are unanswered
    kj::Timer& timer;
    kj::TimePoint started;
  };
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

 private:
  /// The result of an act, in words.
  struct Acted {
    std::string problem;
    std::string done;
  };
  Acted act(proto::Act act, keeper::Keeper& keeper);
  template <typename T, typename F>
  auto ask(F question, T context);

  Subject& subject_;
  Means means_;
  std::optional<unsigned> uid_;
};

}  // namespace smsd::control
