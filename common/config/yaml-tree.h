// SPDX-License-Identifier: GPL-3.0-or-later
// A YAML text as a tree of nodes with their positions.
//
// Owns the subset of YAML that a configuration may use: one document of maps, lists and scalars, bounded in
// size and depth, without aliases, tags, and keys that are not scalars. Called by keys.cpp, by the
// supervisor to find the files that a dispatcher's file names, and by code that writes such a file. Knows no
// key and gives no meaning to a scalar. Fails by returning the first syntax problem and its position; no text
// makes it throw.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/quoting.h"

namespace smsd::config {

struct Position {
  int line = 1;    // both count from 1
  int column = 1;  // counted in characters
  friend bool operator==(const Position&, const Position&) = default;
};

struct Node {
  enum class Kind { empty, plain, quoted, list, map };  // empty: no value, ~ or null
  struct Entry;

  Kind kind = Kind::empty;
  Position position;
  Quoting quoting = Quoting::nothing;
  std::string scalar;
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the text's order, with duplicates
};

struct Node::Entry {
  std::string key;
  Position position;
  Node value;
};

struct SyntaxProblem {
  Position position;
  std::string what;
};

constexpr std::size_t maxYamlSize = 256 * 1024;  // bytes
constexpr std::size_t maxYamlDepth = 16;

/// Returns an empty node for an empty text. A syntax problem quotes nothing.
std::variant<Node, SyntaxProblem> parseYaml(std::string_view text, Quoting quoting);

/// Returns a double-quoted scalar that reads as `value`; invalid UTF-8 becomes U+FFFD. It is one line and
/// cannot act on a terminal, so that a file written from untrusted text is safe to display.
std::string quotedScalar(std::string_view value);

}  // namespace smsd::config
