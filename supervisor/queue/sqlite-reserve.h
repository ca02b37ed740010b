// Room for the queue's own writes on a disk that is full.
//
// SQLite writes everything twice: into its write-ahead log, and from there into the file (a checkpoint). On a
// full disk neither works, not even to record that an SMS was sent. So a file beside the queue keeps some
// room allocated, and is given up when a write finds none: a checkpoint then empties the log, and what was in
// the way is done. Owns that file and the bound of the log, which both depend on the size of the disk. Called
// by sqlite.cpp, in the process that owns the queue. Fails never: a reserve that cannot be made is only
// missing.
#pragma once

#include <cstdint>
#include <string>

namespace smsd::queue {

class Reserve {
 public:
  explicit Reserve(const std::string& queue);

  /// At most so many bytes of log, and as many in the reserve: a quarter of what is free, between 256 KiB and
  /// 16 MiB.
  std::uint64_t bound() const { return bound_; }
  /// Allocates what is missing of it, if the disk has twice as much. When `tight`, half of what is left will
  /// do.
  enum class Disk { roomy, tight };
  void make(Disk disk) const;
  /// Gives up a quarter: others take what is free as well, and may be faster. Returns whether there was any.
  bool giveUpSome() const;
  /// The disk has as much free as a reserve is made from, one that is there included.
  bool isRoomy() const;
  /// There is room for a small write.
  bool worthATry() const;

 private:
  std::uint64_t available() const;
  std::uint64_t size() const;

  std::string file_;
  std::uint64_t bound_;
};

}  // namespace smsd::queue
