// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/import-nav/ini.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text/ascii.h"

namespace smsd::smsctl::nav {
namespace {

constexpr std::string_view blanks = " \t\r\f\v";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Calls `line` with each line and its place.
template <typename F>
void eachLine(std::string_view text, const std::string& name, F line) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line(text.substr(0, end), fmt::format("{}:{}", name, number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool isComment(std::string_view line) { return line.empty() || line[0] == '#' || line[0] == ';'; }

class Reader {
 public:
  explicit Reader(Ini& ini) : ini_(ini) {}

  void take(std::string_view line, const std::string& where) {
    const std::string_view content = trimmed(line);
    if (isComment(content)) return;
    if (blanks.find(line[0]) != std::string_view::npos && inKey_)
      return problem(where, "the line before it is continued, expected a value of one line");
    if (content.front() == '[') return section(content, where);
    const std::size_t delimiter = content.find_first_of("=:");
    const std::string_view key = trimmed(content.substr(0, delimiter));
    if (delimiter == std::string_view::npos || key.empty())
      return problem(where, "expected `key: value`, or a [section]");
    if (section_ == nullptr) return problem(where, "a key before the first section, expected [main]");
    inKey_ = true;
    const IniValue entry{std::string(trimmed(content.substr(delimiter + 1))), where};
    const auto [known, isNew] = section_->emplace(text::lower(key), entry);
    if (!isNew)
      problem(where, fmt::format("a second {}, the first is at {}", text::lower(key), known->second.where));
  }

 private:
  void problem(const std::string& where, const std::string& what) { ini_.problems.push_back({where, what}); }

  void section(std::string_view content, const std::string& where) {
    inKey_ = false;
    if (content.back() != ']' || content.size() < 3) return problem(where, "expected a [section]");
    const std::string name(content.substr(1, content.size() - 2));
    const auto [known, isNew] = ini_.sections.try_emplace(name);
    if (!isNew) problem(where, fmt::format("a second section [{}]", name));
    section_ = &known->second;
  }

  Ini& ini_;
  Section* section_ = nullptr;
  bool inKey_ = false;
};

}  // namespace

const Section* Ini::find(const std::string& name) const {
  const auto found = sections.find(name);
  return found == sections.end() ? nullptr : &found->second;
}

Ini readIni(std::string_view text, const std::string& name) {
  Ini ini;
  Reader reader(ini);
  eachLine(text, name, [&](std::string_view line, const std::string& where) { reader.take(line, where); });
  return ini;
}

Section readFlat(std::string_view text, const std::string& name) {
  Section keys;
  eachLine(text, name, [&](std::string_view line, const std::string& where) {
    line = trimmed(line.substr(0, line.find('#')));
    const std::size_t delimiter = line.find('=');
    if (delimiter == std::string_view::npos) return;
    const std::string key(trimmed(line.substr(0, delimiter)));
    if (!key.empty())
      keys.insert_or_assign(key, IniValue{std::string(trimmed(line.substr(delimiter + 1))), where});
  });
  return keys;
}

}  // namespace smsd::smsctl::nav
