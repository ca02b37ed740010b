// Text as code points: what turns bytes from outside into text that cannot surprise anybody.
//
// Owns the reading and repairing of UTF-8, what counts as one character for a reader, and what of untrusted
// text may stand in a log. Called by gsm7, the formatter, and everything that logs what a worker, a gateway
// or a row said. Pure; never looks at the locale; never fails: what is not UTF-8 becomes U+FFFD, one for each
// maximal subpart (Unicode 15, section 3.9, table 3-8).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smsd::text {

constexpr char32_t replacement = 0xFFFD;

/// Takes the first code point off `rest`, which must not be empty. Always takes at least one byte.
char32_t takeCodePoint(std::string_view& rest);

std::u32string decode(std::string_view utf8);
/// What is no scalar value (surrogates, beyond U+10FFFF) is written as U+FFFD.
std::string encode(std::u32string_view codePoints);
void append(std::string& utf8, char32_t codePoint);

bool isValid(std::string_view utf8);
std::string repair(std::string_view utf8);

/// 1, or 2 for what needs a surrogate pair.
constexpr std::size_t utf16Units(char32_t codePoint) { return codePoint > 0xFFFF ? 2 : 1; }
std::size_t utf16Units(std::u32string_view codePoints);

/// Control characters of ASCII and Latin-1: C0, DEL, C1.
constexpr bool isControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

/// Says where a text may be cut without taking apart what a reader sees as one character: a letter and its
/// combining marks, emoji joined by ZWJ or with a variation selector or skin tone, flags, Hangul jamo, CR LF.
/// Feed it the text in order. Simpler than UAX #29 (no rules for prepended marks); never keeps more than 16
/// code points together, so that a text made of marks alone can be cut too, and no cut loses more than that.
class ClusterScanner {
 public:
  /// True when the text may be cut before `next`; the first call is always true.
  bool startsCluster(char32_t next);

 private:
  char32_t before_ = 0;
  std::size_t length_ = 0;      // code points of the cluster so far; 0: nothing seen yet
  std::size_t indicators_ = 0;  // regional indicators at its end: two of them are one flag
};

/// The longest prefix of at most `maxBytes` bytes that ends between two code points.
std::string_view truncated(std::string_view utf8, std::size_t maxBytes);

/// Untrusted text made safe for one line of a log: valid UTF-8 of at most `maxBytes` bytes on one line,
/// without control characters (blanks for those that are white space, `?` for others) and without marks that
/// turn the direction of what follows. What was cut ends in `...`.
std::string printable(std::string_view untrusted, std::size_t maxBytes = std::string_view::npos);

/// The same for a text of several lines: the ends of lines (`\n`) stay. Not bounded.
std::string printableLines(std::string_view untrusted);

/// JSON with every character that printable() would not leave as it is written as `\uXXXX`: nothing is lost,
/// and a terminal shows it harmlessly. `json` is valid JSON in UTF-8, whose strings alone hold such
/// characters.
std::string escapedJson(std::string_view json);

}  // namespace smsd::text
