// SPDX-License-Identifier: GPL-3.0-or-later
// The workers' kit over a real channel: windows, order, `begun`, outcomes, health.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "common/text/utf.h"
#include "tests/workers/kit-bench.h"

namespace smsd::kit {
namespace {

TEST_F(Kit, DescribesItselfOnlyWhenItsKindIsReady) {
  serve(7, 3);
  auto described = KJ_ASSERT_NONNULL(client).describeRequest().send();
  quiet();
  EXPECT_FALSE(described.poll(scope));
  start();
  auto response = described.wait(scope);
  auto description = response.getDescription();
  EXPECT_EQ(description.getVersion(), +proto::VERSION);
  EXPECT_STREQ(description.getKind().cStr(), "fake");
  EXPECT_EQ(description.getWindow(), 7u);
  EXPECT_EQ(description.getBacklog(), 3u);
  EXPECT_TRUE(description.getKnowsKeys());
  ASSERT_EQ(description.getLock().size(), 2u);
  EXPECT_STREQ(description.getLock()[1].cStr(), "seccomp");
}

TEST_F(Kit, TakesTheWindowThatItsKindHasWhenItIsReady) {
  serve(1, 0);
  kind->learn(3);
  start();
  auto described = KJ_ASSERT_NONNULL(client).describeRequest().send().wait(scope);
  EXPECT_EQ(described.getDescription().getWindow(), 3u);
  give({1, 2, 3});
  EXPECT_EQ(kind->begun(), (Attempts{1, 2, 3}));
}

TEST_F(Kit, HandsTheKindWhatTheSupervisorSaid) {
  serve(1, 0);
  start();
  give({42}, 1500ms);
  ASSERT_EQ(kind->touched.size(), 1u);
  const Job& job = kind->touched[0];
  EXPECT_EQ(job.attempt, 42u);
  EXPECT_EQ(job.recipient, "+4799887766");
  EXPECT_EQ(job.text, "router down");
  EXPECT_EQ(job.key, "key-42");
  EXPECT_EQ(job.deadline, 1500ms);
  EXPECT_EQ(job.encoding, SmsEncoding::ucs2);
  EXPECT_EQ(job.parts, 2U);
}

TEST_F(Kit, TouchesNoSmsBeforeTheSupervisorHasHeardThatItBegins) {
  serve(2, 0);
  start();
  heard.slow = true;
  give({1, 2});
  EXPECT_EQ(storyOf(1), "begun");
  EXPECT_EQ(storyOf(2), "begun");
  EXPECT_TRUE(kind->touched.empty());
  heard.acknowledge();
  quiet();
  EXPECT_EQ(kind->begun(), (Attempts{1, 2}));
}

TEST_F(Kit, KeepsWithinItsWindowAndTheOrderOfTheHandOverWhateverFinishesFirst) {
  constexpr unsigned window = 3, count = 40;
  serve(window, count - window);
  start();
  Attempts all(count);
  std::iota(all.begin(), all.end(), 1);
  give(all);
  std::mt19937 random(4711);
  while (!kind->underWay.empty()) {
    EXPECT_EQ(kind->underWay.size(),
              std::min<std::size_t>(window, count - kind->touched.size() + kind->underWay.size()));
    auto one = kind->underWay.begin();
    std::advance(one, random() % kind->underWay.size());
    kind->say(one->first, Accepted{});
    quiet();
  }
  EXPECT_EQ(kind->most, window);
  EXPECT_EQ(kind->begun(), all);
  for (auto attempt : all) EXPECT_EQ(storyOf(attempt), "begun accepted") << attempt;
}

TEST_F(Kit, BeginsNoFasterThanItsSpacingAndNoSlower) {
  serve(100, 0, 250ms);
  start();
  give({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(kind->begun(), (Attempts{1}));
  advance(249ms);
  EXPECT_EQ(kind->begun().size(), 1U);
  advance(1ms);
  EXPECT_EQ(kind->begun().size(), 2U);
  advance(1s);
  EXPECT_EQ(kind->begun().size(), 3U) << "what a late timer missed is not sent in a burst";
  kind->say(1, Accepted{});
  kind->say(2, Accepted{});
  quiet();
  EXPECT_EQ(kind->begun().size(), 3U) << "a free place in the window is no leave to hurry";
}

TEST_F(Kit, KeepsASpacingThatIsFinerThanItsTimer) {
  serve(1000, 0, 1ms);
  start();
  Attempts all(1000);
  std::iota(all.begin(), all.end(), 1);
  give(all);
  std::size_t before = kind->begun().size();
  EXPECT_LE(before, 12U);
  for (int i = 0; i < 50; ++i) advance(4ms);
  EXPECT_GE(kind->begun().size(), 190U);
  EXPECT_LE(kind->begun().size(), 200U + before);
}

TEST_F(Kit, FailsACallThatGoesBeyondWindowAndBacklogAndTakesNoneOfIt) {
  serve(1, 1);
  start();
  EXPECT_TRUE(refuses({1, 2, 3}));
  quiet();
  EXPECT_TRUE(kind->touched.empty());
  EXPECT_TRUE(heard.calls.empty());

  give({4, 5});
  EXPECT_TRUE(refuses({6})) << "one is under way, one waits";
  kind->say(4, Accepted{});
  quiet();
  give({7});
  kind->say(5, Accepted{});
  quiet();
  kind->say(7, Accepted{});
  quiet();
  EXPECT_EQ(kind->begun(), (Attempts{4, 5, 7}));
  EXPECT_EQ(storyOf(6), "");
}

TEST_F(Kit, SaysOneOutcomeForEachSmsAsItIs) {
  struct Case {
    Outcome outcome;
    const char* what;
    const char* words;
    std::uint32_t after = 0;
  };
  const std::vector<Case> cases = {
      {Accepted{"ref-1"}, "accepted", "ref-1"},
      {Refused{"no such number"}, "refused", "no such number"},
      {Deferred{"busy", 30s}, "deferred", "busy", 30'000},
      {Broken{"no SIM"}, "broken", "no SIM"},
      {Unknown{"cut off"}, "unknown", "cut off"},
  };
  serve(16, 0);
  start();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    give({i});
    kind->say(i, cases[i].outcome);
    quiet();
    EXPECT_EQ(storyOf(i), std::string("begun ") + cases[i].what);
    EXPECT_EQ(outcomeOf(i).words, cases[i].words);
    EXPECT_EQ(outcomeOf(i).after, cases[i].after);
  }
}

TEST_F(Kit, PutsTheOutcomesOfOneTurnIntoOneCall) {
  serve(4, 0);
  start();
  give({1, 2, 3, 4});
  ASSERT_EQ(heard.calls.size(), 1u) << "and the four that begin, too";
  for (std::uint64_t attempt : {3, 1, 4}) kind->say(attempt, Accepted{});
  quiet();
  ASSERT_EQ(heard.calls.size(), 2u);
  EXPECT_EQ(heard.calls[1].size(), 3u);
}

TEST_F(Kit, GathersWhatFinishesWhileTheSupervisorIsSlow) {
  serve(4, 0);
  start();
  give({1, 2, 3, 4});
  heard.slow = true;
  for (std::uint64_t attempt : {1, 2, 3, 4}) {
    kind->say(attempt, Accepted{});
    quiet();
  }
  EXPECT_EQ(heard.calls.size(), 2u) << "one call is under way, no second one beside it";
  heard.acknowledge();
  quiet();
  ASSERT_EQ(heard.calls.size(), 3u);
  EXPECT_EQ(heard.calls[2].size(), 3u);
}

TEST_F(Kit, GivesBackUntouchedWhatTheSupervisorWithholdsAndGoesOnWithTheRest) {
  serve(2, 4);
  start();
  heard.withhold = {1, 3, 4};
  give({1, 2, 3, 4, 5});
  quiet();
  EXPECT_EQ(kind->begun(), (Attempts{2, 5}));
  for (std::uint64_t attempt : {1, 3, 4}) EXPECT_EQ(storyOf(attempt), "begun given back") << attempt;
  kind->say(2, Accepted{});
  kind->say(5, Accepted{});
  quiet();
  EXPECT_EQ(storyOf(5), "begun accepted");
}

// C29: what nobody thought of is no success.
TEST_F(Kit, TakesASendThatThrowsForUnknown) {
  serve(2, 0);
  start();
  kind->throws = true;
  give({1});
  EXPECT_EQ(storyOf(1), "begun unknown");
  EXPECT_NE(outcomeOf(1).words.find("internal error"), std::string::npos) << outcomeOf(1).words;
  EXPECT_EQ(outcomeOf(1).words.find("caught fire"), std::string::npos) << "it may quote a text or a number";

  kind->throws = false;
  give({2});
  kind->underWay.at(2)->reject(KJ_EXCEPTION(FAILED, "the line was cut"));
  quiet();
  EXPECT_EQ(storyOf(2), "begun unknown");
  EXPECT_NE(outcomeOf(2).words.find("internal error (kit-test.cpp:"), std::string::npos)
      << outcomeOf(2).words;
}

TEST_F(Kit, CutsReasonsToFourHundredBytesBetweenTwoCharacters) {
  std::string reason = "x";
  while (reason.size() < 1000) reason += "\xC3\xA6";  // the 400th byte is in the middle of one
  const std::vector<Outcome> outcomes = {Accepted{reason}, Refused{reason}, Deferred{reason}, Broken{reason},
                                         Unknown{reason}};
  serve(16, 0);
  start();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    give({i});
    kind->say(i, outcomes[i]);
    quiet();
    auto recalled = recall({i});
    ASSERT_EQ(recalled.size(), 1u);
    for (const Said& said : {outcomeOf(i), recalled[0]}) {
      EXPECT_LE(said.words.size(), 400u) << said;
      EXPECT_GE(said.words.size(), 390u) << said;
      EXPECT_TRUE(text::isValid(said.words)) << said;
      EXPECT_EQ(said.words.substr(0, 390), reason.substr(0, 390));
    }
  }
}

TEST_F(Kit, LetsRawReportsOutAsTheyAre) {
  serve(1, 0);
  start();
  give({1});
  ASSERT_NE(kind->raw, nullptr);
  kind->raw->report(999, Accepted{"nobody asked"});
  kind->raw->report(1, Refused{"first"});
  kind->say(1, Accepted{"second"});
  quiet();
  EXPECT_EQ(storyOf(999), "accepted");
  EXPECT_EQ(storyOf(1), "begun refused accepted");
}

TEST_F(Kit, BeginsNothingOnARawReport) {
  serve(2, 2);
  start();
  give({1, 2, 3});
  kind->raw->reportBegun(1);
  kind->say(2, Accepted{});  // 3 is announced in the same call
  quiet();
  EXPECT_EQ(storyOf(1), "begun begun");
  EXPECT_EQ(storyOf(3), "begun");
  EXPECT_EQ(kind->underWay.size(), 2u) << "1 and 3";
}

TEST_F(Kit, TellsItsHealthWhileSmsAreUnderWay) {
  serve(4, 0);
  start();
  give({1, 2});
  {
    auto response = KJ_ASSERT_NONNULL(client).healthRequest().send().wait(scope);
    EXPECT_TRUE(response.getHealth().isReady());
    EXPECT_EQ(response.getHealth().getActive(), 2u);
  }
  kind->health = {"no SIM", {{"signal", "-71 dBm"}}};
  auto response = KJ_ASSERT_NONNULL(client).healthRequest().send().wait(scope);
  ASSERT_TRUE(response.getHealth().isBroken());
  EXPECT_STREQ(response.getHealth().getBroken().cStr(), "no SIM");
  ASSERT_EQ(response.getHealth().getDetails().size(), 1u);
  EXPECT_STREQ(response.getHealth().getDetails()[0].getName().cStr(), "signal");
  EXPECT_STREQ(response.getHealth().getDetails()[0].getValue().cStr(), "-71 dBm");
}

TEST_F(Kit, CountsWhatIsUnderWayAndWhatWasAcceptedAndSaysWhenThatChanges) {
  serve(2, 2);
  start();
  int changes = 0;
  inner->whenChanged([&changes]() { ++changes; });
  EXPECT_EQ(inner->longestEnd(), 500ms);
  give({1, 2, 3}, 7s);
  EXPECT_EQ(inner->work().underWay, 2u);
  EXPECT_EQ(inner->longestEnd(), 7500ms);
  EXPECT_GE(changes, 2);
  changes = 0;
  kind->say(1, Accepted{"a"});
  kind->say(2, Refused{"b"});
  quiet();
  EXPECT_GE(changes, 2);
  kind->say(3, Accepted{"c"});
  quiet();
  EXPECT_EQ(inner->work().underWay, 0u);
  EXPECT_EQ(inner->work().accepted, 2u);
  inner->whenChanged([]() {});
}

}  // namespace
}  // namespace smsd::kit
