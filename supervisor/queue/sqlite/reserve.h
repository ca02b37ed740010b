// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps disk space in reserve for the queue's own writes on a full disk.
//
// SQLite writes everything twice: into its write-ahead log, and from there into the file (a checkpoint). On a
// full disk neither works, not even to record that an SMS was sent. So a file beside the queue keeps some
// space allocated. When a write finds no space, this file gives space up in steps until a checkpoint can
// empty the log, and the write is repeated. Owns that file and the bound of the log, which both depend on the
// free space on the disk. Called by queue.cpp, in the process that owns the queue. Changes no file but its
// own, which begins with a mark. Never fails: if the reserve cannot be made, there is none.
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/queue/sqlite/queue-file.h"

namespace smsd::queue::sqlite {

class Reserve {
 public:
  explicit Reserve(const std::string& queue);

  /// Largest size in bytes of the log, and of the reserve: a quarter of the space that is free or in the
  /// reserve of an earlier run, between 256 KiB and 16 MiB.
  std::uint64_t bound() const { return bound_; }
  /// Allocates the missing part of the reserve. `roomy`: only if isRoomy().
  /// `tight`: with up to half of the free space.
  enum class Disk { roomy, tight };
  void make(Disk disk) const;
  /// Gives up a quarter of the bound, at least 64 KiB. Other programs use free space as well and may take it
  /// first. Returns false if there was no reserve, or it could not be shortened.
  bool giveUpSome() const;
  /// Returns whether the disk has room for a whole reserve, and for as much again beyond it.
  bool isRoomy() const;
  /// Returns whether there is space for a small write.
  bool worthATry() const;
  /// Returns what occupies the path of the reserve, and what to do about it. Empty: nothing does.
  std::string problem() const;

 private:
  OwnedFd ours() const;  // open; none if there is no reserve
  OwnedFd create() const;
  std::uint64_t available() const;
  std::uint64_t size() const;

  std::string file_;
  std::uint64_t bound_ = 0;
};

}  // namespace smsd::queue::sqlite
