// The breaker: is a dispatcher worth trying now? Pure: time comes in as an argument.
//
// Closed until `tolerance` failures in a row, then open for a delay that grows, then half open: one SMS is
// the probe, and what becomes of it closes or opens again. One failure is enough when the dispatcher itself
// says it is broken, and when it was dear: for so long nobody was answered, and nobody else shall wait as
// long. An answer that is not understood is none of these failures; but each such SMS may go out twice, so
// that many of them in a row open it as well.
#pragma once

#include <algorithm>
#include <chrono>

#include "supervisor/keeper/backoff.h"
#include "supervisor/road/outcome.h"

namespace smsd {

class Breaker {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class State { closed, open, halfOpen };

  explicit Breaker(Time dear = std::chrono::seconds(1)) : dear_(dear) {}

  State state(Time now) const {
    if (failures_ < tolerance_) return State::closed;
    return now < until_ ? State::open : State::halfOpen;
  }
  /// Of an open one: when the next probe may go.
  Time probeAt() const { return until_; }

  /// Somebody who should know says that it works: what was is forgotten.
  void close() { failures_ = opened_ = unread_ = 0; }
  /// Of the answers of late, none was understood.
  bool understandsNothing() const { return unread_ >= mostUnread_; }
  /// Does not wait for the time of the next probe: it is now.
  void probeNow(Time now) { until_ = std::min(until_, now); }

  /// The far end answered, and was not understood: it is not silent, whatever was before.
  void recordNotUnderstood(Time now) {
    ++unread_;
    if (state(now) == State::open) return;
    failures_ = 0;
    answeredAt_ = now;
    if (understandsNothing()) return open(quick, now);
    opened_ = 0;
  }

  /// What became of an SMS that was begun `waited` ago. A refusal is an answer: the way out works. `asked`:
  /// for how long the far end wants to be left alone. One that does so may mean that recipient; when it
  /// opens, or is open, all that come are meant.
  void record(OutcomeKind kind, Time now, Time waited = Time(0), Time asked = Time(0)) {
    switch (kind) {
      case OutcomeKind::accepted:
      case OutcomeKind::refused:
        close();
        answeredAt_ = now;
        return;
      case OutcomeKind::broken:
        return open(slow, now);
      case OutcomeKind::deferred:
      case OutcomeKind::unknown:
        // What was out already when it opened says nothing new but that.
        if (state(now) == State::open) return rest(now, asked);
        ++failures_;
        if (waited >= dear_ && answeredAt_ <= now - waited) failures_ = tolerance_;
        if (failures_ < tolerance_) return;
        open(quick, now);
        return rest(now, asked);
    }
  }

 private:
  static constexpr int tolerance_ = 3;
  static constexpr int mostUnread_ = 6;  // three SMS, each of them sent twice
  static constexpr Backoff quick{std::chrono::seconds(5), 2, std::chrono::minutes(5)};
  static constexpr Backoff slow{std::chrono::minutes(1), 2, std::chrono::minutes(10)};
  static constexpr Time longestAsked = std::chrono::minutes(10);  // an SMS in ten minutes is no storm

  void open(const Backoff& backoff, Time now) {
    if (state(now) == State::open && backoff.after(opened_) <= until_ - now) return;
    failures_ = tolerance_;
    until_ = now + backoff.after(++opened_);
  }

  void rest(Time now, Time asked) { until_ = std::max(until_, now + std::min(asked, longestAsked)); }

  Time dear_;
  Time answeredAt_ = Time::min();
  int failures_ = 0;
  int unread_ = 0;  // answers in a row that were not understood
  int opened_ = 0;
  Time until_{0};
};

}  // namespace smsd
