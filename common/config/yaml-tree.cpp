// SPDX-License-Identifier: GPL-3.0-or-later
// Uses yaml-cpp's events instead of its YAML::Node, because the events distinguish quoted from plain scalars
// and keep both of two equal keys, and because aliases and depth can be refused before anything is expanded.
#include "common/config/yaml-tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>

#include "common/text/utf.h"

namespace smsd::config {
namespace {

Position positionOf(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Quoting quoting) : quoting_(quoting) {}

  std::optional<Node> root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root)
      throw SyntaxProblem{positionOf(mark),
                          "a second document starts here, expected one document a file (remove the ---)"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add({Node::Kind::empty, positionOf(mark), quoting_, {}, {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw SyntaxProblem{positionOf(mark),
                        "an alias (*name), expected the value itself: aliases are not used here"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuseTag(mark, tag);
    if (value.find('\0') != std::string::npos)
      throw SyntaxProblem{positionOf(mark), "a text with a NUL character in it, expected none"};
    add({tag == "!" ? Node::Kind::quoted : Node::Kind::plain, positionOf(mark), quoting_, value, {}, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    std::optional<Node> key;  // a map's key whose value has not come yet
  };
  Quoting quoting_;
  std::vector<Frame> frames_;

  static void refuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw SyntaxProblem{positionOf(mark),
                          "a YAML tag (!...), expected a plain value: tags are not used here"};
  }

  void open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    refuseTag(mark, tag);
    if (frames_.size() >= maxYamlDepth)
      throw SyntaxProblem{positionOf(mark),
                          fmt::format("nested deeper than {} levels, expected less", maxYamlDepth)};
    if (!frames_.empty() && frames_.back().node.kind == Node::Kind::map && !frames_.back().key)
      throw SyntaxProblem{positionOf(mark), "a list or map as a key, expected a word"};
    frames_.push_back({{kind, positionOf(mark), quoting_, {}, {}, {}}, std::nullopt});
  }

  void close() {
    Node done = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(done));
  }

  void add(Node node) {
    if (frames_.empty()) {
      root = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.key) {
      frame.node.entries.push_back({std::move(frame.key->scalar), frame.key->position, std::move(node)});
      frame.key.reset();
    } else if (node.kind == Node::Kind::empty) {
      throw SyntaxProblem{node.position, "a key without a name, expected a word before the colon"};
    } else {
      frame.key = std::move(node);
    }
  }
};

// yaml-cpp takes the byte 4 for the end of the input, and would silently drop the rest.
std::optional<SyntaxProblem> findControlCharacter(std::string_view text) {
  Position position;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f)
      return SyntaxProblem{position, fmt::format("the control character 0x{:02x}, expected text", byte)};
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((byte & 0xc0) != 0x80) {
      ++position.column;
    }
  }
  return std::nullopt;
}

// For a tab at the start of a line yaml-cpp has many messages, which seldom help and sometimes name another
// line. So look for the tab near the line of the error.
std::optional<SyntaxProblem> findTabNear(std::string_view text, int line) {
  int current = 1;
  std::size_t start = 0;
  while (start < text.size() && current <= line + 1) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view here = text.substr(start, end - start);
    const std::size_t indent = std::min(here.find_first_not_of(" \t"), here.size());
    const std::size_t tab = here.substr(0, indent).find('\t');
    if (current >= line - 1 && tab != std::string_view::npos && indent < here.size())
      return SyntaxProblem{{current, static_cast<int>(tab) + 1}, "a tab in the indentation, expected spaces"};
    start = end + 1;
    ++current;
  }
  return std::nullopt;
}

/// One kind of mistake by the message that yaml-cpp has for it, in words that name the next step. yaml-cpp's
/// own words are never shown: they name its scanner's states, and after a colon they quote the file.
struct Mistake {
  std::string_view phrase;
  const char* words;
};

constexpr const char* colonInText = "a second colon, expected one value: put a text with a colon in quotes";
constexpr const char* asterisk =
    "a * before a name, expected a value: put a text that begins with * in quotes";
constexpr const char* ampersand =
    "a & before a name, expected a value: put a text that begins with & in quotes";
constexpr const char* exclamation =
    "a ! before a name, expected a value: put a text that begins with ! in quotes";
constexpr const char* indentation =
    "an entry that is not aligned with its neighbours, expected the same indentation";
constexpr const char* escape =
    "an escape that YAML does not have, expected \\\\ for a backslash, or single quotes";
constexpr const char* percent =
    "a % at the start of a line, expected a key: put a text that begins with % in quotes";

const Mistake mistakes[] = {
    {YAML::ErrorMsg::MAP_VALUE, colonInText},
    {YAML::ErrorMsg::MAP_KEY, colonInText},
    {YAML::ErrorMsg::BLOCK_ENTRY, "a list item, expected a value: each item (- value) is on its own line"},
    {YAML::ErrorMsg::EOF_IN_SCALAR, "the end of the file within quotes, expected the closing quote"},
    {YAML::ErrorMsg::DOC_IN_SCALAR, "a line of --- or ... within quotes, expected the closing quote"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "no comma and no }, expected } to close the map"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "no comma and no ], expected ] to close the list"},
    {YAML::ErrorMsg::FLOW_END, "a closing bracket, expected an opening one before it"},
    {YAML::ErrorMsg::END_OF_MAP, indentation},
    {YAML::ErrorMsg::END_OF_SEQ, indentation},
    {YAML::ErrorMsg::CHAR_IN_BLOCK, "a word after | or >, expected the text on the lines below"},
    {YAML::ErrorMsg::ZERO_INDENT_IN_BLOCK, "a 0 after | or >, expected an indentation from 1 to 9"},
    {YAML::ErrorMsg::INVALID_HEX, escape},
    {YAML::ErrorMsg::INVALID_UNICODE, escape},
    {YAML::ErrorMsg::INVALID_ESCAPE, escape},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND, asterisk},
    {YAML::ErrorMsg::CHAR_IN_ALIAS, asterisk},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, asterisk},
    {YAML::ErrorMsg::ALIAS_CONTENT, asterisk},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND, ampersand},
    {YAML::ErrorMsg::CHAR_IN_ANCHOR, ampersand},
    {YAML::ErrorMsg::MULTIPLE_ANCHORS, ampersand},
    {YAML::ErrorMsg::CHAR_IN_TAG_HANDLE, exclamation},
    {YAML::ErrorMsg::TAG_WITH_NO_SUFFIX, exclamation},
    {YAML::ErrorMsg::END_OF_VERBATIM_TAG, exclamation},
    {YAML::ErrorMsg::MULTIPLE_TAGS, exclamation},
    {YAML::ErrorMsg::YAML_DIRECTIVE_ARGS, percent},
    {YAML::ErrorMsg::YAML_VERSION, percent},
    {YAML::ErrorMsg::YAML_MAJOR_VERSION, percent},
    {YAML::ErrorMsg::REPEATED_YAML_DIRECTIVE, percent},
    {YAML::ErrorMsg::TAG_DIRECTIVE_ARGS, percent},
    {YAML::ErrorMsg::REPEATED_TAG_DIRECTIVE, percent},
    {YAML::ErrorMsg::UNKNOWN_TOKEN,
     "a character with which no value begins, expected a value: put it in quotes"},
};

SyntaxProblem problemOf(const YAML::Exception& error) {
  const auto* mistake = std::ranges::find_if(
      mistakes, [&](const Mistake& m) { return std::string_view(error.msg).starts_with(m.phrase); });
  return {positionOf(error.mark),
          mistake == std::end(mistakes) ? "no YAML that smsd can read, expected key: value" : mistake->words};
}

}  // namespace

std::variant<Node, SyntaxProblem> parseYaml(std::string_view text, Quoting quoting) {
  if (text.size() > maxYamlSize)
    return SyntaxProblem{
        {}, fmt::format("longer than {} KiB, expected a configuration file", maxYamlSize / 1024)};
  if (auto problem = findControlCharacter(text)) return *problem;
  TreeBuilder builder(quoting);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const SyntaxProblem& problem) {
    return problem;
  } catch (const YAML::Exception& e) {
    if (auto tab = findTabNear(text, positionOf(e.mark).line)) return *tab;
    return problemOf(e);
  }
  return builder.root ? std::move(*builder.root) : Node{};
}

std::string quotedScalar(std::string_view value) {
  std::string escaped;
  for (const char c : text::repair(value)) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (c >= 0 && c < 0x20)
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      escaped += c;
  }
  return fmt::format("\"{}\"", text::escapedJson(escaped));
}

}  // namespace smsd::config
