// SPDX-License-Identifier: GPL-3.0-or-later
// Whether smsd answers, and which changes of that are journal entries: the first one at once, and one in
// `entryEvery` at most, because every client can cause the calls that notice them. A change that is noticed
// before is an entry later, if it has lasted. Pure: the caller passes the time, and writes the entries.
#pragma once

#include <kj/time.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace smsd::exporter {

class Availability {
 public:
  static constexpr auto entryEvery = 60 * kj::SECONDS;

  /// `why`: why smsd does not answer; empty: it does. Returns the reason that has to be written now, empty if
  /// smsd answers again; none: nothing has to be written.
  std::optional<std::string> saw(std::string why, kj::TimePoint now) {
    if (why_.empty() && !why.empty()) away_ = now;
    why_ = std::move(why);
    if (why_ == written_ || now < next_) return std::nullopt;
    written_ = why_;
    next_ = now + entryEvery;
    return why_;
  }
  const std::string& why() const { return why_; }
  /// How long it has not answered, while it does not.
  std::chrono::seconds awayFor(kj::TimePoint now) const {
    return std::chrono::seconds((now - away_) / kj::SECONDS);
  }

 private:
  std::string why_, written_;
  kj::TimePoint away_ = kj::origin<kj::TimePoint>(), next_ = kj::origin<kj::TimePoint>();
};

}  // namespace smsd::exporter
