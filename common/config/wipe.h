// SPDX-License-Identifier: GPL-3.0-or-later
// Wipes memory that held a secret, in a way that the compiler must not remove.
#pragma once

#include <cstring>
#include <string>

namespace smsd::config {

/// Overwrites all memory of the text, and empties it.
inline void wipe(std::string& text) {
  text.resize(text.capacity());  // characters beyond size() may still be there
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

/// Wipes a text at the end of its scope.
class Wiped {
 public:
  explicit Wiped(std::string& text) : text_(text) {}
  ~Wiped() { wipe(text_); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;

 private:
  std::string& text_;
};

}  // namespace smsd::config
