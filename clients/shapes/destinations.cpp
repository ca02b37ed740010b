// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/destinations.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text/utf.h"

namespace smsd::shapes {
namespace {

constexpr std::size_t ownDigits = 6;      // a word with so many digits can be a number by itself
constexpr std::size_t joinedDigits = 8;   // words with fewer digits than this together are not one number
constexpr std::size_t countryDigits = 3;  // the longest country code
constexpr std::size_t longDigits = 10;
constexpr std::size_t shownBytes = 40;

bool isNumberDigit(char c) { return c >= '0' && c <= '9'; }
bool isBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::size_t digitsOf(std::string_view word) {
  return static_cast<std::size_t>(std::ranges::count_if(word, isNumberDigit));
}

bool isShort(std::string_view word) {
  return word.size() > 1 && word.front() == 's' && std::ranges::all_of(word.substr(1), isNumberDigit);
}

/// Whether the word has a letter. The marks of typography between digits are no letters.
bool isGroupName(std::string_view word) {
  if (isShort(word)) return false;
  return std::ranges::any_of(
      word, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@'; });
}

bool isCountry(std::string_view word) {
  const bool plus = word.starts_with('+');
  if (!plus && !word.starts_with("00")) return false;
  const std::string_view code = word.substr(plus ? 1 : 2);
  return code.size() <= countryDigits && std::ranges::all_of(code, isNumberDigit);
}

std::vector<std::string_view> wordsOf(std::string_view field) {
  std::vector<std::string_view> words;
  while (true) {
    while (!field.empty() && isBlank(field.front())) field.remove_prefix(1);
    if (field.empty()) return words;
    const auto end = std::ranges::find_if(field, isBlank);
    const auto length = static_cast<std::size_t>(end - field.begin());
    words.push_back(field.substr(0, length));
    field.remove_prefix(length);
  }
}

enum class WordsReading { several, one, ambiguous };

WordsReading readingOf(const std::vector<std::string_view>& words) {
  const auto whole = [](std::string_view word) {
    return isGroupName(word) || isShort(word) || digitsOf(word) >= ownDigits;
  };
  if (words.size() == 1 || std::ranges::all_of(words, whole)) return WordsReading::several;
  std::size_t digits = 0;
  bool pieces = true;  // none is long enough to be a number
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (isGroupName(words[at]) || isShort(words[at]) || (at > 0 && words[at].starts_with('+')))
      return WordsReading::ambiguous;
    digits += digitsOf(words[at]);
    pieces = pieces && digitsOf(words[at]) < ownDigits;
  }
  return digits >= joinedDigits && (pieces || isCountry(words.front())) ? WordsReading::one
                                                                        : WordsReading::ambiguous;
}

Target targetOf(std::string word, LongNumber longNumber) {
  if (isGroupName(word)) return {Target::Kind::group, std::move(word)};
  if (isShort(word)) return {Target::Kind::recipient, word.substr(1)};
  const bool plain = !word.empty() && isNumberDigit(word.front()) && word.front() != '0';
  if (longNumber == LongNumber::international && plain && digitsOf(word) >= longDigits)
    word.insert(0, 1, '+');
  return {Target::Kind::recipient, std::move(word)};
}

}  // namespace

Destinations destinationsIn(std::string_view written, LongNumber longNumber) {
  Destinations found;
  const auto refuse = [](std::string problem) { return Destinations{{}, std::move(problem)}; };
  const auto add = [&](std::string word) {
    auto target = targetOf(std::move(word), longNumber);
    if (std::ranges::find(found.targets, target) == found.targets.end())
      found.targets.push_back(std::move(target));
  };
  while (!written.empty()) {
    const std::size_t comma = std::min(written.find(','), written.size());
    const auto words = wordsOf(written.substr(0, comma));
    written.remove_prefix(std::min(comma + 1, written.size()));
    if (words.empty()) continue;
    const WordsReading reading = readingOf(words);
    if (reading == WordsReading::ambiguous)
      return refuse(fmt::format(
          "{} may be one number or several: write each number without blanks",
          text::printable({words.front().data(), words.back().data() + words.back().size()}, shownBytes)));
    if (reading == WordsReading::one) {
      std::string number;
      for (const auto word : words) number += word;
      add(std::move(number));
    } else {
      for (const auto word : words) add(std::string(word));
    }
    if (found.targets.size() > maxDestinations)
      return refuse(fmt::format("more than {} numbers", maxDestinations));
  }
  if (found.targets.empty()) return refuse("expected a telephone number, found nothing");
  return found;
}

}  // namespace smsd::shapes
