// SPDX-License-Identifier: GPL-3.0-or-later
// Where an SMS is cut, and what is a number.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "common/text/gsm7.h"
#include "common/text/utf.h"
#include "workers/gammu/parts.h"

namespace smsd::gammu {
namespace {

std::u16string joined(const Parts& parts) {
  std::u16string text;
  for (auto& part : parts.parts) text += part.text;
  return text;
}

std::u16string utf16(const std::u32string& text) {
  std::u16string units;
  for (char32_t c : text) {
    if (c > 0xFFFF) {
      units += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
      units += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      units += static_cast<char16_t>(c);
    }
  }
  return units;
}

TEST(GammuParts, ChoosesTheAlphabetByTheText) {
  EXPECT_EQ(partsOf("plain {text} €", "k")->alphabet, Alphabet::gsm7);
  EXPECT_EQ(partsOf("smart \u2019 quote", "k")->alphabet, Alphabet::ucs2);
  EXPECT_EQ(partsOf("", "k")->parts.size(), 1U);
}

TEST(GammuParts, CutsWhereOnePartIsFull) {
  EXPECT_EQ(partsOf(std::string(160, 'x'), "k")->parts.size(), 1U);
  auto two = partsOf(std::string(161, 'x'), "k");
  ASSERT_EQ(two->parts.size(), 2U);
  EXPECT_EQ(two->parts[0].text.size(), 153U);
  // an extension character costs two septets, and stays whole
  auto extension = partsOf(std::string(152, 'x') + "{" + std::string(10, 'x'), "k");
  ASSERT_EQ(extension->parts.size(), 2U);
  EXPECT_EQ(extension->parts[0].text.size(), 152U);
  EXPECT_EQ(extension->parts[1].text.front(), u'{');
  // and so does a surrogate pair
  auto pair = partsOf(std::string(66, 'x') + "\xF0\x9F\x94\xA5" + std::string(10, 'x'), "k");
  ASSERT_EQ(pair->parts.size(), 2U);
  EXPECT_EQ(pair->parts[0].text.size(), 66U);
}

TEST(GammuParts, ChainsPartsByAReferenceThatIsTheSameForTheSameKey) {
  auto parts = partsOf(std::string(400, 'x'), "364e34f111c8-1")->parts;
  ASSERT_EQ(parts.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(parts[i].header.size(), 6U);
    EXPECT_EQ(parts[i].header,
              (std::vector<std::uint8_t>{5, 0, 3, parts[0].header[3], 3, static_cast<std::uint8_t>(i + 1)}));
  }
  EXPECT_EQ(partsOf(std::string(400, 'y'), "364e34f111c8-1")->parts[0].header[3], parts[0].header[3]);
  std::set<std::uint8_t> seen;
  for (int i = 0; i < 64; ++i)
    seen.insert(partsOf(std::string(400, 'x'), "364e34f111c8-" + std::to_string(i))->parts[0].header[3]);
  EXPECT_GT(seen.size(), 40U);  // neighbours seldom meet
  EXPECT_TRUE(partsOf("short", "k")->parts[0].header.empty());
}

TEST(GammuParts, AreAsManyAsTheFormatterCountsAndLoseNothing) {
  std::mt19937 random(7);
  const std::u32string alphabet = U"ab {}€[]\u00e5\n";
  const std::u32string wide = U"a\U0001F525\u2019\U0001F469";
  for (int round = 0; round < 400; ++round) {
    const auto& from = round % 2 == 0 ? alphabet : wide;
    std::u32string text(random() % 700, U' ');
    for (auto& c : text) c = from[random() % from.size()];
    auto parts = partsOf(text::encode(text), "k");
    ASSERT_TRUE(parts);
    EXPECT_EQ(joined(*parts), utf16(text));
    bool isGsm = text::septets(text).has_value();
    text::PartCounter counter(isGsm ? text::gsm7Part : text::ucs2Part);
    for (char32_t c : text) counter.add(isGsm ? *text::septets(c) : text::utf16Units(c));
    EXPECT_EQ(parts->parts.size(), counter.parts());
    for (auto& part : parts->parts) {
      if (part.text.empty()) continue;
      EXPECT_FALSE(part.text.front() >= 0xDC00 && part.text.front() < 0xE000);
      EXPECT_FALSE(part.text.back() >= 0xD800 && part.text.back() < 0xDC00);
    }
  }
}

TEST(GammuParts, EndWhereTheirNumberCannotBeWritten) {
  EXPECT_EQ(partsOf(std::string(255 * 153, 'x'), "k")->parts.size(), 255U);
  EXPECT_FALSE(partsOf(std::string(255 * 153 + 1, 'x'), "k"));
}

TEST(GammuParts, KnowANumber) {
  EXPECT_EQ(dialled("+4799887766"), "+4799887766");
  EXPECT_EQ(dialled("99 88.77-66"), "99887766");
  EXPECT_EQ(dialled("(02) 118"), "02118");
  EXPECT_EQ(dialled("12345678901234567890"), "12345678901234567890");
  for (auto text :
       {"", "+", "kari", "+47 99x", "123456789012345678901", "++47", "47+", "*100#", "1;2", "12\r\nAT"})
    EXPECT_FALSE(dialled(text)) << text;
}

}  // namespace
}  // namespace smsd::gammu
