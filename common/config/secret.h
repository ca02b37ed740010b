// A value that must not be seen: it can be used, compared for emptiness and moved, but not printed or
// formatted by accident.
#pragma once

#include <string>
#include <utility>

namespace smsd::config {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  bool empty() const { return value_.empty(); }
  /// The one way to the value: the call says that it is about to leave for where it belongs.
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace smsd::config
