// SPDX-License-Identifier: GPL-3.0-or-later
// The compiler fills the tables of the alphabet. The map of look-alikes is made at its first use.
#include "common/text/gsm7.h"

#include <unordered_map>

#include "common/text/transliteration.h"

namespace smsd::text {
namespace {

// In the order of the standard, from 0x00, but without 0x1B, the escape, which is no character.
constexpr std::u32string_view alphabet =
    U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    U" !\"#¤%&'()*+,-./0123456789:;<=>?"
    U"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    U"¿abcdefghijklmnopqrstuvwxyzäöñüà";
static_assert(alphabet.size() == 127);

constexpr std::u32string_view extension = U"\f^{}\\[~]|€";

const std::unordered_map<char32_t, std::u32string_view>& replacements() {
  static const auto map = [] {
    std::unordered_map<char32_t, std::u32string_view> made;
    for (const auto& [to, from] : lookAlikes)
      for (const char32_t c : std::u32string_view(from)) made.emplace(c, to);
    return made;
  }();
  return map;
}

// The alphabet's accented letters as a decomposed text writes them (for example in file names of a Mac).
struct Composition {
  char32_t mark;
  std::u32string_view letters, composed;
};
constexpr Composition compositions[] = {
    {0x0300, U"aeiou", U"àèìòù"},   {0x0301, U"eE", U"éÉ"}, {0x0303, U"nN", U"ñÑ"},
    {0x0308, U"aouAOU", U"äöüÄÖÜ"}, {0x030A, U"aA", U"åÅ"}, {0x0327, U"C", U"Ç"},
};

bool isMark(char32_t c) { return c >= 0x0300 && c <= 0x036F; }
bool isLetter(char32_t c) {
  return (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z') || (c >= 0xC0 && c < 0x100);
}

/// Returns full-width forms of ASCII, which are in ASCII's order, as ASCII.
char32_t narrowed(char32_t c) { return c >= 0xFF01 && c <= 0xFF5E ? c - 0xFF01 + U'!' : c; }

// Joins the mark with the last letter of `text`, or drops it. Returns false if no letter comes before it.
bool absorbMark(std::u32string& text, char32_t mark) {
  if (text.empty() || !isLetter(text.back())) return false;
  for (const Composition& composition : compositions) {
    if (composition.mark != mark) continue;
    const auto at = composition.letters.find(text.back());
    if (at != std::u32string_view::npos) text.back() = composition.composed[at];
  }
  return true;
}

}  // namespace

constexpr std::array<std::uint8_t, septetsEnd> septetsOf = [] {
  std::array<std::uint8_t, septetsEnd> table{};
  for (const char32_t c : alphabet) table[c] = 1;
  for (const char32_t c : extension)
    if (c < septetsEnd) table[c] = 2;
  return table;
}();

std::optional<std::size_t> septets(std::u32string_view codePoints) {
  std::size_t sum = 0;
  for (const char32_t c : codePoints) {
    const auto cost = septets(c);
    if (!cost) return std::nullopt;
    sum += *cost;
  }
  return sum;
}

std::u32string transliterate(std::u32string_view codePoints) {
  std::u32string text;
  text.reserve(codePoints.size());
  for (const char32_t c : codePoints) {
    const char32_t narrow = narrowed(c);
    if (septets(narrow)) {
      text += narrow;
    } else if (const auto found = replacements().find(narrow); found != replacements().end()) {
      text += found->second;
    } else if (!isMark(c) || !absorbMark(text, c)) {
      text += c;
    }
  }
  return text;
}

bool mayBecomeGsm7(char32_t codePoint) {
  const char32_t narrow = narrowed(codePoint);
  return septets(narrow).has_value() || isMark(narrow) || replacements().contains(narrow);
}

}  // namespace smsd::text
