// One worker process and the connection to it: one generation.
//
// Owns the process, the channel and the list of attempts that are out there. What the worker says is hearsay: a report counts
// only for an attempt that is out with this very worker, `begun` before an outcome, one outcome each; anything else is a breach
// of the contract and the end of this worker. When it is gone, every attempt that was out has got an outcome: `unknown` where it
// had begun, `deferred` where it had not. Never talks to the queue, never decides what an outcome means.
#pragma once

#include <kj/async-io.h>
#include <kj/function.h>
#include <proto/dispatcher.capnp.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/rpc/channel.h"
#include "supervisor/config.h"
#include "supervisor/keeper/process.h"
#include "supervisor/queue/queue.h"
#include "supervisor/road/outcome.h"

namespace smsd::keeper {

/// What a worker said of itself when it became ready; checked and bounded.
struct WorkerTraits {
  unsigned window = 1;
  unsigned backlog = 0;
  bool knowsKeys = false;
  std::vector<std::string> lock;
};

class WorkerEvents {
 public:
  virtual ~WorkerEvents() noexcept(false) = default;
  virtual void workerReady(const WorkerTraits& traits) = 0;
  virtual void workerReported(std::vector<AttemptOutcome> outcomes) = 0;
  /// The last call: the object may be destroyed afterwards, not from within. `breach`: it broke the contract.
  virtual void workerGone(const std::string& why, std::vector<AttemptOutcome> lost, bool breach) = 0;
};

/// One generation, as the keeper sees it, however its process is started.
class Generation {
 public:
  virtual ~Generation() noexcept(false) = default;
  virtual int pid() const = 0;
  virtual std::size_t out() const = 0;
  /// Hands a batch over. The caller keeps within window + backlog; the attempts are durable already.
  virtual void dispatch(const std::vector<const queue::Submission*>& batch) = 0;
  /// No more dispatch(): what is not begun comes back, what is begun finishes. Resolves when nothing is out.
  virtual kj::Promise<void> drain() = 0;
  /// Ends it now; workerGone() follows.
  virtual void end(const std::string& why) = 0;
};
/// Starts the next generation. What cannot be started throws std::system_error.
using Hire = kj::Function<kj::Own<Generation>(WorkerEvents&)>;

/// How a dispatcher's worker is started in spawn mode.
struct SpawnPlan {
  std::filesystem::path program;
  std::filesystem::path config;  // the dispatcher's own file
  std::string name;
  std::filesystem::path folder;  // what it works in: relative paths in its file are relative to this
};
/// The program with its name and its configuration, which it reads from a descriptor; nothing to serve yet.
Command configuredCommand(const SpawnPlan& plan, int configFd);

class Worker final : public Generation, private kj::TaskSet::ErrorHandler {
 public:
  Worker(kj::AsyncIoContext& io, const SpawnPlan& plan, Milliseconds startTimeout, Milliseconds timeout, WorkerEvents& events);
  ~Worker() noexcept(false);

  int pid() const override { return process_->pid(); }
  std::size_t out() const override { return out_.size(); }
  void dispatch(const std::vector<const queue::Submission*>& batch) override;
  kj::Promise<void> drain() override;
  void end(const std::string& why) override;

 private:
  class Sink;
  struct Out {
    Begun begun = Begun::no;
    kj::TimePoint since;  // handed over, then begun
  };

  void take(proto::OutcomeSink::ReportParams::Reader params);
  void breach(const std::string& what);
  void watchDeadlines();
  void goneSoon();
  void gone();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  Milliseconds timeout_;
  WorkerEvents& events_;
  kj::Own<Process> process_;
  Sink* sink_ = nullptr;
  kj::Own<rpc::Channel> channel_;
  kj::Maybe<proto::Dispatcher::Client> client_;
  kj::Maybe<proto::OutcomeSink::Client> sinkClient_;
  std::unordered_map<queue::AttemptId, Out> out_;
  kj::TimePoint lastHeard_;
  bool watching_ = false;
  bool gone_ = false;
  bool breached_ = false;
  std::string why_;  // why we ended it, if we did
  std::string exit_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::keeper
