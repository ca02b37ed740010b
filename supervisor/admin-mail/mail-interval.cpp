// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/admin-mail/mail-interval.h"

#include <fcntl.h>
#include <kj/io.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <string>
#include <string_view>

#include "common/files/regular-file.h"

namespace smsd::admin_mail {

Pace::Pace(std::chrono::milliseconds interval, std::filesystem::path file, kj::TimePoint now)
    : interval_(static_cast<std::int64_t>(interval.count()) * kj::MILLISECONDS),
      file_(std::move(file)),
      began_(now) {
  struct stat status {};
  if (stat(file_.c_str(), &status) != 0) return;
  auto age = (std::time(nullptr) - status.st_mtim.tv_sec) * kj::SECONDS;
  // The kernel's clocks for files and for time() differ by a tick, so that a file just written can be from
  // the next second. Anything later comes from a clock that was set back, which must not stop the mails.
  if (age < -1 * kj::SECONDS) return;
  last_ = now - kj::max(age, 0 * kj::SECONDS);
  std::error_code why;
  auto word = files::readRegular(file_, 64, why);
  lastWas_ = word && word->starts_with("failed");
}

void Pace::sent(Kind kind, kj::TimePoint now) {
  last_ = now;
  lastWas_ = kind == Kind::lastWord;
  // Without the file the next process does not know of this mail, and may send one sooner than `interval`
  // after it. A link in place of the file leads to a file that is not ours, so that it is not written.
  std::error_code why;
  kj::AutoCloseFd fd(files::openRegular(file_, O_WRONLY | O_CREAT | O_NOFOLLOW, why));
  if (fd.get() < 0) return;
  // Both words have the same length, so that one write replaces the content and no truncation is needed.
  std::string_view word = lastWas_ ? "failed\n" : "mailed\n";
  [[maybe_unused]] ssize_t written = pwrite(fd.get(), word.data(), word.size(), 0);
  futimens(fd.get(), nullptr);
}

}  // namespace smsd::admin_mail
