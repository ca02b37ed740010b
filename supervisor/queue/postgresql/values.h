// SPDX-License-Identifier: GPL-3.0-or-later
// Conversion of values to and from PostgreSQL. Arrays are sent as text literals, because libpqxx 6 and 7 both
// can do that.
//
// Owns the quoting of array elements and the reading of id lists and stored messages. Called by the
// PostgreSQL backend only. Pure. Does not fail: bytes that a text column cannot store (NUL, invalid UTF-8)
// are repaired before they are quoted.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/utf.h"
#include "supervisor/queue/queue.h"
#include "supervisor/queue/ranges.h"

namespace smsd::queue::postgresql {

/// Repairs `text` so that a column of type text can store it.
inline std::string storable(std::string_view text) {
  std::string valid = text::repair(text);
  std::erase(valid, '\0');
  return valid;
}

/// {1,NULL,"a \"quoted\" text"}: the literal of a one-dimensional array.
class ArrayLiteral {
 public:
  void add(std::int64_t number) { separated() += std::to_string(number); }
  void add(std::uint64_t number) { separated() += std::to_string(number); }
  void add(int number) { add(std::int64_t{number}); }
  void add(const std::optional<int>& number) { number ? add(*number) : addNull(); }
  void add(std::string_view text) { addBytes(storable(text)); }
  void add(const std::string& text) { add(std::string_view(text)); }
  void add(const char* text) { add(std::string_view(text)); }

  /// For bytes that came from this database, which it accepts unchanged.
  void addBytes(std::string_view bytes) {
    std::string& into = separated();
    into += '"';
    for (char c : bytes) {
      if (c == '"' || c == '\\') into += '\\';
      into += c;
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

  std::string body_ = "{";
};

template <typename Range>
std::string arrayOf(const Range& values) {
  ArrayLiteral literal;
  for (const auto& value : values) literal.add(value);
  return literal.str();
}

inline std::optional<int> numberOf(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return field.as<int>();
}

/// Elapsed milliseconds.
inline std::optional<Duration> elapsed(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return queue::elapsed(field.as<std::int64_t>());
}

/// Returns the bytes of the field; NULL becomes an empty string.
inline std::string bytesOf(const pqxx::field& field) {
  return field.is_null() ? std::string() : std::string(field.c_str(), field.size());
}

/// Reads a row of SMSD_STORED_COLUMNS (sql-parts.h), which does not contain the status.
inline StoredMessage storedMessage(const pqxx::row& row) {
  StoredMessage message;
  message.id = row[0].as<format::MessageId>();
  message.recipient = bytesOf(row[1]);
  message.user = bytesOf(row[2]);
  message.text = bytesOf(row[3]);
  message.severity = numberOf(row[4]);
  message.time = bytesOf(row[5]);
  message.underWay = row[6].as<bool>();
  message.held = row[7].as<bool>();
  return message;
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
