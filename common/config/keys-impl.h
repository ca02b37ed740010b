// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of Keys: the declared keys as leaves, and the state of one reading.
//
// A declaration becomes a Leaf: the declared form, and a function that takes a node. The explanation of a key
// is made on request only, because each reading declares all keys again. Reading walks the tree once.
// Included by keys.cpp, which declares, and by key-reading.cpp, which reads.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "common/config/keys.h"
#include "common/config/yaml-tree.h"

namespace smsd::config {

struct PlacedProblem {
  Position position;
  std::string what;
};

// State shared by the Keys of a file and the Keys of its lists' elements.
struct Reading {
  Quoting quoting = Quoting::nothing;
  std::string name;
  std::filesystem::path files;  // the folder of relative paths; if empty, that of `name`
  std::vector<std::string>* unread = nullptr;
  std::map<std::string, Position> positions;  // by full key; the document is ""
  std::set<std::string> spoiled;              // full keys whose value was not taken
  std::vector<PlacedProblem> problems;
};

/// The position of the key, or of the nearest present key above it.
Position nearestPosition(const Reading& reading, std::string key);

struct Keys::Impl {
  struct Declaration {
    std::string key;
    KeyForm form;
    std::string defaultValue;
    bool required;
    std::string help;
  };
  struct Leaf {
    Declaration said;
    std::string example;                           // if empty, one of the key's type
    std::function<std::string(const Node&)> take;  // the problem, or empty
    // For a list only:
    std::function<std::size_t()> append;
    std::function<void(Keys&, std::size_t)> declare;
    std::function<std::shared_ptr<void>(Keys&)> sample;

    KeyHelp explained() const;
  };
  struct Rule {
    std::string at;
    std::function<std::optional<std::string>()> problem;
  };

  std::vector<Leaf> leaves;
  std::vector<Rule> rules;
  std::string prefix;  // "dispatchers[1]." in an element
  std::shared_ptr<Reading> reading = std::make_shared<Reading>();
  std::vector<std::unique_ptr<Keys>> elements;

  void add(Declaration declared, std::function<std::string(const Node&)> take);

  const Leaf* find(const std::string& key) const {
    const auto it =
        std::find_if(leaves.begin(), leaves.end(), [&](const Leaf& leaf) { return leaf.said.key == key; });
    return it == leaves.end() ? nullptr : &*it;
  }

  void report(Position position, std::string what) {
    reading->problems.push_back({position, std::move(what)});
  }
  void spoil(const std::string& key, Position position, std::string what) {
    reading->spoiled.insert(prefix + key);
    report(position, std::move(what));
  }

  // The names that a section ("" or "queue.") may contain, each once.
  std::vector<std::string> namesIn(const std::string& section) const;
  void readDocument(const Node& root);
  void readKeys(const Node& map);
  void readMap(const Node& map, const std::string& section);
  void readEntry(const Node::Entry& entry, const std::string& section);
  void readLeaf(const Leaf& leaf, const Node::Entry& entry);
  void readList(const Leaf& leaf, const Node& node, Position position);
  std::string unknownKey(const std::string& key, const std::vector<std::string>& names) const;
  void reportMissing(const Leaf& leaf);
  void askRules();
};

}  // namespace smsd::config
