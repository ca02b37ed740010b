// SPDX-License-Identifier: GPL-3.0-or-later
// The mode `once`: one process of the program for each SMS.
//
// Owns each program from its start to its end. Called by the dispatcher. An SMS has its outcome when its
// program and all that this has started have ended. A program that has not ended by the deadline is killed
// with all of them, and its SMS is unknown. If the program cannot be executed, this process ends when no
// program runs any more: its lock names the files that were there at its start, and an upgrade may have put
// others in their places.
#pragma once

#include <kj/async-io.h>

#include "workers/command/mode.h"
#include "workers/command/remark-reader.h"
#include "workers/command/starter-client.h"

namespace smsd::command {

class OnceMode final : public Mode, private kj::TaskSet::ErrorHandler {
 public:
  OnceMode(kj::AsyncIoContext& io, StarterClient& starter, const net::Hiding& hiding);

  kj::Promise<void> start() override { return kj::READY_NOW; }
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kj::Promise<std::string> spent() override { return kj::mv(spent_.promise); }
  std::string lastEnd() const override { return lastEnd_; }

 private:
  kit::Outcome outcomeFrom(const ProgramEnd& end, std::string firstLine);
  void ended();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  StarterClient& starter_;
  const net::Hiding& hiding_;
  RemarkReader remarks_;
  std::string lastEnd_ = "none yet";
  std::size_t running_ = 0;
  std::string stale_;  // why only a fresh process can execute the program; empty: this one can
  kj::PromiseFulfillerPair<std::string> spent_ = kj::newPromiseAndFulfiller<std::string>();
  kj::TaskSet tasks_;
};

}  // namespace smsd::command
