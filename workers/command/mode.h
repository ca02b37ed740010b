// SPDX-License-Identifier: GPL-3.0-or-later
// How a program gets its SMS: the interface of the modes `serve` and `once`.
#pragma once

#include <kj/async.h>

#include <string>

#include "workers/kit/dispatcher.h"

namespace smsd::command {

class Mode {
 public:
  virtual ~Mode() noexcept(false) = default;
  /// Resolves when SMS can be sent. Fails if they never can.
  virtual kj::Promise<void> start() = 0;
  virtual kj::Promise<kit::Outcome> send(kit::Job job) = 0;
  /// Resolves with the reason why this process cannot work any more.
  virtual kj::Promise<std::string> spent() = 0;
  /// A property that only the running program knows; `traits` is changed.
  virtual void describe(kit::Traits&) const {}
  virtual kj::Promise<kit::Condition> health() { return kit::Condition{}; }
  /// How the last program ended, for an operator to read.
  virtual std::string lastEnd() const = 0;
};

}  // namespace smsd::command
