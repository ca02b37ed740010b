// SPDX-License-Identifier: GPL-3.0-or-later
// Decodes UTF-8 without ICU, because forty lines are enough, and with ICU each worker's sandbox would have to
// carry thirty megabytes of data.
#include "common/text/utf.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "common/text/combining-marks.h"

namespace smsd::text {
namespace {

constexpr char32_t zeroWidthJoiner = 0x200D;
// In code points. An emoji sequence has up to 11; one SMS takes 35 surrogate pairs.
constexpr std::size_t longestCluster = 16;

// The bytes allowed after a lead byte (Unicode 15, table 3-7). The bounds of the second byte exclude overlong
// forms, surrogates and code points beyond U+10FFFF.
struct Sequence {
  std::size_t continuations;
  std::uint8_t least, most;  // of the second byte
};

Sequence sequenceOf(std::uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

bool isIndicator(char32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }

// Marks that change the direction in which a terminal shows the rest of a line, and so can falsify a log.
bool turnsDirection(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

char32_t inLog(char32_t c) {
  const bool breaksLine = c == 0x85 || c == 0x2028 || c == 0x2029;
  if (breaksLine || (c >= '\t' && c <= '\r')) return ' ';
  return isControl(c) || turnsDirection(c) ? '?' : c;
}

enum class Lines { one, several };

// Nearly every text is printable ASCII alone, so that eight bytes are looked at as one number.
constexpr std::uint64_t eightTimes(std::uint8_t byte) { return std::uint64_t{0x0101'0101'0101'0101} * byte; }
constexpr std::uint64_t highBits = eightTimes(0x80);

bool areAscii(std::uint64_t bytes) { return (bytes & highBits) == 0; }
/// Whether all are from 0x20 to 0x7E. The sums do not carry into the next byte, because the bytes are ASCII.
bool arePrintable(std::uint64_t bytes) {
  if (!areAscii(bytes)) return false;
  const std::uint64_t from20 = bytes + eightTimes(0x60),
                      from7F = bytes + eightTimes(0x01);  // their high bits
  return (from20 & ~from7F & highBits) == highBits;
}

/// Removes the beginning of `rest` by eights of bytes for which `are` holds.
template <typename Are>
void skipEights(std::string_view& rest, Are are) {
  for (std::uint64_t bytes = 0; rest.size() >= sizeof bytes; rest.remove_prefix(sizeof bytes)) {
    std::memcpy(&bytes, rest.data(), sizeof bytes);
    if (!are(bytes)) return;
  }
}

bool isAscii(char byte) { return static_cast<std::uint8_t>(byte) < 0x80; }

/// Removes the ASCII from the beginning of `rest`.
void skipAscii(std::string_view& rest) {
  skipEights(rest, areAscii);
  while (!rest.empty() && isAscii(rest.front())) rest.remove_prefix(1);
}

// A fast check: nearly every text is printable ASCII and needs no further work.
bool isPlain(char c) { return c >= 0x20 && c <= 0x7E; }

bool isPlain(std::string_view text, Lines lines) {
  if (lines == Lines::one) skipEights(text, arePrintable);
  for (const char c : text)
    if (!isPlain(c) && !(c == '\n' && lines == Lines::several)) return false;
  return true;
}

/// Moves one character of `untrusted` to `line`, as it may stand in a log.
void moveToLog(std::string_view& untrusted, std::string& line) {
  if (isPlain(untrusted.front())) {
    line += untrusted.front();
    untrusted.remove_prefix(1);
  } else {
    append(line, inLog(takeCodePoint(untrusted)));
  }
}

}  // namespace

char32_t takeCodePoint(std::string_view& rest) {
  const auto lead = static_cast<std::uint8_t>(rest.front());
  rest.remove_prefix(1);
  if (lead < 0x80) return lead;
  const Sequence sequence = sequenceOf(lead);
  if (sequence.continuations == 0) return replacement;
  char32_t codePoint = lead & (0x3Fu >> sequence.continuations);
  for (std::size_t i = 0; i < sequence.continuations; ++i) {
    // Leave the byte that breaks the sequence, because it may begin the next one.
    if (rest.empty()) return replacement;
    const auto byte = static_cast<std::uint8_t>(rest.front());
    if (byte < (i == 0 ? sequence.least : 0x80) || byte > (i == 0 ? sequence.most : 0xBF)) return replacement;
    rest.remove_prefix(1);
    codePoint = codePoint << 6 | (byte & 0x3Fu);
  }
  return codePoint;
}

std::u32string decode(std::string_view utf8) {
  // As long as it can become, and shortened at the end: to append each code point would take three times as
  // long.
  std::u32string codePoints(utf8.size(), U'\0');
  char32_t* next = codePoints.data();
  while (!utf8.empty()) {
    if (isAscii(utf8.front())) {
      *next++ = static_cast<char32_t>(utf8.front());
      utf8.remove_prefix(1);
    } else {
      *next++ = takeCodePoint(utf8);
    }
  }
  codePoints.resize(static_cast<std::size_t>(next - codePoints.data()));
  return codePoints;
}

void append(std::string& utf8, char32_t codePoint) {
  char32_t c = codePoint;
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = replacement;
  const auto continuation = [&utf8, c](int shift) { utf8 += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    utf8 += static_cast<char>(c);
  } else if (c < 0x800) {
    utf8 += static_cast<char>(0xC0 | c >> 6);
    continuation(0);
  } else if (c < 0x10000) {
    utf8 += static_cast<char>(0xE0 | c >> 12);
    continuation(6);
    continuation(0);
  } else {
    utf8 += static_cast<char>(0xF0 | c >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::string encode(std::u32string_view codePoints) {
  // The ASCII at the beginning is copied as a whole, which is often the whole text.
  const auto end = std::find_if(codePoints.begin(), codePoints.end(), [](char32_t c) { return c >= 0x80; });
  std::string utf8(static_cast<std::size_t>(end - codePoints.begin()), '\0');
  std::transform(codePoints.begin(), end, utf8.begin(), [](char32_t c) { return static_cast<char>(c); });
  utf8.reserve(codePoints.size());
  for (auto c = end; c != codePoints.end(); ++c) {
    if (*c < 0x80)
      utf8.push_back(static_cast<char>(*c));
    else
      append(utf8, *c);
  }
  return utf8;
}

bool isValid(std::string_view utf8) {
  constexpr std::string_view written = "\xEF\xBF\xBD";  // U+FFFD in the text itself, which is valid
  for (skipAscii(utf8); !utf8.empty(); skipAscii(utf8)) {
    const bool itself = utf8.substr(0, written.size()) == written;
    if (takeCodePoint(utf8) == replacement && !itself) return false;
  }
  return true;
}

std::string repair(std::string_view utf8) { return isValid(utf8) ? std::string(utf8) : encode(decode(utf8)); }

std::size_t utf16Units(std::u32string_view codePoints) {
  std::size_t units = 0;
  for (const char32_t c : codePoints) units += utf16Units(c);
  return units;
}

bool ClusterScanner::startsCluster(char32_t next) {
  const bool completesFlag = isIndicator(next) && indicators_ % 2 == 1;
  const bool joined =
      isExtender(next) || before_ == zeroWidthJoiner || completesFlag || (before_ == U'\r' && next == U'\n');
  const bool afterBreak = (before_ == U'\r' || before_ == U'\n') && next != U'\n';
  const bool starts = length_ == 0 || !joined || afterBreak || length_ >= longestCluster;
  length_ = starts ? 1 : length_ + 1;
  indicators_ = isIndicator(next) ? indicators_ + 1 : 0;
  before_ = next;
  return starts;
}

std::string_view truncated(std::string_view utf8, std::size_t maxBytes) {
  if (utf8.size() <= maxBytes) return utf8;
  const auto isContinuation = [utf8](std::size_t at) {
    return (static_cast<std::uint8_t>(utf8[at]) & 0xC0) == 0x80;
  };
  std::size_t cut = maxBytes;
  while (cut > 0 && maxBytes - cut < 3 && isContinuation(cut)) --cut;
  // If three steps back find no lead byte, the bytes are no valid sequence that the cut could break.
  return utf8.substr(0, isContinuation(cut) ? maxBytes : cut);
}

std::string printable(std::string_view untrusted, std::size_t maxBytes) {
  if (untrusted.size() <= maxBytes && isPlain(untrusted, Lines::one)) return std::string(untrusted);
  constexpr std::string_view ellipsis = "...";
  std::string line;
  line.reserve(std::min(untrusted.size(), maxBytes));
  std::size_t keep = 0;  // bytes after which the ellipsis still fits
  while (!untrusted.empty()) {
    moveToLog(untrusted, line);
    if (line.size() + ellipsis.size() <= maxBytes) keep = line.size();
    if (line.size() > maxBytes) {
      line.resize(keep);
      return line += ellipsis.substr(0, maxBytes - keep);
    }
  }
  return line;
}

std::string printableLines(std::string_view untrusted) {
  if (isPlain(untrusted, Lines::several)) return std::string(untrusted);
  std::string lines;
  lines.reserve(untrusted.size());
  while (!untrusted.empty()) {
    const char32_t c = takeCodePoint(untrusted);
    append(lines, c == U'\n' ? c : inLog(c));
  }
  return lines;
}

std::string escapedJson(std::string_view json) {
  if (isPlain(json, Lines::several)) return std::string(json);
  std::string escaped;
  escaped.reserve(json.size());
  while (!json.empty()) {
    const char32_t c = takeCodePoint(json);
    if (c < 0x7F || inLog(c) == c) {
      append(escaped, c);
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";  // four suffice: all are below U+10000
    escaped += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) escaped += digits[c >> shift & 0xF];
  }
  return escaped;
}

}  // namespace smsd::text
