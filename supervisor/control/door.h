// What one operator's tool may ask of the daemon: serves proto/control.capnp on one connection.
//
// Owns the checks of what is asked, and the journal entry of each act with the uid of the peer. Made by the
// control server for each connection; may outlive it by the answers that are under way. Never waits for a
// worker or the database in the way of anybody else.
#pragma once

#include <proto/control.capnp.h>

#include <optional>
#include <string>

#include "supervisor/control/control-server.h"
#include "supervisor/control/glance.h"

namespace smsd::control {

class Door final : public proto::Control::Server {
 public:
  /// What all connections share.
  struct Means {
    Glance& glance;
    kj::TaskSet& questions;
    unsigned& asked;  // of the questions, those not answered
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
  /// What an act came to, in words.
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
