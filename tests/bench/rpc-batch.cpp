// SPDX-License-Identifier: GPL-3.0-or-later
// The contract's own messages between two processes, with nobody doing anything with them.
#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <proto/dispatcher.capnp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "tests/bench/limits.h"

namespace smsd::bench {
namespace {

/// Takes every batch and says at once that all of it was accepted.
class Mirror final : public proto::Dispatcher::Server {
 protected:
  kj::Promise<void> dispatch(DispatchContext context) override {
    auto batch = context.getParams().getBatch();
    auto report = context.getParams().getSink().reportRequest();
    auto reports = report.initReports(batch.size());
    for (unsigned i = 0; i < batch.size(); ++i) {
      reports[i].setAttempt(batch[i].getAttempt());
      reports[i].initOutcome().setAccepted("");
    }
    return report.send().ignoreResult();
  }
};

class Counter final : public proto::OutcomeSink::Server {
 public:
  explicit Counter(unsigned& heard) : heard_(heard) {}

 protected:
  kj::Promise<void> report(ReportContext context) override {
    heard_ += context.getParams().getReports().size();
    return kj::READY_NOW;
  }

 private:
  unsigned& heard_;
};

[[noreturn]] void mirror(int fd) {
  auto io = kj::setupAsyncIo();
  auto stream = io.lowLevelProvider->wrapSocketFd(fd, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
  capnp::TwoPartyVatNetwork network(*stream, capnp::rpc::twoparty::Side::SERVER);
  auto rpc = capnp::makeRpcServer(network, kj::heap<Mirror>());
  network.onDisconnect().wait(io.waitScope);
  _exit(0);
}

}  // namespace

void rpc(unsigned count, unsigned batchSize) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) throw std::runtime_error("socketpair failed");
  pid_t child = fork();
  if (child == 0) {
    close(pair[0]);
    mirror(pair[1]);
  }
  close(pair[1]);
  {
    auto io = kj::setupAsyncIo();
    auto stream = io.lowLevelProvider->wrapSocketFd(pair[0], kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
    capnp::TwoPartyClient client(*stream);
    auto dispatcher = client.bootstrap().castAs<proto::Dispatcher>();
    unsigned heard = 0;
    proto::OutcomeSink::Client sink = kj::heap<Counter>(heard);
    auto began = std::chrono::steady_clock::now();
    for (unsigned sent = 0; sent < count;) {
      auto request = dispatcher.dispatchRequest();
      auto batch = request.initBatch(std::min(batchSize, count - sent));
      for (auto sms : batch) {
        sms.setAttempt(++sent);
        sms.setRecipient("+4790000000");
        sms.setText("box.example.org: interface ge-0/0/1 down");
        sms.setKey("0123456789ab-1");
      }
      request.setSink(sink);
      request.send().wait(io.waitScope);
    }
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    if (heard != count) throw std::runtime_error("not every SMS was answered");
    fmt::print("{:.0f}\n", count / took.count());
  }
  waitpid(child, nullptr, 0);
}

}  // namespace smsd::bench
