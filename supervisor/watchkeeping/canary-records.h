// SPDX-License-Identifier: GPL-3.0-or-later
// The records of the canaries: when each dispatcher's last one left, its result, and how many left today.
//
// Owns the file `canaries` in the state directory, replaced as a whole and synced, so that a restart or a
// crash in a loop sends no canary twice. Called by canary-watch.h. A line that cannot be read is left out.
// Throws std::system_error if the file cannot be read or written.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "supervisor/delivery/outcome.h"
#include "supervisor/delivery/quota.h"
#include "supervisor/watchkeeping/canary-plan.h"

namespace smsd::watchkeeping {

struct CanaryResult {
  WallTime at{};
  std::optional<delivery::OutcomeKind> outcome;  // none: not tried, because the dispatcher could not be used
  std::chrono::milliseconds took{0};             // from its hand-over to the outcome
  std::string words;                             // the reason; if accepted, the reference
  bool accepted() const { return outcome == delivery::OutcomeKind::accepted; }
  bool operator==(const CanaryResult&) const = default;
};

/// "accepted", or "not tried"
std::string_view nameOf(const CanaryResult& result);

struct CanaryRecord {
  std::optional<WallTime> ran;       // when the last one was handed over
  std::optional<CanaryResult> last;  // may be of a later one that was not tried
};

class CanaryRecords {
 public:
  explicit CanaryRecords(std::filesystem::path file) : file_(std::move(file)) {}

  /// Reads the file; a missing file counts as empty.
  void read();
  /// Leaves out the records of dispatchers that are not in `names` and ran before `keepSince`.
  void write(const std::set<std::string>& names, WallTime keepSince);

  CanaryRecord& operator[](const std::string& dispatcher) { return records_[dispatcher]; }
  /// None: this dispatcher had no canary.
  const CanaryRecord* find(const std::string& dispatcher) const;

  delivery::Quota::Used today;

 private:
  std::filesystem::path file_;
  std::map<std::string, CanaryRecord> records_;
};

}  // namespace smsd::watchkeeping
