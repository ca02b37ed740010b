// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/road/world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/delivery/attempt-ids.h"

// A test that keeps stderr to itself would keep a sanitizer's report, too.
// NOLINTNEXTLINE(bugprone-reserved-identifier): ASan gives the name
extern "C" const char* __asan_default_options() { return "log_path=stdout"; }

namespace smsd::road {

config::Config quietConfig() {
  config::Config config;
  config.queue.pollInterval = 24h;
  config.retry.giveUpAfter = 0ms;  // the rounds alone decide; how long it takes has tests of its own
  config.log.recipient = config::RecipientInLog::plain;
  return config;
}

World::World(const std::vector<Way>& ways, config::Config given)
    : config(std::move(given)),
      log(config.log.recipient),
      queue(kj::heap<queue::QueueThread>([this]() { return queue::openMemory(memory); }, []() {})) {
  for (auto& way : ways) {
    config::DispatcherConfig& entry = config.dispatchers.emplace_back();
    entry.name = way.name;
    entry.kind = "fake";
    entry.activation = way.activation;
    entry.quota = way.quota;
  }
  road = kj::heap<Road>(*queue, timer, timer, config, "test", log);
  Keepers keepers;
  for (auto& way : ways) {
    auto& dispatcher = *dispatchers.emplace_back(std::make_unique<FakeDispatcher>(
        keeper::WorkerTraits{way.window, way.backlog, way.knowsKeys, {"seccomp"}}));
    dispatcher.onDispatch = [this, name = way.name](const queue::Submission& submission) {
      EXPECT_TRUE(memory.durable(submission) || isIn(delivery::AttemptRange::testSms, submission.attempt))
          << "attempt " << submission.attempt << " is not durable";
      EXPECT_EQ(submission.dispatcher, name);
      EXPECT_TRUE(attempts_.insert(submission.attempt).second)
          << "attempt " << submission.attempt << " leaves twice";
    };
    keepers.push_back(std::make_unique<keeper::Keeper>(timer, config.dispatchers[keepers.size()],
                                                       dispatcher.hire(), keepers.size(), log, *road));
    names_.push_back(way.name);
  }
  road->dispatchers().use(std::move(keepers));
}

World::~World() noexcept(false) {
  memory.release();
  road = nullptr;
  queue = nullptr;
  EXPECT_EQ(story.count("kj/"), 0u) << "something failed inside: " << story.text();
  EXPECT_EQ(story.count("exception"), 0u) << "something failed inside: " << story.text();
}

void World::start() {
  auto error = road->enlist().wait(io.waitScope);
  KJ_IF_MAYBE (what, error) FAIL() << what->what();
  for (auto& keeper : road->dispatchers()) keeper->start();
  road->start();
  quiet();
}

/// The queue thread works in order, so a call that was answered stands behind all that were asked before. It
/// is over when one such round trip saw no call of the road's.
void World::quiet() {
  for (std::size_t before = SIZE_MAX;;) {
    queue->run([](queue::Queue&) {}).wait(io.waitScope);
    std::size_t calls = memory.calls();
    turn();
    if (calls == before) return;
    before = calls;
  }
}

void World::advance(Milliseconds by) {
  quiet();  // what was asked was asked before
  auto until = timer.now() + static_cast<std::uint64_t>(by.count()) * kj::MILLISECONDS;
  auto to = [this](kj::TimePoint at) {
    memory.setClock(Milliseconds((at - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS));
    timer.advanceTo(at);
    quiet();
  };
  for (;;) {
    auto next = timer.nextEvent();
    KJ_IF_MAYBE (at, next) {
      if (*at <= until) {
        to(std::max(*at, timer.now()));
        continue;
      }
    }
    return to(until);
  }
}

format::MessageId World::alert(const std::string& recipient, const std::string& text,
                               std::optional<int> severity) {
  format::MessageId id = memory.put(recipient, text, severity);
  road->notice();
  quiet();
  return id;
}

FakeDispatcher& World::operator[](const std::string& name) {
  auto found = std::find(names_.begin(), names_.end(), name);
  return *dispatchers.at(static_cast<std::size_t>(found - names_.begin()));
}

std::vector<std::string> World::handedTo(const std::string& name) {
  std::vector<std::string> result;
  for (auto& submission : (*this)[name].handed) result.push_back(submission.recipient);
  return result;
}

void World::answer(const std::string& name, const delivery::Outcome& outcome) {
  while (!(*this)[name].out().empty()) {
    (*this)[name].sayAll(outcome);
    quiet();
  }
}

}  // namespace smsd::road
