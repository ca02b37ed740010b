// SPDX-License-Identifier: GPL-3.0-or-later
// Writes what programs write to stderr into the journal, line by line.
//
// Owns the bound on their number. Called by the two modes. Secrets of the dispatcher are removed from a line.
#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

#include "workers/command/remarks.h"
#include "workers/net/secrets.h"

namespace smsd::command {

class RemarkReader {
 public:
  RemarkReader(kj::Timer& timer, const net::Hiding& hiding)
      : timer_(timer), hiding_(hiding), budget_(now()) {}

  /// Reads until the end. The promise keeps the stream.
  kj::Promise<void> read(kj::Own<kj::AsyncInputStream> errors);

 private:
  RemarkBudget::Time now() const;
  void write(std::string_view line);

  kj::Timer& timer_;
  const net::Hiding& hiding_;
  RemarkBudget budget_;
};

}  // namespace smsd::command
