// SPDX-License-Identifier: GPL-3.0-or-later
// Repairing, cutting and printing text: what arrives may be any bytes.
#include "common/text/utf.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace smsd::text {
namespace {

TEST(Utf, LeavesValidTextAsItIs) {
  for (const std::string text : {"", "plain", "blåbærsyltetøy", "Москва", "€ 5", "👍 ok", "\xF4\x8F\xBF\xBF",
                                 "\xED\x9F\xBF", "\xEE\x80\x80"}) {
    EXPECT_TRUE(isValid(text)) << text;
    EXPECT_EQ(repair(text), text);
  }
}

TEST(Utf, KeepsNulAsACharacter) {
  const std::string text{"a\0b", 3};
  EXPECT_EQ(decode(text), (std::u32string{U'a', 0, U'b'}));
  EXPECT_EQ(repair(text), text);
}

TEST(Utf, WritesOneReplacementForEachMaximalSubpart) {
  struct {
    const char* what;
    std::string bytes;
    std::u32string expected;
  } const cases[] = {
      {"Unicode 15, table 3-8", "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41",
       U"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
      {"table 3-9: surrogates", "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41",
       U"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
      {"table 3-10: other ill-formed", "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42",
       U"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB"},
      {"table 3-11: truncated", "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", U"\uFFFD\uFFFD\uFFFD\uFFFDA"},
      {"Latin-1 in the middle",
       "bl\xE5"
       "b\xE6r",
       U"bl\uFFFDb\uFFFDr"},
      {"cut at the end", "\xE2\x82", U"\uFFFD"},
      {"overlong NUL", {"\xC0\x80", 2}, U"\uFFFD\uFFFD"},
      {"a sequence broken by a good one", "\xE2\x82\xC3\xA5", U"\uFFFDå"},
  };
  for (const auto& [what, bytes, expected] : cases) {
    EXPECT_EQ(decode(bytes), expected) << what;
    EXPECT_FALSE(isValid(bytes)) << what;
  }
}

TEST(Utf, ReadsBackEveryScalarValueItWrites) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string bytes;
    append(bytes, c);
    ASSERT_EQ(decode(bytes), std::u32string(1, c)) << static_cast<std::uint32_t>(c);
  }
}

TEST(Utf, WritesWhatIsNoScalarValueAsReplacement) {
  EXPECT_EQ(encode(std::u32string{0xD800, 0xDFFF, 0x110000}), "\uFFFD\uFFFD\uFFFD");
}

TEST(Utf, CountsTwoUnitsForWhatNeedsASurrogatePair) {
  EXPECT_EQ(utf16Units(decode("aå€")), 3u);
  EXPECT_EQ(utf16Units(decode("👍")), 2u);
  EXPECT_EQ(utf16Units(U'\uFFFF'), 1u);
  EXPECT_EQ(utf16Units(U'\U00010000'), 2u);
}

std::size_t clusters(std::string_view text) {
  ClusterScanner scanner;
  std::size_t count = 0;
  for (const char32_t c : decode(text)) count += scanner.startsCluster(c) ? 1 : 0;
  return count;
}

TEST(Utf, KeepsTogetherWhatAReaderSeesAsOneCharacter) {
  struct {
    const char* what;
    const char* text;
    std::size_t expected;
  } const cases[] = {
      {"nothing", "", 0},
      {"letters", "abc", 3},
      {"a combining accent", "e\u0301x", 2},
      {"a variation selector", "⚠\uFE0F!", 2},
      {"a family joined by ZWJ", "👩\u200D👩\u200D👧.", 2},
      {"a skin tone", "👍🏽👍", 2},
      {"two flags", "🇳🇴🇸🇪", 2},
      {"a flag and a half", "🇳🇴🇸", 2},
      {"the flag of Scotland", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", 1},
      {"Hangul as jamo", "\u1112\u1161\u11AB", 1},
      {"Devanagari with a vowel sign", "\u0915\u093F\u0916", 2},
      {"a line end of two", "a\r\nb", 3},
      {"line ends", "\n\n\r\r", 4},
      {"a mark after a line end", "\n\u0301", 2},
  };
  for (const auto& [what, text, expected] : cases) EXPECT_EQ(clusters(text), expected) << what;
}

TEST(Utf, LetsATextOfMarksAloneBeCut) {
  std::string marks;
  for (int i = 0; i < 160; ++i) marks += "\u0301";
  EXPECT_EQ(clusters(marks), 10u);
}

TEST(Utf, TruncatesBetweenCodePoints) {
  EXPECT_EQ(truncated("abc", 3), "abc");
  EXPECT_EQ(truncated("abc", 2), "ab");
  EXPECT_EQ(truncated("abc", 0), "");
  EXPECT_EQ(truncated("å€👍", 1), "");
  EXPECT_EQ(truncated("å€👍", 4), "å");
  EXPECT_EQ(truncated("å€👍", 8), "å€");
  EXPECT_EQ(truncated("å€👍", 9), "å€👍");
}

TEST(Utf, TruncatesWhatIsNoTextAtAllByBytes) { EXPECT_EQ(truncated(std::string(10, '\x80'), 7).size(), 7u); }

TEST(Utf, PrintsOnOneLineWithoutControls) {
  struct {
    std::string untrusted;
    std::string expected;
  } const cases[] = {
      {"all is well, æøå 👍", "all is well, æøå 👍"},
      {"first\nERROR forged\r\n", "first ERROR forged  "},
      {"tab\there", "tab here"},
      {"\x1B[2Jgone", "?[2Jgone"},
      {{"a\0b", 3}, "a?b"},
      {"\x7F\u0085\u009B", "? ?"},
      {"\u2028\u2029", "  "},
      {"abc\u202Edef\u2066\u200F", "abc?def??"},
      {"bad \xFF byte", "bad \uFFFD byte"},
  };
  for (const auto& [untrusted, expected] : cases) EXPECT_EQ(printable(untrusted, 100), expected);
}

TEST(Utf, PrintsSeveralLinesWithoutControls) {
  struct {
    std::string untrusted;
    std::string expected;
  } const cases[] = {
      {"one\ntwo\n", "one\ntwo\n"},       {"one\r\ntwo", "one \ntwo"}, {"\x1B[2Jgone\n\x07", "?[2Jgone\n?"},
      {"\u009B31m\u202Eabc", "?31m?abc"}, {"\u0085\u2028", "  "},
  };
  for (const auto& [untrusted, expected] : cases) EXPECT_EQ(printableLines(untrusted), expected);
}

TEST(Utf, EscapesInJsonWhatATerminalWouldActOn) {
  struct {
    std::string json;
    std::string expected;
  } const cases[] = {
      {"{\n  \"a\": \"æ👍\"\n}\n", "{\n  \"a\": \"æ👍\"\n}\n"},
      {"\"\x7F\"", "\"\\u007f\""},
      {"\"\u009B31m\"", "\"\\u009b31m\""},
      {"\"a\u202Eb\u2066\u2028\"", "\"a\\u202eb\\u2066\\u2028\""},
  };
  for (const auto& [json, expected] : cases) EXPECT_EQ(escapedJson(json), expected);
}

TEST(Utf, PrintsNoMoreThanItMay) {
  EXPECT_EQ(printable("123456789", 9), "123456789");
  EXPECT_EQ(printable("1234567890", 9), "123456...");
  EXPECT_EQ(printable("12345å7890", 9), "12345...");
  EXPECT_EQ(printable("1234567€", 9), "123456...");
  EXPECT_EQ(printable("1234", 3), "...");
  EXPECT_EQ(printable("1234", 2), "..");
  EXPECT_EQ(printable("1234", 0), "");
  EXPECT_EQ(printable("", 0), "");
  EXPECT_EQ(printable(std::string(100'000, '\xFF'), 10), "\uFFFD\uFFFD...");
}

TEST(Utf, KeepsItsPromisesForAnyBytes) {
  std::mt19937 random(20260301);
  const std::string_view pieces[] = {"a",      "\n",           "å",    "€",        "👍",    "\u0301", "\u200D",
                                     "\uFFFD", "\xED\xA0\x80", "\xC0", "\xF0\x9F", "\x1B", "\u202E"};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (auto i = random() % 12; i > 0; --i) {
      if (random() % 3 == 0)
        bytes += static_cast<char>(random() % 256);
      else
        bytes += pieces[random() % std::size(pieces)];
    }
    const std::size_t bound = random() % 30;
    ASSERT_TRUE(isValid(repair(bytes)));
    ASSERT_EQ(isValid(bytes), encode(decode(bytes)) == bytes) << "valid is what comes back as it was";
    ASSERT_EQ(decode(repair(bytes)), decode(bytes));
    const std::string line = printable(bytes, bound);
    ASSERT_LE(line.size(), bound);
    ASSERT_TRUE(isValid(line)) << line;
    for (const char32_t c : decode(line)) ASSERT_FALSE(isControl(c) || c == 0x202E) << line;
    for (const char32_t c : decode(printableLines(bytes)))
      ASSERT_FALSE((isControl(c) && c != '\n') || c == 0x202E) << bytes;
    for (const char32_t c : decode(escapedJson(bytes)))
      ASSERT_FALSE((c >= 0x7F && isControl(c)) || c == 0x202E) << bytes;
    const std::string good = repair(bytes);
    const auto prefix = truncated(good, bound);
    ASSERT_LE(prefix.size(), bound);
    ASSERT_TRUE(isValid(prefix));
    ASSERT_TRUE(good.starts_with(prefix));
    ASSERT_TRUE(prefix.size() == good.size() || prefix.size() + 3 >= bound);
  }
}

// Both look at eight bytes at a time.
TEST(Utf, LeavesATextAsItIsOnlyIfEachOfItsBytesIsPrintable) {
  for (std::size_t size : {1u, 7u, 8u, 9u, 17u})
    for (std::size_t at = 0; at < size; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, '~');
        text[at] = static_cast<char>(byte);
        EXPECT_EQ(printable(text) == text, byte >= 0x20 && byte <= 0x7E)
            << byte << " at " << at << " of " << size;
        EXPECT_EQ(isValid(text), byte < 0x80) << byte << " at " << at << " of " << size;
      }
}

}  // namespace
}  // namespace smsd::text
