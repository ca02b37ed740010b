// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of this run: how many were sent, how many became ignored, and why the last of those did.
// Beside them what happened to the queue under smsd's hands: its clock was stepped, rows or its file were
// replaced.
//
// Called by the road. The control server and the daemon show the figures. Messages count when their
// settlement is in the database; the reason is noted when the decision is made.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace smsd::road {

class Figures {
 public:
  struct LastIgnored {
    kj::Duration ago;
    std::string why;
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

  void countSent(std::uint64_t messages) { sent_ += messages; }
  void countIgnored(std::uint64_t messages) { ignored_ += messages; }
  void noteIgnored(const std::string& why) { last_ = Ignored{clock_.now(), why}; }

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
  kj::Maybe<LastIgnored> lastIgnored() const {
    return last_.map([this](const Ignored& last) { return LastIgnored{clock_.now() - last.at, last.why}; });
  }
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
  struct Ignored {
    kj::TimePoint at;
    std::string why;
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

  const kj::MonotonicClock& clock_;
  std::uint64_t sent_ = 0, ignored_ = 0;
  kj::Maybe<Ignored> last_;
  kj::Maybe<Step> clockStep_;
  Event rows_, file_;
};

}  // namespace smsd::road
