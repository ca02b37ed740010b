// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of this run: how many were sent, in all and lately; how many became ignored, in all and in the
// last day for each reason. Beside them what happened to the queue under smsd's hands: its clock was stepped,
// rows or its file were replaced.
//
// Called by the road. The control server and the daemon show the figures. Messages count when their
// settlement is in the database; the reason is noted when the decision is made.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/format/message.h"
#include "supervisor/road/lost-messages.h"
#include "supervisor/road/recent.h"

namespace smsd::road {

/// Why messages become ignored.
enum class Ignored {
  refused,  // by every dispatcher
  givenUp,  // no dispatcher accepted it, and the limit of the retries was reached
  expired,  // older than queue.expire_after
  leftOut,  // no room in the SMS of its recipient, which counts it
  empty,    // no text
};
inline constexpr std::size_t ignoredReasons = 5;

class Figures {
 public:
  struct LastIgnored {
    kj::Duration ago;
    std::string why;
    format::MessageId message = 0;  // 0: not known
  };

  struct ClockStep {
    kj::Duration ago;
    std::chrono::milliseconds step;  // ahead, or (negative) back
  };
  /// Something happened `times` times, the last time `ago`. `how` may be empty.
  struct Happened {
    std::uint64_t times;
    kj::Duration ago;
    std::string how;
  };

  explicit Figures(const kj::MonotonicClock& clock) : clock_(clock) {}

  void countSent(std::uint64_t messages) {
    sent_ += messages;
    lately_.add(now(), messages);
  }
  void countIgnored(std::uint64_t messages) { ignored_ += messages; }
  /// `ids`: of the messages; empty: not known.
  void noteIgnored(Ignored reason, const std::string& why, std::uint64_t messages,
                   std::vector<format::MessageId> ids = {}) {
    noteUnsent(reason, messages);
    last_ = Last{clock_.now(), why, ids.empty() ? 0 : ids.front()};
    if (reason != Ignored::empty) lost_.add(now(), why, std::move(ids), messages);
  }
  /// Messages of an SMS that was sent, for which it had no room.
  void noteLeftOut(std::uint64_t messages) { noteUnsent(Ignored::leftOut, messages); }

  void noteClockStep(std::chrono::milliseconds step) { clockStep_ = Step{clock_.now(), step}; }
  /// Settled messages whose id belonged to another row.
  void countReplaced(std::uint64_t messages) {
    if (messages > 0) rows_ = Event{rows_.times + messages, clock_.now(), ""};
  }
  /// The queue's file was replaced, and is opened again.
  void noteFileReplaced(const std::string& how) { file_ = Event{file_.times + 1, clock_.now(), how}; }

  std::uint64_t sent() const { return sent_; }
  std::uint64_t ignored() const { return ignored_; }
  /// Returns when and why a message last became ignored; none: none has since the start.
  kj::Maybe<LastIgnored> lastIgnored() const { return shown(last_); }
  /// The messages of the last day that have a text and that nobody got: refused, given up or expired.
  std::vector<format::MessageId> lostIds() const { return lost_.ids(now()); }
  struct Lost {
    std::uint64_t messages;
    LastIgnored last;
  };
  /// `checked`: which of them the queue still has as ignored.
  kj::Maybe<Lost> lost(const LostMessages::Checked& checked) const {
    const auto sum = lost_.summary(now(), checked);
    if (!sum) return nullptr;
    const auto ago = std::chrono::nanoseconds(now() - sum->at).count() * kj::NANOSECONDS;
    return Lost{sum->messages, LastIgnored{ago, sum->why, sum->message}};
  }
  /// Messages sent in the last `span`, of at most an hour.
  std::uint64_t sentWithin(std::chrono::seconds span) const { return lately_.within(now(), span); }
  /// Messages ignored for `reason` within a day.
  std::uint64_t ignoredWithinADay(Ignored reason) const {
    return unsent_[static_cast<std::size_t>(reason)].within(now(), std::chrono::days(1));
  }
  /// The same since the start.
  std::uint64_t ignoredInAll(Ignored reason) const { return unsentInAll_[static_cast<std::size_t>(reason)]; }
  /// Returns the last step of the database's clock; none: there was none within a day.
  kj::Maybe<ClockStep> lastClockStep() const {
    KJ_IF_MAYBE (last, clockStep_)
      if (clock_.now() - last->at < 1 * kj::DAYS) return ClockStep{clock_.now() - last->at, last->step};
    return nullptr;
  }
  /// Both return none if it has not happened since the start.
  kj::Maybe<Happened> rowsReplaced() const { return happened(rows_); }
  kj::Maybe<Happened> fileReplaced() const { return happened(file_); }

 private:
  struct Last {
    kj::TimePoint at;
    std::string why;
    format::MessageId message;
  };
  struct Step {
    kj::TimePoint at;
    std::chrono::milliseconds step;
  };
  struct Event {
    std::uint64_t times = 0;
    kj::TimePoint last = kj::origin<kj::TimePoint>();
    std::string how = {};
  };

  kj::Maybe<Happened> happened(const Event& event) const {
    if (event.times == 0) return nullptr;
    return Happened{event.times, clock_.now() - event.last, event.how};
  }

  kj::Maybe<LastIgnored> shown(const kj::Maybe<Last>& last) const {
    return last.map([this](const Last& one) {
      return LastIgnored{clock_.now() - one.at, one.why, one.message};
    });
  }
  void noteUnsent(Ignored reason, std::uint64_t messages) {
    unsent_[static_cast<std::size_t>(reason)].add(now(), messages);
    unsentInAll_[static_cast<std::size_t>(reason)] += messages;
  }
  std::chrono::nanoseconds now() const {
    return std::chrono::nanoseconds((clock_.now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS);
  }
  static Recent ofADay() { return {std::chrono::minutes(30), 49}; }

  const kj::MonotonicClock& clock_;
  std::uint64_t sent_ = 0, ignored_ = 0;
  Recent lately_{std::chrono::seconds(10), 361};
  std::array<Recent, ignoredReasons> unsent_{ofADay(), ofADay(), ofADay(), ofADay(), ofADay()};
  std::array<std::uint64_t, ignoredReasons> unsentInAll_{};
  kj::Maybe<Last> last_;
  LostMessages lost_;
  kj::Maybe<Step> clockStep_;
  Event rows_, file_;
};

}  // namespace smsd::road
