// SPDX-License-Identifier: GPL-3.0-or-later
// The columns of the statements of a backend, as their enums name them and as the sources list them.
//
// Called by the tests that compare these names with those that a database reports.
#pragma once

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/queue/statement.h"

namespace smsd::queue {

/// "... = smsd::queue::sqlite::sql::Live::id]" for an enumerator, "... = (smsd::queue::sqlite::sql::Live)7]"
/// for another value.
template <auto value>
std::string_view spelled() {
  std::string_view all = __PRETTY_FUNCTION__;
  all.remove_prefix(all.find("value = ") + 8);
  return all.substr(0, all.find_first_of(";]"));
}

/// `firstMessage` becomes first_message, as SQL writes it.
inline std::string inSql(std::string_view enumerator) {
  std::string name;
  for (char c : enumerator) {
    if (c >= 'A' && c <= 'Z') name += '_';
    name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

template <typename Column, int... n>
std::vector<std::string> columnsUpTo(std::integer_sequence<int, n...>) {
  std::vector<std::string> columns;
  for (std::string_view one : {spelled<static_cast<Column>(n)>()...})
    if (one.find('(') == std::string_view::npos) columns.push_back(inSql(one.substr(one.rfind(':') + 1)));
  return columns;
}

struct NamedStatement {
  std::string name;
  std::string text;
  std::vector<std::string> columns;
};

template <typename Column>
NamedStatement named(const char* name, const Statement<Column>& statement) {
  return {name, std::string(statement.text()), columnsUpTo<Column>(std::make_integer_sequence<int, 32>())};
}

/// The names of all statements with columns in the headers of `folder`.
inline std::set<std::string> statementsIn(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (!file.path().filename().string().starts_with("sql-")) continue;
    std::stringstream content;
    content << std::ifstream(file.path()).rdbuf();
    const std::string text = content.str();
    const std::regex declaration("constexpr Statement<\\w+>\\s+(\\w+)");
    for (std::sregex_iterator at(text.begin(), text.end(), declaration), end; at != end; ++at)
      names.insert((*at)[1]);
  }
  return names;
}

inline std::set<std::string> namesOf(const std::vector<NamedStatement>& statements) {
  std::set<std::string> names;
  for (const auto& statement : statements) names.insert(statement.name);
  return names;
}

}  // namespace smsd::queue
