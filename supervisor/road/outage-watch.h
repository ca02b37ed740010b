// SPDX-License-Identifier: GPL-3.0-or-later
// Watches whether any dispatcher can be used, and logs one entry for a whole outage. Pure: time comes in as
// an argument.
//
// Called by the road when a dispatcher may have changed. An outage begins when no dispatcher has a chance,
// and ends when one is ready: neither a failed probe nor another restart of a worker is news.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <utility>

#include "supervisor/road/dispatcher-set.h"

namespace smsd::road {

class OutageWatch {
 public:
  enum class News { none, begins };

  News look(DispatcherSet::Outlook outlook, kj::TimePoint now) {
    switch (outlook) {
      case DispatcherSet::Outlook::works:
        since_ = nullptr;
        return News::none;
      case DispatcherSet::Outlook::mayWork:
        return News::none;
      case DispatcherSet::Outlook::none:
      case DispatcherSet::Outlook::allBroken:
        if (since_ != nullptr) return News::none;
        since_ = now;
        return News::begins;
    }
    return News::none;
  }
  bool lasts() const { return since_ != nullptr; }
  /// Returns how long the present outage has lasted; none: there is no outage.
  kj::Maybe<kj::Duration> lastedFor(kj::TimePoint now) const {
    return since_.map([now](kj::TimePoint since) { return now - since; });
  }

 private:
  kj::Maybe<kj::TimePoint> since_;
};

}  // namespace smsd::road
