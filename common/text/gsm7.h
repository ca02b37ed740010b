// SPDX-License-Identifier: GPL-3.0-or-later
// Measures a text as an SMS: its length in the GSM 7-bit alphabet, and its number of parts.
//
// Owns the default alphabet (3GPP TS 23.038, 6.2.1) with its extension table (6.2.1.1), look-alikes for
// missing characters, and the sizes of parts (3GPP TS 23.040, 9.2.3.24.1). Called by the formatter, `smsctl
// preview` and workers that choose an encoding. Does not use national language tables, because a phone need
// not have them. Pure; does not fail.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smsd::text {

/// The septets of each character up to the Greek letters; 0: the alphabet lacks it. The euro sign is the only
/// character of the alphabet that lies beyond them.
inline constexpr char32_t septetsEnd = 0x400;
extern const std::array<std::uint8_t, septetsEnd> septetsOf;

/// Returns 1, or 2 for a character of the extension table; none if the alphabet lacks the character.
inline std::optional<std::size_t> septets(char32_t codePoint) {
  constexpr char32_t euro = 0x20AC;
  if (codePoint >= septetsEnd) return codePoint == euro ? std::optional<std::size_t>(2) : std::nullopt;
  const std::size_t cost = septetsOf[codePoint];
  return cost == 0 ? std::nullopt : std::optional(cost);
}
/// Returns the sum for all characters; none if the alphabet lacks one of them.
std::optional<std::size_t> septets(std::u32string_view codePoints);

/// Replaces each character that the alphabet lacks by its look-alike (transliteration.h). Characters of the
/// alphabet stay, and so do characters without a look-alike. A letter with combining marks becomes the
/// accented letter of the alphabet, or loses its marks.
std::u32string transliterate(std::u32string_view codePoints);

/// Returns false if the character is neither in the alphabet nor replaced by transliterate(). A combining
/// mark counts as replaced, although that depends on the letter before it.
bool mayBecomeGsm7(char32_t codePoint);

/// The capacity of a single SMS, and of each part of a concatenated SMS, in units of the encoding (septets or
/// UTF-16 code units). A part holds less, because its header takes six octets.
struct PartSize {
  std::size_t alone;
  std::size_t chained;
  constexpr std::size_t room(std::size_t parts) const { return parts <= 1 ? alone : parts * chained; }
};
constexpr PartSize gsm7Part{160, 153};
constexpr PartSize ucs2Part{70, 67};

/// Counts the units and parts of a text, character by character. A character of two units (escape and
/// extension, or a surrogate pair) is never split between parts, so a part may stay one unit short. A copy
/// continues with the counts of the original.
class PartCounter {
 public:
  explicit PartCounter(PartSize size) : size_(size) {}
  void add(std::size_t units) {
    units_ += units;
    inLast_ += units;
    if (inLast_ > size_.chained) {
      ++chained_;
      inLast_ = units;
    }
  }
  std::size_t units() const { return units_; }
  /// At least 1.
  std::size_t parts() const { return units_ <= size_.alone ? 1 : chained_; }

 private:
  PartSize size_;
  std::size_t units_ = 0;
  std::size_t chained_ = 1;  // parts if the SMS is concatenated
  std::size_t inLast_ = 0;   // units in the last part
};

}  // namespace smsd::text
