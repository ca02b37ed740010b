// What a text costs on the air: the GSM 7-bit alphabet, and how many parts an SMS takes.
//
// Owns the default alphabet (3GPP TS 23.038, 6.2.1) with its extension table (6.2.1.1), look-alikes for what
// it lacks, and the sizes of parts (3GPP TS 23.040, 9.2.3.24.1). Called by the formatter, `smsctl preview`
// and workers that choose an encoding. Knows nothing of national language tables: a phone need not have them.
// Pure; does not fail.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace smsd::text {

/// 1; 2 for the extension table; none when the alphabet has no such character.
std::optional<std::size_t> septets(char32_t codePoint);
/// None when one of the characters is not in the alphabet.
std::optional<std::size_t> septets(std::u32string_view codePoints);

/// Writes what has a look-alike in the alphabet with it (look-alikes.h). What the alphabet has stays, and so
/// does what looks like nothing in it. A letter followed by combining marks becomes the one accented letter
/// of the alphabet, or loses them.
std::u32string transliterate(std::u32string_view codePoints);

/// What one SMS holds, in units of its encoding (septets, or UTF-16 code units), and each part of a
/// concatenated one, which spends six octets on the header that says so.
struct PartSize {
  std::size_t alone;
  std::size_t chained;
  constexpr std::size_t room(std::size_t parts) const { return parts <= 1 ? alone : parts * chained; }
};
constexpr PartSize gsm7Part{160, 153};
constexpr PartSize ucs2Part{70, 67};

/// Counts units and parts of a text, character by character. A character of two units (escape and extension,
/// surrogate pair) is never split between parts, so a part may stay one unit short. A copy goes on from where
/// the original stood.
class PartCounter {
 public:
  explicit PartCounter(PartSize size) : size_(size) {}
  void add(std::size_t units);
  std::size_t units() const { return units_; }
  /// At least 1.
  std::size_t parts() const { return units_ <= size_.alone ? 1 : chained_; }

 private:
  PartSize size_;
  std::size_t units_ = 0;
  std::size_t chained_ = 1;  // parts, were it a concatenated SMS
  std::size_t inLast_ = 0;   // units in the last of them
};

}  // namespace smsd::text
