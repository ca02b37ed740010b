// SPDX-License-Identifier: GPL-3.0-or-later
// Transliteration::automatic: characters are replaced where that saves something, and nowhere else.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/supervisor/format-properties.h"

namespace smsd::format {
namespace {

std::string letters(std::size_t count) { return std::string(count, 'x'); }

TEST(FormatSaving, ReplacesWhereThatSavesSomethingAndNowhereElse) {
  struct Case {
    const char* what;
    std::vector<std::string> messages;
    FormatRules rules;
    std::string text;
    std::size_t parts;
  };
  const std::string x60 = letters(60), x80 = letters(80);
  std::string ellipses;
  for (int i = 0; i < 90; ++i) ellipses += "…";
  const Case cases[] = {
      {"all fit into one part", {"it’s down"}, {}, "it’s down", 1},
      {"70 units fit into one part", {"’" + letters(69)}, {}, "’" + letters(69), 1},
      {"a text would be cut", {"’" + letters(70)}, {}, "'" + letters(70), 1},
      {"it is cut later", {"’" + letters(200)}, {}, "'" + letters(156) + "...", 1},
      {"a message would be left out", {"it’s " + x60, "b"}, {}, "1: it's " + x60 + "; 2: b", 1},
      {"the message that does not fit has the character", {x80, "it’s"}, {}, "1: " + x80 + "; 2: it's", 1},
      {"it is carried over otherwise",
       {x80, "it’s"},
       {.overflow = Overflow::carry_over},
       "1: " + x80 + "; 2: it's",
       1},
      {"a part would be added", {"’" + letters(100)}, {.maxParts = 2}, "'" + letters(100), 1},
      {"several parts would be added", {"’" + letters(340)}, {.maxParts = 8}, "'" + letters(340), 3},
      {"no part is saved, because the look-alike is longer", {ellipses}, {.maxParts = 2}, ellipses, 2},
      {"a character has no look-alike",
       {"’ж" + letters(66), x60},
       {.overflow = Overflow::carry_over},
       "’ж" + letters(66),
       1},
      {"another message has no look-alike",
       {"’" + letters(61), "b", "ж"},
       {.overflow = Overflow::carry_over},
       "1: '" + letters(61) + "; 2: b",
       1},
      {"a message without look-alikes is not given up for a part",
       {"’" + letters(30), "ж" + letters(60)},
       {.maxParts = 2},
       "1: ’" + letters(30) + "; 2: ж" + letters(60),
       2},
      {"it is in the alphabet", {letters(170)}, {}, letters(157) + "...", 1},
      {"a cut text without look-alikes", {"ж’" + letters(80)}, {}, "ж’" + letters(67) + "…", 1},
  };
  for (const Case& one : cases) {
    std::vector<Message> input;
    for (const std::string& text : one.messages)
      input.push_back({static_cast<MessageId>(input.size() + 1), text, std::nullopt});
    const auto sms = format(input, one.rules);
    EXPECT_EQ(test::brokenPromise(input, one.rules, sms), "") << one.what;
    EXPECT_EQ(test::brokenSaving(input, one.rules, sms), "") << one.what;
    EXPECT_EQ(sms.text, one.text) << one.what;
    EXPECT_EQ(sms.parts, one.parts) << one.what;
  }
}

}  // namespace
}  // namespace smsd::format
