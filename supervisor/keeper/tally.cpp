// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/tally.h"

#include <system_error>
#include <utility>

namespace smsd::keeper {

std::optional<std::string> Tally::countIn(const std::filesystem::path& file) {
  try {
    file_.emplace(file);
    quota_.goOn(file_->read());
  } catch (const std::system_error& e) {
    file_.reset();
    return e.what();
  }
  return std::nullopt;
}

std::optional<std::string> Tally::count(delivery::OutcomeKind kind) {
  using Kind = delivery::OutcomeKind;
  switch (kind) {
    case Kind::accepted:
      ++counts_.accepted;
      break;
    case Kind::refused:
      ++counts_.refused;
      break;
    case Kind::deferred:
      ++counts_.deferred;
      break;
    case Kind::broken:
      ++counts_.broken;
      break;
    case Kind::unknown:
      ++counts_.unknown;
      break;
  }
  const bool mayCost = kind == Kind::accepted || kind == Kind::unknown;
  return mayCost && config_.perDay > 0 ? countToday() : std::nullopt;
}

std::optional<std::string> Tally::countToday() {
  quota_.count(delivery::today());
  if (!file_) return std::nullopt;
  try {
    file_->write(quota_.used());
    notKept_ = false;
  } catch (const std::system_error& e) {
    if (!std::exchange(notKept_, true)) return e.what();
  }
  return std::nullopt;
}

}  // namespace smsd::keeper
