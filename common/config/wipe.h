// Wipes what held a secret, where the compiler may not leave that out.
#pragma once

#include <cstring>
#include <string>

namespace smsd::config {

/// Empties the text, and overwrites all of the memory it has.
inline void wipe(std::string& text) {
  text.resize(text.capacity());  // what it shrank from is there still
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
