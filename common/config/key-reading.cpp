// SPDX-License-Identifier: GPL-3.0-or-later
// The walk over the tree of a YAML text: each declared key takes its node, and each problem gets its
// position.
#include <fmt/format.h>

#include <algorithm>

#include "common/config/keys-impl.h"
#include "common/config/shown.h"
#include "common/config/values.h"

namespace smsd::config {
namespace {

std::string parentOf(const std::string& key) {
  const std::size_t cut = key.find_last_of(".[");
  return cut == std::string::npos ? "" : key.substr(0, cut);
}

std::string lastPart(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? key : key.substr(dot + 1);
}

// True for a spoiled key and all keys below it, because a key that is missing below a value of the wrong type
// is not worth a second problem.
bool isSpoiled(const Reading& reading, std::string key) {
  for (; !key.empty(); key = parentOf(key))
    if (reading.spoiled.contains(key)) return true;
  return false;
}

}  // namespace

Position nearestPosition(const Reading& reading, std::string key) {
  for (;;) {
    const auto it = reading.positions.find(key);
    if (it != reading.positions.end()) return it->second;
    if (key.empty()) return {};
    key = parentOf(key);
  }
}

std::vector<std::string> Keys::Impl::namesIn(const std::string& section) const {
  std::vector<std::string> names;
  for (const Leaf& leaf : leaves) {
    if (!leaf.said.key.starts_with(section)) continue;
    const std::string rest = leaf.said.key.substr(section.size());
    const std::string name = rest.substr(0, rest.find('.'));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

void Keys::Impl::readDocument(const Node& root) {
  reading->positions[""] = root.position;
  if (root.kind != Node::Kind::map && root.kind != Node::Kind::empty)
    return report(root.position,
                  fmt::format("{}, expected keys with their values (key: value)", found(root)));
  readKeys(root);
}

void Keys::Impl::readKeys(const Node& map) {
  readMap(map, "");
  for (const Leaf& leaf : leaves) reportMissing(leaf);
}

void Keys::Impl::readMap(const Node& map, const std::string& section) {
  std::map<std::string, Position> seen;
  for (const Node::Entry& entry : map.entries) {
    const auto [first, isNew] = seen.emplace(entry.key, entry.position);
    if (!isNew) {
      report(entry.position,
             fmt::format("key{} is given twice, expected once (the first is in line {})",
                         shownKey(entry.key, reading->quoting, namesIn(section)), first->second.line));
      continue;
    }
    readEntry(entry, section);
  }
}

void Keys::Impl::readEntry(const Node::Entry& entry, const std::string& section) {
  const auto names = namesIn(section);
  const std::string key = section + entry.key;
  // A key that contains a dot does not descend into a section.
  if (std::find(names.begin(), names.end(), entry.key) == names.end())
    return report(entry.position, unknownKey(entry.key, names));
  reading->positions[prefix + key] = entry.position;
  if (const Leaf* leaf = find(key)) return readLeaf(*leaf, entry);
  if (entry.value.kind == Node::Kind::map) return readMap(entry.value, key + ".");
  // An empty section is allowed: `queue:` with all its keys commented out.
  if (entry.value.kind != Node::Kind::empty)
    spoil(key, entry.value.position,
          fmt::format("{} for {}{}, {}expected a section with keys of {}", found(entry.value), prefix, key,
                      blankAdvice(entry.value.scalar), fmt::join(namesIn(key + "."), ", ")));
}

void Keys::Impl::readLeaf(const Leaf& leaf, const Node::Entry& entry) {
  // yaml-cpp gives an empty value the position of the next token.
  const Position position = entry.value.kind == Node::Kind::empty ? entry.position : entry.value.position;
  if (leaf.append) return readList(leaf, entry.value, position);
  const std::string problem = leaf.take(entry.value);
  if (!problem.empty())
    spoil(leaf.said.key, position, fmt::format("{}{}: {}", prefix, leaf.said.key, problem));
}

void Keys::Impl::readList(const Leaf& leaf, const Node& node, Position position) {
  const std::string& key = leaf.said.key;
  if (node.kind != Node::Kind::list)
    return spoil(key, position, fmt::format("{}{}: {}, expected a list (- ...)", prefix, key, found(node)));
  // Make all elements before the first declaration, because a declaration refers to its element.
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < node.items.size(); ++i) at.push_back(leaf.append());
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Node& item = node.items[i];
    auto& element = *elements.emplace_back(std::make_unique<Keys>())->impl_;
    element.reading = reading;
    element.prefix = fmt::format("{}{}[{}].", prefix, key, i);
    leaf.declare(*elements.back(), at[i]);
    reading->positions[fmt::format("{}{}[{}]", prefix, key, i)] = item.position;
    if (item.kind == Node::Kind::map)
      element.readKeys(item);
    else
      spoil(fmt::format("{}[{}]", key, i), item.position,
            fmt::format("{}{}: {}, {}expected a map with keys of {}", prefix, key, found(item),
                        blankAdvice(item.scalar), fmt::join(element.namesIn(""), ", ")));
  }
}

std::string Keys::Impl::unknownKey(const std::string& key, const std::vector<std::string>& names) const {
  constexpr std::string_view file = "_file";
  const std::string head(headOf(key));
  std::string advice = blankAdvice(key);
  std::vector<std::string> known = names;
  if (const auto near = closest(head, names)) {
    if (*near != head) advice += fmt::format("did you mean {}? ", *near);
  } else {
    // Advise on two slips: a secret in place of its file's name, and a key of another section.
    for (const std::string& name : names)
      if (name.ends_with(file) && name.substr(0, name.size() - file.size()) == head) {
        advice += fmt::format("did you mean {}, the file it is in? ", name);
        known.push_back(head);
      }
    for (const Leaf& leaf : leaves)
      if (lastPart(leaf.said.key) == head)
        advice += fmt::format("did you mean {}, one level down or up? ", leaf.said.key);
  }
  for (const Leaf& leaf : leaves) known.push_back(lastPart(leaf.said.key));
  return fmt::format("unknown key{}, {}expected one of {}", shownKey(key, reading->quoting, known), advice,
                     fmt::join(names, ", "));
}

void Keys::Impl::reportMissing(const Leaf& leaf) {
  const std::string key = prefix + leaf.said.key;
  if (!leaf.said.required || reading->positions.contains(key) || isSpoiled(*reading, key)) return;
  reading->spoiled.insert(key);
  report(nearestPosition(*reading, key),
         fmt::format("{} is missing, expected {} ({})", key, typeOf(leaf.said.form), leaf.said.help));
}

void Keys::Impl::askRules() {
  for (const Rule& rule : rules) {
    const std::string section = prefix + rule.at.substr(0, rule.at.find('.'));
    const bool troubled =
        std::any_of(reading->spoiled.begin(), reading->spoiled.end(), [&](const std::string& key) {
          return key.starts_with(section) &&
                 (key.size() == section.size() || key[section.size()] == '.' || key[section.size()] == '[');
        });
    if (troubled) continue;
    if (auto problem = rule.problem())
      report(nearestPosition(*reading, prefix + rule.at), fmt::format("{}{}: {}", prefix, rule.at, *problem));
  }
  for (auto& element : elements) element->impl_->askRules();
}

}  // namespace smsd::config
