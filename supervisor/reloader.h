// The reload on SIGHUP: reads everything again, checks it as at a start, and applies all of it or nothing.
//
// Owns the signal, the reading beside the running daemon, and which dispatcher gets a fresh worker. Called by
// the daemon, which it tells systemd for. Never holds up the loop: the files are small, and the workers'
// checks are child processes. What is refused stays as it was, down to the bytes of the dispatchers' files.
#pragma once

#include <kj/async-io.h>

#include <map>
#include <string>
#include <vector>

#include "common/systemd/service.h"
#include "supervisor/config.h"
#include "supervisor/events.h"
#include "supervisor/reload.h"
#include "supervisor/road/road.h"

namespace smsd {

class Reloader final : private kj::TaskSet::ErrorHandler {
 public:
  using Plans = std::vector<keeper::SpawnPlan>;
  using Read = kj::Function<ConfigRead()>;

  /// `read` reads smsd.yaml anew, with whatever the command line says on top. `plans` are those in force.
  /// `hire` is called with each keeper that is new, to start it. SIGHUP was captured before.
  Reloader(kj::AsyncIoContext& io, Road& road, Events& log, systemd::Service& service, Plans plans, Read read,
           kj::Function<void(keeper::Keeper&)> hire);

  struct Result {
    std::string problems;  // empty: what was read is in force
    std::string changes;
  };
  /// After any that is under way. Never fails.
  kj::Promise<Result> reload();

 private:
  kj::Promise<void> next();
  kj::Promise<Result> read();
  Result refuse(const std::string& problems);
  using Digests = std::map<std::string, std::size_t>;
  Result apply(Config config, Changes changes, Plans plans, Digests digests);
  /// Another file under the same name, or another secret in a file that it names; as far as they are ours to
  /// read.
  bool anotherFile(const keeper::SpawnPlan& plan, const Digests& digests) const;
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  Road& road_;
  Events& log_;
  systemd::Service& service_;
  Digests digests_;                                 // by dispatcher: of what the files below name
  std::map<std::string, keeper::SpawnPlan> plans_;  // by dispatcher
  Read read_;
  kj::Function<void(keeper::Keeper&)> hire_;
  kj::ForkedPromise<void> last_;  // the end of the last reload
  kj::TaskSet tasks_;
};

}  // namespace smsd
