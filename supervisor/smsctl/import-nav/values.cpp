// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/import-nav/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "common/text/ascii.h"

namespace smsd::smsctl::nav {
namespace {

using config::Milliseconds;
using namespace std::chrono_literals;

constexpr double second = 1, minute = 60, hour = 3600, day = 86400;
constexpr double longest = 100 * 365 * day;

std::optional<double> unitOf(const std::string& word) {
  static constexpr std::pair<std::string_view, double> units[] = {
      {"s", second},      {"sec", second},    {"second", second}, {"m", minute},     {"min", minute},
      {"minute", minute}, {"h", hour},        {"hr", hour},       {"hour", hour},    {"d", day},
      {"day", day},       {"w", 7 * day},     {"week", 7 * day},  {"mon", 30 * day}, {"month", 30 * day},
      {"y", 365 * day},   {"year", 365 * day}};
  for (const auto& [name, seconds] : units)
    if (word == name || (name.size() > 1 && word == std::string(name) + "s")) return seconds;
  return std::nullopt;
}

std::optional<double> takeNumber(std::string_view& rest) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value) || value < 0 || value > longest) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return value;
}

/// Reads the minutes and seconds after the hours of 12:30 or 12:30:15. Returns all of it in seconds.
std::optional<double> takeClock(std::string_view& rest, double hours) {
  double seconds = hours * hour;
  for (const double unit : {minute, second}) {
    if (!rest.starts_with(':')) break;
    rest.remove_prefix(1);
    const auto value = takeNumber(rest);
    if (!value || *value >= 60) return std::nullopt;
    seconds += *value * unit;
  }
  return seconds;
}

void skipBlanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

// --- URLs

bool looksSecret(std::string_view name) {
  static constexpr std::array words = {"pass", "pwd", "secret", "token", "key", "pin"};
  const std::string word = text::lower(name);
  return std::any_of(words.begin(), words.end(),
                     [&](const char* part) { return word.find(part) != std::string::npos; });
}

int hexOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool isEscape(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && hexOf(text[at + 1]) >= 0 && hexOf(text[at + 2]) >= 0;
}

/// Decodes a value of a query as a gateway does.
std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && isEscape(text, at)) {
      result += static_cast<char>(hexOf(text[at + 1]) * 16 + hexOf(text[at + 2]));
      at += 2;
    } else {
      result += text[at] == '+' ? ' ' : text[at];
    }
  }
  return result;
}

/// Returns the placeholder at the beginning of `rest`. Shows names only, because anything else may be a
/// secret.
std::string placeholderAt(std::string_view rest) {
  std::size_t end = 2;
  while (end < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[end])) != 0 || rest[end] == '_'))
    ++end;
  return rest.substr(end).starts_with(")s") ? std::string(rest.substr(0, end + 2)) : "a %(...)";
}

/// Replaces Python's % formatting by smsd's placeholders.
void translate(std::string_view given, GatewayUrl& result) {
  bool phone = false, sms = false, bare = false;
  for (std::size_t at = 0; at < given.size(); ++at) {
    const std::string_view rest = given.substr(at);
    if (rest.starts_with("%(phone)s")) {
      phone = true;
      result.url += "{recipient}";
      at += 8;
    } else if (rest.starts_with("%(sms)s")) {
      sms = true;
      result.url += "{text}";
      at += 6;
    } else if (rest.starts_with("%%")) {
      result.url += '%';
      at += 1;
    } else if (rest.starts_with("%(")) {
      result.todo.push_back(fmt::format(
          "the url has {}, which is neither %(phone)s nor %(sms)s and was kept: replace it by its "
          "value",
          placeholderAt(rest)));
      result.url += '%';
    } else if (rest[0] == '%') {
      bare = true;
      result.url += '%';
    } else if (rest[0] == '{' || rest[0] == '}') {
      result.url += rest[0] == '{' ? "%7B" : "%7D";
    } else {
      result.url += rest[0];
    }
  }
  if (bare)
    result.notes.push_back("a bare % in the url, with which NAV could send nothing, is kept as it is");
  if (!phone) result.todo.push_back("the url has no %(phone)s: the gateway does not get the recipient");
  if (!sms) result.todo.push_back("the url has no %(sms)s: the gateway does not get the text");
}

std::string freeName(const GatewayUrl& result, std::string_view parameter) {
  std::string name;
  for (const char c : text::lower(parameter))
    name += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
  static constexpr std::array taken = {"recipient", "digits", "text", "key", "encoding"};
  if (name.empty() || name[0] < 'a' || std::find(taken.begin(), taken.end(), name) != taken.end())
    name = "secret_" + name;
  const auto used = [&](const std::string& candidate) {
    return std::any_of(result.secrets.begin(), result.secrets.end(),
                       [&](const auto& secret) { return secret.first == candidate; });
  };
  std::string candidate = name;
  for (int i = 2; used(candidate); ++i) candidate = fmt::format("{}_{}", name, i);
  return candidate;
}

void takeSecrets(GatewayUrl& result) {
  const std::size_t question = result.url.find('?');
  if (question == std::string::npos) return;
  std::string_view rest = std::string_view(result.url).substr(question + 1);
  std::string query;
  while (true) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    if (!query.empty()) query += '&';
    if (!value.empty() && value.find('{') == std::string_view::npos && looksSecret(pair.substr(0, equals))) {
      const std::string name = freeName(result, pair.substr(0, equals));
      result.secrets.emplace_back(name, decoded(value));
      query += std::string(pair.substr(0, equals + 1)) + "{" + name + "}";
    } else {
      query += pair;
    }
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  result.url = result.url.substr(0, question + 1) + query;
}

}  // namespace

std::optional<bool> yesOrNo(std::string_view word) {
  const std::string said = text::lower(word);
  for (const char* yes : {"yes", "true", "on", "1"})
    if (said == yes) return true;
  for (const char* no : {"no", "false", "off", "0"})
    if (said == no) return false;
  return std::nullopt;
}

std::optional<Milliseconds> interval(std::string_view words) {
  double seconds = 0;
  skipBlanks(words);
  if (words.empty()) return std::nullopt;
  while (!words.empty()) {
    const auto value = takeNumber(words);
    if (!value) return std::nullopt;
    if (words.starts_with(':')) {
      const auto clock = takeClock(words, *value);
      if (!clock) return std::nullopt;
      seconds += *clock;
    } else {
      skipBlanks(words);
      const std::size_t end = std::min(words.find_first_of(" \t0123456789"), words.size());
      const auto unit =
          end == 0 && words.empty() ? std::optional(second) : unitOf(text::lower(words.substr(0, end)));
      if (!unit) return std::nullopt;
      seconds += *value * *unit;
      words.remove_prefix(end);
    }
    skipBlanks(words);
  }
  if (seconds > longest) return std::nullopt;
  return Milliseconds(std::llround(seconds * 1000));
}

GatewayUrl gatewayUrl(std::string_view url) {
  GatewayUrl result;
  translate(url, result);
  const std::size_t scheme = result.url.find("://");
  const std::size_t path = scheme == std::string::npos ? 0 : result.url.find_first_of("/?#", scheme + 3);
  if (scheme != std::string::npos && result.url.substr(0, path).find('@') != std::string::npos) {
    result.todo.push_back("the url holds a user and a password, which were left out: write them into `auth`");
    result.url.erase(scheme + 3, result.url.substr(0, path).rfind('@') - scheme - 2);
  }
  takeSecrets(result);
  return result;
}

}  // namespace smsd::smsctl::nav
