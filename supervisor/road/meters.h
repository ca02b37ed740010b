// SPDX-License-Identifier: GPL-3.0-or-later
// The figures of the road for monitoring: attempts by dispatcher and outcome, how long SMS took, failed
// rounds, held SMS, claims. Pure.
//
// Called by the road and the judge for each SMS, so each call is a few additions. The control server reads
// the figures. All counts are since the start of smsd.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "supervisor/delivery/outcome.h"
#include "supervisor/road/distribution.h"

namespace smsd::road {

/// The outcomes of an attempt, and the return of an SMS that was not begun.
inline constexpr std::array<const char*, 6> meteredOutcomes = {"accepted", "refused", "deferred",
                                                               "broken",   "unknown", "not_begun"};

struct AttemptMeter {
  static constexpr std::array<Distribution::Time, 14> bounds = {
      std::chrono::milliseconds(5),   std::chrono::milliseconds(10),  std::chrono::milliseconds(25),
      std::chrono::milliseconds(50),  std::chrono::milliseconds(100), std::chrono::milliseconds(250),
      std::chrono::milliseconds(500), std::chrono::seconds(1),        std::chrono::milliseconds(2500),
      std::chrono::seconds(5),        std::chrono::seconds(10),       std::chrono::seconds(30),
      std::chrono::seconds(60),       std::chrono::seconds(120)};

  struct Sum {
    std::uint64_t sms = 0, parts = 0;
  };
  std::array<Sum, meteredOutcomes.size()> outcomes;  // in the order of meteredOutcomes
  Distribution took{bounds};                         // of attempts that were begun
};

class Meters {
 public:
  /// An attempt of an SMS of `parts` parts has ended, at the dispatcher with this Keeper::index.
  void attemptEnded(std::size_t dispatcher, const delivery::AttemptOutcome& said, std::size_t parts) {
    if (dispatcher >= attempts_.size()) attempts_.resize(dispatcher + 1);
    AttemptMeter& meter = attempts_[dispatcher];
    const bool begun = said.begun == delivery::Begun::yes;
    auto& sum = meter.outcomes[begun ? placeOf(said.outcome.kind) : meteredOutcomes.size() - 1];
    ++sum.sms;
    sum.parts += parts;
    if (begun) meter.took.add(said.waited);
  }
  void accepted(Distribution::Time sinceQueued) { latency_.add(sinceQueued); }
  void failedOver(Distribution::Time took) { failover_.add(took); }
  /// No dispatcher accepted an SMS in this round.
  enum class Counts { no, towardsTheLimit };
  void roundFailed(Counts counts) { ++(counts == Counts::no ? notCounted_ : counted_); }
  void held() { ++held_; }
  void claimed(std::size_t sms) {
    ++claims_;
    claimedSms_ += sms;
  }

  /// None: no attempt of this dispatcher has ended.
  const AttemptMeter* attemptsOf(std::size_t dispatcher) const {
    return dispatcher < attempts_.size() ? &attempts_[dispatcher] : nullptr;
  }
  const Distribution& latency() const { return latency_; }
  const Distribution& failover() const { return failover_; }
  std::uint64_t countedRounds() const { return counted_; }
  std::uint64_t notCountedRounds() const { return notCounted_; }
  std::uint64_t heldSms() const { return held_; }
  std::uint64_t claims() const { return claims_; }
  std::uint64_t claimedSms() const { return claimedSms_; }

 private:
  static constexpr std::array<Distribution::Time, 14> latencyBounds = {
      std::chrono::milliseconds(100),  std::chrono::milliseconds(250),
      std::chrono::milliseconds(500),  std::chrono::seconds(1),
      std::chrono::milliseconds(2500), std::chrono::seconds(5),
      std::chrono::seconds(10),        std::chrono::seconds(30),
      std::chrono::minutes(1),         std::chrono::minutes(2),
      std::chrono::minutes(5),         std::chrono::minutes(10),
      std::chrono::minutes(30),        std::chrono::hours(1)};

  static std::size_t placeOf(delivery::OutcomeKind kind) {
    using Kind = delivery::OutcomeKind;
    switch (kind) {
      case Kind::accepted:
        return 0;
      case Kind::refused:
        return 1;
      case Kind::deferred:
        return 2;
      case Kind::broken:
        return 3;
      case Kind::unknown:
        break;
    }
    return 4;
  }

  std::vector<AttemptMeter> attempts_;  // by Keeper::index
  Distribution latency_{latencyBounds};
  Distribution failover_{AttemptMeter::bounds};
  std::uint64_t counted_ = 0, notCounted_ = 0, held_ = 0, claims_ = 0, claimedSms_ = 0;
};

}  // namespace smsd::road
