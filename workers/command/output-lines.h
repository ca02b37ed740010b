// SPDX-License-Identifier: GPL-3.0-or-later
// The output of a program, cut into lines of a bounded length. Pure.
//
// Called by all that read from a program. Never keeps more than one line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace smsd::command {

/// What becomes of a line that is too long.
enum class TooLong {
  refused,  // feed() returns false
  cut,      // the line is its beginning
};

/// Bytes of the longest secret in the longest of its forms. So many bytes more than are shown are kept until
/// the secrets are removed, because half a secret would not be found.
constexpr std::size_t mostSecret = 6 * 4096;

class OutputLines {
 public:
  /// `most`: bytes in a line, without its end.
  OutputLines(std::size_t most, TooLong tooLong) : most_(most), tooLong_(tooLong) {}

  /// Calls `take` with each line that ends in `bytes`, without its end. Returns false, and is not to be
  /// called again, if a line is too long and refused.
  template <typename F>
  bool feed(std::string_view bytes, F take) {
    for (;;) {
      const std::size_t end = bytes.find('\n');
      if (!append(bytes.substr(0, end))) return false;
      if (end == std::string_view::npos) return true;
      take(std::exchange(begun_, {}));
      bytes.remove_prefix(end + 1);
    }
  }
  /// The beginning of a line without an end, at the end of the output.
  const std::string& rest() const { return begun_; }

 private:
  bool append(std::string_view part) {
    const bool fits = begun_.size() + part.size() <= most_;
    begun_.append(part.substr(0, most_ - begun_.size()));
    return fits || tooLong_ == TooLong::cut;
  }

  std::size_t most_;
  TooLong tooLong_;
  std::string begun_;
};

}  // namespace smsd::command
