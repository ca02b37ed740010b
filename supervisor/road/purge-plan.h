// SPDX-License-Identifier: GPL-3.0-or-later
// When the next step of the purge of the history is due. Pure: the caller passes the time.
//
// Owns for how long the history is kept, and the time of the next step. The history is purged in small steps
// while there is nothing else to do. Called by the ledger.
#pragma once

#include <kj/time.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace smsd::road {

class PurgePlan {
 public:
  using Time = std::chrono::milliseconds;

  static constexpr std::size_t step = 500;  // entries

  /// `keep` none: the history is kept for ever.
  PurgePlan(std::optional<Time> keep, kj::TimePoint now) : keep_(keep), at_(now + kj::Duration(first)) {}

  std::optional<Time> keep() const { return keep_; }
  kj::TimePoint at() const { return at_; }
  bool isDue(kj::TimePoint now) const { return keep_ && now >= at_; }

  /// A step begins. If it fails, the next one is as late as after the last step of a purge.
  void begins(kj::TimePoint now) { at_ = now + again; }
  /// The step left entries, so that the next one is due at once.
  void leftSome(kj::TimePoint now) { at_ = now; }
  /// The database refused the step.
  void refused(kj::TimePoint now) { at_ = now + afterRefusal; }

 private:
  static constexpr kj::Duration first = 10 * kj::SECONDS, again = 1 * kj::HOURS,
                                afterRefusal = 24 * kj::HOURS;

  std::optional<Time> keep_;
  kj::TimePoint at_;
};

}  // namespace smsd::road
