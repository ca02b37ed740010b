// SPDX-License-Identifier: GPL-3.0-or-later
// The bounds of a connection: what a peer of raw bytes may do, and what ends it.
#include "common/rpc/guard.h"

#include <capnp/serialize.h>
#include <gtest/gtest.h>
#include <proto/control.capnp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/rpc/channel.h"

namespace smsd::rpc {
namespace {

using namespace std::chrono_literals;
using Message = capnp::rpc::Message;
using End = Guard::End;

/// Counts what reaches it. `status` answers with 16 KiB, `stop` never.
class Counting final : public proto::Control::Server {
 public:
  explicit Counting(int& calls) : calls_(calls) {}

 protected:
  kj::Promise<void> nudge(NudgeContext) override {
    ++calls_;
    return kj::READY_NOW;
  }
  kj::Promise<void> stop(StopContext) override { return kj::NEVER_DONE; }
  kj::Promise<void> status(StatusContext context) override {
    ++calls_;
    context.getResults().initStatus().setVersion(std::string(1 << 14, 'x').c_str());
    return kj::READY_NOW;
  }

 private:
  int& calls_;
};

class GuardedChannel : public testing::Test {
 protected:
  ~GuardedChannel() noexcept override {
    if (peer >= 0) close(peer);
  }
  void open(const std::function<void(Terms&)>& change = {}) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    peer = pair[1];
    Terms terms{.peer = Terms::Peer::client,
                .messageWords = 1 << 13,
                .calls = 1000,
                .callWords = 1 << 20,
                .queuedBytes = 1 << 16,
                .perTurn = 64,
                .budget = std::make_shared<Budget>(Budget::Rate{.perSecond = 1000, .burst = 100'000}),
                .overdrawn = Terms::Overdrawn::ends,
                .silence = nullptr};
    if (change) change(terms);
    channel = Channel::serve(
        io.lowLevelProvider->wrapSocketFd(pair[0], kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                                       kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK |
                                                       kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC),
        kj::heap<Counting>(calls), timer, terms);
    ended = channel->ended().then([this](End end) { why = end; }).eagerlyEvaluate(nullptr);
  }
  template <typename F>
  std::string message(F fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.initRoot<Message>());
    auto words = capnp::messageToFlatArray(builder);
    return {reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(capnp::word)};
  }
  std::string bootstrap(std::uint32_t id = 0) {
    return message([=](Message::Builder m) { m.initBootstrap().setQuestionId(id); });
  }
  /// A call of the main interface, which bootstrap() has made export 0.
  std::string call(std::uint32_t id, std::uint16_t method) {
    return message([=](Message::Builder m) {
      auto call = m.initCall();
      call.setQuestionId(id);
      call.setInterfaceId(capnp::typeId<proto::Control>());
      call.setMethodId(method);
      call.initTarget().setImportedCap(0);
      call.initParams();
    });
  }
  std::string finish(std::uint32_t id) {
    return message([=](Message::Builder m) { m.initFinish().setQuestionId(id); });
  }
  std::string resolve() {
    return message([](Message::Builder m) { m.initResolve().initException().setReason("of nothing"); });
  }
  /// Bytes that did not fit into the socket are dropped.
  std::size_t write(const std::string& bytes) {
    ssize_t n = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  void turn() {
    io.waitScope.poll();
    io.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io.waitScope);
    io.waitScope.poll();
  }
  /// Turns of the loop, each with a time of its own.
  void turns(int count = 50) {
    for (int i = 0; i < count; ++i) {
      timer.advanceTo(timer.now() + 1 * kj::MICROSECONDS);
      turn();
    }
  }
  void later(kj::Duration by) {
    timer.advanceTo(timer.now() + by);
    turns();
  }
  std::string words() { return why ? why->words : ""; }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  int peer = -1;
  int calls = 0;
  std::optional<End> why;
  kj::Own<Channel> channel;
  kj::Promise<void> ended = nullptr;
};

constexpr std::uint16_t statusMethod = 0, nudgeMethod = 1, stopMethod = 2;

TEST_F(GuardedChannel, ServesWhoKeepsToItsBounds) {
  open();
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 500; ++id) {
    write(call(id, nudgeMethod) + finish(id));
    turns(2);
  }
  EXPECT_EQ(calls, 500);
  EXPECT_EQ(words(), "");
}

TEST_F(GuardedChannel, EndsAPeerThatLeavesTooManyCallsUnfinished) {
  open([](Terms& terms) { terms.calls = 8; });
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 7; ++id) write(call(id, stopMethod));
  turns();
  EXPECT_EQ(words(), "");
  write(call(8, stopMethod));
  turns();
  EXPECT_EQ(words(), "it left too many calls unfinished");
}

TEST_F(GuardedChannel, CountsAnAnsweredCallOnlyWhileItsAnswerNeedsAFinish) {
  open([](Terms& terms) { terms.calls = 8; });
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 8; ++id) {
    write(call(id, nudgeMethod));
    turns();
  }
  // Cap'n Proto 1.0 and newer: an answer without capabilities ends the call by itself.
  const bool needsFinish = CAPNP_VERSION < 1'000'000;
  EXPECT_EQ(words(), needsFinish ? "it left too many calls unfinished" : "");
  EXPECT_EQ(calls, needsFinish ? 7 : 8);
}

TEST_F(GuardedChannel, CountsACallThatIsFinishedAndNotAnswered) {
  open([](Terms& terms) { terms.calls = 8; });
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 8; ++id) write(call(id, stopMethod) + finish(id));
  turns();
  EXPECT_EQ(words(), "it left too many calls unfinished");
}

TEST_F(GuardedChannel, ReadsNothingFromAPeerThatDoesNotReadAndEndsItAfterHalfAMinute) {
  open();
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 900; ++id) write(call(id, statusMethod));
  turns(200);
  EXPECT_GT(calls, 4);
  // 16 KiB each: what the socket holds, and 64 KiB. Measured with Cap'n Proto 1.1 of Debian 13: 67.
  EXPECT_LT(calls, 80);
  const int before = calls;
  for (int i = 0; i < 5; ++i) later(5 * kj::SECONDS);
  EXPECT_EQ(words(), "");
  for (int i = 0; i < 3; ++i) later(5 * kj::SECONDS);
  EXPECT_EQ(words(), "it does not read the data sent to it");
  EXPECT_EQ(calls, before);
}

TEST_F(GuardedChannel, ReadsOnWhenThePeerHasRead) {
  open();
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 100; ++id) write(call(id, statusMethod));
  char buffer[1 << 16];
  for (int i = 0; i < 400; ++i) {
    turns(2);
    while (read(peer, buffer, sizeof buffer) > 0) {
    }
  }
  EXPECT_EQ(calls, 100);
  EXPECT_EQ(words(), "");
}

TEST_F(GuardedChannel, HandlesSoManyMessagesInATurnAndTheRestInTheNext) {
  open();
  write(bootstrap());
  turns();
  std::string all;
  for (std::uint32_t id = 1; id <= 300; ++id) all += call(id, nudgeMethod) + finish(id);
  ASSERT_EQ(write(all), all.size());
  turn();
  EXPECT_GT(calls, 16);
  EXPECT_LE(calls, 33);
  turns();
  EXPECT_EQ(calls, 300);
}

TEST_F(GuardedChannel, EndsAPeerThatSendsMoreThanItsWorkAccountsFor) {
  open([](Terms& terms) {
    terms.budget = std::make_shared<Budget>(Budget::Rate{.perSecond = 10, .burst = 20});
  });
  for (int i = 0; i < 20; ++i) write(resolve());
  turns();
  EXPECT_EQ(words(), "");
  later(1 * kj::SECONDS);
  channel->earn(16, 16);
  for (int i = 0; i < 26; ++i) write(resolve());
  turns();
  EXPECT_EQ(words(), "");
  write(resolve());
  turns();
  EXPECT_EQ(words(), "it sent more messages than its work accounts for");
}

TEST_F(GuardedChannel, CountsALongMessageAsSeveral) {
  open([](Terms& terms) {
    terms.budget = std::make_shared<Budget>(Budget::Rate{.perSecond = 1, .burst = 10});
  });
  write(message([](Message::Builder m) {
    m.initResolve().initException().setReason(std::string(60'000, 'x').c_str());
  }));
  turns();
  EXPECT_EQ(words(), "it sent more messages than its work accounts for");
}

TEST_F(GuardedChannel, LetsAPeerWaitWhereItsBudgetSaysSo) {
  open([](Terms& terms) {
    terms.budget = std::make_shared<Budget>(Budget::Rate{.perSecond = 1000, .burst = 10});
    terms.overdrawn = Terms::Overdrawn::waits;
  });
  write(bootstrap());
  for (std::uint32_t id = 1; id <= 100; ++id) write(call(id, nudgeMethod));
  turns();
  EXPECT_LE(calls, 11);
  later(20 * kj::MILLISECONDS);
  EXPECT_GT(calls, 20);
  EXPECT_LE(calls, 31);
  later(1 * kj::SECONDS);
  for (int i = 0; i < 20; ++i) later(20 * kj::MILLISECONDS);
  EXPECT_EQ(calls, 100);
  EXPECT_EQ(words(), "");
}

TEST_F(GuardedChannel, EndsASilentPeerUnlessItWaitsForAnAnswer) {
  auto silence = [](Terms& terms) { terms.silence = 30 * kj::SECONDS; };
  open(silence);
  write(bootstrap() + call(1, stopMethod));
  for (int i = 0; i < 20; ++i) later(5 * kj::SECONDS);
  EXPECT_FALSE(why);
  close(peer);
  open(silence);
  write(bootstrap() + call(1, nudgeMethod));  // never finished: no reason to keep it
  write(call(2, nudgeMethod).substr(0, 20));  // part of a message is none
  for (int i = 0; i < 5; ++i) later(5 * kj::SECONDS);
  EXPECT_FALSE(why);
  for (int i = 0; i < 2; ++i) later(5 * kj::SECONDS);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->kind, End::Kind::silent);
}

struct Bad {
  const char* name;
  std::function<void(Message::Builder)> fill;
  const char* why;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class Refuses : public GuardedChannel, public testing::WithParamInterface<Bad> {};

TEST_P(Refuses, AndSaysWhy) {
  open();
  write(bootstrap() + message(GetParam().fill));
  turns();
  EXPECT_EQ(words(), GetParam().why);
}

constexpr const char* noUse = "it sent a message of a kind that the protocol does not use";
INSTANTIATE_TEST_SUITE_P(
    Guard, Refuses,
    testing::Values(
        Bad{"ItsNumberAgain", [](auto m) { m.initBootstrap(); }, "it used the number of an open call again"},
        Bad{"AFinishOfNothing", [](auto m) { m.initFinish().setQuestionId(7); },
            "it finished a call that it did not make"},
        Bad{"WhatIsSentBack", [](auto m) { m.initAccept(); }, noUse},
        Bad{"Provide", [](auto m) { m.initProvide(); }, noUse},
        Bad{"Join", [](auto m) { m.initJoin(); }, noUse},
        Bad{"ResultsForOthers", [](auto m) { m.initCall().getSendResultsTo().setYourself(); }, noUse},
        Bad{"AnAnswerFromElsewhere", [](auto m) { m.initReturn().setTakeFromOtherQuestion(0); }, noUse},
        Bad{"Capabilities", [](auto m) { m.initCall().initParams().initCapTable(5); },
            "it passed too many capabilities"},
        Bad{"DeepTargets", [](auto m) { m.initCall().initTarget().initPromisedAnswer().initTransform(5); },
            "it called an object too deep in an answer"},
        Bad{"AnObjectOfNobody",
            [](auto m) {
              m.initCall().setQuestionId(1);
              m.getCall().initTarget().setImportedCap(99);
            },
            "it broke the rules of Cap'n Proto's RPC"},
        Bad{"AReleaseOfNothing", [](auto m) { m.initRelease().setId(99); },
            "it broke the rules of Cap'n Proto's RPC"},
        Bad{"ALongMessage", [](auto m) { m.initAbort().setReason(std::string(1 << 17, 'x').c_str()); },
            "it sent bytes that are no message, or a message beyond all bounds"}),
    [](const auto& bad) { return bad.param.name; });

TEST_F(GuardedChannel, DropsDescriptorsThatComeWithAMessage) {
  open();
  const int before = dup(0);
  close(before);
  std::string text = bootstrap();
  for (std::uint32_t id = 1; id <= 50; ++id) {
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    packet.msg_control = space;
    packet.msg_controllen = sizeof space;
    auto* control = CMSG_FIRSTHDR(&packet);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(control), &peer, sizeof peer);
    ASSERT_GT(sendmsg(peer, &packet, MSG_NOSIGNAL), 0);
    text = call(id, nudgeMethod) + finish(id);
    turns(2);
  }
  EXPECT_EQ(calls, 49);
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

// In Cap'n Proto 0.9 each message that waits to be written holds the one before it, so that the queue is
// destroyed recursively.
TEST_F(GuardedChannel, IsDestroyedWithAllThatItsPeerMayLeaveBehind) {
  open([](Terms& terms) { terms.calls = 200'000; });
  for (std::uint32_t id = 0; id < 200'000; ++id) {
    write(bootstrap(id));
    if (id % 64 == 0) turns(3);
  }
  channel = nullptr;
}

// As many as the largest window and backlog of a worker together.
TEST_F(GuardedChannel, IsDestroyedWithAllThatWeMayHaveAskedAPeerThatDoesNotRead) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  peer = pair[1];
  channel = Channel::connect(io.lowLevelProvider->wrapSocketFd(
      pair[0], kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK |
                   kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC));
  std::vector<kj::Promise<void>> asked;
  auto control = channel->peer().castAs<proto::Control>();
  for (int i = 0; i < 8192; ++i)
    asked.push_back(control.nudgeRequest().send().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {}));
  turns();
  channel = nullptr;
  turns();
}

}  // namespace
}  // namespace smsd::rpc
