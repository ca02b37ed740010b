// SPDX-License-Identifier: GPL-3.0-or-later
// How long the claims of this supervisor are its own, and when to renew them. Pure: the caller passes the
// time.
//
// Owns whether this supervisor is enlisted, the end of its lease and the time of the next renewal. The lease
// counts from the request, because the database may have answered late. The loop's clock stands still within
// a turn and does not notice that the process was stopped in the middle of one (SIGSTOP, a suspended host).
// Therefore the lease is measured by the kernel's clock as well. Called by the ledger.
#pragma once

#include <kj/debug.h>
#include <kj/time.h>

#include <chrono>

namespace smsd::road {

class Lease {
 public:
  using Time = std::chrono::milliseconds;

  struct Moment {
    kj::TimePoint loop;
    kj::TimePoint boot;  // CLOCK_BOOTTIME
  };

  /// Not enlisted, and run out.
  Lease(Time length, kj::TimePoint now)
      : length_(length), until_{now, kj::origin<kj::TimePoint>()}, renewAt_(now) {
    KJ_REQUIRE(length > Time(0), "a lease without a length");
  }
  Time length() const { return length_; }

  /// `asked`: when the database was asked to enlist this supervisor. The first renewal is due at once,
  /// because it takes over from a predecessor.
  void enlisted(Moment asked) {
    enlisted_ = true;
    begin(asked);
    renewAt_ = asked.loop;
  }
  /// `asked`: when the database was asked to renew the lease.
  void renewed(Moment asked) {
    KJ_REQUIRE(enlisted_, "a lease was renewed that this supervisor does not hold");
    begin(asked);
    renewAt_ = asked.loop + span() / 2;
  }
  /// The claims belong to another supervisor, or the queue's file was replaced: enlist again.
  void lost() { enlisted_ = false; }

  bool isEnlisted() const { return enlisted_; }
  bool isDue(kj::TimePoint now) const { return now >= renewAt_; }
  kj::TimePoint renewAt() const { return renewAt_; }
  /// Whether the claims may have been taken over by now.
  bool ranOut(Moment now) const { return now.loop > until_.loop || now.boot > until_.boot; }

 private:
  kj::Duration span() const { return length_.count() * kj::MILLISECONDS; }
  void begin(Moment asked) { until_ = {asked.loop + span(), asked.boot + span()}; }

  Time length_;
  bool enlisted_ = false;
  Moment until_;
  kj::TimePoint renewAt_;
};

}  // namespace smsd::road
