// SPDX-License-Identifier: GPL-3.0-or-later
// The alphabet of 3GPP TS 23.038, and how many parts a text takes (3GPP TS 23.040).
#include "common/text/gsm7.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

#include "common/text/utf.h"

namespace smsd::text {
namespace {

// The table of TS 23.038, 6.2.1, as it is printed: sixteen rows (low bits) of eight columns (high bits). The
// escape, in row 11 of column 1, stands here as a blank, which the table has elsewhere.
constexpr std::u32string_view printedTable[16] = {
    U"@Δ 0¡P¿p", U"£_!1AQaq", U"$Φ\"2BRbr", U"¥Γ#3CScs", U"èΛ¤4DTdt", U"éΩ%5EUeu",  U"ùΠ&6FVfv", U"ìΨ'7GWgw",
    U"òΣ(8HXhx", U"ÇΘ)9IYiy", U"\nΞ*:JZjz", U"Ø +;KÄkä", U"øÆ,<LÖlö", U"\ræ-=MÑmñ", U"Åß.>NÜnü", U"åÉ/?O§oà"};
constexpr std::u32string_view printedExtension = U"\f^{}\\[~]|€";

TEST(Gsm7, HasTheCharactersOfTheStandardAndNoOther) {
  std::set<char32_t> one, two(printedExtension.begin(), printedExtension.end());
  for (const auto row : printedTable) one.insert(row.begin(), row.end());
  ASSERT_EQ(one.size(), 127u);
  ASSERT_EQ(two.size(), 10u);
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const auto expected = one.contains(c)   ? std::optional<std::size_t>(1)
                          : two.contains(c) ? std::optional<std::size_t>(2)
                                            : std::nullopt;
    ASSERT_EQ(septets(c), expected) << static_cast<std::uint32_t>(c);
  }
}

TEST(Gsm7, CountsExtensionCharactersTwice) {
  EXPECT_EQ(septets(U"a{b}€"), 8u);
  EXPECT_EQ(septets(U""), 0u);
}

TEST(Gsm7, HasNoLengthForATextThatItCannotWrite) {
  EXPECT_EQ(septets(U"plain’"), std::nullopt);
  EXPECT_EQ(septets(U"ç"), std::nullopt);  // only the capital one is in the alphabet
  EXPECT_EQ(septets(U"\t"), std::nullopt);
  EXPECT_EQ(septets(U"`"), std::nullopt);
}

TEST(Gsm7, TransliteratesToWhatAReaderTakesForTheSame) {
  struct {
    const char* from;
    const char* to;
  } const cases[] = {
      {"it’s “down” – again…", "it's \"down\" - again..."},
      {"non\u00A0breaking\u202Fblanks\u200B", "non breaking blanks"},
      {"Ærlig talt, blåbærsyltetøy à la £5 ñ ß É", "Ærlig talt, blåbærsyltetøy à la £5 ñ ß É"},
      {"Žluťoučký kůň, Łódź, ação, Þór, İstanbul, Việt Nam",
       "Zlutoucky kun, Lodz, acao, Thor, Istanbul, Viet Nam"},
      {"35 °C, 3×10, ½, A→B, ≥5, 20 µs", "35 degC, 3x10, 1/2, A->B, >=5, 20 us"},
      {"`eth0`", "'eth0'"},
      {"e\u0301 A\u030A e\u0302 n\u0303 c\u0327", "é Å e ñ c"},
      {"ＡＢＣ１２３", "ABC123"},
      {"ΑΘΗΝΑ ΔΟΚΙΜΗ", "AΘHNA ΔOKIMH"},
      {"ﬁle \uFFFD", "file ?"},
      {"Москва \u0301 👍", "Москва \u0301 👍"},
  };
  for (const auto& [from, to] : cases) EXPECT_EQ(encode(transliterate(decode(from))), to) << from;
}

TEST(Gsm7, TransliteratesEveryCharacterIntoTheAlphabetOrNotAtAll) {
  std::size_t changed = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::u32string before(1, c), after = transliterate(before);
    if (after == before) continue;
    ++changed;
    ASSERT_FALSE(septets(c)) << static_cast<std::uint32_t>(c) << ": what the alphabet has stays";
    ASSERT_TRUE(septets(after)) << static_cast<std::uint32_t>(c) << " -> " << encode(after);
  }
  EXPECT_GT(changed, 700u);
}

std::size_t partsOf(std::size_t characters, std::size_t units, PartSize size) {
  PartCounter counter(size);
  for (std::size_t i = 0; i < characters; ++i) counter.add(units);
  EXPECT_EQ(counter.units(), characters * units);
  return counter.parts();
}

TEST(Gsm7, CountsPartsAsTheStandardCutsThem) {
  struct {
    std::size_t septets, parts;
  } const gsm7[] = {{0, 1},   {1, 1},   {145, 1}, {152, 1}, {153, 1}, {154, 1},  {159, 1},
                    {160, 1}, {161, 2}, {306, 2}, {307, 3}, {459, 3}, {1224, 8}, {1225, 9}};
  for (const auto& [septets, parts] : gsm7) EXPECT_EQ(partsOf(septets, 1, gsm7Part), parts) << septets;
  struct {
    std::size_t units, parts;
  } const ucs2[] = {{69, 1}, {70, 1}, {71, 2}, {134, 2}, {135, 3}};
  for (const auto& [units, parts] : ucs2) EXPECT_EQ(partsOf(units, 1, ucs2Part), parts) << units;
}

TEST(Gsm7, NeverSplitsAPairBetweenParts) {
  EXPECT_EQ(partsOf(80, 2, gsm7Part), 1u);
  EXPECT_EQ(partsOf(152, 2, gsm7Part), 2u);
  EXPECT_EQ(partsOf(153, 2, gsm7Part), 3u);  // 306 septets, but only 76 pairs go into 153
  EXPECT_EQ(partsOf(35, 2, ucs2Part), 1u);
  EXPECT_EQ(partsOf(66, 2, ucs2Part), 2u);
  EXPECT_EQ(partsOf(67, 2, ucs2Part), 3u);  // 134 units, but only 33 pairs go into 67
}

TEST(Gsm7, SaysHowMuchRoomThereIs) {
  EXPECT_EQ(gsm7Part.room(1), 160u);
  EXPECT_EQ(gsm7Part.room(2), 306u);
  EXPECT_EQ(ucs2Part.room(1), 70u);
  EXPECT_EQ(ucs2Part.room(3), 201u);
}

}  // namespace
}  // namespace smsd::text
