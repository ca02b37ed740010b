// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the workers' kit stand on: a supervisor's end, a fake kind, and a timer that is moved by
// hand.
//
// The pipe between the two ends is in this process, so "everything that can happen has happened" is a fact
// (quiet()), not a wait.
#pragma once

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/channel.h"
#include "workers/kit/server.h"

namespace smsd::kit {

using namespace std::chrono_literals;
using Attempts = std::vector<std::uint64_t>;

/// A kind whose SMS stay under way until the test says what became of them.
class FakeKind final : public Dispatcher {
 public:
  FakeKind(unsigned window, unsigned backlog) : window_(window), backlog_(backlog) {}

  void declare(config::Keys&) override {}
  sandbox::Policy policy() override { return {}; }
  kj::Promise<void> start(kj::AsyncIoContext&) override { return kj::READY_NOW; }
  Traits traits() const override {
    return {.kind = "fake", .window = window_, .backlog = backlog_, .knowsKeys = true, .spacing = spacing};
  }
  Condition condition() const override { return health; }
  bool alive() const override { return !stuck; }
  kj::Promise<std::string> spent() override { return kj::mv(worn.promise); }
  void attach(RawReports& reports) override { raw = &reports; }
  kj::Promise<Outcome> send(Job job) override {
    touched.push_back(job);
    if (throws) KJ_FAIL_REQUIRE("the modem caught fire");
    auto pair = kj::newPromiseAndFulfiller<Outcome>();
    underWay.emplace(job.attempt, kj::mv(pair.fulfiller));
    most = std::max(most, underWay.size());
    return kj::mv(pair.promise);
  }

  /// As a kind that learns its window while it starts.
  void learn(unsigned window) { window_ = window; }
  void say(std::uint64_t attempt, Outcome outcome) {
    underWay.at(attempt)->fulfill(std::move(outcome));
    underWay.erase(attempt);
  }
  Attempts begun() const {
    Attempts result;
    for (auto& job : touched) result.push_back(job.attempt);
    return result;
  }

  std::vector<Job> touched;
  std::map<std::uint64_t, kj::Own<kj::PromiseFulfiller<Outcome>>> underWay;
  std::size_t most = 0;
  bool throws = false;
  bool stuck = false;
  kj::PromiseFulfillerPair<std::string> worn = kj::newPromiseAndFulfiller<std::string>();
  RawReports* raw = nullptr;
  std::chrono::nanoseconds spacing{0};
  Condition health;

 private:
  unsigned window_, backlog_;
};

struct Said {
  std::uint64_t attempt = 0;
  std::string what;
  std::string words;
  std::uint32_t after = 0;
};
inline std::ostream& operator<<(std::ostream& out, const Said& said) {
  return out << said.attempt << ' ' << said.what << " '" << said.words << '\'';
}

inline Said read(proto::Report::Reader report) {
  std::uint64_t attempt = report.getAttempt();
  if (report.isBegun()) return {attempt, "begun", ""};
  if (report.isNotBegun()) return {attempt, "given back", ""};
  auto outcome = report.getOutcome();
  switch (outcome.which()) {
    case proto::Outcome::ACCEPTED:
      return {attempt, "accepted", outcome.getAccepted()};
    case proto::Outcome::REFUSED:
      return {attempt, "refused", outcome.getRefused()};
    case proto::Outcome::DEFERRED:
      return {attempt, "deferred", outcome.getDeferred().getReason(), outcome.getDeferred().getAfter()};
    case proto::Outcome::BROKEN:
      return {attempt, "broken", outcome.getBroken()};
    case proto::Outcome::UNKNOWN:
      return {attempt, "unknown", outcome.getUnknown()};
  }
  return {attempt, "?", ""};
}

/// The supervisor's ear. It can be slow to acknowledge.
class Ear final : public proto::OutcomeSink::Server {
 public:
  struct Heard {
    std::vector<std::vector<Said>> calls;
    bool slow = false;
    bool fails = false;  // takes nothing, and each call fails
    Attempts withhold;   // of those that are announced
    std::deque<kj::Own<kj::PromiseFulfiller<void>>> waiting;

    void acknowledge() {
      slow = false;
      for (auto& one : std::exchange(waiting, {})) one->fulfill();
    }
  };
  explicit Ear(Heard& heard) : heard_(heard) {}

 protected:
  kj::Promise<void> report(ReportContext context) override {
    if (heard_.fails) KJ_FAIL_REQUIRE("there is no memory left");
    auto& call = heard_.calls.emplace_back();
    for (auto report : context.getParams().getReports()) call.push_back(read(report));
    Attempts withheld;
    for (auto& said : call)
      if (said.what == "begun" &&
          std::count(heard_.withhold.begin(), heard_.withhold.end(), said.attempt) > 0)
        withheld.push_back(said.attempt);
    auto list = context.getResults().initWithheld(static_cast<unsigned>(withheld.size()));
    for (unsigned i = 0; i < withheld.size(); ++i) list.set(i, withheld[i]);
    if (!heard_.slow) return kj::READY_NOW;
    auto pair = kj::newPromiseAndFulfiller<void>();
    heard_.waiting.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }

 private:
  Heard& heard_;
};

class Kit : public ::testing::Test {
 protected:
  ~Kit() noexcept override {}
  void serve(unsigned window, unsigned backlog, std::chrono::nanoseconds spacing = 0ns) {
    kind = std::make_unique<FakeKind>(window, backlog);
    kind->spacing = spacing;
    auto server = kj::heap<Server>(*kind, timer, std::vector<std::string>{"no_new_privs", "seccomp"},
                                   kj::mv(started_.promise));
    hung = server->hung();
    inner = server.get();
    auto pipe = kj::newTwoWayPipe();
    worker_ = rpc::Channel::serve(kj::mv(pipe.ends[0]), kj::mv(server));
    supervisor_ = rpc::Channel::connect(kj::mv(pipe.ends[1]));
    client = supervisor_->peer().castAs<proto::Dispatcher>();
    sink_ = proto::OutcomeSink::Client(kj::heap<Ear>(heard));
  }
  void start() {
    started_.fulfiller->fulfill();
    quiet();
  }
  void cannotStart(const std::string& why) {
    started_.fulfiller->reject(KJ_EXCEPTION(FAILED, why));
    quiet();
  }
  /// Runs until nothing moves any more.
  void quiet() { scope.poll(); }
  void advance(Milliseconds by) {
    timer.advanceTo(timer.now() + static_cast<std::uint64_t>(by.count()) * kj::MILLISECONDS);
    quiet();
  }

  kj::Promise<void> dispatch(const Attempts& attempts, Milliseconds deadline = 10s) {
    auto request = KJ_ASSERT_NONNULL(client).dispatchRequest();
    auto batch = request.initBatch(attempts.size());
    for (unsigned i = 0; i < attempts.size(); ++i) {
      batch[i].setAttempt(attempts[i]);
      batch[i].setRecipient("+4799887766");
      batch[i].setText("router down");
      batch[i].setKey("key-" + std::to_string(attempts[i]));
      batch[i].setDeadline(static_cast<std::uint32_t>(deadline.count()));
      batch[i].setEncoding(proto::Encoding::UCS2);
      batch[i].setParts(2);
    }
    request.setSink(KJ_ASSERT_NONNULL(sink_));
    return request.send().ignoreResult();
  }
  void give(const Attempts& attempts, Milliseconds deadline = 10s) {
    auto taken = dispatch(attempts, deadline);
    ASSERT_TRUE(taken.poll(scope));
    taken.wait(scope);
    quiet();
  }
  bool refuses(const Attempts& attempts) {
    return dispatch(attempts).then([]() { return false; }, [](kj::Exception&&) { return true; }).wait(scope);
  }
  std::vector<Said> recall(const Attempts& attempts) {
    auto request = KJ_ASSERT_NONNULL(client).recallRequest();
    auto list = request.initAttempts(attempts.size());
    for (unsigned i = 0; i < attempts.size(); ++i) list.set(i, attempts[i]);
    std::vector<Said> result;
    auto response = request.send().wait(scope);
    for (auto report : response.getReports()) result.push_back(read(report));
    return result;
  }

  /// All that was said of an attempt, in order: "begun accepted".
  std::string storyOf(std::uint64_t attempt) const {
    std::string story;
    for (auto& call : heard.calls)
      for (auto& said : call)
        if (said.attempt == attempt) story += (story.empty() ? "" : " ") + said.what;
    return story;
  }
  Said outcomeOf(std::uint64_t attempt) const {
    for (auto& call : heard.calls)
      for (auto& said : call)
        if (said.attempt == attempt && said.what != "begun") return said;
    return {attempt, "nothing", ""};
  }

  // Before the loop: a call that is under way when the connection goes keeps the server until the loop's end.
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  std::unique_ptr<FakeKind> kind;
  Ear::Heard heard;
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::Promise<void> hung = nullptr;
  Server* inner = nullptr;
  kj::Maybe<proto::Dispatcher::Client> client;

 private:
  kj::PromiseFulfillerPair<void> started_ = kj::newPromiseAndFulfiller<void>();
  kj::Own<rpc::Channel> worker_, supervisor_;
  kj::Maybe<proto::OutcomeSink::Client> sink_;
};

}  // namespace smsd::kit
