// SPDX-License-Identifier: GPL-3.0-or-later
// An SQL statement together with the names of the columns of its result.
//
// Backends on SQL declare their statements with it, so that a row is read by names that only its own
// statement has. The names are positions: a search by name at run time would cost each SMS. tests/queue
// compares the names of each statement with those that the database reports. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace smsd::queue {

/// `C` is an enum with the columns in the order of the select list. A statement without columns, or of which
/// only the number in the first column of the only row counts, is a plain literal.
template <typename C>
class Statement {
 public:
  using Column = C;
  template <std::size_t N>
  constexpr Statement(const char (&text)[N]) : text_(text, N - 1), isLiteral_(true) {}
  /// For a statement that is made at run time. The caller keeps `text`.
  constexpr explicit Statement(std::string_view text) : text_(text) {}

  constexpr std::string_view text() const { return text_; }
  /// Whether the text is a constant, so that its address identifies it.
  constexpr bool isLiteral() const { return isLiteral_; }
  /// For constants. PostgreSQL has no other statements.
  constexpr const char* literal() const { return text_.data(); }

 private:
  std::string_view text_;
  bool isLiteral_ = false;
};

}  // namespace smsd::queue
