// A value that must not be seen: it can be used, compared for emptiness and moved, but not printed or
// formatted by accident. Its memory is wiped when it goes, and where it was moved from.
#pragma once

#include <string>
#include <utility>

#include "common/config/wipe.h"

namespace smsd::config {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) { wipe(value); }
  Secret(const Secret&) = default;
  // A short text lies in the object itself: moving copies it.
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }
  Secret& operator=(const Secret& other) {
    if (this != &other) *this = Secret(other);
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe(value_);
    value_ = std::move(other.value_);
    wipe(other.value_);
    return *this;
  }
  ~Secret() { wipe(value_); }

  bool empty() const { return value_.empty(); }
  /// The one way to the value: the call says that it is about to leave for where it belongs.
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace smsd::config
