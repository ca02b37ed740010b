// SPDX-License-Identifier: GPL-3.0-or-later
// A value that must stay secret. Code can use, copy and move it, and check it for emptiness, but cannot print
// or format it by accident. Its memory is wiped on destruction, and at its old place after a move.
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
  // Moving a short text copies it, because it is stored in the object itself. So wipe the source.
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
  /// The only access to the value. Call it only where the secret is used.
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace smsd::config
