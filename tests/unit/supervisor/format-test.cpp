// SPDX-License-Identifier: GPL-3.0-or-later
// One recipient's messages become one SMS: NAV's layout without NAV's faults (C1 to C8), and what always
// holds.
#include "supervisor/format/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "tests/unit/supervisor/format-properties.h"

namespace smsd::format {
namespace {

using test::brokenLayout;
using test::brokenPromise;

std::string repeated(std::size_t count, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}
std::string x(std::size_t count) { return std::string(count, 'x'); }

std::vector<Message> messages(const std::vector<std::string>& texts) {
  std::vector<Message> made;
  for (const std::string& text : texts)
    made.push_back({static_cast<MessageId>(made.size() + 1), text, std::nullopt});
  return made;
}

std::vector<MessageId> ids(MessageId first, MessageId last) {
  std::vector<MessageId> all(static_cast<std::size_t>(last - first + 1));
  std::iota(all.begin(), all.end(), first);
  return all;
}

FormattedSms formatted(const std::vector<std::string>& texts, const FormatRules& rules = {}) {
  const auto input = messages(texts);
  FormattedSms sms = format(input, rules);
  EXPECT_EQ(brokenPromise(input, rules, sms), "") << sms.text;
  EXPECT_EQ(test::brokenSaving(input, rules, sms), "") << sms.text;
  return sms;
}

constexpr FormatRules carryOver{.overflow = Overflow::carry_over};
constexpr FormatRules twoParts{.maxParts = 2};
constexpr FormatRules lookAlikes{.transliterate = Transliteration::on};
constexpr FormatRules asTheyAre{.transliterate = Transliteration::off};

// --- NAV's own results
// ---------------------------------------------------------------------------------------------------

struct NavCase {
  std::vector<Message> messages;
  std::string sms;
  std::vector<MessageId> sent, ignored;
};

std::vector<NavCase> navCases() {
  std::ifstream file(SMSD_TEST_DATA "/nav-formatsms.json");
  const auto recorded = nlohmann::json::parse(file);
  std::vector<NavCase> cases;
  for (const auto& json : recorded.at("cases")) {
    NavCase made{{}, json.at("sms"), json.at("sent"), json.at("ignored")};
    for (const auto& message : json.at("messages"))
      made.messages.push_back({message.at("id"), message.at("text"), message.at("severity").get<int>()});
    cases.push_back(std::move(made));
  }
  return cases;
}

// Which wart made NAV do what it did, judged by the input and NAV's result alone.
std::string wartOf(const NavCase& nav) {
  const std::size_t count = nav.sent.size(), all = nav.messages.size();
  if (count == 0 && all > 1 && nav.messages.front().text.size() >= 145) return "C1";
  if (count < all && test::navLayout(nav.messages, count + 1).size() + (count + 1 < all ? 15 : 0) == 160)
    return "C2";
  for (const Message& message : nav.messages)
    if (test::costOf(test::readUtf8(message.text).value()).units != message.text.size()) return "C4";
  if (nav.sms.size() > 160) return "C5";
  return "none";
}

TEST(Format, AgreesWithNavInAllRecordedCasesButForItsWarts) {
  std::map<std::string, int> differ;
  int agree = 0;
  for (const NavCase& nav : navCases()) {
    const FormattedSms sms = format(nav.messages, {});
    EXPECT_EQ(brokenPromise(nav.messages, {}, sms), "");
    if (sms.text == nav.sms && sms.sent == nav.sent && sms.ignored == nav.ignored) {
      ++agree;
      continue;
    }
    const std::string wart = wartOf(nav);
    ++differ[wart];
    EXPECT_NE(wart, "none") << nav.sms << "\n" << sms.text;
    EXPECT_GT(sms.sent.size(), nav.sent.size()) << "we differ only to say more: " << nav.sms;
  }
  EXPECT_EQ(agree, 289);
  EXPECT_EQ(differ, (std::map<std::string, int>{{"C1", 8}, {"C2", 2}}));
}

// --- the layout
// ------------------------------------------------------------------------------------------------------------

TEST(Format, SendsOneMessageAsItIs) {
  const auto sms = formatted({"router down"});
  EXPECT_EQ(sms.text, "router down");
  EXPECT_EQ(sms.sent, ids(1, 1));
  EXPECT_EQ(sms.units, 11u);
}

TEST(Format, NumbersSeveralMessages) { EXPECT_EQ(formatted({"a", "b", "c"}).text, "1: a; 2: b; 3: c"); }

TEST(Format, CountsWhatDoesNotFitAtTheEnd) {  // C7: this is `summarize`, NAV's way
  const auto sms = formatted(std::vector<std::string>(12, x(53)));
  EXPECT_EQ(sms.text, "1: " + x(53) + "; 2: " + x(53) + " +10 see web.");
  EXPECT_EQ(sms.sent, ids(1, 2));
  EXPECT_EQ(sms.ignored, ids(3, 12));
}

TEST(Format, LeavesWhatDoesNotFitForTheNextSms) {  // C7
  const auto sms = formatted(std::vector<std::string>(12, x(53)), carryOver);
  EXPECT_EQ(sms.text, "1: " + x(53) + "; 2: " + x(53));
  EXPECT_EQ(sms.sent, ids(1, 2));
  EXPECT_EQ(sms.carried, ids(3, 12));
}

TEST(Format, KeepsNoRoomFreeWhereNothingIsCounted) {
  EXPECT_EQ(formatted({x(72), x(80), "y"}, carryOver).sent, ids(1, 2));  // 3 + 72 + 5 + 80 = 160
  EXPECT_EQ(formatted({x(72), x(81), "y"}, carryOver).sent, ids(1, 1));
}

TEST(Format, CarriedMessagesAllArriveInTheEnd) {
  std::vector<std::string> texts{x(200), "", "a", x(159), repeated(40, "ж"), x(150), "b"};
  std::size_t smsCount = 0;
  for (; !texts.empty(); ++smsCount) {
    ASSERT_LT(smsCount, 10u);
    texts.erase(texts.begin(),
                texts.begin() + static_cast<std::ptrdiff_t>(formatted(texts, carryOver).sent.size()));
  }
  EXPECT_EQ(smsCount, 5u);
}

TEST(Format, C1NeverDropsTheMostSevereMessage) {
  for (std::size_t length = 145; length <= 200; ++length) {
    const auto sms = formatted({x(length), x(20)});
    const std::string first = length <= 148 ? x(length) : x(145) + "...";
    EXPECT_EQ(sms.text, first + " +1 see web.");
    EXPECT_EQ(sms.sent, ids(1, 1));
    EXPECT_EQ(sms.ignored, ids(2, 2));
  }
}

TEST(Format, C1SendsTwoMessagesWhereBothFitAlthoughTheFirstAloneLeavesLessThan15) {
  EXPECT_EQ(formatted({x(151), "y"}).text, "1: " + x(151) + "; 2: y");
  EXPECT_EQ(formatted({x(152), "y"}).text, x(145) + "... +1 see web.");
}

TEST(Format, C1CutsASingleMessageThatIsTooLong) {
  EXPECT_EQ(formatted({x(161)}).text, x(157) + "...");
  EXPECT_EQ(formatted({x(161), "y"}, carryOver).text, x(157) + "...");
  EXPECT_EQ(formatted({x(307)}, twoParts).text, x(303) + "...");
  EXPECT_EQ(formatted({repeated(71, "ж")}).text, repeated(69, "ж") + "…");
}

TEST(Format, C2FillsTheSmsToTheLastUnit) {
  struct {
    std::size_t length, parts, units;
    int maxParts;
  } const cases[] = {{145, 1, 145, 1}, {159, 1, 159, 1}, {160, 1, 160, 1}, {161, 1, 160, 1}, {152, 1, 152, 2},
                     {153, 1, 153, 2}, {154, 1, 154, 2}, {160, 1, 160, 2}, {161, 2, 161, 2}, {306, 2, 306, 2},
                     {307, 2, 306, 2}, {459, 3, 459, 3}, {460, 3, 459, 3}};
  for (const auto& [length, parts, units, maxParts] : cases) {
    const auto sms = formatted({x(length)}, {.maxParts = maxParts});
    EXPECT_EQ(sms.parts, parts) << length;
    EXPECT_EQ(sms.units, units) << length;
    EXPECT_EQ(sms.text == x(length), units == length) << length;
  }
  for (const std::size_t length : {69, 70, 71}) {
    const auto sms = formatted({repeated(length, "ж")});
    EXPECT_EQ(sms.encoding, Encoding::ucs2);
    EXPECT_EQ(sms.units, std::min<std::size_t>(length, 70));
  }
  EXPECT_EQ(formatted({repeated(134, "ж")}, twoParts).units, 134u);
  EXPECT_EQ(formatted({repeated(135, "ж")}, twoParts).text, repeated(133, "ж") + "…");
}

TEST(Format, Keeps15CharactersFreeWhileMessagesRemain) {
  EXPECT_EQ(formatted({x(70), x(67), x(50)}).sent, ids(1, 2));  // 3 + 70 + 5 + 67 + 15 = 160: C2, `<=`
  EXPECT_EQ(formatted({x(70), x(68), x(50)}).sent, ids(1, 1));
}

TEST(Format, C3TriesNothingMilderAfterTheFirstThatDoesNotFit) {  // as NAV: alerts do not overtake each other
  const auto sms = formatted({x(100), x(100), "y"});
  EXPECT_EQ(sms.text, x(100) + " +2 see web.");
  EXPECT_EQ(sms.sent, ids(1, 1));
}

TEST(Format, C4CountsExtensionCharactersTwice) {
  EXPECT_EQ(formatted({repeated(80, "{")}).units, 160u);
  const auto sms = formatted({repeated(145, "{")});
  EXPECT_EQ(sms.text, repeated(78, "{") + "...");
  EXPECT_EQ(sms.units, 159u);
}

TEST(Format, C4LetsOneForeignCharacterCutTheRoomTo70) {
  EXPECT_EQ(formatted({x(69) + "ж"}).text, x(69) + "ж");
  EXPECT_EQ(formatted({x(30) + "ж" + x(50)}).text, x(30) + "ж" + x(38) + "…");
}

TEST(Format, C4TakesAMessageThatChangesTheAlphabetOnlyIfTheWholeStillFits) {
  EXPECT_EQ(formatted({x(30), "ж"}).text, "1: " + x(30) + "; 2: ж");
  const auto sms = formatted({x(100), "ж", "y"});
  EXPECT_EQ(sms.text, x(100) + " +2 see web.");
  EXPECT_EQ(sms.encoding, Encoding::gsm7);
}

TEST(Format, EndsACutBeforeAForeignCharacterWhereThatSaysMore) {
  EXPECT_EQ(formatted({x(100) + "ж" + x(100)}).text, x(100) + "...");
  EXPECT_EQ(formatted({x(200) + "ж"}).text, x(157) + "...");
}

TEST(Format, NeverCutsThroughACharacter) {
  EXPECT_EQ(formatted({repeated(35, "👍")}).units, 70u);
  EXPECT_EQ(formatted({repeated(36, "👍")}).text, repeated(34, "👍") + "…");
  EXPECT_EQ(formatted({x(65) + "👩\u200D👩\u200D👧" + x(9)}).text, x(65) + "...");
  EXPECT_EQ(formatted({"ж" + x(67) + "e\u0301" + x(9)}).text, "ж" + x(67) + "…");
  EXPECT_EQ(formatted({"ж" + x(65) + "🇳🇴" + x(9)}).text, "ж" + x(65) + "…");
}

TEST(Format, C5KeepsTheSuffixWithinTheLimit) {
  std::vector<std::string> texts(100'001, "y");
  texts[0] = x(143);
  EXPECT_EQ(formatted(texts).text, x(143) + " +100000 see web.");
  texts[0] = x(144);
  EXPECT_EQ(formatted(texts).text, x(140) + "... +100000 see web.");
  const auto sms = formatted(std::vector<std::string>(1'000'000, x(60)));
  EXPECT_EQ(sms.text, "1: " + x(60) + "; 2: " + x(60) + " +999998 see web.");
}

TEST(Format, C6MakesNothingOfNothing) {
  const auto sms = formatted({});
  EXPECT_EQ(sms.text, "");
  EXPECT_TRUE(sms.sent.empty());
  EXPECT_EQ(sms.parts, 1u);
}

TEST(Format, C8LeavesATextAloneThatLooksLikeALayout) {  // as NAV: a text is not ours to change
  EXPECT_EQ(formatted({"a; 2: b", "c"}).text, "1: a; 2: b; 2: c");
}

// --- empty texts, bad bytes, look-alikes
// -----------------------------------------------------------------------------------

TEST(Format, NumbersAnEmptyMessageAsNavDoes) {
  EXPECT_EQ(formatted({"", "b"}).text, "1: ; 2: b");
  EXPECT_EQ(formatted({"a", "", "c"}).text, "1: a; 2: ; 3: c");
}

TEST(Format, DoesNotLetEmptyMessagesHideTheFirstThatHasAText) {
  const auto sms = formatted({"", "", x(200), "d"});
  EXPECT_EQ(sms.text, x(145) + "... +1 see web.");
  EXPECT_EQ(sms.sent, ids(1, 3));
  EXPECT_EQ(formatted({"", x(155)}, carryOver).text, x(155));
  std::vector<std::string> texts(100, "");
  texts.push_back("news");
  EXPECT_EQ(formatted(texts).text, "news");
}

TEST(Format, SendsAnEmptyTextOnlyWhenThereIsNoOther) {
  for (const std::size_t count : {1, 2, 500}) {
    const auto sms = formatted(std::vector<std::string>(count, ""));
    EXPECT_EQ(sms.text, "");
    EXPECT_EQ(sms.sent.size(), count) << "they are done with";
  }
}

TEST(Format, RepairsBytesThatAreNoText) {
  const auto sms = formatted({"bl\xE5 \xF0\x9F\x91 alarm"});
  EXPECT_EQ(sms.text, "bl\uFFFD \uFFFD alarm");
  EXPECT_EQ(sms.encoding, Encoding::ucs2);
  EXPECT_EQ(formatted({"bl\xE5 alarm"}, lookAlikes).text, "bl? alarm");
}

TEST(Format, ReplacesControlCharactersThatAModemOrGatewayCouldObey) {
  EXPECT_EQ(formatted({{"a\0b\x1A\x1B\x7F\tc\f", 9}}).text, "a b    c ");
  EXPECT_EQ(formatted({"a\u0085b\u009F"}).text, "a b ");
  EXPECT_EQ(formatted({"a\r\nb\n"}).text, "a\r\nb\n");
  EXPECT_EQ(formatted({"a\uFFFE\uFFFF"}).text, "a\uFFFD\uFFFD");  // no XML document may hold them
}

TEST(Format, TransliteratesOnlyWhenAsked) {
  const std::string text = "“core” isn’t up" + x(100);
  EXPECT_EQ(formatted({text}, asTheyAre).encoding, Encoding::ucs2);
  const auto sms = formatted({text}, lookAlikes);
  EXPECT_EQ(sms.text, "\"core\" isn't up" + x(100));
  EXPECT_EQ(sms.encoding, Encoding::gsm7);
}

TEST(Format, TransliteratesBeforeItMeasures) {
  EXPECT_EQ(formatted({repeated(53, "…")}, lookAlikes).units, 159u);
  EXPECT_EQ(formatted({repeated(54, "…")}, lookAlikes).units, 160u);
  EXPECT_EQ(formatted({"\u200B", "b"}, lookAlikes).text, "1: ; 2: b");
  EXPECT_EQ(formatted({"\u200B"}, lookAlikes).text, "");
}

TEST(Format, TakesRulesOutOfBoundsForTheNearest) {
  EXPECT_EQ(formatted({x(161)}, {.maxParts = 0}).units, 160u);
}

TEST(Format, NeverSplitsAnExtensionCharacterOverTwoParts) {
  const auto sms = formatted({repeated(153, "{")}, twoParts);  // 306 septets, but 76 pairs go into each part
  EXPECT_EQ(sms.text, repeated(151, "{") + "...");
  EXPECT_EQ(sms.parts, 2u);
}

// --- for all inputs
// --------------------------------------------------------------------------------------------------------

bool isReplaced(const std::vector<Message>& input, FormatRules rules, const FormattedSms& sms) {
  rules.transliterate = Transliteration::off;
  return format(input, rules).text != sms.text;
}

TEST(Format, KeepsItsPromisesForAnyMessages) {
  const std::string pieces[] = {"link down ", "x",    "{",        "€",    "ж",  "👍", "\u0301", "👩\u200D👧",
                                "’",          "\xE5", "\xF0\x9F", "\x1B", "\n", "…", "; 2: "};
  std::mt19937 random(160);
  std::size_t cutOnes = 0, several = 0, saved = 0;
  for (int round = 0; round < 30'000; ++round) {
    // Few kinds of pieces a round, so that texts in one alphabet are as frequent as mixtures.
    const std::size_t kinds = 1 + random() % 5, from = random() % std::size(pieces);
    std::vector<Message> input(random() % 7);
    for (Message& message : input) {
      message.id = static_cast<MessageId>(random());
      for (auto i = random() % 4 == 0 ? 0 : random() % (random() % 3 == 0 ? 120 : 25); i > 0; --i)
        message.text += pieces[(from + random() % kinds) % std::size(pieces)];
    }
    const FormatRules rules{
        1 + static_cast<int>(random() % 3), random() % 2 ? Overflow::carry_over : Overflow::summarize,
        std::array{Transliteration::off, Transliteration::on, Transliteration::automatic}[random() % 3]};
    const FormattedSms sms = format(input, rules);
    ASSERT_EQ(brokenPromise(input, rules, sms), "") << "round " << round << ": " << sms.text;
    ASSERT_EQ(format(input, rules).text, sms.text) << "the same again";
    ASSERT_EQ(test::brokenSaving(input, rules, sms), "") << "round " << round << ": " << sms.text;
    saved += rules.transliterate == Transliteration::automatic && isReplaced(input, rules, sms);
    cutOnes += sms.text.find("...") != std::string::npos;
    several += sms.sent.size() > 1;
    const bool plain =
        rules.transliterate == Transliteration::off &&
        std::all_of(input.begin(), input.end(), [](const Message& message) {
          return message.text.find('\x1B') == std::string::npos && test::readUtf8(message.text);
        });
    if (!plain) continue;
    ASSERT_EQ(brokenLayout(input, rules, sms), "") << "round " << round << ": " << sms.text;
  }
  EXPECT_GT(cutOnes, 1000u);
  EXPECT_GT(several, 1000u);
  EXPECT_GT(saved, 300u);
}

}  // namespace
}  // namespace smsd::format
