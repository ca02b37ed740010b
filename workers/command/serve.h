// SPDX-License-Identifier: GPL-3.0-or-later
// The mode `serve`: the program is started once, and lines of JSON go both ways.
//
// Owns the program's streams, and each SMS from its line to its outcome. Called by the dispatcher. A line
// that does not fit, and the end of the program, make this worker process useless: spent() resolves, the kit
// reports each SMS begun as unknown and gives back all others, and the process ends with the starter and the
// program. The supervisor then starts a worker as after any other end, with the same growing delays.
//
// The class has more members than others because a program sends two kinds of lines at any time.
#pragma once

#include <kj/async-io.h>

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "workers/command/lines.h"
#include "workers/command/mode.h"
#include "workers/command/output-lines.h"
#include "workers/command/remark-reader.h"
#include "workers/command/starter-client.h"

namespace smsd::command {

class ServeMode final : public Mode, private kj::TaskSet::ErrorHandler {
 public:
  /// `window`: the most SMS at once, even if the program asks for more.
  ServeMode(kj::AsyncIoContext& io, StarterClient& starter, const net::Hiding& hiding, unsigned window);

  kj::Promise<void> start() override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kj::Promise<std::string> spent() override { return kj::mv(spent_.promise); }
  void describe(kit::Traits& traits) const override;
  kj::Promise<kit::Condition> health() override;
  std::string lastEnd() const override { return lastEnd_; }

 private:
  kj::Promise<void> read();
  kj::Promise<void> ended();
  kj::Promise<void> flush();
  void take(const std::string& line);
  void take(OutcomeLine line);
  void take(HealthLine line);
  void expire(const std::string& id);
  void write(const std::string& line);
  void giveUp(const std::string& reason);
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  StarterClient& starter_;
  const net::Hiding& hiding_;
  RemarkReader remarks_;
  unsigned window_;
  bool knowsKeys_ = false;
  std::string lastEnd_ = "none yet";

  RunningProgram program_;
  OutputLines lines_{mostLine, TooLong::refused};
  char buffer_[65536];
  std::string unwritten_;
  bool writing_ = false;
  bool over_ = false;  // spent() has its reason, or the program cannot start

  bool greeted_ = false;
  kj::PromiseFulfillerPair<void> started_ = kj::newPromiseAndFulfiller<void>();
  kj::PromiseFulfillerPair<std::string> spent_ = kj::newPromiseAndFulfiller<std::string>();
  std::unordered_map<std::string, kj::Own<kj::PromiseFulfiller<kit::Outcome>>> underWay_;
  std::unordered_set<std::string> late_;  // SMS whose deadline has passed, and whose outcome is still to come

  bool asked_ = false;  // a health query has no answer yet
  std::uint64_t query_ = 0;
  bool busySince_ = false;  // an SMS was under way since the query
  std::string broken_;
  std::vector<kj::Own<kj::PromiseFulfiller<kit::Condition>>> waitForHealth_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::command
