// SPDX-License-Identifier: GPL-3.0-or-later
// A set of dispatchers without a road: real keepers over fake workers, each in a situation of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/road/dispatcher-set.h"
#include "tests/road/keeper-bench.h"

namespace smsd::road {

using Names = std::vector<std::string>;

/// Dispatchers a, b, c ..., each in a situation that a letter stands for: r ready, s starting, d could not be
/// started, p paused, o paused with an SMS in progress, l late: its breaker is open, but not for a more
/// severe SMS, q its limit of the day is reached, b broken, h it has not begun an SMS without severity for a
/// second, H for three seconds.
class SetBench {
 public:
  explicit SetBench(const std::string& situations) : set(timer) {
    Keepers keepers;
    for (char situation : situations) keepers.push_back(keeper(name(), situation));
    set.use(std::move(keepers));
    for (auto& keeper : set) keeper->start();
    turn();
    for (std::size_t i = 0; i < situations.size(); ++i) bring(i, situations[i]);
  }

  std::unique_ptr<keeper::Keeper> keeper(const std::string& name, char situation) {
    auto& worker =
        *workers.emplace_back(std::make_unique<FakeDispatcher>(keeper::WorkerTraits{2, 2, false, {}}));
    if (situation == 's') worker.start = FakeDispatcher::Start::silent;
    if (situation == 'd') worker.start = FakeDispatcher::Start::fails;
    auto config = keeper::named(name, config::Activation::spawn);
    if (situation == 'q') config.quota.perDay = 1;
    return std::make_unique<keeper::Keeper>(timer, config, worker.hire(), set.indexOf(name), log, road);
  }
  queue::AttemptId hand(std::size_t place) {
    queue::Submission submission;
    submission.attempt = ++attempts_;
    set[place].dispatch({&submission});
    return submission.attempt;
  }
  void turn() {
    timer.advanceTo(timer.now());
    scope.poll();
  }
  /// A configuration that names these dispatchers.
  static std::vector<config::DispatcherConfig> order(const Names& names) {
    std::vector<config::DispatcherConfig> order;
    for (auto& name : names) order.push_back(keeper::named(name, config::Activation::spawn));
    return order;
  }

  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Story story;
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  events::EventLog log{config::RecipientInLog::plain};
  std::vector<std::unique_ptr<FakeDispatcher>> workers;
  keeper::Ears road;
  DispatcherSet set;

 private:
  std::string name() const { return std::string(1, static_cast<char>('a' + workers.size())); }
  void bring(std::size_t place, char situation) {
    auto& worker = *workers[place];
    switch (situation) {
      case 'p':
        return set[place].pause();
      case 'l':
        worker.took = 10s;
        worker.say(hand(place), deferred());
        return turn();
      case 'b':
        worker.say(hand(place), broken());
        return turn();
      case 'q':
        worker.say(hand(place), accepted());
        return turn();
      case 'o':
        set[place].pause();
        hand(place);
        return;
      case 'h':
      case 'H':
        hand(place);
        timer.advanceTo(timer.now() + (situation == 'h' ? 1 : 3) * kj::SECONDS);
        return turn();
    }
  }
  queue::AttemptId attempts_ = 0;
};

}  // namespace smsd::road
