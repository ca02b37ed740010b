// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps a dispatcher's count of SMS of today across restarts; otherwise a crash or an upgrade during an alert
// storm would lift the limit a day.
//
// Owns one small file in the state directory, created with the first SMS. Called by the keeper with each SMS
// that counts. The file is written in place and not synced, so it survives a crash of smsd but not a power
// cut. Throws std::system_error if the file cannot be read or written; a missing file or one with other
// content counts as 0.
#pragma once

#include <kj/io.h>

#include <filesystem>

#include "supervisor/delivery/quota.h"

namespace smsd::keeper {

class DayCount {
 public:
  explicit DayCount(std::filesystem::path file) : file_(std::move(file)) {}

  delivery::Quota::Used read() const;
  void write(delivery::Quota::Used used);

 private:
  [[noreturn]] void fail(std::error_code why) const;

  std::filesystem::path file_;
  kj::AutoCloseFd fd_;  // for writing
};

}  // namespace smsd::keeper
