// SPDX-License-Identifier: GPL-3.0-or-later
// The workers' kit over a real channel: how it ends, by a deadline that was passed, a kind that is spent, or
// a drain.
#include <gtest/gtest.h>

#include "tests/workers/kit-bench.h"

namespace smsd::kit {
namespace {

TEST_F(Kit, GivesUpWhenADeadlineIsPassedAndSaysWhatItKnowsOfTheRest) {
  serve(2, 3);
  start();
  give({1, 2, 3, 4, 5}, 1s);
  kind->say(2, Accepted{});
  quiet();  // 3 begins
  advance(1499ms);
  EXPECT_EQ(storyOf(1), "begun") << "the kind's own deadline comes first";
  heard.slow = true;
  advance(1ms);
  EXPECT_EQ(storyOf(1), "begun unknown");
  EXPECT_EQ(storyOf(2), "begun accepted");
  EXPECT_FALSE(hung.poll(scope)) << "the supervisor has not taken it yet";
  heard.acknowledge();
  quiet();
  EXPECT_EQ(storyOf(3), "begun unknown") << "it was under way: it may have been sent";
  EXPECT_EQ(storyOf(4), "given back") << "it was not begun: it was certainly not sent";
  EXPECT_EQ(storyOf(5), "given back");
  EXPECT_EQ(kind->begun(), (Attempts{1, 2, 3}));
  EXPECT_TRUE(hung.poll(scope));
}

TEST_F(Kit, DoesNotBeginWhatWasAnnouncedWhenItGaveUpMeanwhile) {
  serve(2, 0);
  start();
  give({1}, 1s);
  heard.slow = true;
  give({2}, 1s);
  advance(1500ms);
  heard.acknowledge();
  quiet();
  EXPECT_EQ(storyOf(1), "begun unknown");
  EXPECT_EQ(storyOf(2), "begun given back");
  EXPECT_EQ(kind->begun(), (Attempts{1}));
  EXPECT_TRUE(hung.poll(scope));
}

TEST_F(Kit, LeavesDescribeOpenWhenItsKindCannotStart) {
  serve(1, 1);
  auto described = KJ_ASSERT_NONNULL(client).describeRequest().send();
  cannotStart("no SIM");
  EXPECT_FALSE(described.poll(scope)) << "a failed call ends this process before its last words";
}

TEST_F(Kit, EndsWhenItsKindIsSpentAndSaysWhatItKnowsFirst) {
  serve(1, 2);
  start();
  give({1, 2, 3}, 10s);
  heard.slow = true;
  kind->worn.fulfiller->fulfill("the modem is another device now");
  quiet();
  EXPECT_FALSE(hung.poll(scope)) << "the supervisor has not taken it yet";
  heard.acknowledge();
  quiet();
  EXPECT_EQ(storyOf(1), "begun unknown");
  EXPECT_NE(outcomeOf(1).words.find("another device"), std::string::npos);
  EXPECT_EQ(storyOf(2), "given back");
  EXPECT_EQ(storyOf(3), "given back");
  EXPECT_TRUE(hung.poll(scope));
}

TEST_F(Kit, EndsAtOnceWhenItsKindIsSpentAndNothingIsOut) {
  serve(1, 2);
  start();
  quiet();
  EXPECT_FALSE(hung.poll(scope));
  kind->worn.fulfiller->fulfill("of no use any more");
  quiet();
  EXPECT_TRUE(hung.poll(scope));
}

TEST_F(Kit, GivesBackWhatArrivesAfterItGaveUp) {
  serve(2, 2);
  start();
  give({1}, 1s);
  heard.slow = true;
  advance(1500ms);
  give({2}, 1s);
  heard.acknowledge();
  quiet();
  EXPECT_EQ(storyOf(2), "given back");
  EXPECT_EQ(kind->begun(), (Attempts{1}));
}

TEST_F(Kit, SaysNothingMoreOfAnSmsItHasGivenUpEvenWhenTheKindDoes) {
  serve(2, 0);
  start();
  give({1}, 1s);
  give({2}, 10s);
  advance(1500ms);
  EXPECT_EQ(storyOf(2), "begun unknown");
  kind->say(2, Accepted{});
  quiet();
  EXPECT_EQ(storyOf(2), "begun unknown");
}

TEST_F(Kit, GivesBackWhatIsNotBegunWhenDrainedAndEndsWhenTheRestIsDelivered) {
  serve(1, 3);
  start();
  give({1, 2, 3});
  auto drained = KJ_ASSERT_NONNULL(client).drainRequest().send();
  quiet();
  EXPECT_EQ(storyOf(1), "begun");
  EXPECT_EQ(storyOf(2), "given back");
  EXPECT_EQ(storyOf(3), "given back");
  EXPECT_FALSE(drained.poll(scope));

  heard.slow = true;
  kind->say(1, Accepted{});
  quiet();
  EXPECT_EQ(storyOf(1), "begun accepted");
  EXPECT_FALSE(drained.poll(scope)) << "the supervisor has not taken it yet";
  heard.acknowledge();
  quiet();
  EXPECT_TRUE(drained.poll(scope));
  drained.wait(scope);
  EXPECT_EQ(kind->begun(), (Attempts{1}));
}

TEST_F(Kit, IsNotDrainedWhileTheLastReportIsOnItsWay) {
  serve(1, 0);
  start();
  give({1});
  heard.slow = true;
  kind->say(1, Accepted{});
  quiet();
  auto drained = KJ_ASSERT_NONNULL(client).drainRequest().send();
  EXPECT_FALSE(drained.poll(scope));
  heard.acknowledge();
  EXPECT_TRUE(drained.poll(scope));
  drained.wait(scope);
}

TEST_F(Kit, BeginsNothingWhoseReportFailsAndGoesOn) {
  serve(1, 2);
  start();
  heard.fails = true;
  give({1, 2});
  heard.fails = false;
  EXPECT_EQ(kind->begun(), Attempts{}) << "the supervisor may not know of it";
  auto remembered = recall({1, 2});
  ASSERT_EQ(remembered.size(), 2U);
  for (auto& said : remembered) EXPECT_EQ(said.what, "given back") << said;
  give({3});
  kind->say(3, Accepted{});
  quiet();
  EXPECT_EQ(storyOf(3), "begun accepted");
}

TEST_F(Kit, IsDrainedThoughTheLastReportFailed) {
  serve(1, 0);
  start();
  give({1});
  auto drained = KJ_ASSERT_NONNULL(client).drainRequest().send();
  EXPECT_FALSE(drained.poll(scope));
  heard.fails = true;
  kind->say(1, Accepted{"7"});
  quiet();
  ASSERT_TRUE(drained.poll(scope));
  drained.wait(scope);
  auto remembered = recall({1});
  ASSERT_EQ(remembered.size(), 1U);
  EXPECT_EQ(remembered[0].what, "accepted") << "the supervisor may ask for it";
}

TEST_F(Kit, IsDrainedAtOnceWhenNothingIsOut) {
  serve(1, 0);
  start();
  auto drained = KJ_ASSERT_NONNULL(client).drainRequest().send();
  EXPECT_TRUE(drained.poll(scope));
  drained.wait(scope);
}

TEST_F(Kit, GivesNoMoreSignsOfLifeOnceADeadlineWasPassedOrWhileItsKindIsStuck) {
  serve(2, 0);
  start();
  EXPECT_TRUE(inner->alive());
  kind->stuck = true;
  EXPECT_FALSE(inner->alive());
  kind->stuck = false;
  heard.slow = true;  // a supervisor that takes no report keeps it from ending by itself
  give({1}, 1s);
  heard.acknowledge();
  quiet();
  heard.slow = true;
  advance(1s + 499ms);
  EXPECT_TRUE(inner->alive());
  advance(1ms);
  EXPECT_FALSE(inner->alive());
}

TEST_F(Kit, QuitsWhenWhatItHasBegunIsFinishedAndGivesBackTheRest) {
  serve(1, 2);
  start();
  give({1, 2}, 10s);
  bool answered = false;
  auto quit = KJ_ASSERT_NONNULL(client).quitRequest().send().then([&answered](auto) { answered = true; });
  auto told = inner->toldToQuit();
  quiet();
  EXPECT_EQ(storyOf(2), "given back");
  EXPECT_FALSE(answered) << "one is under way";
  kind->say(1, Accepted{});
  quiet();
  EXPECT_TRUE(quit.poll(scope));
  quit.wait(scope);
  EXPECT_TRUE(answered);
  EXPECT_FALSE(told.poll(scope)) << "the answer is on its way";
  advance(1s);
  EXPECT_TRUE(told.poll(scope));
}

TEST_F(Kit, QuitsAllTheSameWhenWhoAskedHasGone) {
  serve(1, 0);
  start();
  give({1}, 10s);
  auto told = inner->toldToQuit();
  {
    auto quit = KJ_ASSERT_NONNULL(client).quitRequest().send();
    quiet();
  }
  inner->supervisorGone();
  quiet();
  kind->say(1, Accepted{});
  quiet();
  advance(1s);
  EXPECT_TRUE(told.poll(scope)) << "else it would stay, and take nothing";
}

TEST_F(Kit, SaysItsLastWordsToWhoAskedBeforeAndAfterwards) {
  serve(1, 0);
  start();
  using Words = std::pair<std::string, int>;
  auto ask = [this]() {
    return KJ_ASSERT_NONNULL(client).lastWordsRequest().send().then([](auto response) {
      return Words(response.getWords().cStr(), static_cast<int>(response.getCause()));
    });
  };
  auto before = ask();
  quiet();
  EXPECT_FALSE(before.poll(scope)) << "it does not end";
  inner->sayLastWords(proto::Cause::CANNOT_START, "no SIM\nno \x1b[1mlock" + std::string(1000, 'x'));
  inner->sayLastWords(proto::Cause::TOLD, "later");
  auto taken = inner->lastWordsTaken(10 * kj::SECONDS);
  quiet();
  auto [words, cause] = before.wait(scope);
  EXPECT_EQ(cause, static_cast<int>(proto::Cause::CANNOT_START)) << "the first reason counts";
  EXPECT_LE(words.size(), std::size_t(proto::MAX_REASON));
  EXPECT_EQ(words.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_FALSE(taken.poll(scope));
  advance(1s);
  EXPECT_TRUE(taken.poll(scope));
  EXPECT_EQ(ask().wait(scope).first, words);
}

TEST_F(Kit, SaysWhatItGaveUpFor) {
  serve(1, 0);
  start();
  give({1}, 1s);
  auto last = KJ_ASSERT_NONNULL(client).lastWordsRequest().send();
  advance(1500ms);
  auto response = last.wait(scope);
  EXPECT_EQ(response.getCause(), proto::Cause::SPENT);
  EXPECT_NE(std::string(response.getWords().cStr()).find("passed its deadline"), std::string::npos);
}

}  // namespace
}  // namespace smsd::kit
