// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/numbers.h"

#include <algorithm>

#include "common/text/number-form.h"

namespace smsd::shapes {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// " 4790000001" came from "+4790000001".
std::string withPlus(std::string_view value) {
  if (value.size() > 1 && value[0] == ' ' && isDigit(value[1])) return "+" + std::string(value.substr(1));
  return std::string(value);
}

void append(std::vector<Target>& all, std::vector<Target> more) {
  for (auto& one : more) all.push_back(std::move(one));
}

}  // namespace

std::vector<Target> numbersIn(const Parameters& parameters, std::string_view name,
                              std::string_view separators) {
  std::vector<Target> targets;
  for (const auto& value : parameters.all(name))
    for (auto& part : partsOf(withPlus(value), separators))
      targets.push_back({Target::Kind::recipient, std::move(part)});
  return targets;
}

std::vector<Target> groupsIn(const Parameters& parameters, std::string_view name) {
  std::vector<Target> targets;
  for (const auto& value : parameters.all(name))
    for (auto& part : partsOf(value, ",;")) targets.push_back({Target::Kind::group, std::move(part)});
  return targets;
}

std::vector<Target> recipientsIn(const Parameters& query) {
  auto targets = numbersIn(query, "to", ",;");
  for (auto& target : targets)
    if (text::numberForm(target.name).empty()) target.kind = Target::Kind::group;
  append(targets, numbersIn(query, "recipient", ",;"));
  append(targets, groupsIn(query, "group"));
  return targets;
}

}  // namespace smsd::shapes
