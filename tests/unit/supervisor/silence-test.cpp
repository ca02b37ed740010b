// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/silence.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Time = Silence::Time;

constexpr Time lease = 30s;

kj::TimePoint at(Time time) { return kj::origin<kj::TimePoint>() + time.count() * kj::MILLISECONDS; }

/// "away cut lost, again at 300000", as far as it is due.
std::string said(const Silence::Due& due) {
  std::string words;
  if (due.away) words += "away ";
  if (due.cut) words += "cut ";
  if (due.lost) words += "lost ";
  if (due.lookAgain)
    words += std::to_string((*due.lookAgain - kj::origin<kj::TimePoint>()) / kj::SECONDS) + "s";
  return words;
}

TEST(Silence, IsFirstCountedAsAwayThenCutThenGivenUp) {
  struct Row {
    std::string what;
    Time lease;
    int cutsBefore;
    std::vector<std::pair<Time, std::string>> looks;
  };
  for (const auto& [what, length, cutsBefore, looks] :
       {Row{"in time",
            30s,
            0,
            {{0s, "10s"}, {10s, "away 30s"}, {30s, "away cut 300s"}, {300s, "away lost "}}},
        Row{"early", 30s, 0, {{5s, "10s"}, {9999ms, "10s"}, {29s, "away 30s"}, {299s, "away cut 300s"}}},
        Row{"cut once", 30s, 0, {{30s, "away cut 300s"}, {31s, "away 300s"}, {300s, "away lost "}}},
        Row{"late", 30s, 0, {{301s, "away cut lost "}}},
        Row{"after the end", 30s, 0, {{301s, "away cut lost "}, {400s, ""}, {1h, ""}}},
        Row{"a short lease", 1s, 0, {{9s, "10s"}, {10s, "away cut 19s"}, {19s, "away lost "}}},
        Row{"the second cut", 30s, 1, {{30s, "away 60s"}, {60s, "away cut 330s"}, {330s, "away lost "}}},
        Row{"the third", 30s, 2, {{60s, "away 120s"}, {120s, "away cut 390s"}}},
        Row{"after many", 30s, 20, {{120s, "away 3600s"}, {1h, "away cut 3870s"}}}}) {
    Silence silence(length);
    for (int i = 0; i < cutsBefore; ++i) {
      silence.asked(at(0s));
      silence.look(at(1h));
      silence.answered();
    }
    silence.asked(at(0s));
    for (const auto& [when, expected] : looks)
      EXPECT_EQ(said(silence.look(at(when))), expected) << what << ", after " << when.count() << " ms";
  }
}

TEST(Silence, MeasuresFromTheBeginOfTheCall) {
  Silence silence(lease);
  silence.asked(at(0s));
  silence.answered();
  silence.asked(at(100s));
  EXPECT_EQ(said(silence.look(at(105s))), "110s") << "a look that was set for an earlier call";
  EXPECT_EQ(silence.look(at(130s)).waited, 30s);
}

TEST(Silence, FindsNothingDueWhileNoCallRuns) {
  Silence silence(lease);
  EXPECT_EQ(said(silence.look(at(1h))), "");
  silence.asked(at(1h));
  silence.answered();
  EXPECT_EQ(said(silence.look(at(2h))), "");
}

TEST(Silence, IsLostUntilTheCallIsAnswered) {
  Silence silence(lease);
  silence.asked(at(0s));
  silence.look(at(299s));
  EXPECT_FALSE(silence.lost());
  silence.look(at(300s));
  EXPECT_TRUE(silence.lost());
  silence.answered();
  EXPECT_FALSE(silence.lost());
}

TEST(Silence, CutsAsSoonAsAtFirstOnceTheQueueWorks) {
  Silence silence(lease);
  silence.asked(at(0s));
  silence.look(at(30s));
  silence.answered();
  silence.over();
  silence.asked(at(100s));
  EXPECT_TRUE(silence.look(at(130s)).cut);
}

TEST(Silence, IsWhyTheQueueIsAwayUntilACallFailsOrItIsOver) {
  Silence silence(lease);
  EXPECT_FALSE(silence.isWhyAway());
  silence.makesAway();
  EXPECT_TRUE(silence.isWhyAway());
  silence.callFailed();
  EXPECT_FALSE(silence.isWhyAway());
  silence.makesAway();
  silence.over();
  EXPECT_FALSE(silence.isWhyAway());
}

TEST(Silence, AssertsThatOneCallRunsAtATime) {
  Silence silence(lease);
  EXPECT_THROW(silence.answered(), kj::Exception);
  silence.asked(at(0s));
  EXPECT_THROW(silence.asked(at(1s)), kj::Exception);
}

}  // namespace
}  // namespace smsd::road
