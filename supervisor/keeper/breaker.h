// The breaker: is a dispatcher worth trying now? Pure: time comes in as an argument.
//
// Closed until `tolerance` failures in a row, then open for a delay that grows, then half open: one SMS is
// the probe, and what becomes of it closes or opens again. One failure is enough when the dispatcher itself
// says it is broken, and when it was dear: for so long nobody was answered, and nobody else shall wait as
// long. An answer that is not understood is none of these failures; but each such SMS may go out twice, so
// that many of them in a row open it as well.
//
// A far end that was reached may have failed for the sake of one recipient or one text. So several failures
// of one recipient count as one, and while the breaker is open for such failures alone it is open only for
// what is no more severe than the second most severe of them: the failures of mild SMS say nothing against a
// severe one, and those of one recipient nothing against a second.
#pragma once

#include <algorithm>
#include <chrono>
#include <climits>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/keeper/backoff.h"
#include "supervisor/road/outcome.h"

namespace smsd {

class Breaker {
 public:
  using Time = std::chrono::milliseconds;  // since any fixed moment

  enum class State { closed, open, halfOpen };

  /// Whose failure it was.
  struct Whose {
    std::string recipient;  // empty: not known, so another one each time
    int rank = INT_MAX;     // of its severity: less is more severe
    FarEnd farEnd = FarEnd::reached;
    enum class Kind { usual, probe } kind = Kind::usual;  // probe: handed over while it was not closed
  };

  explicit Breaker(Time dear = std::chrono::seconds(1)) : dear_(dear) {}

  State state(Time now) const {
    if (!opened() && unreached_ + reached_.size() < tolerance_) return State::closed;
    return now < until_ ? State::open : State::halfOpen;
  }
  /// Of an open one: when the next probe may go.
  Time probeAt() const { return until_; }
  /// Of an open one: until then it is open for all, whatever their severity.
  Time openForAllUntil() const { return forAllUntil_; }
  /// Of one that is open, but not for all: an SMS that is more severe than this rank may be tried. None: any.
  std::optional<int> openFrom() const {
    if (reached_.size() < 2) return std::nullopt;
    return reached_[1].rank;
  }
  /// Not closed, and yet an SMS of this rank may be tried as a probe.
  bool opensFor(int rank, Time now) const {
    if (state(now) == State::closed || now < forAllUntil_) return false;
    auto from = openFrom();
    return !from || rank < *from;
  }

  /// Somebody who should know says that it works: what was is forgotten.
  void close() {
    unreached_ = 0;
    reached_.clear();
    opened_ = 0;
    until_ = Time(0);
    unread_ = 0;
    unreadOf_.clear();
    forAllUntil_ = Time::min();
  }
  /// Of the answers of late, none was understood.
  bool understandsNothing() const { return unread_ >= mostUnread_; }
  /// Does not wait for the time of the next probe: it is now.
  void probeNow(Time now) {
    until_ = std::min(until_, now);
    forAllUntil_ = std::min(forAllUntil_, now);
  }

  /// The far end answered, and was not understood: it is not silent, whatever was before.
  void recordNotUnderstood(Time now) { recordNotUnderstood(now, Whose{}); }
  void recordNotUnderstood(Time now, const Whose& whose) {
    ++unread_;
    note(unreadOf_, whose, state(now));
    if (state(now) == State::open) return note(reached_, whose, State::open);
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

  /// What became of an SMS that was begun `waited` ago. A refusal is an answer: the way out works. `asked`:
  /// for how long the far end wants to be left alone. One that does so may mean that recipient; when it
  /// opens, or is open, all that come are meant.
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
  static constexpr int mostUnread_ = 6;  // three SMS, each of them sent twice
  static constexpr Backoff quick{std::chrono::seconds(5), 2, std::chrono::minutes(5)};
  static constexpr Backoff slow{std::chrono::minutes(1), 2, std::chrono::minutes(10)};
  static constexpr Time longestAsked = std::chrono::minutes(10);  // an SMS in ten minutes is no storm

  struct Met {
    std::string recipient;
    int rank;
  };

  bool opened() const { return opened_ > 0; }

  void failed(Time now, Time waited, Time asked, const Whose& whose) {
    const State before = state(now);
    const bool reached = whose.farEnd == FarEnd::reached;
    if (reached)
      note(reached_, whose, before);
    else if (before == State::closed)
      ++unreached_;
    // What was out already when it opened says nothing new but that, and the failure of one that was tried
    // for its severity says nothing to the others.
    if (before != State::open) {
      bool dear = waited >= dear_ && answeredAt_ <= now - waited;
      if (before == State::closed && !dear && state(now) == State::closed) return;
      open(quick, now);
    }
    if (!reached) forAllUntil_ = until_;
    rest(now, asked);
  }

  /// The most severe are kept, most severe first. One recipient counts once; but while it is not closed each
  /// failure counts, so that nothing is tried again and again for its severity.
  static void note(std::vector<Met>& met, const Whose& whose, State before) {
    auto same = std::find_if(met.begin(), met.end(), [&whose](const Met& one) {
      return !whose.recipient.empty() && one.recipient == whose.recipient;
    });
    bool again = whose.kind == Whose::Kind::probe && before != State::closed;
    if (same != met.end() && !again)
      same->rank = std::min(same->rank, whose.rank);
    else
      met.push_back({whose.recipient, whose.rank});
    std::stable_sort(met.begin(), met.end(),
                     [](const Met& one, const Met& other) { return one.rank < other.rank; });
    if (met.size() > tolerance_) met.pop_back();
  }

  void open(const Backoff& backoff, Time now) {
    if (state(now) == State::open && backoff.after(opened_) <= until_ - now) return;
    until_ = now + backoff.after(++opened_);
  }

  void rest(Time now, Time asked) {
    const Time until = now + std::min(asked, longestAsked);
    until_ = std::max(until_, until);
    if (asked > Time(0)) forAllUntil_ = std::max(forAllUntil_, until);
  }

  Time dear_;
  Time answeredAt_ = Time::min();
  std::size_t unreached_ = 0;  // failures that did not reach the far end
  std::vector<Met> reached_;   // the others
  int unread_ = 0;             // answers in a row that were not understood
  std::vector<Met> unreadOf_;  // whose they were
  int opened_ = 0;             // times in a row
  Time until_{0};
  Time forAllUntil_ = Time::min();
};

}  // namespace smsd
