// SPDX-License-Identifier: GPL-3.0-or-later
// The reports that wait for the next call to the supervisor, in order. Pure.
//
// Owns each report from the event until it is written into a call. Called by the server, which decides when
// to send. A report that was written is not kept: recall.h remembers outcomes for a supervisor that lost
// them.
#pragma once

#include <kj/debug.h>
#include <proto/dispatcher.capnp.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "workers/kit/messages.h"

namespace smsd::kit {

class Outbox {
 public:
  /// raw: by RawReports; begins no SMS, and its reason is not cut.
  enum class Source { kit, raw };

  void begun(std::uint64_t attempt, Source source) { reports_.push_back({attempt, What::begun, {}, source}); }
  void outcome(std::uint64_t attempt, Outcome outcome, Source source) {
    reports_.push_back({attempt, What::outcome, std::move(outcome), source});
  }
  void notBegun(std::uint64_t attempt, Source source) {
    reports_.push_back({attempt, What::notBegun, {}, source});
  }

  bool empty() const { return reports_.empty(); }
  unsigned size() const { return static_cast<unsigned>(reports_.size()); }
  void clear() { reports_.clear(); }
  /// Writes all reports into `list`, which has size() entries, and removes them here. Returns how many SMS of
  /// the kit begin when the supervisor has taken the call.
  std::size_t write(capnp::List<proto::Report>::Builder list) {
    KJ_REQUIRE(list.size() == size(), "a call of another size than its reports");
    std::size_t begun = 0;
    for (unsigned i = 0; i < size(); ++i) {
      const Report& report = reports_[i];
      const bool raw = report.source == Source::raw;
      list[i].setAttempt(report.attempt);
      switch (report.what) {
        case What::begun:
          list[i].setBegun();
          if (!raw) ++begun;
          break;
        case What::outcome:
          kit::write(list[i].initOutcome(), report.outcome, raw ? SIZE_MAX : std::size_t(proto::MAX_REASON));
          break;
        case What::notBegun:
          list[i].setNotBegun();
          break;
      }
    }
    reports_.clear();
    return begun;
  }

 private:
  enum class What { begun, outcome, notBegun };
  struct Report {
    std::uint64_t attempt;
    What what;
    Outcome outcome;  // with What::outcome only
    Source source;
  };

  std::vector<Report> reports_;
};

}  // namespace smsd::kit
