// SPDX-License-Identifier: GPL-3.0-or-later
// What the journal is told of a flood: no SMS is left out of the sum, and none floods it.
#include "supervisor/events/sent-log.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "tests/road/story.h"

namespace smsd::road {
namespace {

struct Flood {
  void send(int sms, const std::string& dispatcher = "gateway") {
    queue::Submission submission;
    submission.dispatcher = dispatcher;
    submission.recipient = "+4799887766";
    submission.sms.sent = {1, 2};
    for (int i = 0; i < sms; ++i) sentLog.sent(submission, "", Milliseconds(5));
  }
  void pass(kj::Duration time) {
    timer.advanceTo(timer.now() + time);
    io.waitScope.poll();
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::TimerImpl timer{kj::origin<kj::TimePoint>() + 1 * kj::HOURS};
  Story story;
  events::EventLog events{config::RecipientInLog::masked};
  config::SentInLog policy = config::SentInLog::counted;
  events::SentLog sentLog{timer, policy, events};
};

TEST(SentLog, GivesEachAnEntryOfItsOwnWhileTheyAreFew) {
  Flood flood;
  for (int second = 0; second < 3; ++second) {
    flood.send(events::SentLog::eachUpTo);
    flood.pass(1 * kj::SECONDS);
  }
  EXPECT_EQ(flood.story.count("sent 2 messages to +47******66"), 3 * events::SentLog::eachUpTo);
  EXPECT_EQ(flood.story.count("more SMS"), 0u);
}

TEST(SentLog, CountsTheRestOfASecondByDispatcher) {
  Flood flood;
  flood.send(events::SentLog::eachUpTo);
  flood.send(4000);
  flood.send(7, "modem");
  EXPECT_EQ(flood.story.count("more SMS"), 0u);
  flood.pass(1 * kj::SECONDS);
  EXPECT_EQ(flood.story.count("gateway: sent 4000 more SMS with 8000 messages"), 1u);
  EXPECT_EQ(flood.story.count("modem: sent 7 more SMS with 14 messages"), 1u);
  flood.send(1);
  flood.pass(5 * kj::SECONDS);
  EXPECT_EQ(flood.story.count("sent 2 messages"), events::SentLog::eachUpTo + 1);
  EXPECT_EQ(flood.story.count("more SMS"), 2u);
}

TEST(SentLog, SaysWhatItCountedWhenTheDaemonEnds) {
  Flood flood;
  flood.send(events::SentLog::eachUpTo + 3);
  flood.sentLog.flush();
  EXPECT_EQ(flood.story.count("sent 3 more SMS"), 1u);
  flood.pass(5 * kj::SECONDS);
  EXPECT_EQ(flood.story.count("more SMS"), 1u);
}

TEST(SentLog, GivesEachItsEntryAlwaysWhereThatIsWanted) {
  Flood flood;
  flood.policy = config::SentInLog::each;
  flood.send(1000);
  flood.pass(1 * kj::SECONDS);
  EXPECT_EQ(flood.story.count("sent 2 messages"), 1000u);
  EXPECT_EQ(flood.story.count("more SMS"), 0u);
}

}  // namespace
}  // namespace smsd::road
