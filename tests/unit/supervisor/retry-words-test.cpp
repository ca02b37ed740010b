// SPDX-License-Identifier: GPL-3.0-or-later
// What a retry says of a message that it leaves as it is.
#include "supervisor/control/retry-words.h"

#include <gtest/gtest.h>

namespace smsd::control {
namespace {

using namespace std::chrono_literals;
using Result = queue::Restored::Result;

TEST(RetryWords, EachStateHasItsTrueWord) {
  const struct {
    queue::Restored restored;
    const char* words;
  } rows[] = {
      {{Result::restored, "1"}, ""},
      {{Result::notIgnored, "1"}, ""},
      {{Result::unknown}, "there is no message 5 in the queue"},
      {{Result::sent, "1"}, "message 5 was sent: there is nothing to retry"},
      {{Result::held, "1", 7},
       "message 5 is held, because it may have been sent: `smsctl queue release 7` lets it be sent again, "
       "`smsctl queue discard 7` gives it up"},
      {{Result::tooOld, "1"},
       "message 5 is older than queue.expire_after (2h): it would be ignored again at once; send its text as "
       "a new message"},
  };
  for (const auto& row : rows) EXPECT_EQ(notRetried(5, row.restored, 2h), row.words);
  EXPECT_NE(notWaiting(5, InProgress::yes).find("is under way"), std::string::npos);
  EXPECT_NE(notWaiting(5, InProgress::no).find("may be sent now"), std::string::npos);
}

TEST(RetryWords, OnlyAnIgnoredMessageOfKnownAgeIsTooOld) {
  queue::MessageLife life;
  life.message.status = queue::SentStatus::ignored;
  EXPECT_FALSE(isTooOld(life, 2h)) << "its age is not known";
  life.age = 3h;
  EXPECT_TRUE(isTooOld(life, 2h));
  EXPECT_FALSE(isTooOld(life, 4h));
  EXPECT_FALSE(isTooOld(life, std::nullopt));
  life.message.status = queue::SentStatus::unsent;
  EXPECT_FALSE(isTooOld(life, 2h));
}

}  // namespace
}  // namespace smsd::control
