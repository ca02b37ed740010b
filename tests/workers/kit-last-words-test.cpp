// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/server-last-words.h"

#include <gtest/gtest.h>

namespace smsd::kit {
namespace {

class LastWordsTest : public testing::Test {
 public:
  ~LastWordsTest() noexcept override {}

  /// Returns whether `promise` has resolved, and failed or not.
  bool resolves(kj::Promise<void> promise) {
    bool done = false;
    auto waits = promise.then([&done]() { done = true; }).eagerlyEvaluate([](kj::Exception&&) {});
    scope.poll();
    return done;
  }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  LastWords last;
};

TEST_F(LastWordsTest, ReachCallsBeforeAndAfterThem) {
  bool heard = false;
  auto before = last.whenSaid().then([&heard]() { heard = true; }).eagerlyEvaluate(nullptr);
  scope.poll();
  EXPECT_FALSE(heard);
  last.say({proto::Cause::SPENT, "the SIM is gone"});
  scope.poll();
  EXPECT_TRUE(heard);
  EXPECT_TRUE(resolves(last.whenSaid()));
}

TEST_F(LastWordsTest, AreTheFirstThatWereSaid) {
  last.say({proto::Cause::SPENT, "the SIM is gone"});
  last.say({proto::Cause::TOLD, "it was told to end"});
  EXPECT_EQ(last.words().words, "the SIM is gone");
  EXPECT_EQ(last.words().cause, proto::Cause::SPENT);
}

TEST_F(LastWordsTest, ReachNoCallOfASupervisorThatHasGone) {
  bool heard = false, failed = false;
  auto before =
      last.whenSaid().then([&heard]() { heard = true; }).eagerlyEvaluate([&failed](kj::Exception&&) {
        failed = true;
      });
  last.supervisorGone();
  last.say({proto::Cause::SPENT, "the SIM is gone"});
  scope.poll();
  EXPECT_FALSE(heard);
  EXPECT_TRUE(failed);
  EXPECT_TRUE(resolves(last.whenSaid())) << "of the next supervisor";
}

TEST_F(LastWordsTest, ResolveForAllWhoWaitOnceTheyWereSent) {
  last.say({proto::Cause::SPENT, "the SIM is gone"});
  EXPECT_FALSE(resolves(last.whenSent()));
  last.sent();
  last.sent();  // to a second supervisor
  EXPECT_TRUE(resolves(last.whenSent()));
  EXPECT_TRUE(resolves(last.whenSent()));
}

TEST_F(LastWordsTest, AssertThatTheyWereSaidBeforeTheyAreReadOrSent) {
  EXPECT_THROW(last.sent(), kj::Exception);
  EXPECT_THROW(last.words(), kj::Exception);
}

}  // namespace
}  // namespace smsd::kit
