// How many SMS of today a dispatcher has had, kept over restarts: a limit a day that a crash or an upgrade
// started anew would be none when it matters, in a storm.
//
// Owns one small file in the state directory, made with the first SMS. Called by the keeper with each one
// that counts. Written in place and not synced: it outlives smsd, not a power cut. Throws std::system_error
// where the file cannot be read or written; one that holds something else holds nothing.
#pragma once

#include <kj/io.h>

#include <filesystem>

#include "supervisor/keeper/quota.h"

namespace smsd::keeper {

class DayCount {
 public:
  explicit DayCount(std::filesystem::path file) : file_(std::move(file)) {}

  Quota::Used read() const;
  void write(Quota::Used used);

 private:
  [[noreturn]] void fail(std::error_code why) const;

  std::filesystem::path file_;
  kj::AutoCloseFd fd_;  // to write
};

}  // namespace smsd::keeper
