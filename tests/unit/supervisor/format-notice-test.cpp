// SPDX-License-Identifier: GPL-3.0-or-later
// A notice at the end of an SMS: it is there whole, whatever the messages are, and the SMS is no longer for
// it.
#include <gtest/gtest.h>

#include "supervisor/format/format.h"

namespace smsd::format {
namespace {

constexpr std::string_view notice = " SMS limit reached, next in 60 min.";

std::vector<Message> messages(std::size_t count, const std::string& text) {
  std::vector<Message> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back({static_cast<MessageId>(i + 1), text, std::nullopt});
  return made;
}

struct NoticeCase {
  const char* what;
  std::size_t count;
  std::string text;
  FormatRules rules;
  const char* end;     // of the SMS
  std::size_t inText;  // messages
};

const NoticeCase cases[] = {
    {"one", 1, "down", {}, "down SMS limit reached, next in 60 min.", 1},
    {"two", 2, "down", {}, "1: down; 2: down SMS limit reached, next in 60 min.", 2},
    {"one that fills the SMS", 1, std::string(200, 'x'), {}, "xxx... SMS limit reached, next in 60 min.", 1},
    {"many", 300, "down", {}, "; 12: down +288 see web. SMS limit reached, next in 60 min.", 12},
    {"many that stay",
     300,
     "down",
     {.overflow = Overflow::carry_over},
     "SMS limit reached, next in 60 min.",
     13},
    {"in UCS-2",
     50,
     "\u0416",
     {.transliterate = Transliteration::off},
     "see web. SMS limit reached, next in 60 min.",
     3},
    {"in three parts", 300, "down", {.maxParts = 3}, "see web. SMS limit reached, next in 60 min.", 42},
};

TEST(FormatNotice, EndsTheSmsWholeAndWithinItsRoom) {
  for (const auto& one : cases) {
    const auto sms = format(messages(one.count, one.text), one.rules, notice);
    EXPECT_TRUE(sms.text.ends_with(one.end)) << one.what << ": " << sms.text;
    EXPECT_LE(sms.parts, static_cast<std::size_t>(one.rules.maxParts)) << one.what;
    EXPECT_EQ(sms.sent.size(), one.inText) << one.what << ": " << sms.text;
    EXPECT_EQ(sms.sent.size() + sms.ignored.size() + sms.carried.size(), one.count) << one.what;
  }
}

TEST(FormatNotice, IsNotInAnSmsWithoutAText) { EXPECT_EQ(format(messages(3, ""), {}, notice).text, ""); }

}  // namespace
}  // namespace smsd::format
