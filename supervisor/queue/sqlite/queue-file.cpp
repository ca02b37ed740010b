// SPDX-License-Identifier: GPL-3.0-or-later
// See queue-file.h.
#include "supervisor/queue/sqlite/queue-file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/files/regular-file.h"
#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/queue-path.h"
#include "supervisor/queue/sqlite/sql-session.h"

namespace smsd::queue::sqlite {
namespace {

using Kind = QueueError::Kind;

std::string ownerIn(int fd) {
  std::array<char, 32> buffer{};
  const ssize_t length = pread(fd, buffer.data(), buffer.size() - 1, 0);
  const std::string_view pid(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  const auto digits = pid.substr(0, pid.find_first_not_of("0123456789"));
  return digits.empty() ? "unknown pid" : fmt::format("pid {}", digits);
}

}  // namespace

FileIdentity::FileIdentity(std::initializer_list<std::string> paths) {
  for (const std::string& path : paths) {
    if (std::any_of(files_.begin(), files_.end(), [&](const File& file) { return file.path == path; }))
      continue;
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) files_.push_back({path, status.st_dev, status.st_ino});
  }
}

std::optional<std::string> FileIdentity::change() const {
  for (const File& file : files_) {
    struct stat status {};
    if (stat(file.path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
        return fmt::format("{} was removed", file.path);
    } else if (status.st_dev != file.device || status.st_ino != file.inode) {
      return fmt::format("{} was replaced by another file", file.path);
    }
  }
  return std::nullopt;
}

bool FileIdentity::anyIsThere() const {
  return std::any_of(files_.begin(), files_.end(), [](const File& file) {
    struct stat status {};
    return stat(file.path.c_str(), &status) == 0 && status.st_dev == file.device &&
           status.st_ino == file.inode;
  });
}

void separateFromOldLog(const std::string& path, OldLog log) {
  if (log == OldLog::keepIfSound) try {
      Session both(path, Session::IfMissing::refuse);
      both.leaveLogAlone();
      auto found = both.query(sql::isSound);
      if (found.next() && found.text(sql::QuickCheck::quickCheck) == "ok") return;
    } catch (const QueueError&) {
      // then they are not sound
    }
  for (const char* suffix : {"-wal", "-shm"}) unlink((path + suffix).c_str());
}

std::string damageOf(const std::string& path, std::chrono::milliseconds patience) {
  try {
    Session session(path, Session::IfMissing::refuse);
    session.leaveLogAlone();
    session.giveUpAfter(patience);
    auto found = session.query(sql::isSound);
    try {
      if (!found.next() || found.text(sql::QuickCheck::quickCheck) == "ok") return "";
    } catch (const QueueError& error) {
      const bool undecided = session.gaveUp() || error.kind() == Kind::unreachable ||
                             error.kind() == Kind::denied || error.kind() == Kind::busy;
      return undecided ? "" : error.what();
    }
    return fmt::format("{}: the file is damaged: stop smsd, keep a copy, repair it with sqlite3's .recover",
                       session.path());
  } catch (const QueueError&) {
    return "";  // it cannot be opened, which is another fault
  }
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

namespace {

/// Returns whether the file is empty or contains only a process id. Any other content belongs to another
/// program.
bool isLockFile(int file) {
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::array<char, 32> text;
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  return size >= 0 && size < ssize_t(text.size()) && std::all_of(text.data(), text.data() + size, [](char c) {
           return (c >= '0' && c <= '9') || c == '\n';
         });
}

}  // namespace

// The lock file is kept after its release: if it were unlinked, two processes could lock two files of the
// same name.
OwnedFd lockOwner(const std::string& path) {
  const std::string name = path + ".lock";
  std::error_code why;
  OwnedFd file(files::openRegular(name, O_RDWR | O_CREAT | O_NOFOLLOW, why, 0660));
  if (file.get() < 0)
    throw QueueError(
        Kind::denied,
        fmt::format("{}: cannot be opened ({}): check its owner and mode, and those of its folder", name,
                    why.message()));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw QueueError(Kind::busy,
                       fmt::format("{}: another smsd ({}) uses this queue: stop that smsd first, or set "
                                   "queue.sqlite.path to another file",
                                   path, ownerIn(file.get())));
    throw QueueError(Kind::failed, fmt::format("{}: cannot be locked ({})", name, std::strerror(errno)));
  }
  if (!isLockFile(file.get()))
    throw QueueError(Kind::denied,
                     fmt::format("{}: expected smsd's lock, found another file: move it, or set "
                                 "queue.sqlite.path to another file",
                                 name));
  // The pid is only for the message above, so a failed write is ignored.
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(file.get(), 0) != 0 || pwrite(file.get(), pid.data(), pid.size(), 0) < 0) errno = 0;
  return file;
}

void commitNothing(const std::string& path) {
  Session session(path, Session::IfMissing::refuse);
  Transaction tx(session);
  session.execute(fmt::format(sql::setUserVersion, session.query(sql::userVersion).number()).c_str());
  tx.commit();
}

// The log exists once a connection has read, and stays the same file while that connection is open.
CommitWatch::CommitWatch(Session& session)
    : session_(session), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (inotify_.get() < 0 ||
      inotify_add_watch(inotify_.get(), (session.path() + "-wal").c_str(), IN_MODIFY) < 0) {
    refused_ = errno;
    inotify_ = OwnedFd();
  }
  version_ = session.query(sql::dataVersion).number();
}

std::string CommitWatch::whyDeaf() const {
  if (inotify_.get() >= 0)
    return fmt::format("smsd did not notice a test write to {}: put the queue on a local file system",
                       session_.path());
  return fmt::format("{} cannot be watched ({}): check the limits in /proc/sys/fs/inotify", session_.path(),
                     std::strerror(refused_));
}

bool CommitWatch::take() {
  alignas(inotify_event) std::array<char, 4096> buffer;
  while (inotify_.get() >= 0 && read(inotify_.get(), buffer.data(), buffer.size()) > 0) {
  }
  // The log is written before the commit becomes visible, and the writer holds the write lock until then.
  // Waiting for that lock prevents a look that comes too early and is never repeated.
  std::int64_t now = 0;
  try {
    Transaction wait(session_);
    now = session_.query(sql::dataVersion).number();
  } catch (const QueueError& error) {
    if (error.kind() != Kind::unreachable) throw;
    return true;
  }
  const bool changed = now != version_;
  version_ = now;
  return changed;
}

}  // namespace smsd::queue::sqlite

namespace smsd::queue {

std::string damageOfSqlite(const std::string& path, Duration patience) {
  return sqlite::damageOf(path, patience);
}

bool wasUsedSqlite(const std::string& path) {
  return access((sqlite::resolved(path) + ".lock").c_str(), F_OK) == 0;
}

}  // namespace smsd::queue
