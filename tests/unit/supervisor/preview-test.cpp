// SPDX-License-Identifier: GPL-3.0-or-later
// What `smsctl preview` prints.
#include "supervisor/smsctl/preview.h"

#include <gtest/gtest.h>

namespace smsd::smsctl {
namespace {

const std::vector<std::string> tooMany(4, std::string(60, 'x'));
const std::string x60(60, 'x');

TEST(Preview, ShowsTheSmsAndWhatItCosts) {
  EXPECT_EQ(previewText({"link down", "fan failed"}, {}),
            "1: link down; 2: fan failed\n"
            "gsm7, 27/160 septets, 1/1 part; 2 of 2 messages in it, 0 ignored, 0 carried\n");
}

TEST(Preview, ShowsWhatWasIgnored) {
  EXPECT_EQ(previewText(tooMany, {}),
            "1: " + x60 + "; 2: " + x60 +
                " +2 see web.\n"
                "gsm7, 140/160 septets, 1/1 part; 2 of 4 messages in it, 2 ignored, 0 carried\n");
}

TEST(Preview, ShowsTheRoomOfSeveralPartsAndOfTheOtherEncoding) {
  EXPECT_EQ(previewText({"темно"}, {.maxParts = 3}),
            "темно\nucs2, 5/201 UTF-16 units, 1/3 parts; 1 of 1 messages in it, 0 ignored, 0 carried\n");
}

TEST(Preview, SaysThatThereIsNothingToSend) {
  EXPECT_EQ(
      previewText({}, {}),
      "(nothing to send)\ngsm7, 0/160 septets, 1/1 part; 0 of 0 messages in it, 0 ignored, 0 carried\n");
}

TEST(Preview, GivesCountsAsJson) {
  EXPECT_EQ(previewJson(tooMany, {}),
            R"({"sms":"1: )" + x60 + "; 2: " + x60 +
                R"( +2 see web.","sent":2,"ignored":2,"encoding":"gsm7","units":140,"parts":1})"
                "\n");
}

TEST(Preview, CountsInJsonWhatIsCarriedOnlyWhenThereIsSome) {
  const format::FormatRules rules{.overflow = format::Overflow::carry_over};
  EXPECT_EQ(previewJson({"a"}, rules),
            R"({"sms":"a","sent":1,"ignored":0,"encoding":"gsm7","units":1,"parts":1})"
            "\n");
  EXPECT_TRUE(previewJson(tooMany, rules)
                  .ends_with(R"("sent":2,"ignored":0,"encoding":"gsm7","units":128,"parts":1,"carried":2})"
                             "\n"));
}

TEST(Preview, FollowsTheRules) {
  EXPECT_TRUE(previewJson({"it’s"}, {})
                  .ends_with(R"("encoding":"ucs2","units":4,"parts":1})"
                             "\n"));
  EXPECT_TRUE(
      previewJson({"it’s"}, {.transliterate = format::Transliteration::on}).starts_with(R"({"sms":"it's",)"));
  EXPECT_TRUE(previewJson({std::string(200, 'x')}, {.maxParts = 2})
                  .ends_with(R"("units":200,"parts":2})"
                             "\n"));
}

TEST(Preview, WritesValidJsonForAnyBytes) {
  EXPECT_EQ(previewJson({"\xFF\"\x01"}, {}),
            R"({"sms":")"
            "\uFFFD"
            R"(\" ","sent":1,"ignored":0,"encoding":"ucs2","units":3,"parts":1})"
            "\n");
}

}  // namespace
}  // namespace smsd::smsctl
