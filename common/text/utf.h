// SPDX-License-Identifier: GPL-3.0-or-later
// Text as code points. Turns bytes from outside into safe, valid text.
//
// Owns the decoding and repair of UTF-8, the limits of a character as a reader sees it, and which characters
// of untrusted text may appear in a log. Called by gsm7, the formatter, and all code that logs text of a
// worker, a gateway or a row. Pure; never uses the locale. Never fails: invalid UTF-8 becomes U+FFFD, one for
// each maximal subpart (Unicode 15, section 3.9, table 3-8).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smsd::text {

constexpr char32_t replacement = 0xFFFD;

/// Removes the first code point from `rest` and returns it. `rest` must not be empty. Always removes at least
/// one byte.
char32_t takeCodePoint(std::string_view& rest);

std::u32string decode(std::string_view utf8);
/// Encodes as UTF-8. Values that are no Unicode scalar values (surrogates, beyond U+10FFFF) become U+FFFD.
std::string encode(std::u32string_view codePoints);
void append(std::string& utf8, char32_t codePoint);

bool isValid(std::string_view utf8);
std::string repair(std::string_view utf8);

/// Returns 1, or 2 for a code point that needs a surrogate pair.
constexpr std::size_t utf16Units(char32_t codePoint) { return codePoint > 0xFFFF ? 2 : 1; }
std::size_t utf16Units(std::u32string_view codePoints);

/// Returns true for the control characters of ASCII and Latin-1: C0, DEL, C1.
constexpr bool isControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

/// Finds places where a cut does not split a character as a reader sees it: a letter and its combining marks,
/// emoji joined by ZWJ or with a variation selector or skin tone, flags, Hangul jamo, CR LF. Pass it the text
/// in order. It is simpler than UAX #29 (no rules for prepended marks). It keeps at most 16 code points
/// together, so that even a text of marks alone can be cut, and a cut loses no more than that.
class ClusterScanner {
 public:
  /// Returns true if the text may be cut before `next`. The first call always returns true.
  bool startsCluster(char32_t next);

 private:
  char32_t before_ = 0;
  std::size_t length_ = 0;      // code points of the cluster so far; 0 before the first
  std::size_t indicators_ = 0;  // regional indicators at its end; two form a flag
};

/// Returns the longest prefix of at most `maxBytes` bytes that ends between two code points.
std::string_view truncated(std::string_view utf8, std::size_t maxBytes);

/// Makes untrusted text safe for one line of a log. Returns valid UTF-8 of at most `maxBytes` bytes on one
/// line. White-space control characters and line separators become blanks. Other control characters, and
/// marks that change the direction of the text, become `?`. A text that was cut ends in `...`.
std::string printable(std::string_view untrusted, std::size_t maxBytes = std::string_view::npos);

/// As printable(), for a text of several lines: line ends (`\n`) stay. Not bounded.
std::string printableLines(std::string_view untrusted);

/// Writes each character that printable() would change as `\uXXXX`, so that nothing is lost and the text is
/// safe on a terminal. `json` has to be valid JSON in UTF-8, with such characters only inside its strings.
std::string escapedJson(std::string_view json);

}  // namespace smsd::text
