// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the keeper stand on: one keeper over fake workers, a clock moved by hand, and ears for
// what it reports.
#pragma once

#include <kj/timer.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "supervisor/keeper/keeper.h"
#include "tests/road/fake-dispatcher.h"
#include "tests/road/story.h"

namespace smsd::keeper {

using namespace road;  // the fakes that these tests share with those of the road

using Start = FakeDispatcher::Start;
using Attempts = std::vector<queue::AttemptId>;

class Ears final : public DispatcherEvents {
 public:
  void dispatcherReported(std::size_t, std::vector<delivery::AttemptOutcome> outcomes) override {
    for (auto& outcome : outcomes) said.emplace(outcome.attempt, outcome);
  }
  bool mayBegin() const override { return ours; }
  void dispatcherChanged(std::size_t) override {
    ++changes;
    KJ_IF_MAYBE (fulfiller, changed_) fulfiller->get()->fulfill();
  }
  kj::Promise<void> nextChange() {
    auto pair = kj::newPromiseAndFulfiller<void>();
    changed_ = kj::mv(pair.fulfiller);
    return kj::mv(pair.promise);
  }

  /// "unknown", or "deferred, not begun".
  std::string of(queue::AttemptId attempt) const {
    auto found = said.find(attempt);
    if (found == said.end()) return "nothing";
    return std::string(name(found->second.outcome.kind)) +
           (found->second.begun == delivery::Begun::no ? ", not begun" : "");
  }

  std::multimap<queue::AttemptId, delivery::AttemptOutcome> said;
  int changes = 0;
  bool ours = true;

 private:
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> changed_;
};

inline config::DispatcherConfig named(const std::string& name, config::Activation activation) {
  config::DispatcherConfig config;
  config.name = name;
  config.kind = "debug";
  config.activation = activation;
  return config;
}

/// A keeper with fake workers that take four SMS at once.
class Bench {
 public:
  explicit Bench(config::Activation activation = config::Activation::spawn)
      : Bench(named("modem", activation)) {}
  explicit Bench(const config::DispatcherConfig& config)
      : keeper(timer, config, worker.hire(), 0, log, road) {}

  void turn() {
    timer.advanceTo(timer.now());
    scope.poll();
  }
  void start() {
    keeper.start();
    turn();
  }
  void advance(Milliseconds by) {
    auto until = timer.now() + static_cast<std::uint64_t>(by.count()) * kj::MILLISECONDS;
    for (;;) {
      auto next = timer.nextEvent();
      kj::TimePoint at = until;
      KJ_IF_MAYBE (due, next) at = std::min(until, std::max(*due, timer.now()));
      timer.advanceTo(at);
      scope.poll();
      if (at == until) return turn();
    }
  }
  /// Hands SMS over; the worker begins them.
  Attempts give(std::size_t count) {
    Attempts attempts = hand(count);
    for (auto attempt : attempts) worker.begin(attempt);
    return attempts;
  }
  /// Hands SMS over that the worker does not begin yet.
  Attempts hand(std::size_t count) {
    std::vector<queue::Submission> submissions(count);
    std::vector<const queue::Submission*> batch;
    Attempts attempts;
    for (auto& submission : submissions) {
      submission.attempt = ++last_;
      attempts.push_back(last_);
      batch.push_back(&submission);
    }
    keeper.dispatch(batch);
    return attempts;
  }
  /// SMS of an earlier smsd.
  void inquire(const Attempts& attempts) {
    std::vector<queue::Submission> submissions(attempts.size());
    std::vector<const queue::Submission*> former;
    for (std::size_t i = 0; i < attempts.size(); ++i) {
      submissions[i].attempt = attempts[i];
      former.push_back(&submissions[i]);
    }
    keeper.inquire(former);
  }
  /// One SMS, and this is what becomes of it.
  void give(const delivery::Outcome& outcome) {
    auto attempt = give(1).at(0);
    worker.say(attempt, outcome);
    turn();
  }

  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Story story;
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  events::EventLog log{config::RecipientInLog::plain};
  FakeDispatcher worker{{2, 2, false, {}}};
  Ears road;
  Keeper keeper;

 private:
  queue::AttemptId last_ = 0;
};

/// How a keeper gets into each of its situations, with an SMS out where it can have one.
inline const std::map<std::string, std::function<void(Bench&)>> situations = {
    {"starting",
     [](Bench& bench) {
       bench.worker.start = Start::silent;
       bench.start();
     }},
    {"fresh",  // ready, and has not served yet
     [](Bench& bench) {
       bench.start();
       bench.give(1);
     }},
    {"ready",
     [](Bench& bench) {
       bench.start();
       bench.give(accepted());
       bench.give(1);
     }},
    {"resting",
     [](Bench& bench) {
       bench.start();
       bench.give(1);
       for (int i = 0; i < 3; ++i) bench.give(deferred());
     }},
    {"probing",
     [](Bench& bench) {
       bench.start();
       for (int i = 0; i < 3; ++i) bench.give(deferred());
       bench.advance(5s);
       bench.give(1);
     }},
    {"broken",
     [](Bench& bench) {
       bench.start();
       bench.give(1);
       bench.give(broken());
     }},
    {"broken, probing",
     [](Bench& bench) {
       bench.start();
       bench.give(broken());
       bench.advance(1min);
       bench.give(1);
     }},
    {"throttled",
     [](Bench& bench) {
       bench.worker.start = Start::silent;
       bench.start();
       bench.worker.start = Start::ready;
       bench.worker.die();
       bench.turn();
     }},
    {"throttled, had been ready",  // the second in a row that died before it served
     [](Bench& bench) {
       bench.start();
       bench.worker.die();
       bench.turn();
       bench.worker.die();
       bench.turn();
     }},
    {"well for a while",
     [](Bench& bench) {
       bench.start();
       bench.worker.die();
       bench.turn();
       bench.advance(10s);
     }},
    {"sick",  // the worker says so, and has nothing to do
     [](Bench& bench) {
       bench.start();
       bench.worker.condition.broken = "no SIM";
       bench.advance(1min);
     }},
    {"paused",
     [](Bench& bench) {
       bench.start();
       bench.give(accepted());
       bench.give(1);
       bench.keeper.pause();
     }},
    {"paused, resting",
     [](Bench& bench) {
       bench.start();
       for (int i = 0; i < 3; ++i) bench.give(deferred());
       bench.keeper.pause();
     }},
    {"draining",
     [](Bench& bench) {
       bench.start();
       bench.give(accepted());
       bench.give(1);
       bench.keeper.drain().detach([](kj::Exception&&) {});
       bench.turn();
     }},
};

}  // namespace smsd::keeper
