// SPDX-License-Identifier: GPL-3.0-or-later
// What all connections to intake.sock share: who may submit what and how fast, and the way to the queue.
//
// Owns the callers with their rates, the journal entries of refusals at a bounded rate, and the batch. Called
// by the daemon, which listens, and by the doors. A reload changes the callers at once, also for connections
// that are open.
#pragma once

#include <capnp/capability.h>
#include <kj/timer.h>
#include <proto/intake.capnp.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/rpc/budget.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/intake/batch.h"

namespace smsd::intake {

/// A user who may submit alerts, with the room for messages that it has now. One alert to a group may
/// overdraw the room. Time is an argument.
class Caller {
 public:
  using Time = std::chrono::nanoseconds;

  explicit Caller(config::IntakeCaller rights) : rights_(std::move(rights)), room_(rights_.rate) {}

  const config::IntakeCaller& rights() const { return rights_; }
  /// Takes the room for `messages`. Returns the time after which to try again; zero: they may come.
  Time spend(std::size_t messages, Time now) {
    const double perSecond = rights_.rate / 60.0;
    if (now > at_) {
      room_ = std::min(room_ + std::chrono::duration<double>(now - at_).count() * perSecond,
                       double(rights_.rate));
      at_ = now;
    }
    if (room_ < 1) return std::chrono::ceil<Time>(std::chrono::duration<double>((1 - room_) / perSecond));
    room_ -= static_cast<double>(messages);
    return Time(0);
  }
  /// Gives back the room for messages that did not come into the queue.
  void giveBack(std::size_t messages) {
    room_ = std::min(room_ + static_cast<double>(messages), double(rights_.rate));
  }

 private:
  config::IntakeCaller rights_;
  double room_;
  Time at_{0};
};

class Desk {
 public:
  using Uid = std::optional<unsigned>;

  /// `awayBecause`, `news`: see Batch.
  Desk(queue::QueueThread& queue, kj::Timer& timer, const events::EventLog& log, const config::Config& config,
       std::function<std::string()> awayBecause, std::function<void()> news);

  /// Applies another configuration. Looks the users up in the host's lists.
  void use(const config::Config& config);
  /// Serves one connection.
  capnp::Capability::Client door(Uid uid);

  /// Null: this user may submit nothing.
  Caller* callerOf(Uid uid);
  const config::Config& config() const { return config_; }
  kj::Promise<Answer> submit(Alerts alerts) {
    return batch_.submit(std::move(alerts), config_.intake.dedupe);
  }
  /// Why nothing can be put into the queue now; empty: it can, as far as the daemon knows.
  std::string awayBecause() const { return awayBecause_(); }
  /// Writes the journal entry of a refusal, if there may be one now.
  void noteRefusal(Uid uid, const std::string& why);
  rpc::Budget::Time now() const;
  bool busy() const { return batch_.busy(); }

 private:
  struct Notes {
    rpc::Budget budget{{.perSecond = 1, .burst = 60}};
    unsigned unsaid = 0;
  };

  kj::Timer& timer_;
  const events::EventLog& log_;
  config::Config config_;
  std::map<unsigned, Caller> callers_;
  std::map<Uid, Notes> notes_;
  std::function<std::string()> awayBecause_;
  Batch batch_;
};

}  // namespace smsd::intake
