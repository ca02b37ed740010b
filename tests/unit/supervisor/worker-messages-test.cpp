// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/worker-messages.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

#include "version.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Kind = delivery::OutcomeKind;
using Write = std::function<void(proto::Outcome::Builder)>;

const Write deferred = [](proto::Outcome::Builder outcome) {
  outcome.initDeferred().setReason("busy");
  outcome.getDeferred().setAfter(30'000);
};

TEST(WorkerMessages, AreReadAsOneOutcomeEach) {
  struct Row {
    Write write;
    Kind kind;
    std::string words;
    std::chrono::milliseconds after = 0ms;
  };
  for (const auto& [write, kind, words, after] :
       {Row{[](auto outcome) { outcome.setAccepted("17"); }, Kind::accepted, "17"},
        Row{[](auto outcome) { outcome.setRefused("no such number"); }, Kind::refused, "no such number"},
        Row{deferred, Kind::deferred, "busy", 30s},
        Row{[](auto outcome) { outcome.setBroken("no SIM"); }, Kind::broken, "no SIM"},
        Row{[](auto outcome) { outcome.setUnknown("cut off"); }, Kind::unknown, "cut off"},
        Row{[](auto) {}, Kind::unknown, ""}}) {
    capnp::MallocMessageBuilder message;
    auto outcome = message.initRoot<proto::Outcome>();
    write(outcome);
    auto read = readOutcome(outcome.asReader());
    EXPECT_EQ(read.kind, kind) << words;
    EXPECT_EQ(read.words, words);
    EXPECT_EQ(read.after, after) << words;
    EXPECT_FALSE(read.notUnderstood()) << words;
  }
}

TEST(WorkerMessages, KeepWhetherTheGatewayWasReachedAndUnderstood) {
  capnp::MallocMessageBuilder message;
  auto outcome = message.initRoot<proto::Outcome>();
  deferred(outcome);
  EXPECT_EQ(readOutcome(outcome.asReader()).reached, delivery::Reached::yes);
  outcome.getDeferred().setNotReached(true);
  EXPECT_EQ(readOutcome(outcome.asReader()).reached, delivery::Reached::no);
  outcome.setUnknown("no rule knows it");
  outcome.setNotUnderstood(true);
  EXPECT_TRUE(readOutcome(outcome.asReader()).notUnderstood());
}

TEST(WorkerMessages, NameTheCauseOfAnEnd) {
  for (auto [said, cause] : {std::pair(proto::Cause::OTHER, Cause::other),
                             {proto::Cause::CANNOT_START, Cause::cannotStart},
                             {proto::Cause::SPENT, Cause::spent},
                             {proto::Cause::TOLD, Cause::told},
                             {static_cast<proto::Cause>(99), Cause::other}})
    EXPECT_EQ(readCause(said), cause) << int(said);
}

TEST(WorkerMessages, WorkTogetherIfEachSideKnowsAVersionOfTheOther) {
  constexpr std::uint32_t ours = proto::VERSION, oldest = proto::OLDEST_VERSION;
  struct Row {
    std::uint32_t version, oldest;  // of the worker
    bool together;
  };
  for (auto& row : {
           Row{ours, oldest, true},
           Row{ours, 0, true},
           Row{oldest, 0, true},
           Row{oldest - 1, 0, false},
           Row{oldest - 1, oldest - 1, false},
           Row{ours + 1, ours, true},
           Row{ours + 1, oldest, true},
           Row{ours + 1, 0, false},
           Row{ours + 1, ours + 1, false},
           Row{UINT32_MAX, 1, true},
           Row{0, 0, false},
       }) {
    capnp::MallocMessageBuilder message;
    auto description = message.initRoot<proto::Description>();
    description.setVersion(row.version);
    description.setOldest(row.oldest);
    EXPECT_EQ(versionsApart(description.asReader()) == nullptr, row.together)
        << row.version << ' ' << row.oldest;
  }
}

TEST(WorkerMessages, OfASoftwareOfSmsdsOwnTellItsBuild) {
  EXPECT_FALSE(isOtherBuild("http", SMSD_WORKER_SOFTWARE));
  EXPECT_TRUE(isOtherBuild("http", "smsd-worker 0.0.9"));
  EXPECT_FALSE(isOtherBuild("http", "gateway 7"));
  EXPECT_FALSE(isOtherBuild("http", ""));
  EXPECT_FALSE(isOtherBuild("pager", "smsd-worker 0.0.9")) << "it was built with the kit of another day";
}

TEST(WorkerMessages, AreBoundedAndPrintable) {
  const std::string tooLong = "\x1b[31m" + std::string(10'000, 'x');
  capnp::MallocMessageBuilder message;
  auto description = message.initRoot<proto::Description>();
  description.setKind(tooLong);
  auto lock = description.initLock(100);
  for (unsigned i = 0; i < 100; ++i) lock.set(i, tooLong);
  EXPECT_LE(readText(tooLong.c_str()).size(), proto::MAX_REASON);
  EXPECT_LE(readKind(description.asReader()).size(), 40u);
  auto read = readLock(description.asReader());
  ASSERT_EQ(read.size(), 16u);
  for (const auto& part : read) {
    EXPECT_LE(part.size(), 40u);
    EXPECT_EQ(part.find('\x1b'), std::string::npos);
  }
}

}  // namespace
}  // namespace smsd::keeper
