// SPDX-License-Identifier: GPL-3.0-or-later
// The supervisor's end of one real worker program, which it keeps busy: for the benches of single workers.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <proto/dispatcher.capnp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/rpc/channel.h"

namespace smsd {

struct Figures {
  double rate = 0;  // a second
  double cpu = 0;   // microseconds of who asks, for each
};

/// How a worker is kept busy.
struct WorkerLoad {
  std::size_t requests = 50'000;  // in each turn
  unsigned window = 64;
  unsigned backlog = 256;
  std::string worker;  // the program
};

/// The supervisor's end of one worker.
class Worker final : private kj::TaskSet::ErrorHandler {
 public:
  Worker(const WorkerLoad& arguments, const std::string& configuration, kj::AsyncIoContext& io)
      : io_(io), arguments_(arguments), tasks_(*this) {
    int ends[2], file[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || pipe2(file, O_CLOEXEC) != 0)
      throw std::runtime_error("no socketpair");
    pid_ = fork();
    if (pid_ == 0) {
      fcntl(ends[1], F_SETFD, 0);
      fcntl(file[0], F_SETFD, 0);
      std::string channel = std::to_string(ends[1]), config = std::to_string(file[0]);
      execl(arguments.worker.c_str(), arguments.worker.c_str(), "--name", "bench", "--channel-fd",
            channel.c_str(), "--config-fd", config.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    close(file[0]);
    if (write(file[1], configuration.data(), configuration.size()) < 0)
      throw std::runtime_error("no configuration");
    close(file[1]);
    auto stream = io.lowLevelProvider->wrapSocketFd(
        ends[0], kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
    channel_ = rpc::Channel::connect(kj::mv(stream));
    client_ = channel_->peer().castAs<proto::Dispatcher>();
    auto described = KJ_ASSERT_NONNULL(client_).describeRequest().send().wait(io.waitScope);
    room_ = described.getDescription().getWindow() + described.getDescription().getBacklog();
  }
  ~Worker() noexcept(false) {
    client_ = nullptr;
    channel_ = nullptr;
    waitpid(pid_, nullptr, 0);
  }

  Figures run() {
    double before = spent();
    auto began = std::chrono::steady_clock::now();
    target_ += arguments_.requests;
    auto over = kj::newPromiseAndFulfiller<void>();
    over_ = kj::mv(over.fulfiller);
    hand();
    over.promise.wait(io_.waitScope);
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    auto count = double(arguments_.requests);
    return {count / seconds, (spent() - before) / count * 1e6};
  }

  long residentKilobytes() const {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string word; status >> word;)
      if (word == "VmRSS:") {
        long kilobytes = 0;
        status >> kilobytes;
        return kilobytes;
      }
    return 0;
  }

 private:
  class Sink final : public proto::OutcomeSink::Server {
   public:
    explicit Sink(Worker& worker) : worker_(worker) {}
    kj::Promise<void> report(ReportContext context) override {
      std::size_t outcomes = 0;
      for (auto report : context.getParams().getReports()) {
        if (!report.isOutcome()) continue;
        ++outcomes;
        if (!report.getOutcome().isAccepted()) worker_.fail();
      }
      worker_.took(outcomes);
      return kj::READY_NOW;
    }

   private:
    Worker& worker_;
  };

  double spent() const {  // seconds, of all its threads
    double result = 0;
    for (auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) {
      std::ifstream file(thread.path() / "schedstat");
      unsigned long long nanoseconds = 0;
      file >> nanoseconds;
      result += double(nanoseconds) / 1e9;
    }
    return result;
  }

  void took(std::size_t outcomes) {
    done_ += outcomes;
    if (done_ == target_)
      over_->fulfill();
    else if (outcomes > 0)
      hand();
  }
  void fail() {
    if (over_->isWaiting()) over_->reject(KJ_EXCEPTION(FAILED, "an SMS was not accepted"));
  }

  /// Fills window and backlog.
  void hand() {
    std::size_t room = room_ - (begun_ - done_);
    auto count = static_cast<unsigned>(std::min(room, target_ - begun_));
    if (count == 0) return;
    auto request = KJ_ASSERT_NONNULL(client_).dispatchRequest();
    auto batch = request.initBatch(count);
    for (unsigned i = 0; i < count; ++i) {
      batch[i].setAttempt(++begun_);
      batch[i].setRecipient("+4799887766");
      batch[i].setText("core-gw1.example.org: box down since 03:00, 17 more");
      batch[i].setKey(fmt::format("364e34f111c8-{}", begun_).c_str());
      batch[i].setDeadline(10'000);
    }
    if (sink_ == nullptr) sink_ = proto::OutcomeSink::Client(kj::heap<Sink>(*this));
    request.setSink(KJ_ASSERT_NONNULL(sink_));
    tasks_.add(request.send().ignoreResult());
  }

  void taskFailed(kj::Exception&& exception) override { over_->reject(kj::mv(exception)); }

  kj::AsyncIoContext& io_;
  const WorkerLoad& arguments_;
  pid_t pid_ = 0;
  kj::Own<rpc::Channel> channel_;
  kj::Maybe<proto::Dispatcher::Client> client_;
  kj::Maybe<proto::OutcomeSink::Client> sink_;
  std::size_t room_ = 0;  // window and backlog, as the worker says them
  std::size_t begun_ = 0, done_ = 0, target_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> over_;
  kj::TaskSet tasks_;
};

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace smsd
