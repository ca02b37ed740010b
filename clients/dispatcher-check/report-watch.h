// SPDX-License-Identifier: GPL-3.0-or-later
// Judges the reports of one worker against the SMS that it was given.
//
// Owns the record of each attempt: handed over, announced, answered, ended. Called by CheckedConnection for
// each report, with the time. Notes each report that breaks a rule of proto/dispatcher.capnp. Pure: no
// stream, no clock. A report that breaks a rule changes nothing else, so that one fault is noted once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "clients/dispatcher-check/findings.h"
#include "clients/dispatcher-check/settings.h"
#include "common/outcome/outcome-kind.h"

namespace smsd::check {

using AttemptId = std::uint64_t;

/// The answer to a report of `begun`.
enum class BegunAnswer {
  grant,     // at once: the SMS may begin
  hold,      // later: release() answers, and the SMS may begin
  withhold,  // at once: the SMS must not begin
  holdBack,  // later: release() answers, and the SMS must not begin
};

/// An outcome as it was reported, so that recall() can be compared with it.
struct Reported {
  outcome::OutcomeKind kind = outcome::OutcomeKind::unknown;
  std::string words;
  std::uint32_t after = 0;
  bool notReached = false;
  bool notUnderstood = false;

  bool operator==(const Reported&) const = default;
  /// "accepted (17)"
  std::string shown() const;
};

/// "accepted" and the number of SMS.
using OutcomeCounts = std::map<std::string, std::size_t>;

struct Attempt {
  BegunAnswer leave = BegunAnswer::grant;
  Milliseconds deadline{0};
  Milliseconds handedOver{0};
  std::optional<Milliseconds> begun;     // when `begun` was reported
  std::optional<Milliseconds> answered;  // when that report was answered
  std::optional<Milliseconds> ended;
  std::optional<Reported> outcome;  // none, and ended: given back

  bool withheld() const { return leave == BegunAnswer::withhold || leave == BegunAnswer::holdBack; }
  bool held() const { return leave == BegunAnswer::hold || leave == BegunAnswer::holdBack; }
  bool givenBack() const { return ended && !outcome; }
  bool inProgress() const { return begun && !ended && !(withheld() && answered); }
};

class ReportWatch {
 public:
  explicit ReportWatch(Findings& findings) : findings_(findings) {}

  /// Call once, before the first SMS is handed over. `beginWithin`: the time to begin an SMS.
  void described(unsigned window, Milliseconds beginWithin) {
    window_ = window;
    beginWithin_ = beginWithin;
  }
  void handedOver(AttemptId id, BegunAnswer leave, Milliseconds deadline, Milliseconds now);
  /// A batch that the worker has to refuse: any report about its SMS is a fault of `limits`.
  void overfull(AttemptId id) { overfull_.push_back(id); }

  // The reports. Of one call, pass the outcomes first.
  void begun(AttemptId id, Milliseconds now);
  void outcome(AttemptId id, const Reported& reported, Milliseconds now);
  void notBegun(AttemptId id, Milliseconds now);
  void emptyReport();
  /// The report that announced the SMS was answered.
  void answered(AttemptId id, Milliseconds now);
  /// drain() or quit() has returned: no report may follow.
  void drained() { drained_ = true; }

  const Attempt* find(AttemptId id) const;
  std::size_t open() const;
  std::size_t announced() const;
  /// Returns whether an attempt has had more time than the contract gives, and the grace of this check.
  bool overdue(Milliseconds now) const;
  /// Notes each attempt that has not ended. Returns the number of them.
  std::size_t noteMissing(Milliseconds now);
  /// SMS that this worker was allowed to begin.
  std::size_t granted() const;
  /// Adds the outcomes of this worker, by their names.
  void count(OutcomeCounts& counts) const;

  static constexpr Milliseconds margin{3000};  // the supervisor's, after the deadline
  static constexpr Milliseconds grace{2000};   // after which an outcome is not late but missing

 private:
  Attempt* known(AttemptId id, const std::string& report);
  bool mayEnd(AttemptId id, const Attempt& attempt, const std::string& report);

  Findings& findings_;
  unsigned window_ = 1;
  Milliseconds beginWithin_{0};
  std::map<AttemptId, Attempt> attempts_;
  std::vector<AttemptId> overfull_;
  bool drained_ = false;
};

}  // namespace smsd::check
