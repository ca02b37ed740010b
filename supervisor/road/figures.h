// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of this run: how many were sent, how many became ignored, and why the last of those did.
//
// Called by the road. The control server and the daemon show the figures. Messages count when their
// settlement is in the database; the reason is noted when the decision is made.
#pragma once

#include <kj/common.h>
#include <kj/time.h>

#include <cstdint>
#include <string>

namespace smsd::road {

class Figures {
 public:
  struct LastIgnored {
    kj::Duration ago;
    std::string why;
  };

  explicit Figures(const kj::MonotonicClock& clock) : clock_(clock) {}

  void countSent(std::uint64_t messages) { sent_ += messages; }
  void countIgnored(std::uint64_t messages) { ignored_ += messages; }
  void noteIgnored(const std::string& why) { last_ = Ignored{clock_.now(), why}; }

  std::uint64_t sent() const { return sent_; }
  std::uint64_t ignored() const { return ignored_; }
  /// Returns when and why a message last became ignored; none: none has since the start.
  kj::Maybe<LastIgnored> lastIgnored() const {
    return last_.map([this](const Ignored& last) { return LastIgnored{clock_.now() - last.at, last.why}; });
  }

 private:
  struct Ignored {
    kj::TimePoint at;
    std::string why;
  };
  const kj::MonotonicClock& clock_;
  std::uint64_t sent_ = 0, ignored_ = 0;
  kj::Maybe<Ignored> last_;
};

}  // namespace smsd::road
