// SPDX-License-Identifier: GPL-3.0-or-later
// The breaker decides whether a dispatcher is worth trying now. Pure: time comes in as an argument.
//
// Closed until `tolerance` failures in a row, then open for a growing delay, then half open: one SMS is the
// probe, and its outcome closes the breaker or opens it again. One failure is enough if the outcome is
// `broken`, or if the failure was expensive: for so long no SMS was answered, and no other SMS shall wait as
// long. An answer that is not understood is none of these failures. But each such SMS may be sent twice, so
// many of them in a row open the breaker as well.
//
// A gateway that was reached may have failed because of one recipient or one text. So several failures of one
// recipient count as one. While the breaker is open for such failures alone, an SMS that is more severe than
// the second most severe of them may still be tried: failures of mild SMS prove nothing about a severe one,
// and failures of one recipient prove nothing about another.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>

#include "supervisor/delivery/backoff.h"
#include "supervisor/delivery/outcome.h"

namespace smsd::delivery {

class Breaker {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class State { closed, open, halfOpen };

  /// The SMS that failed.
  struct Whose {
    std::string recipient;  // empty: not known, so it counts as a new recipient each time
    int rank = INT_MAX;     // of its severity: less is more severe
    Reached reached = Reached::yes;
    enum class Kind { usual, probe } kind = Kind::usual;  // probe: handed over while not closed
  };

  explicit Breaker(Time dear = std::chrono::seconds(1)) : dear_(dear) {}

  State state(Time now) const {
    if (!opened() && unreached_ + reached_.size() < tolerance_) return State::closed;
    return now < until_ ? State::open : State::halfOpen;
  }
  /// When an open breaker lets the next probe go.
  Time probeAt() const { return until_; }
  /// Until then an open breaker stops SMS of every severity.
  Time openForAllUntil() const { return forAllUntil_; }
  /// The rank that an SMS has to be more severe than to be tried while the breaker is open, though not for
  /// all. None: any SMS may be tried.
  std::optional<int> openFrom() const {
    if (reached_.size() < 2) return std::nullopt;
    return reached_[1].rank;
  }
  /// The breaker is not closed, and yet an SMS of this rank may be tried as a probe.
  bool opensFor(int rank, Time now) const {
    if (state(now) == State::closed || now < forAllUntil_) return false;
    auto from = openFrom();
    return !from || rank < *from;
  }

  /// Closes the breaker and forgets earlier failures: the dispatcher works, or is started again after a
  /// repair.
  void close() {
    unreached_ = 0;
    reached_.clear();
    opened_ = 0;
    until_ = Time(0);
    unread_ = 0;
    unreadOf_.clear();
    forAllUntil_ = Time::min();
  }
  /// None of the latest answers was understood.
  bool understandsNothing() const { return unread_ >= mostUnread_; }
  /// Lets the next probe go now.
  void probeNow(Time now) {
    until_ = std::min(until_, now);
    forAllUntil_ = std::min(forAllUntil_, now);
  }

  /// The gateway answered and was not understood. It is not silent, so this ends a row of failures unless the
  /// breaker is open.
  void recordNotUnderstood(Time now) { recordNotUnderstood(now, Whose{}); }
  void recordNotUnderstood(Time now, const Whose& whose) {
    ++unread_;
    unreadOf_.note(whose, state(now));
    if (state(now) == State::open) return reached_.note(whose, State::open);
    unreached_ = 0;
    reached_.clear();
    answeredAt_ = now;
    if (understandsNothing()) {
      open(quick, now);
      reached_ = unreadOf_;
      return;
    }
    opened_ = 0;
    until_ = Time(0);
  }

  /// Records the outcome of an SMS that was begun `waited` ago. A refusal is an answer, so the dispatcher
  /// works. `asked`: for how long the gateway wants no SMS. It may mean that recipient only, so `asked` has
  /// no effect while the breaker stays closed, and opensFor() does not look at it.
  void record(OutcomeKind kind, Time now, Time waited = Time(0), Time asked = Time(0)) {
    record(kind, now, waited, asked, Whose{});
  }
  void record(OutcomeKind kind, Time now, Time waited, Time asked, const Whose& whose) {
    switch (kind) {
      case OutcomeKind::accepted:
      case OutcomeKind::refused:
        close();
        answeredAt_ = now;
        return;
      case OutcomeKind::broken:
        open(slow, now);
        forAllUntil_ = until_;
        return;
      case OutcomeKind::deferred:
      case OutcomeKind::unknown:
        return failed(now, waited, asked, whose);
    }
  }

 private:
  static constexpr std::size_t tolerance_ = 3;
  static constexpr int mostUnread_ = 6;  // three SMS, each sent twice
  static constexpr Backoff quick{std::chrono::seconds(5), 2, std::chrono::minutes(5)};
  static constexpr Backoff slow{std::chrono::minutes(1), 2, std::chrono::minutes(10)};
  static constexpr Time longestAsked = std::chrono::minutes(10);  // one SMS in ten minutes is no storm

  struct FailedSms {
    std::string recipient;
    int rank = INT_MAX;
  };
  /// The most severe of the SMS that failed, most severe first. Not on the heap, because each failure is
  /// noted.
  class FailedOnes {
   public:
    std::size_t size() const { return size_; }
    const FailedSms& operator[](std::size_t n) const { return all_[n]; }
    void clear() { size_ = 0; }
    void note(const Whose& whose, State before);

   private:
    std::array<FailedSms, tolerance_> all_;
    std::size_t size_ = 0;
  };

  bool opened() const { return opened_ > 0; }

  void failed(Time now, Time waited, Time asked, const Whose& whose) {
    const State before = state(now);
    const bool reached = whose.reached == Reached::yes;
    if (reached)
      reached_.note(whose, before);
    else if (before == State::closed)
      ++unreached_;
    // A failure while open does not lengthen the delay: the SMS was handed over before the breaker opened, or
    // it was tried for its severity, and its failure must not delay milder ones.
    if (before != State::open) {
      bool dear = waited >= dear_ && answeredAt_ <= now - waited;
      if (before == State::closed && !dear && state(now) == State::closed) return;
      open(quick, now);
    }
    if (!reached) forAllUntil_ = until_;
    keepOpen(now, asked);
  }

  void open(const Backoff& backoff, Time now) {
    if (state(now) == State::open && backoff.after(opened_) <= until_ - now) return;
    until_ = now + backoff.after(++opened_);
  }

  void keepOpen(Time now, Time asked) { until_ = std::max(until_, now + std::min(asked, longestAsked)); }

  Time dear_;
  Time answeredAt_ = Time::min();
  std::size_t unreached_ = 0;  // failures that did not reach the gateway
  FailedOnes reached_;         // failures that did
  int unread_ = 0;             // answers in a row that were not understood
  FailedOnes unreadOf_;        // the SMS that got them
  int opened_ = 0;             // times in a row
  Time until_{0};
  Time forAllUntil_ = Time::min();
};

/// A recipient counts once. But each failed probe counts while the breaker is not closed, so that no SMS is
/// tried again and again for its severity.
inline void Breaker::FailedOnes::note(const Whose& whose, State before) {
  const auto begin = all_.begin();
  auto end = std::next(begin, static_cast<std::ptrdiff_t>(size_));
  const bool again = whose.kind == Whose::Kind::probe && before != State::closed;
  auto one = end;
  if (!again && !whose.recipient.empty())
    one = std::find_if(begin, end, [&](const FailedSms& met) { return met.recipient == whose.recipient; });
  if (one != end) {
    one->rank = std::min(one->rank, whose.rank);
  } else {
    if (size_ < tolerance_)
      ++size_;
    else if ((--one)->rank <= whose.rank)
      return;  // as severe as the mildest, or milder
    one->recipient = whose.recipient;
    one->rank = whose.rank;
  }
  // The others are in order already.
  for (; one != begin && one->rank < std::prev(one)->rank; --one) std::iter_swap(one, std::prev(one));
}

}  // namespace smsd::delivery
