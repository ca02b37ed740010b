// SPDX-License-Identifier: GPL-3.0-or-later
// An HTML document under construction, of which no text from outside can become markup.
//
// Owns the escaping and the bound of each text. Markup is a constant of the source: the compiler rejects
// anything else. Called by the files of the page. Pure. Never fails: invalid UTF-8 becomes U+FFFD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace smsd::exporter {

/// Markup that is written in the source.
class Markup {
 public:
  template <std::size_t size>
  consteval Markup(const char (&literal)[size])
      : view_(literal, size - 1) {}  // NOLINT(google-explicit-constructor)
  constexpr std::string_view view() const { return view_; }

 private:
  std::string_view view_;
};

class Html {
 public:
  static constexpr std::size_t longestText = 300;  // bytes, before escaping

  Html& operator<<(Markup markup) {
    document_ += markup.view();
    return *this;
  }
  /// Appends `text`, which may come from a worker or a gateway, as text of an element or a quoted attribute.
  /// A longer text ends in `...`.
  Html& text(std::string_view untrusted, std::size_t longest = longestText);
  /// Appends what another Html has built.
  Html& operator<<(const Html& part) {
    document_ += part.document_;
    return *this;
  }

  const std::string& string() const { return document_; }
  bool isEmpty() const { return document_.empty(); }

 private:
  std::string document_;
};

}  // namespace smsd::exporter
