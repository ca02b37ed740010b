#include "supervisor/admin-mail/pace.h"

#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <string>

namespace smsd {

Pace::Pace(std::chrono::milliseconds interval, std::filesystem::path file, kj::TimePoint now)
    : interval_(static_cast<std::int64_t>(interval.count()) * kj::MILLISECONDS),
      file_(std::move(file)),
      next_(now) {
  struct stat status {};
  if (stat(file_.c_str(), &status) != 0) return;
  auto age = (std::time(nullptr) - status.st_mtim.tv_sec) * kj::SECONDS;
  if (age < 0 * kj::SECONDS || age >= interval_) return;  // a clock that was set back must not silence us
  next_ = now + (interval_ - age);
  std::string word;
  std::ifstream(file_) >> word;
  lastWas_ = word == "failed";
}

void Pace::sent(Kind kind, kj::TimePoint now) {
  next_ = now + interval_;
  lastWas_ = kind == Kind::lastWord;
  std::ofstream(file_, std::ios::trunc) << (lastWas_ ? "failed\n" : "mailed\n");
}

}  // namespace smsd
