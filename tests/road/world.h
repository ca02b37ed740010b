// SPDX-License-Identifier: GPL-3.0-or-later
// A whole supervisor without its processes: the real road, ledger, queue thread and keepers, over a queue in
// memory, fake workers and a clock that is moved by hand.
//
// Every test of the road begins with one. It watches over what holds whatever happens: nothing is handed over
// before its attempt is durable, no attempt twice, and nothing is said on stderr that is not the journal's.
#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "supervisor/road/road.h"
#include "tests/road/fake-dispatcher.h"
#include "tests/road/memory-queue.h"
#include "tests/road/story.h"

namespace smsd::road {

struct Way {
  std::string name;
  unsigned window = 1;
  unsigned backlog = 0;
  bool knowsKeys = false;
  config::Activation activation = config::Activation::spawn;
  delivery::QuotaConfig quota{};
};

/// Nothing happens by itself but what the test is about: the poll is a day away.
config::Config quietConfig();

class World {
 public:
  explicit World(const std::vector<Way>& ways, config::Config given = quietConfig());
  ~World() noexcept(false);

  /// Enlists, starts the keepers and the road.
  void start();
  /// Until nothing moves any more, neither here nor on the queue thread.
  void quiet();
  /// Until nothing moves here; for when the queue thread is held up.
  void turn() {
    timer.advanceTo(timer.now());
    io.waitScope.poll();
  }
  /// Time passes, and everything that is due meanwhile happens in its order.
  void advance(Milliseconds by);
  /// News: a new message, and the road is told.
  format::MessageId alert(const std::string& recipient, const std::string& text,
                          std::optional<int> severity = std::nullopt);

  FakeDispatcher& operator[](const std::string& name);
  /// What a dispatcher was handed, by recipient.
  std::vector<std::string> handedTo(const std::string& name);
  char sent(format::MessageId id) { return static_cast<char>(memory.row(id).status); }
  /// Answers the same for everything that is out, until nothing is.
  void answer(const std::string& name, const delivery::Outcome& outcome);

  queue::Memory memory;
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Story story;
  config::Config config;
  kj::AsyncIoContext io = kj::setupAsyncIo();
  events::EventLog log;
  kj::Own<queue::QueueThread> queue;
  std::vector<std::unique_ptr<FakeDispatcher>> dispatchers;
  kj::Own<Road> road;

 private:
  std::vector<std::string> names_;
  std::set<queue::AttemptId> attempts_;
};

}  // namespace smsd::road
