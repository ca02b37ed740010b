// SPDX-License-Identifier: GPL-3.0-or-later
// The two sides of the protocol, from Cap'n Proto alone, for programs built from the schema of another
// version: contract-1.cpp and contract-next.cpp.
//
//   PROGRAM --name N ... --channel-fd FD   a worker that smsd starts in place of a real one
//   PROGRAM                                the same, socket-activated (descriptor 3)
//   PROGRAM --supervise SOCKET             a supervisor: sends two SMS through the worker at SOCKET,
//                                          recalls them, drains the worker, and prints each step
//
// The worker accepts each SMS, with its recipient as the reference. A version overrides what it does
// otherwise.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <dispatcher.capnp.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace smsd::contract {

class Worker : public proto::Dispatcher::Server {
 protected:
  virtual void introduce(proto::Description::Builder) {}
  virtual void conclude(proto::Report::Builder report, const std::string& recipient) {
    report.initOutcome().setAccepted(recipient.c_str());
  }
  /// Called when the supervisor has taken a report of outcomes.
  virtual void concluded() {}

  kj::Promise<void> describe(DescribeContext context) override {
    auto description = context.getResults().initDescription();
    description.setVersion(proto::VERSION);
    description.setKind("debug");
    description.setWindow(4);
    description.setSoftware("contract");
    introduce(description);
    return kj::READY_NOW;
  }
  kj::Promise<void> health(HealthContext context) override {
    context.getResults().initHealth().setReady();
    return kj::READY_NOW;
  }
  kj::Promise<void> dispatch(DispatchContext context) override {
    auto sink = context.getParams().getSink();
    auto batch = context.getParams().getBatch();
    auto begun = sink.reportRequest();
    auto list = begun.initReports(batch.size());
    std::vector<std::uint64_t> attempts;
    for (unsigned i = 0; i < batch.size(); ++i) {
      list[i].setAttempt(batch[i].getAttempt());
      list[i].setBegun();
      sent_[batch[i].getAttempt()] = batch[i].getRecipient().cStr();
      attempts.push_back(batch[i].getAttempt());
    }
    // If the supervisor goes away before it takes a report, recall() returns it to the next supervisor.
    tasks_ = tasks_
                 .then([this, begun = kj::mv(begun), sink, attempts]() mutable {
                   return begun.send().ignoreResult().then(
                       [this, sink, attempts]() mutable { return report(sink, attempts); });
                 })
                 .catch_([](kj::Exception&&) {})
                 .eagerlyEvaluate(nullptr);
    return kj::READY_NOW;
  }
  kj::Promise<void> recall(RecallContext context) override {
    std::vector<std::uint64_t> known;
    for (auto attempt : context.getParams().getAttempts())
      if (sent_.count(attempt) != 0) known.push_back(attempt);
    auto reports = context.getResults().initReports(static_cast<unsigned>(known.size()));
    for (unsigned i = 0; i < known.size(); ++i) write(reports[i], known[i]);
    return kj::READY_NOW;
  }
  kj::Promise<void> drain(DrainContext) override { return kj::READY_NOW; }

 private:
  void write(proto::Report::Builder report, std::uint64_t attempt) {
    report.setAttempt(attempt);
    conclude(report, sent_.at(attempt));
  }
  kj::Promise<void> report(proto::OutcomeSink::Client sink, const std::vector<std::uint64_t>& attempts) {
    auto request = sink.reportRequest();
    auto reports = request.initReports(static_cast<unsigned>(attempts.size()));
    for (unsigned i = 0; i < attempts.size(); ++i) write(reports[i], attempts[i]);
    return request.send().ignoreResult().then([this]() { concluded(); });
  }

  std::map<std::uint64_t, std::string> sent_;
  kj::Promise<void> tasks_ = kj::READY_NOW;
};

class Sink final : public proto::OutcomeSink::Server {
 public:
  explicit Sink(kj::Own<kj::PromiseFulfiller<void>> both) : both_(kj::mv(both)) {}

 protected:
  kj::Promise<void> report(ReportContext context) override {
    for (auto report : context.getParams().getReports()) {
      if (report.isBegun()) std::printf("begun %llu\n", static_cast<unsigned long long>(report.getAttempt()));
      if (!report.isOutcome()) continue;
      KJ_REQUIRE(report.getOutcome().isAccepted());
      std::printf("accepted %llu\n", static_cast<unsigned long long>(report.getAttempt()));
      if (++outcomes_ == 2) both_->fulfill();
    }
    return kj::READY_NOW;
  }

 private:
  kj::Own<kj::PromiseFulfiller<void>> both_;
  int outcomes_ = 0;
};

class Supervisor {
 public:
  virtual ~Supervisor() noexcept(false) = default;

  void supervise(kj::AsyncIoContext& io, const char* path) {
    auto stream = io.provider->getNetwork()
                      .parseAddress(kj::str("unix:", path))
                      .wait(io.waitScope)
                      ->connect()
                      .wait(io.waitScope);
    capnp::TwoPartyClient client(*stream);
    auto worker = client.bootstrap().castAs<proto::Dispatcher>();
    auto response = worker.describeRequest().send().wait(io.waitScope);
    auto description = response.getDescription();
    meet(worker, description, io.waitScope);
    KJ_REQUIRE(worker.healthRequest().send().wait(io.waitScope).getHealth().isReady());
    std::printf("ready %s\n", description.getKind().cStr());
    auto both = kj::newPromiseAndFulfiller<void>();
    auto request = worker.dispatchRequest();
    auto batch = request.initBatch(2);
    for (unsigned i = 0; i < 2; ++i) {
      batch[i].setAttempt(i + 1);
      batch[i].setRecipient("+4799887766");
      batch[i].setText("router down");
      batch[i].setKey(kj::str("key-", i));
      batch[i].setDeadline(10'000);
      batch[i].setParts(1);
      add(batch[i]);
    }
    request.setSink(kj::heap<Sink>(kj::mv(both.fulfiller)));
    request.send().wait(io.waitScope);
    both.promise.wait(io.waitScope);
    auto recall = worker.recallRequest();
    auto attempts = recall.initAttempts(3);
    for (unsigned i = 0; i < 3; ++i) attempts.set(i, i + 1);
    std::printf("recalled %u\n", recall.send().wait(io.waitScope).getReports().size());
    worker.drainRequest().send().wait(io.waitScope);
    std::printf("drained\n");
  }

 protected:
  /// Compares the worker's version with its own, and calls what the version has more than the first one.
  virtual void meet(proto::Dispatcher::Client, proto::Description::Reader, kj::WaitScope&) = 0;
  /// Sets what the version has more than the first one.
  virtual void add(proto::Sms::Builder) {}
};

inline void serve(kj::AsyncIoStream& stream, capnp::Capability::Client worker, kj::WaitScope& scope) {
  capnp::TwoPartyVatNetwork network(stream, capnp::rpc::twoparty::Side::SERVER);
  auto system = capnp::makeRpcServer(network, kj::mv(worker));
  network.onDisconnect().wait(scope);
}

/// `worker`: called with the name of the dispatcher, once this process has to serve.
template <typename MakeWorker>
int run(int argc, char** argv, MakeWorker worker, Supervisor& supervisor) {
  ::signal(SIGPIPE, SIG_IGN);
  int channel = -1;
  const char *socket = nullptr, *name = "";
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--channel-fd") == 0) channel = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--supervise") == 0) socket = argv[i + 1];
    if (std::strcmp(argv[i], "--name") == 0) name = argv[i + 1];
  }
  const bool activated = std::getenv("LISTEN_FDS") != nullptr;
  if (channel < 0 && socket == nullptr && !activated)
    return 0;  // smsd asks whether its configuration is right
  auto io = kj::setupAsyncIo();
  if (socket != nullptr) {
    supervisor.supervise(io, socket);
    return 0;
  }
  capnp::Capability::Client served = worker(name);
  if (channel >= 0) {
    auto stream = io.lowLevelProvider->wrapSocketFd(channel, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
    serve(*stream, served, io.waitScope);
    return 0;
  }
  auto listener = io.lowLevelProvider->wrapListenSocketFd(3, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
  for (;;) serve(*listener->accept().wait(io.waitScope), served, io.waitScope);
}

}  // namespace smsd::contract
