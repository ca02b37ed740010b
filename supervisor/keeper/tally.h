// SPDX-License-Identifier: GPL-3.0-or-later
// How many SMS a dispatcher has sent: by outcome since smsd started, and today against the limit of the day.
//
// Owns the counts, and today's count in its file. Called by the keeper with each outcome. A file that cannot
// be read or written is a reason to log, never an exception: today's count is in memory only then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "supervisor/delivery/outcome.h"
#include "supervisor/delivery/quota.h"
#include "supervisor/keeper/quota-file.h"

namespace smsd::keeper {

struct Counts {
  std::uint64_t accepted = 0, refused = 0, deferred = 0, broken = 0, unknown = 0;
};

class Tally {
 public:
  explicit Tally(delivery::QuotaConfig config) : config_(config), quota_(config) {}
  void configure(delivery::QuotaConfig config) {
    config_ = config;
    quota_.configure(config);
  }

  /// Continues today's count from `file` and keeps it there. Returns why the file cannot be read, or none.
  std::optional<std::string> countIn(const std::filesystem::path& file);
  /// Returns why today's count cannot be written, once until it can be written again, or none.
  std::optional<std::string> count(delivery::OutcomeKind kind);

  const Counts& counts() const { return counts_; }
  /// How many SMS of `severity` the limit of the day leaves while `out` are in flight; SIZE_MAX: no limit.
  std::size_t allowance(std::optional<int> severity, std::size_t out) const {
    return config_.perDay == 0 ? SIZE_MAX : quota_.left(severity, out, delivery::today());
  }
  /// This severity and more severe ones may use the reserve of the day.
  int reserveFor() const { return config_.reserveFor; }

 private:
  std::optional<std::string> countToday();

  delivery::QuotaConfig config_;
  delivery::Quota quota_;
  std::optional<DayCount> file_;  // none: not given, or it cannot be read
  bool notKept_ = false;          // the last count could not be written
  Counts counts_;
};

}  // namespace smsd::keeper
