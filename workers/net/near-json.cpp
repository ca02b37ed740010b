// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/near-json.h"

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/text/ascii.h"
#include "common/text/utf.h"

namespace smsd::net {
namespace {

using nlohmann::json;

constexpr int deepest = 64;              // levels of nested lists and maps
constexpr int mostStarts = 16;           // braces and brackets tried as the start of a document
constexpr std::size_t longestName = 64;  // bytes that are searched for the end of a map's name

bool isWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '+' ||
         c == '-' || c == '.' || c == '$';
}

/// The place of a string, which decides the characters that may follow its end.
enum class Role { name, member, element };

/// Whether a map has a name twice.
enum class Names { once, twice };

/// Reads one document from `text`, beginning at `at`. end() is the place where the reading stopped.
class NearJson {
 public:
  NearJson(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  std::optional<json> document() {
    auto value = this->value(Role::element, 0);
    return value && value->is_structured() ? std::move(value) : std::nullopt;
  }
  std::size_t end() const { return at_; }
  /// Whether the reading stopped at a name that its map has already.
  bool metANameTwice() const { return names_ == Names::twice; }

 private:
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  std::size_t afterBlanks(std::size_t at) const {
    return std::min(text_.find_first_not_of(text::blanks, at), text_.size());
  }
  void skipBlanks() { at_ = afterBlanks(at_); }
  static bool isQuote(char c) { return c == '"' || c == '\''; }

  std::optional<json> value(Role role, int depth) {
    skipBlanks();
    char c = peek(at_);
    if (c == '{') return map(depth);
    if (c == '[') return list(depth);
    if (isQuote(c)) {
      auto text = string(role);
      if (!text) return std::nullopt;
      return json(*std::move(text));
    }
    return word();
  }

  std::optional<json> map(int depth) {
    if (depth >= deepest) return std::nullopt;
    ++at_;
    auto result = json::object();
    for (;;) {
      skipCommas();
      if (peek(at_) == '}') return ++at_, result;
      if (!isQuote(peek(at_))) return std::nullopt;
      auto name = string(Role::name);
      if (!name) return std::nullopt;
      skipBlanks();
      if (peek(at_) != ':') return std::nullopt;
      at_ = afterBlanks(at_ + 1);
      bool nothing = peek(at_) == ',' || peek(at_) == '}';
      auto value = nothing ? std::optional<json>(nullptr) : this->value(Role::member, depth + 1);
      if (!value) return std::nullopt;
      if (!result.emplace(*std::move(name), *std::move(value)).second) {
        names_ = Names::twice;
        return std::nullopt;
      }
      skipBlanks();
      if (peek(at_) != ',' && peek(at_) != '}') return std::nullopt;
    }
  }

  std::optional<json> list(int depth) {
    if (depth >= deepest) return std::nullopt;
    ++at_;
    auto result = json::array();
    for (;;) {
      skipCommas();
      if (peek(at_) == ']') return ++at_, result;
      auto value = this->value(Role::element, depth + 1);
      if (!value) return std::nullopt;
      result.push_back(*std::move(value));
      skipBlanks();
      if (peek(at_) != ',' && peek(at_) != ']') return std::nullopt;
    }
  }

  void skipCommas() {
    for (skipBlanks(); peek(at_) == ','; skipBlanks()) ++at_;
  }

  /// Reads a number, true, false, null or an equivalent of other languages. Any other single word becomes a
  /// text.
  std::optional<json> word() {
    std::size_t start = at_;
    while (at_ < text_.size() && isWord(text_[at_])) ++at_;
    std::string_view word = text_.substr(start, at_ - start);
    if (word.empty()) return std::nullopt;
    if (word == "True") return json(true);
    if (word == "False") return json(false);
    for (auto nothing : {"NaN", "-NaN", "Infinity", "-Infinity", "undefined", "None", "nil"})
      if (word == nothing) return json(nullptr);
    auto strict = json::parse(word, nullptr, false);
    return strict.is_discarded() ? json(word) : strict;
  }

  /// Reads a string. A quotation mark ends it only if the next characters may follow a string there;
  /// otherwise the mark is a part of the string.
  std::optional<std::string> string(Role role) {
    const char quote = text_[at_];
    std::string result;
    for (++at_; at_ < text_.size();) {
      char c = text_[at_];
      if (c == quote && endsAt(at_ + 1, role)) return ++at_, result;
      if (c == '\\') {
        escape(result);
      } else {
        result += c;
        ++at_;
      }
    }
    return std::nullopt;
  }

  bool endsAt(std::size_t at, Role role) const {
    at = afterBlanks(at);
    char next = peek(at);
    if (at == text_.size()) return true;
    switch (role) {
      case Role::name:
        return next == ':';
      case Role::member:
        if (next == ',') return isNameAt(at + 1);
        return next == '}' && mayFollowAMap(at + 1);
      case Role::element:
        if (next == ',') return true;
        return next == ']' && mayFollowAMap(at + 1);
    }
    return false;
  }

  /// Whether a map's name with its colon follows, or the map's end after an extra comma.
  bool isNameAt(std::size_t at) const {
    while (peek(at = afterBlanks(at)) == ',') ++at;
    if (peek(at) == '}') return true;
    if (!isQuote(peek(at))) return false;
    std::size_t end = text_.substr(0, at + longestName).find(text_[at], at + 1);
    return end != std::string_view::npos && peek(afterBlanks(end + 1)) == ':';
  }

  bool mayFollowAMap(std::size_t at) const {
    const std::size_t end = at;
    at = afterBlanks(at);
    const bool isNextMap =
        peek(at) == '{' && text_.substr(end, at - end).find('\n') != std::string_view::npos;
    return isNextMap || at == text_.size() ||
           std::string_view(",}]);<").find(text_[at]) != std::string_view::npos;
  }

  void escape(std::string& to) {
    constexpr std::string_view letters = "bfnrt\"'\\/", meant = "\b\f\n\r\t\"'\\/";
    char c = peek(at_ + 1);
    if (auto letter = letters.find(c); letter != std::string_view::npos) {
      to += meant[letter];
      at_ += 2;
    } else if (c == 'u') {
      at_ += 2;
      unicode(to);
    } else {  // for example, in a Windows path
      to += '\\';
      at_ += 1;
    }
  }

  void unicode(std::string& to) {
    auto point = fourDigits(at_);
    if (!point) {
      to += "\\u";
      return;
    }
    at_ += 4;
    if (*point >= 0xD800 && *point < 0xDC00 && peek(at_) == '\\' && peek(at_ + 1) == 'u')
      if (auto low = fourDigits(at_ + 2); low && *low >= 0xDC00 && *low < 0xE000) {
        point = 0x10000 + ((*point - 0xD800) << 10) + (*low - 0xDC00);
        at_ += 6;
      }
    text::append(to, *point);  // appends U+FFFD for half a pair
  }

  std::optional<char32_t> fourDigits(std::size_t at) const {
    char32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      char c = peek(i);
      bool digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!digit && !letter) return std::nullopt;
      value = value * 16 + static_cast<char32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }

  std::string_view text_;
  std::size_t at_;
  Names names_ = Names::once;
};

/// Whether a document may start at `at`: at the start of a line, after markup, or in a call (JSONP).
bool mayStartAt(std::string_view text, std::size_t at) {
  std::size_t before = text.substr(0, at).find_last_not_of(" \t");
  return before == std::string_view::npos ||
         std::string_view("\r\n>(").find(text[before]) != std::string_view::npos;
}

/// Returns the only map of the text, if it ends the text or if markup follows. If there is no map, returns
/// the first list that ends the text.
std::optional<json> nearly(std::string_view text) {
  std::optional<json> map, list;
  int starts = 0, maps = 0;
  for (std::size_t at = text.find_first_of("{["), after = 0;
       at != std::string_view::npos && starts < mostStarts; at = text.find_first_of("{[", after)) {
    after = at + 1;
    if (!mayStartAt(text, at)) continue;
    ++starts;
    NearJson reader(text, at);
    auto document = reader.document();
    if (reader.metANameTwice()) return std::nullopt;
    if (!document && reader.end() == text.size()) break;  // cut off, so its content is incomplete
    if (!document) continue;
    if (document->is_object() && ++maps > 1) return std::nullopt;
    if (document->is_object()) after = reader.end();
    constexpr std::string_view ends(" \t\r\n);\0", 7);
    std::size_t next = text.find_first_not_of(ends, reader.end());
    bool isLast = next == std::string_view::npos;
    if (document->is_object() && (isLast || text[next] == '<'))
      map = std::move(document);
    else if (document->is_array() && isLast && !list)
      list = std::move(document);
  }
  return map ? map : list;
}

/// Whether an odd number of backslashes stands before this quotation mark of a string.
bool isEscaped(const char* mark) {
  bool escaped = false;
  while (*--mark == '\\') escaped = !escaped;
  return escaped;
}

/// Returns how many members the maps of `text`, which is strict JSON, have. Outside of strings each colon is
/// one.
std::size_t membersWritten(std::string_view text) {
  std::size_t members = 0;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end; ++at) {
    members += *at == ':' ? 1 : 0;
    if (*at != '"') continue;
    do {
      at = static_cast<const char*>(std::memchr(at + 1, '"', static_cast<std::size_t>(end - at - 1)));
      if (at == nullptr) return members;  // the parser ignores all that is behind a NUL
    } while (isEscaped(at));
  }
  return members;
}

std::size_t membersOf(const json& document) {
  std::size_t members = 0;
  std::vector<const json*> left{&document};  // no recursion, because strict JSON has no bound on its depth
  auto look = [&left](const json& part) {
    if (part.is_structured()) left.push_back(&part);
  };
  while (!left.empty()) {
    const json& next = *left.back();
    left.pop_back();
    if (auto* map = next.get_ptr<const json::object_t*>()) {
      members += map->size();
      for (auto& [name, value] : *map) look(value);
    } else if (auto* list = next.get_ptr<const json::array_t*>()) {
      for (auto& value : *list) look(value);
    }
  }
  return members;
}

}  // namespace

json readJson(std::string_view text) {
  auto strict = json::parse(text, nullptr, false);
  if (strict.is_discarded()) {
    auto near = nearly(text);
    return near ? *std::move(near) : json(json::value_t::discarded);
  }
  // The parser keeps only the last of several members with one name.
  if (membersOf(strict) != membersWritten(text)) return json(json::value_t::discarded);
  return strict;
}

}  // namespace smsd::net
