// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/quoted-sms.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/text/ascii.h"
#include "common/text/utf.h"

namespace smsd::keeper {
namespace {

constexpr std::size_t shortestNumber = 3, shortestPartOfNumber = 7;  // digits
constexpr std::size_t shortestText = 4, shortestPartOfText = 20;     // letters and digits
constexpr std::size_t block = shortestPartOfText / 2;  // a part contains a whole block, wherever it begins
constexpr std::size_t mostPlaces = 64;                 // of one block in the text: a bound on the work
constexpr std::size_t longestGap = 3;                  // bytes between two digits of one number

enum class Escapes { backslash, percent, ampersand };

/// Words without their escapes; each byte with its place in the words.
struct Plain {
  std::string bytes;
  std::vector<std::uint32_t> begin, end;

  void add(std::string_view decoded, std::size_t from, std::size_t to) {
    for (const char byte : decoded) {
      bytes += byte;
      begin.push_back(static_cast<std::uint32_t>(from));
      end.push_back(static_cast<std::uint32_t>(to));
    }
  }
};

/// A range of bytes that is hidden, and the mark in its place.
struct Found {
  std::size_t begin = 0, end = 0;
  const char* mark = "";
};

std::optional<std::uint32_t> hex(std::string_view digits, std::size_t count) {
  if (digits.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : digits.substr(0, count)) {
    const char small = text::lower(c);
    if (!(c >= '0' && c <= '9') && !(small >= 'a' && small <= 'f')) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : small - 'a' + 10);
  }
  return value;
}

struct Escape {
  std::string decoded;
  std::size_t length = 0;  // in the words; 0: there is none here
};

Escape encoded(char32_t codePoint, std::size_t length) {
  return {text::encode(std::u32string_view(&codePoint, 1)), length};
}

Escape backslashAt(std::string_view rest) {
  if (rest.size() < 2) return {};
  if (rest[1] == 'x') {
    if (auto value = hex(rest.substr(2), 2)) return encoded(*value, 4);
  } else if (rest[1] == 'u') {
    auto high = hex(rest.substr(2), 4);
    if (!high) return {};
    if (*high >= 0xD800 && *high < 0xDC00 && rest.substr(6).starts_with("\\u"))
      if (auto low = hex(rest.substr(8), 4); low && *low >= 0xDC00 && *low < 0xE000)
        return encoded(0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00), 12);
    return encoded(*high, 6);
  } else if (rest[1] == 'n' || rest[1] == 'r' || rest[1] == 't') {
    return {" ", 2};
  }
  return {std::string(1, rest[1]), 2};
}

Escape ampersandAt(std::string_view rest) {
  constexpr std::pair<std::string_view, const char*> names[] = {
      {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};
  for (auto& [name, character] : names)
    if (rest.starts_with(name)) return {character, name.size()};
  const std::size_t end = rest.substr(0, 12).find(';');
  if (!rest.starts_with("&#") || end == std::string_view::npos || end < 3) return {};
  std::uint32_t value = 0;
  if (rest[2] == 'x') {
    auto digits = hex(rest.substr(3), end - 3);
    if (!digits || end > 9) return {};
    value = *digits;
  } else {
    for (const char c : rest.substr(2, end - 2)) {
      if (c < '0' || c > '9') return {};
      value = value * 10 + static_cast<std::uint32_t>(c - '0');
    }
  }
  return encoded(value, end + 1);
}

Escape escapeAt(std::string_view rest, Escapes escapes) {
  if (escapes == Escapes::backslash && rest[0] == '\\') return backslashAt(rest);
  if (escapes == Escapes::ampersand && rest[0] == '&') return ampersandAt(rest);
  if (escapes == Escapes::percent && rest[0] == '%')
    if (auto value = hex(rest.substr(1), 2)) return {std::string(1, static_cast<char>(*value)), 3};
  return {};
}

Plain plainOf(std::string_view words, Escapes escapes) {
  Plain plain;
  for (std::size_t at = 0; at < words.size();) {
    const Escape escape = escapeAt(words.substr(at), escapes);
    if (escape.length > 0)
      plain.add(escape.decoded, at, at + escape.length);
    else
      plain.add(words.substr(at, 1), at, at + 1);
    at += std::max<std::size_t>(escape.length, 1);
  }
  return plain;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Small letters and digits alone, so that neither case nor blanks nor punctuation make a difference.
struct PlainLetters {
  std::u32string points;
  std::vector<std::uint32_t> begin, end;  // bytes of each
};

/// Removes the first code point from `rest`. Returns it as a small letter or digit; 0: it is neither.
char32_t takeLetter(std::string_view& rest) {
  const auto first = static_cast<unsigned char>(rest[0]);
  if (first < 0x80) {
    rest.remove_prefix(1);
    const char small = text::lower(static_cast<char>(first));
    return isDigit(small) || (small >= 'a' && small <= 'z') ? static_cast<char32_t>(small) : 0;
  }
  const char32_t point = text::takeCodePoint(rest);
  const bool separates =
      point <= 0xA0 || (point >= 0x2000 && point < 0x2070) || point == 0x3000 || point == text::replacement;
  return separates ? 0 : point;
}

PlainLetters lettersOf(std::string_view bytes) {
  PlainLetters letters;
  letters.points.reserve(bytes.size());
  letters.begin.reserve(bytes.size());
  letters.end.reserve(bytes.size());
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto begin = static_cast<std::uint32_t>(bytes.size() - rest.size());
    const char32_t point = takeLetter(rest);
    if (point == 0) continue;
    letters.points += point;
    letters.begin.push_back(begin);
    letters.end.push_back(static_cast<std::uint32_t>(bytes.size() - rest.size()));
  }
  return letters;
}

/// Returns the first `most` letters and digits.
std::u32string pointsOf(std::string_view bytes, std::size_t most) {
  std::u32string points;
  points.reserve(std::min(bytes.size(), most));
  while (!bytes.empty() && points.size() < most)
    if (const char32_t point = takeLetter(bytes); point != 0) points += point;
  return points;
}

void hideLetters(const PlainLetters& said, std::size_t begin, std::size_t end, const char* mark,
                 std::vector<Found>& found) {
  found.push_back({said.begin[begin], said.end[end - 1], mark});
}

void findPartsOfText(const PlainLetters& said, const std::u32string& text, const char* mark,
                     std::vector<Found>& found) {
  std::size_t done = 0;
  for (std::size_t at = 0; at + block <= said.points.size(); at += block) {
    if (at + block <= done) continue;
    const std::u32string_view wanted = std::u32string_view(said.points).substr(at, block);
    std::size_t places = 0;
    for (std::size_t in = text.find(wanted); in != std::u32string::npos && places < mostPlaces;
         in = text.find(wanted, in + 1), ++places) {
      std::size_t before = 0, after = block;
      while (before < at && before < in && said.points[at - before - 1] == text[in - before - 1]) ++before;
      while (at + after < said.points.size() && in + after < text.size() &&
             said.points[at + after] == text[in + after])
        ++after;
      if (before + after < shortestPartOfText) continue;
      hideLetters(said, at - before, at + after, mark, found);
      done = std::max(done, at + after);
    }
  }
}

/// Counts letters and digits up to `most`.
std::size_t countLetters(std::string_view bytes, std::size_t most) {
  std::size_t count = 0;
  while (!bytes.empty() && count < most)
    if (takeLetter(bytes) != 0) ++count;
  return count;
}

void findText(std::string_view bytes, std::string_view raw, const char* mark, std::vector<Found>& found) {
  const std::size_t there = countLetters(bytes, shortestPartOfText);
  if (there < shortestText) return;
  // Words that are too short for a part, and shorter than the text, quote nothing of it.
  const bool mayBePart = there >= shortestPartOfText;
  if (!mayBePart && countLetters(raw, there + 1) > there) return;
  const PlainLetters said = lettersOf(bytes);
  const std::u32string text = pointsOf(raw, SIZE_MAX);
  if (text.size() >= shortestPartOfText) {
    if (mayBePart) findPartsOfText(said, text, mark, found);
  } else if (text.size() >= shortestText) {
    for (std::size_t at = said.points.find(text); at != std::u32string::npos;
         at = said.points.find(text, at + 1))
      hideLetters(said, at, at + text.size(), mark, found);
  }
}

/// Returns the digits of a recipient without + and 00 before it; empty: it is no number.
std::string numberOf(const std::string& recipient) {
  std::string digits;
  for (const char c : recipient) {
    if (isDigit(c)) digits += c;
    if (text::lower(c) >= 'a' && text::lower(c) <= 'z') return "";
  }
  if (!recipient.starts_with('+') && digits.starts_with("00")) digits.erase(0, 2);
  return digits.size() < shortestNumber ? "" : digits;
}

/// Hides the digits from `begin` to `end`, with those that touch them, and the + or 00 before them.
void hideDigits(std::string_view bytes, std::size_t begin, std::size_t end, std::vector<Found>& found) {
  while (begin > 0 && isDigit(bytes[begin - 1])) --begin;
  while (end < bytes.size() && isDigit(bytes[end])) ++end;
  if (begin > 0 && bytes[begin - 1] == '+') --begin;
  found.push_back({begin, end, "(recipient)"});
}

/// The digits of words that may be those of one number, because little is between them.
struct DigitRun {
  std::string digits;
  std::vector<std::size_t> at;
};

std::vector<DigitRun> runsOf(std::string_view bytes) {
  std::vector<DigitRun> runs;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (!isDigit(bytes[at])) continue;
    bool joins = !runs.empty() && at - runs.back().at.back() - 1 <= longestGap;
    if (joins)
      for (std::size_t gap = runs.back().at.back() + 1; gap < at; ++gap)
        joins = joins && std::string_view(" -.()/_\xC2\xA0").find(bytes[gap]) != std::string_view::npos;
    if (!joins) runs.emplace_back();
    runs.back().digits += bytes[at];
    runs.back().at.push_back(at);
  }
  return runs;
}

void findPartsOfNumber(std::string_view bytes, const DigitRun& run, std::string_view number,
                       std::size_t shortest, std::vector<Found>& found) {
  for (std::size_t at = 0; at + shortest <= run.digits.size(); ++at)
    for (std::size_t in = number.find(run.digits.substr(at, shortest)); in != std::string_view::npos;
         in = number.find(run.digits.substr(at, shortest), in + 1))
      hideDigits(bytes, run.at[at], run.at[at + shortest - 1] + 1, found);
}

/// A short number is hidden only where its digits are all there is.
void findShortNumber(std::string_view bytes, std::string_view number, std::vector<Found>& found) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (!isDigit(bytes[at])) continue;
    const std::size_t begin = at;
    while (at < bytes.size() && isDigit(bytes[at])) ++at;
    std::string_view digits = bytes.substr(begin, at - begin);
    if (digits.starts_with("00")) digits.remove_prefix(2);
    if (digits == number) hideDigits(bytes, begin, at, found);
  }
}

enum class Where { words, reference };

void findRecipient(std::string_view bytes, const std::string& recipient, Where where,
                   std::vector<Found>& found) {
  const std::string number = numberOf(recipient);
  if (number.empty()) return findText(bytes, recipient, "(recipient)", found);
  if (number.size() < shortestPartOfNumber) {
    if (where == Where::words) findShortNumber(bytes, number, found);
    return;
  }
  const std::size_t shortest = where == Where::words ? shortestPartOfNumber : number.size();
  if (static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), isDigit)) < shortest) return;
  for (const DigitRun& run : runsOf(bytes)) findPartsOfNumber(bytes, run, number, shortest, found);
}

void findIn(std::string_view bytes, const QuotedSms& sms, Where where, std::vector<Found>& found) {
  findRecipient(bytes, sms.recipient, where, found);
  findText(bytes, sms.text, "(text)", found);
}

void findEscaped(const std::string& words, Escapes escapes, const QuotedSms& sms, Where where,
                 std::vector<Found>& found) {
  const Plain plain = plainOf(words, escapes);
  std::vector<Found> here;
  findIn(plain.bytes, sms, where, here);
  for (const Found& one : here) found.push_back({plain.begin[one.begin], plain.end[one.end - 1], one.mark});
}

std::string hidden(const std::string& words, std::vector<Found> found) {
  std::sort(found.begin(), found.end(), [](const Found& one, const Found& other) {
    return one.begin != other.begin ? one.begin < other.begin : one.end > other.end;
  });
  std::string shown;
  std::size_t done = 0;
  for (const Found& one : found) {
    // Those that overlap share one mark.
    if (one.begin >= done) shown.append(words, done, one.begin - done).append(one.mark);
    done = std::max(done, one.end);
  }
  return shown.append(words, done);
}

std::string without(const std::string& words, const QuotedSms& sms, Where where) {
  if (words.size() < shortestNumber) return words;
  std::vector<Found> found;
  findIn(words, sms, where, found);
  if (words.find('\\') != std::string::npos) findEscaped(words, Escapes::backslash, sms, where, found);
  if (words.find('%') != std::string::npos) findEscaped(words, Escapes::percent, sms, where, found);
  if (words.find('&') != std::string::npos) findEscaped(words, Escapes::ampersand, sms, where, found);
  return found.empty() ? words : hidden(words, std::move(found));
}

}  // namespace

std::string withoutQuotation(const std::string& words, const QuotedSms& sms) {
  return without(words, sms, Where::words);
}

std::string referenceWithoutQuotation(const std::string& reference, const QuotedSms& sms) {
  return without(reference, sms, Where::reference);
}

}  // namespace smsd::keeper
