// A YAML text as a tree of nodes that know where they stand.
//
// Owns what of YAML a configuration may use: one document of maps, lists and scalars, bounded in size and
// depth; no aliases, no tags, no keys that are not scalars. Called by keys.cpp, and by the supervisor to find
// the files that a dispatcher's file names. Knows no key and gives no meaning to a scalar. Fails by returning
// the first syntax problem and its place; it never throws on account of the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/quoting.h"

namespace smsd::config {

struct Place {
  int line = 1;    // both from 1
  int column = 1;  // in characters
  friend bool operator==(const Place&, const Place&) = default;
};

struct Node {
  enum class Kind { empty, plain, quoted, list, map };  // empty: nothing, ~ or null
  struct Entry;

  Kind kind = Kind::empty;
  Place place;
  Quoting quoting = Quoting::nothing;
  std::string scalar;
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the order of the text, duplicates included
};

struct Node::Entry {
  std::string key;
  Place place;
  Node value;
};

struct SyntaxProblem {
  Place place;
  std::string what;
};

constexpr std::size_t maxYamlSize = 256 * 1024;  // bytes
constexpr std::size_t maxYamlDepth = 16;

/// An empty text is an empty node. A syntax problem quotes nothing.
std::variant<Node, SyntaxProblem> parseYaml(std::string_view text, Quoting quoting);

/// A double-quoted scalar that reads as `value` (what is no UTF-8 becomes U+FFFD). One line, and nothing in
/// it acts on a terminal: a file that a program writes from a stranger's text can be looked at.
std::string quotedScalar(std::string_view value);

}  // namespace smsd::config
