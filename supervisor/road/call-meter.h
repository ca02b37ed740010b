// SPDX-License-Identifier: GPL-3.0-or-later
// How long the ledger's calls to the queue took, and how many failed, for monitoring. Pure.
//
// Called by the ledger, which makes one call at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "supervisor/queue/queue.h"
#include "supervisor/road/distribution.h"

namespace smsd::road {

/// The kinds of calls; several methods of the queue may be one call.
enum class Call { enlist, renew, claim, record, settle, purge };
inline constexpr std::array<const char*, 6> callNames = {"enlist", "renew",  "claim",
                                                         "record", "settle", "purge"};
/// In the order of QueueError::Kind.
inline constexpr std::array<const char*, 8> errorNames = {
    "unreachable", "denied", "not_installed", "busy", "failed", "fenced", "replaced", "invalid"};
static_assert(static_cast<std::size_t>(queue::QueueError::Kind::invalid) + 1 == errorNames.size());

class CallMeter {
 public:
  void began(Call call, Distribution::Time now) {
    call_ = call;
    began_ = now;
  }
  void answered(Distribution::Time now) { took_[static_cast<std::size_t>(call_)].add(now - began_); }
  void failed(queue::QueueError::Kind kind) { ++errors_[static_cast<std::size_t>(kind)]; }

  const std::array<Distribution, callNames.size()>& took() const { return took_; }
  const std::array<std::uint64_t, errorNames.size()>& errors() const { return errors_; }

  static constexpr std::array<Distribution::Time, 14> bounds = {
      std::chrono::microseconds(500), std::chrono::milliseconds(1),   std::chrono::microseconds(2500),
      std::chrono::milliseconds(5),   std::chrono::milliseconds(10),  std::chrono::milliseconds(25),
      std::chrono::milliseconds(50),  std::chrono::milliseconds(100), std::chrono::milliseconds(250),
      std::chrono::milliseconds(500), std::chrono::seconds(1),        std::chrono::milliseconds(2500),
      std::chrono::seconds(5),        std::chrono::seconds(10)};

 private:
  Call call_ = Call::enlist;
  Distribution::Time began_{0};
  std::array<Distribution, callNames.size()> took_ = {Distribution(bounds), Distribution(bounds),
                                                      Distribution(bounds), Distribution(bounds),
                                                      Distribution(bounds), Distribution(bounds)};
  std::array<std::uint64_t, errorNames.size()> errors_{};
};

}  // namespace smsd::road
