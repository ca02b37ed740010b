// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/query.h"

#include <algorithm>

#include "common/config/wipe.h"

namespace smsd::shapes {
namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { literal, blank };

std::optional<std::string> decoded(std::string_view text, Plus plus) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      if (at + 2 >= text.size()) return std::nullopt;
      const int high = hexDigit(text[at + 1]), low = hexDigit(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (c == '+' && plus == Plus::blank) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    result += c;
  }
  return result;
}

}  // namespace

Parameters::~Parameters() {
  for (auto& [name, value] : all_) config::wipe(value);
}

void Parameters::add(Parameters more) {
  for (auto& one : more.all_) all_.push_back(std::move(one));
}

std::optional<std::string_view> Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : all_)
    if (key == name) return value;
  return std::nullopt;
}

std::vector<std::string_view> Parameters::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : all_)
    if (key == name) values.emplace_back(value);
  return values;
}

std::vector<std::string> partsOf(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    std::string_view part = text.substr(start, end - start);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    start = end + 1;
  }
  return parts;
}

std::optional<Parameters> readForm(std::string_view form) {
  Parameters parameters;
  while (!form.empty()) {
    const std::size_t end = std::min(form.find('&'), form.size());
    const std::string_view pair = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decoded(pair.substr(0, equals), Plus::blank);
    auto value = decoded(pair.substr(std::min(equals + 1, pair.size())), Plus::blank);
    if (!name || !value || parameters.size() == maxParameters) return std::nullopt;
    parameters.add(std::move(*name), std::move(*value));
  }
  return parameters;
}

std::optional<WebTarget> readTarget(std::string_view target) {
  if (target.size() > maxTarget) return std::nullopt;
  const std::size_t mark = std::min(target.find('?'), target.size());
  auto path = decoded(target.substr(0, mark), Plus::literal);
  auto query = readForm(target.substr(std::min(mark + 1, target.size())));
  if (!path || !query || !path->starts_with('/')) return std::nullopt;
  return WebTarget{std::move(*path), std::move(*query)};
}

}  // namespace smsd::shapes
