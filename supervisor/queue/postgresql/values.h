// SPDX-License-Identifier: GPL-3.0-or-later
// Conversion of values to and from PostgreSQL. Arrays are sent as text literals, because libpqxx 6 and 7 both
// can do that.
//
// Owns the quoting of array elements and the reading of id lists. Called by the PostgreSQL backend, and by
// queues of your own on PostgreSQL. Pure. Does not fail: bytes that a text column cannot store (NUL, invalid
// UTF-8) are repaired before they are quoted.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/utf.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue::postgresql {

/// Repairs `text` so that a column of type text can store it.
inline std::string storable(std::string_view text) {
  std::string valid = text::repair(text);
  std::erase(valid, '\0');
  return valid;
}

inline bool isStorable(std::string_view text) { return text.find('\0') == text.npos && text::isValid(text); }

/// {1,NULL,"a \"quoted\" text"}: the literal of a one-dimensional array.
class ArrayLiteral {
 public:
  void add(std::int64_t number) { addNumber(number); }
  void add(std::uint64_t number) { addNumber(number); }
  void add(int number) { add(std::int64_t{number}); }
  void add(const std::optional<int>& number) { number ? add(*number) : addNull(); }
  void add(std::string_view text) { isStorable(text) ? addBytes(text) : addBytes(storable(text)); }
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(const char* text) { add(std::string_view(text)); }

  /// For bytes that the database accepts unchanged: they came from it, or are digits.
  void addBytes(std::string_view bytes) {
    std::string& into = separated();
    into += '"';
    if (bytes.find('"') == bytes.npos && bytes.find('\\') == bytes.npos) {
      into += bytes;  // as a whole: nearly every text has none of both
    } else {
      for (char c : bytes) {
        if (c == '"' || c == '\\') into += '\\';
        into += c;
      }
    }
    into += '"';
  }
  void add(const std::optional<Duration>& duration) {
    duration ? add(std::int64_t{duration->count()}) : addNull();
  }
  void addNull() { separated() += "NULL"; }

  std::string str() const { return body_ + '}'; }

 private:
  std::string& separated() {
    if (body_.size() > 1) body_ += ',';
    return body_;
  }
  template <typename Number>
  void addNumber(Number number) {
    char digits[24];
    const char* end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    separated() += std::string_view(digits, end);
  }

  std::string body_ = "{";
};

template <typename Range>
std::string arrayOf(const Range& values) {
  ArrayLiteral literal;
  for (const auto& value : values) literal.add(value);
  return literal.str();
}

/// Reads a bigint[] as PostgreSQL prints it: {1,2,3}. Any other character ends the list.
inline std::vector<std::int64_t> idsOf(std::string_view literal) {
  std::vector<std::int64_t> ids;
  const char* at = literal.data();
  const char* end = at + literal.size();
  while (at < end) {
    std::int64_t id = 0;
    auto [next, error] = std::from_chars(at + 1, end, id);
    if (error != std::errc()) break;
    ids.push_back(id);
    at = next;
  }
  return ids;
}

/// Bounds `duration` to a century in either direction, so that it fits an interval.
inline std::int64_t boundedMilliseconds(Duration duration) {
  constexpr Duration century = std::chrono::hours(24 * 365 * 100);
  return std::min(std::max(duration, -century), century).count();
}

}  // namespace smsd::queue::postgresql
