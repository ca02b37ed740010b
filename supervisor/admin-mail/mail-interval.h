// SPDX-License-Identifier: GPL-3.0-or-later
// Decides when the next mail to the administrators may be sent: at most one in an interval, even if a failing
// daemon restarts again and again.
//
// Owns the file that remembers the last mail: its modification time is the time of the mail, and its content
// records whether that was the last word of a daemon that failed. Called by AdminMail. If the file cannot be
// read or written, only the memory across restarts is lost.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <chrono>
#include <filesystem>

namespace smsd::admin_mail {

class Pace {
 public:
  Pace(std::chrono::milliseconds interval, std::filesystem::path file, kj::TimePoint now);

  /// Records that a mail was taken.
  enum class Kind { usual, lastWord };
  void sent(Kind kind, kj::TimePoint now);

  /// Applies a reload.
  void use(std::chrono::milliseconds interval) {
    interval_ = static_cast<std::int64_t>(interval.count()) * kj::MILLISECONDS;
  }

  kj::TimePoint next() const {
    KJ_IF_MAYBE (last, last_) return kj::max(began_, *last + interval_);
    return began_;
  }
  /// The time of the last mail, which an earlier run may have sent; none: there is no record of one.
  kj::Maybe<kj::TimePoint> last() const { return last_; }
  /// A daemon that fails may send a mail about it at once, unless it did so less than an interval ago.
  bool mayHaveLastWord(kj::TimePoint now) const { return !lastWas_ || now >= next(); }

 private:
  kj::Duration interval_;
  std::filesystem::path file_;
  kj::TimePoint began_;
  kj::Maybe<kj::TimePoint> last_;
  bool lastWas_ = false;  // the last mail was a last word
};

}  // namespace smsd::admin_mail
