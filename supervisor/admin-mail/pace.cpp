#include "supervisor/admin-mail/pace.h"

#include <fcntl.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <string>

#include "common/files/regular-file.h"

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
  std::error_code why;
  auto word = files::readRegular(file_, 64, why);
  lastWas_ = word && word->starts_with("failed");
}

void Pace::sent(Kind kind, kj::TimePoint now) {
  next_ = now + interval_;
  lastWas_ = kind == Kind::lastWord;
  // Without the file the next process does not know of this mail: it may come sooner than `interval` after
  // it.
  std::error_code why;
  kj::AutoCloseFd fd(files::openRegular(file_, O_WRONLY | O_CREAT | O_TRUNC, why));
  if (fd.get() < 0) return;
  std::string_view word = lastWas_ ? "failed\n" : "mailed\n";
  [[maybe_unused]] ssize_t written = write(fd.get(), word.data(), word.size());
}

}  // namespace smsd
