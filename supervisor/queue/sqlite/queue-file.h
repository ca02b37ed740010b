// SPDX-License-Identifier: GPL-3.0-or-later
// Checks around the queue's file: which process owns it, whether it was replaced, and when another process
// wrote to it.
//
// Owns the lock file beside the queue, the inotify watch, and the comparison of paths with opened files.
// Called by queue.cpp, lease.cpp and install.cpp. Never reads or writes a message. Fails by
// QueueError; a failed inotify watch is no error.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/sqlite/connection.h"

namespace smsd::queue::sqlite {

/// Files by device and inode. After a file was replaced, moved or removed, its descriptors continue to work,
/// so only the path shows the change.
class FileIdentity {
 public:
  /// Remembers the files that are at `paths` now.
  explicit FileIdentity(std::initializer_list<std::string> paths);
  /// Returns "PATH was removed" or "PATH was replaced by another file"; none: all are unchanged, or the check
  /// failed.
  std::optional<std::string> change() const;
  /// Returns whether at least one of the paths still leads to its file.
  bool anyIsThere() const;

 private:
  struct File {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  std::vector<File> files_;
};

/// For a file that replaced another while the old write-ahead log is still there. SQLite would read that log
/// as part of the new file. This is wrong, unless the log holds only writes that came after the replacement.
enum class OldLog {
  remove,
  keepIfSound,  // if file and log together are a sound database
};
void separateFromOldLog(const std::string& path, OldLog log);

/// See damageOfSqlite in built-in.h.
std::string damageOf(const std::string& path, std::chrono::milliseconds patience);

/// Closes its file descriptor when it is destroyed.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  ~OwnedFd();
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Locks `<path>.lock` for as long as the descriptor lives; the kernel releases the lock when the process
/// dies. Throws `busy` with the owner's pid.
OwnedFd lockOwner(const std::string& path);

/// Makes a commit on another connection that changes nothing.
void commitNothing(const std::string& path);

/// Distinguishes commits of other connections from our own.
class CommitWatch {
 public:
  explicit CommitWatch(Session& session);
  int fd() const { return inotify_.get(); }
  /// Returns the probable cause, in words, if a commit of another connection is not noticed.
  std::string whyDeaf() const;
  /// Drains the descriptor. Returns true if another connection has committed since the last call, or may
  /// have.
  bool take();

 private:
  Session& session_;
  OwnedFd inotify_;
  int refused_ = 0;  // the errno of inotify if there is no watch
  std::int64_t version_;
};

}  // namespace smsd::queue::sqlite
