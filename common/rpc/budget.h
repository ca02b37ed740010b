// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic of a connection's bounds: how much a peer may send, and how many of its calls may be open.
//
// Owns both counts. Used by Guard. Pure: no clock, no stream; the caller passes the time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace smsd::rpc {

/// A token bucket of messages. Time refills it up to `burst`, and earn() adds to it when the peer is given
/// work. One message may overdraw it.
class Budget {
 public:
  using Time = std::chrono::nanoseconds;
  struct Rate {
    double perSecond;
    double burst;
  };

  explicit Budget(Rate rate) : rate_(rate), saved_(rate.burst) {}

  /// Allows `messages` more on top of the rate, but at most `most` that are not spent yet.
  void earn(double messages, double most) { earned_ = std::min(earned_ + messages, most); }

  void spend(double messages, Time now) {
    refill(now);
    const double earned = std::min(earned_, messages);
    earned_ -= earned;
    saved_ -= messages - earned;
  }
  bool overdrawn() const { return saved_ < 0; }
  /// Returns the time until the bucket is no longer overdrawn; zero if it is not overdrawn.
  Time wait(Time now) {
    refill(now);
    if (!overdrawn()) return Time(0);
    return Time(static_cast<std::int64_t>(-saved_ / rate_.perSecond * 1e9) + 1);
  }

 private:
  void refill(Time now) {
    if (now <= at_) return;
    const double seconds = std::chrono::duration<double>(now - at_).count();
    saved_ = std::min(saved_ + seconds * rate_.perSecond, rate_.burst);
    at_ = now;
  }

  Rate rate_;
  double saved_;
  double earned_ = 0;
  Time at_{0};
};

/// The open calls of a peer. A call takes memory here until this side has answered it and the peer has
/// finished it. Cap'n Proto 1.0 and newer answer most calls with `noFinishNeeded`: then the peer need not
/// finish the call before it uses its number again, and an older peer still does.
class Calls {
 public:
  explicit Calls(std::size_t most) : most_(most) {}

  enum class Opened { well, twice, tooMany };
  Opened open(std::uint32_t id) {
    if (find(id) != open_.end()) return Opened::twice;
    if (open_.size() >= most_) return Opened::tooMany;
    open_.push_back({id, false, false});
    return Opened::well;
  }
  enum class Finish { needed, optional };
  void answered(std::uint32_t id, Finish finish = Finish::needed) {
    auto call = find(id);
    if (call == open_.end()) return;
    call->answered = true;
    if (finish == Finish::optional && !std::exchange(call->finished, true)) ++optional_;
    drop(call);
  }
  /// Returns false if the peer has no such call, or has finished it already.
  bool finished(std::uint32_t id) {
    auto call = find(id);
    if (call == open_.end() || call->finished) {
      if (optional_ == 0) return false;
      --optional_;
      return true;
    }
    call->finished = true;
    drop(call);
    return true;
  }
  /// Returns true if this side owes the peer an answer.
  bool due() const {
    return std::any_of(open_.begin(), open_.end(), [](const Call& call) { return !call.answered; });
  }
  std::size_t size() const { return open_.size(); }

 private:
  struct Call {
    std::uint32_t id;
    bool answered, finished;
  };
  std::vector<Call>::iterator find(std::uint32_t id) {
    return std::find_if(open_.begin(), open_.end(), [id](const Call& call) { return call.id == id; });
  }
  void drop(std::vector<Call>::iterator call) {
    if (!call->answered || !call->finished) return;
    *call = open_.back();
    open_.pop_back();
  }

  std::size_t most_;
  std::vector<Call> open_;
  std::uint64_t optional_ = 0;  // calls that are over, and that the peer may still finish
};

}  // namespace smsd::rpc
