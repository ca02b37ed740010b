// SPDX-License-Identifier: GPL-3.0-or-later
// What a mail to the administrators says.
#include "supervisor/admin-mail/digest.h"

#include <gtest/gtest.h>

#include <utility>

#include "common/text/utf.h"

namespace smsd::admin_mail {
namespace {

using journal::Level;
using namespace std::chrono_literals;

Note note(const std::string& event, const std::string& words, Level level = Level::error) {
  return {level, event, words, std::chrono::system_clock::from_time_t(1'700'000'000)};
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(Collection, SaysHowMuchOfWhatAndTheLastLines) {
  Collection collection(2);
  collection.add(note("sms-waits", "first", Level::warning));
  collection.add(note("sms-waits", "second", Level::warning));
  collection.add(note("sms-ignored", "third"));
  std::string text = collection.text("nms1", 16'384);
  EXPECT_NE(text.find("smsd on nms1: 1 error, 2 warnings since 20"), std::string::npos) << text;
  EXPECT_NE(text.find("        1  sms-ignored (error)\n        2  sms-waits (warning)\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("The most severe and last 2 of 3"), std::string::npos) << text;
  EXPECT_EQ(text.find("first"), std::string::npos) << text;
  EXPECT_LT(text.find("warning: second"), text.find("error: third")) << text;
}

TEST(Collection, AStormOfWarningsLeavesTheErrorThatItCameWith) {
  Collection collection(3);
  collection.add(note("sms-ignored", "the error"));
  for (int i = 0; i < 100; ++i)
    collection.add(note("sms-waits", "warning " + std::to_string(i) + std::string(300, 'x'), Level::warning));
  std::string text = collection.text("nms1", 16'384);
  EXPECT_LT(text.find("error: the error"), text.find("warning: warning 98")) << text;
  EXPECT_NE(text.find("warning: warning 99"), std::string::npos) << text;
  EXPECT_EQ(text.find("warning: warning 97"), std::string::npos) << text;
  EXPECT_NE(collection.text("nms1", 500).find("error: the error"), std::string::npos);
  Collection later(3);
  for (int i = 0; i < 3; ++i) later.add(note("sms-waits", "later", Level::warning));
  later.addEarlier(collection);
  EXPECT_NE(later.text("nms1", 16'384).find("error: the error"), std::string::npos);
}

TEST(Collection, SaysNothingOfDroppedLinesWhereThereAreNone) {
  Collection collection(2);
  collection.add(note("sms-ignored", "only"));
  EXPECT_EQ(collection.text("nms1", 16'384).find("The last"), std::string::npos);
}

TEST(Collection, KeepsFewerLinesFromNowOn) {
  Collection collection(20);
  for (const auto* words : {"first", "second", "third"}) collection.add(note("queue-away", words));
  collection.keep(1);
  const auto text = collection.text("nms1", 16'384);
  EXPECT_NE(text.find("3 errors"), std::string::npos) << text;
  EXPECT_EQ(text.find("second"), std::string::npos) << text;
  EXPECT_NE(text.find("third"), std::string::npos) << text;
}

TEST(Collection, CountsEverythingAndGrowsWithNothing) {
  Collection collection(20);
  for (int i = 0; i < 100'000; ++i)
    collection.add(note("event-" + std::to_string(i), std::string(10'000, 'x') + std::to_string(i)));
  std::string text = collection.text("nms1", 16'384);
  EXPECT_LE(text.size(), 16'384U);
  EXPECT_EQ(collection.total(), 100'000U);
  EXPECT_NE(text.find("100000 errors"), std::string::npos);
  EXPECT_NE(text.find("    99900  other (error)"), std::string::npos) << text.substr(0, 3000);
}

TEST(Collection, FitsItsBoundByDroppingTheOldestLines) {
  Collection collection(100);
  for (int i = 0; i < 100; ++i)
    collection.add(note("sms-ignored", "line " + std::to_string(i) + " " + std::string(390, 'x')));
  for (std::size_t most : {16'384U, 4'096U, 1'000U, 300U, 50U}) {
    std::string text = collection.text("nms1", most);
    EXPECT_LE(text.size(), most);
    EXPECT_EQ(text.find("line 99 ") != std::string::npos, most >= 1'000U) << most;
    EXPECT_EQ(text.find("line 0 "), std::string::npos);
  }
}

TEST(Collection, ALineIsOneLineOfSafeCharacters) {
  Collection collection(5);
  collection.add(note("sms-ignored", "a\nSubject: b\x1b[2J\xff" + std::string(600, 'y')));
  std::string text = collection.text("nms1", 16'384);
  EXPECT_EQ(count(text, "\nSubject"), 0U);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(text::isValid(text));
}

TEST(Collection, TakesBackWhatCouldNotBeMailed) {
  Collection earlier(3), later(3);
  for (auto words : {"a", "b", "c"}) earlier.add(note("sms-ignored", words));
  later.add(note("queue-away", "d"));
  later.addEarlier(earlier);
  EXPECT_EQ(later.total(), 4U);
  std::string text = later.text("nms1", 16'384);
  EXPECT_NE(text.find("        3  sms-ignored"), std::string::npos) << text;
  EXPECT_NE(text.find("        1  queue-away"), std::string::npos) << text;
  EXPECT_EQ(text.find("error: a\n"), std::string::npos) << text;
  EXPECT_LT(text.find("error: b\n"), text.find("error: c\n"));
  EXPECT_LT(text.find("error: c\n"), text.find("error: d\n"));
}

}  // namespace
}  // namespace smsd::admin_mail
