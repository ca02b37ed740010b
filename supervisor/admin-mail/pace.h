// When the next mail to the administrators may go: not more often than an interval, also over restarts of a
// daemon that keeps failing.
//
// Owns the file that remembers the last mail: its time of change is the mail's, what is in it says whether
// that was the last word of a daemon that failed. Called by AdminMail. A file that cannot be read or written
// costs the memory over restarts, nothing else.
#pragma once

#include <kj/time.h>

#include <chrono>
#include <filesystem>

namespace smsd {

class Pace {
 public:
  Pace(std::chrono::milliseconds interval, std::filesystem::path file, kj::TimePoint now);

  /// A mail was taken.
  enum class Kind { usual, lastWord };
  void sent(Kind kind, kj::TimePoint now);

  kj::TimePoint next() const { return next_; }
  /// A daemon that fails may say so at once, unless it did so a moment ago.
  bool mayHaveLastWord(kj::TimePoint now) const { return !lastWas_ || now >= next_; }

 private:
  kj::Duration interval_;
  std::filesystem::path file_;
  kj::TimePoint next_;
  bool lastWas_ = false;  // the last mail was a last word
};

}  // namespace smsd
