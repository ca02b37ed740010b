// SPDX-License-Identifier: GPL-3.0-or-later
// How many workers of a dispatcher have ended, by cause, for monitoring. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace smsd::keeper {

enum class EndCause {
  died,        // its process or its connection ended
  notStarted,  // it could not be started, or ended before it was ready
  hung,        // it did not answer, or did not end
  contract,    // it broke the contract
  requested,   // an operator, a reload or the end of smsd
};
inline constexpr std::array<const char*, 5> endCauseNames = {"died", "not_started", "hung", "contract",
                                                             "requested"};

class WorkerEndCounts {
 public:
  void count(EndCause cause) { ++counts_[static_cast<std::size_t>(cause)]; }
  /// In the order of endCauseNames.
  const std::array<std::uint64_t, endCauseNames.size()>& all() const { return counts_; }

 private:
  std::array<std::uint64_t, endCauseNames.size()> counts_{};
};

}  // namespace smsd::keeper
