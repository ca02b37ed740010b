// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/alert-text.h"

#include <fmt/format.h>

#include <algorithm>

#include "clients/shapes/submission.h"
#include "common/text/utf.h"

namespace smsd::shapes {

const char* const defaultTemplate = "{status} {severity}: {what} ({where}) since {since}";

namespace {

std::string find(const Labels& labels, std::string_view name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}

std::string firstOf(const Labels& labels, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (auto value = find(labels, name); !value.empty()) return value;
  return {};
}

std::string whatOf(const AlertFacts& alert) {
  auto words = firstOf(alert.annotations, {"summary", "description", "message", "title"});
  return words.empty() ? find(alert.labels, "alertname") : words;
}

std::string whereOf(const AlertFacts& alert) {
  return firstOf(alert.labels, {"instance", "host", "hostname", "node", "device", "pod", "service", "job"});
}

/// Takes time in proportion to the text, however often `from` is in it.
void replaceAll(std::string& text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t start = 0;
  for (std::size_t at = 0; (at = text.find(from, start)) != std::string::npos; start = at + from.size())
    result.append(text, start, at - start).append(to);
  text = result.append(text, start);
}

/// Removes the traces of placeholders without a value: `FIRING : disk full () since`.
std::string tidied(std::string text) {
  replaceAll(text, "()", "");
  replaceAll(text, "[]", "");
  while (text.find("  ") != std::string::npos) replaceAll(text, "  ", " ");
  replaceAll(text, " :", ":");
  for (const std::string_view end : {" since", " at", " in", " on"})
    if (std::string_view(text).ends_with(std::string(end) + " ")) text.resize(text.size() - end.size() - 1);
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

std::string shortTime(std::string_view rfc3339) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd";
  if (rfc3339.size() < form.size()) return {};
  for (std::size_t at = 0; at < form.size(); ++at) {
    const bool digit = rfc3339[at] >= '0' && rfc3339[at] <= '9';
    if (form[at] == 'd' ? !digit : rfc3339[at] != form[at]) return {};
  }
  if (rfc3339.starts_with("0001-")) return {};  // Go's zero time
  const std::size_t zone = rfc3339.find_first_of("Z+-", form.size());
  std::string_view offset = zone == std::string_view::npos ? std::string_view() : rfc3339.substr(zone);
  if (offset.size() > 6 || offset.find_first_not_of("Z+-:0123456789") != std::string_view::npos) offset = {};
  return fmt::format("{} {}{}", rfc3339.substr(0, 10), rfc3339.substr(11, 5), offset);
}

std::string boundedText(std::string_view text) {
  // A code point has four bytes at most, so a short text need not be counted.
  if (text.size() <= maxText && text::isValid(text)) return std::string(text);
  auto points = text::decode(text::truncated(text, 4 * maxText + 4));
  if (points.size() > maxText) {
    points.resize(maxText - 3);
    points += U"...";
  }
  return text::encode(points);
}

std::optional<AlertTemplate> AlertTemplate::from(std::string_view text, std::string& problem) {
  using Kind = Piece::Kind;
  static constexpr std::pair<std::string_view, Kind> plain[] = {{"status", Kind::status},
                                                                {"severity", Kind::severity},
                                                                {"what", Kind::what},
                                                                {"where", Kind::where},
                                                                {"since", Kind::since}};
  static constexpr std::pair<std::string_view, Kind> named[] = {{"label:", Kind::label},
                                                                {"annotation:", Kind::annotation}};
  AlertTemplate result;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    if (open > 0) result.pieces_.push_back({Kind::literal, std::string(text.substr(0, open))});
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) {
      problem = "found { without }";
      return std::nullopt;
    }
    const std::string_view name = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    const auto isName = [&](const auto& one) { return one.first == name; };
    const auto begins = [&](const auto& one) {
      return name.starts_with(one.first) && name.size() > one.first.size();
    };
    if (const auto* found = std::find_if(std::begin(plain), std::end(plain), isName);
        found != std::end(plain)) {
      result.pieces_.push_back({found->second, {}});
    } else if (const auto* with = std::find_if(std::begin(named), std::end(named), begins);
               with != std::end(named)) {
      result.pieces_.push_back({with->second, std::string(name.substr(with->first.size()))});
    } else {
      problem =
          "found an unknown placeholder, expected {status}, {severity}, {what}, {where}, {since}, "
          "{label:NAME} or {annotation:NAME}";
      return std::nullopt;
    }
  }
  return result;
}

std::string AlertTemplate::valueOf(const Piece& piece, const AlertFacts& alert) {
  switch (piece.kind) {
    case Piece::Kind::literal:
      return piece.text;
    case Piece::Kind::status:
      return alert.resolved ? "RESOLVED" : "FIRING";
    case Piece::Kind::severity:
      return find(alert.labels, "severity");
    case Piece::Kind::what:
      return whatOf(alert);
    case Piece::Kind::where:
      return whereOf(alert);
    case Piece::Kind::since:
      return shortTime(alert.startsAt);
    case Piece::Kind::label:
      return find(alert.labels, piece.text);
    case Piece::Kind::annotation:
      return find(alert.annotations, piece.text);
  }
  return {};
}

std::string AlertTemplate::fill(const AlertFacts& alert) const {
  std::string text;
  for (const Piece& piece : pieces_) text += valueOf(piece, alert);
  text = boundedText(tidied(std::move(text)));
  // An SMS without a text would be refused, and the alert lost.
  return text.empty() ? (alert.resolved ? "RESOLVED" : "FIRING") : text;
}

}  // namespace smsd::shapes
