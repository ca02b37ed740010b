// What surrounds the queue in its file: whether the file is a queue, who owns it, and when another process
// wrote to it.
//
// Owns the installation of the tables, the lock file beside the queue, the inotify watch, and the comparison
// of the paths with the files that were opened. Called by sqlite.cpp only. Never reads or writes a message.
// Fails by QueueError; a watch that cannot be had is only missing.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/sqlite-db.h"

namespace smsd::queue {

enum class FileState {
  fresh,  // there was nothing: the tables were made now
  ready,
};

struct OpenedFile {
  std::unique_ptr<Database> db;
  FileState state = FileState::ready;
};

/// Who holds the lock beside the file (lockOwner).
enum class LockedBy { thisProcess, another };

/// Refuses what is no database, a database of something else, and a queue made by a newer smsd. Brings an older one up
/// to date, which nobody but this process may be working on.
OpenedFile openQueueFile(const std::string& path, Database::IfMissing missing = Database::IfMissing::make,
                         LockedBy lock = LockedBy::another);

/// Files by device and inode. The descriptors of a file that was replaced, moved or removed go on working, so
/// that only its path tells.
class FileIdentity {
 public:
  /// Remembers the files that are at these paths now.
  explicit FileIdentity(std::initializer_list<std::string> paths);
  /// "PATH was removed" or "PATH was replaced by another file"; none: all are as they were, or nobody can
  /// tell.
  std::optional<std::string> change() const;
  /// At least one of the paths leads to the file that it led to.
  bool anyIsThere() const;

 private:
  struct File {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  std::vector<File> files_;
};

/// For a file that was put in the place of another, with the other's write-ahead log still beside it: SQLite reads
/// the log as part of the new file. That is wrong, unless the log holds what was written since.
enum class OldLog {
  remove,
  keepIfSound,  // where both together are a sound database
};
void separateFromOldLog(const std::string& path, OldLog log);

/// A file descriptor that is closed when it goes.
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

/// Locks `<path>.lock` for as long as the descriptor lives; the kernel lets it go when the process dies.
/// Throws `busy` with the pid of the owner.
OwnedFd lockOwner(const std::string& path);

/// A commit of another connection that changes nothing.
void commitNothing(const std::string& path);

/// Tells commits of other connections from our own.
class CommitWatch {
 public:
  explicit CommitWatch(Database& db);
  int fd() const { return inotify_.get(); }
  /// What it means when a commit of another connection is not noticed, in words.
  std::string whyDeaf() const;
  /// Drains the descriptor. True when somebody else committed since the last call, or may have.
  bool take();

 private:
  Database& db_;
  OwnedFd inotify_;
  int refused_ = 0;  // the errno of inotify, when there is no watch
  std::int64_t version_;
};

}  // namespace smsd::queue
