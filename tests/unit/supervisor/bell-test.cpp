// SPDX-License-Identifier: GPL-3.0-or-later
// When the bell is tested, what tests in a row mean, and what is said of them. See
// supervisor/road/bell-tests.h.
#include "supervisor/queue/bell.h"

#include <gtest/gtest.h>

#include <vector>

namespace smsd::queue {
namespace {

using namespace std::chrono_literals;
using State = Bell::State;
using Heard = queue::BellTest::Heard;

queue::BellTest heard(Heard what, const std::string& unannounced = "") {
  return {what, {unannounced, "there is a pooler"}};
}

struct Step {
  const char* what;
  queue::BellTest test;
  State state;
  bool said;
  Bell::Time next;
};

TEST(Bell, SaysEachChangeOnceAndBelievesNothingThatOnlyHappenedOnce) {
  Bell bell;
  EXPECT_LE(bell.testAt(), 0ms) << "at the start";
  Bell::Time now = 100s, since = now;
  State before = State::untested;
  for (const Step& step : std::vector<Step>{
           {"as expected", heard(Heard::yes), State::heard, false, Bell::testAgain},
           {"another call got in between", heard(Heard::disturbed), State::heard, false, Bell::confirmAfter},
           {"once is nothing", heard(Heard::no), State::heard, false, Bell::confirmAfter},
           {"a hiccup", heard(Heard::yes), State::heard, false, Bell::testAgain},
           {"once", heard(Heard::no), State::heard, false, Bell::confirmAfter},
           {"twice", heard(Heard::no), State::silent, true, Bell::testWhileSilent},
           {"still", heard(Heard::no), State::silent, false, Bell::testWhileSilent},
           {"again", heard(Heard::yes), State::heard, true, Bell::testAgain},
           {"the trigger was dropped", heard(Heard::yes, "no trigger"), State::unannounced, true,
            Bell::testAgain},
           {"still dropped", heard(Heard::yes, "no trigger"), State::unannounced, false, Bell::testAgain},
           {"made again", heard(Heard::yes), State::heard, true, Bell::testAgain},
       }) {
    const bool said = bell.tested(now, step.test) != Bell::Change::none;
    EXPECT_EQ(bell.state(), step.state) << step.what;
    EXPECT_EQ(said, step.said) << step.what;
    EXPECT_EQ(bell.testAt(), now + step.next) << step.what;
    EXPECT_EQ(bell.problem().empty(), step.state == State::heard) << step.what;
    if (std::exchange(before, step.state) != step.state) since = now;
    EXPECT_EQ(bell.stateSince(), since) << step.what;
    now += 1s;
  }
}

TEST(Bell, ThatCannotBeTestedIsNotBelievedToRing) {
  Bell bell;
  EXPECT_EQ(bell.untestable(0s, "too many connections"), Bell::Change::none);
  EXPECT_NE(bell.untestable(5s, "too many connections"), Bell::Change::none);
  EXPECT_EQ(bell.state(), State::silent);
  EXPECT_NE(bell.problem().find("too many connections"), std::string::npos);
}

TEST(Bell, IsTestedSoonWhenTheConnectionIsANewOne) {
  Bell bell;
  bell.tested(0s, heard(Heard::yes));
  bell.testSoon();
  EXPECT_LE(bell.testAt(), 0s);
  bell.testing();
  bell.testSoon();
  EXPECT_EQ(bell.testAt(), Bell::never) << "one test at a time";
}

TEST(Bell, OfAQueueThatHasNoneIsNotTestedAgain) {
  Bell bell;
  bell.testing();
  EXPECT_EQ(bell.tested(0s, heard(Heard::noBell)), Bell::Change::none);
  EXPECT_EQ(bell.testAt(), Bell::never);
  bell.testSoon();
  EXPECT_EQ(bell.testAt(), Bell::never);
}

TEST(Bell, ThatIsSilentMakesPollsMoreFrequentAndNeverLessFrequent) {
  Bell bell;
  EXPECT_EQ(bell.pollEvery(1h), 1h);
  bell.tested(0s, heard(Heard::yes, "no trigger"));
  EXPECT_EQ(bell.pollEvery(1h), 1h) << "as it was configured";
  bell.tested(0s, heard(Heard::no));
  bell.tested(0s, heard(Heard::no));
  EXPECT_EQ(bell.pollEvery(1h), Bell::pollWhileSilent);
  EXPECT_EQ(bell.pollEvery(100ms), 100ms);
}

}  // namespace
}  // namespace smsd::queue
