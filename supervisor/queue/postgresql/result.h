// SPDX-License-Identifier: GPL-3.0-or-later
// The result of one statement in PostgreSQL, whose rows are read by the names of its columns.
//
// Owns libpqxx's result. Made by Transaction (connection.h), read by this backend and by queues of your own.
// Fails by libpqxx's exceptions, which Session translates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <utility>

namespace smsd::queue::postgresql {

template <typename C>
class Row {
 public:
  using Column = C;
  Row(const pqxx::result& result, pqxx::result::size_type n) : row_(result[n]) {}
  explicit Row(const pqxx::row& row) : row_(row) {}

  bool isNull(Column column) const { return field(column).is_null(); }
  bool flag(Column column) const { return field(column).template as<bool>(); }
  std::int64_t integer(Column column) const { return field(column).template as<std::int64_t>(); }
  std::optional<int> optionalInt(Column column) const { return optional<int>(column); }
  std::optional<std::int64_t> optionalInteger(Column column) const { return optional<std::int64_t>(column); }
  /// The bytes of the field, until the row ends; NULL becomes an empty text.
  std::string_view view(Column column) const {
    const pqxx::field found = field(column);
    return found.is_null() ? std::string_view() : std::string_view(found.c_str(), found.size());
  }
  std::string text(Column column) const { return std::string(view(column)); }

 private:
  pqxx::field field(Column column) const { return row_[static_cast<pqxx::row::size_type>(column)]; }
  template <typename Number>
  std::optional<Number> optional(Column column) const {
    const pqxx::field found = field(column);
    if (found.is_null()) return std::nullopt;
    return found.template as<Number>();
  }

  pqxx::row row_;
};

template <typename C>
class Rows {
 public:
  // libpqxx 6.4 copies a result where 7.10 moves it.
  explicit Rows(pqxx::result result) : result_(std::move(result)) {}  // NOLINT(performance-*)

  bool empty() const { return result_.empty(); }
  std::size_t size() const { return static_cast<std::size_t>(result_.size()); }
  Row<C> operator[](std::size_t n) const { return Row<C>(result_, static_cast<pqxx::result::size_type>(n)); }
  /// Throws if there is no row.
  Row<C> front() const { return Row<C>(result_.at(0)); }

  class Iterator {
   public:
    Iterator(const pqxx::result& result, pqxx::result::size_type n) : result_(&result), n_(n) {}
    Row<C> operator*() const { return Row<C>(*result_, n_); }
    Iterator& operator++() {
      ++n_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return n_ != other.n_; }

   private:
    const pqxx::result* result_;
    pqxx::result::size_type n_;
  };
  Iterator begin() const { return {result_, 0}; }
  Iterator end() const { return {result_, result_.size()}; }

 private:
  pqxx::result result_;
};

}  // namespace smsd::queue::postgresql
