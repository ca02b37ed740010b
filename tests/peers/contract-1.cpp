// SPDX-License-Identifier: GPL-3.0-or-later
// The two sides of protocol version 1, built from its frozen schema (tests/data/contract-1) and from Cap'n
// Proto alone. For tests/scenario/versions.py.
//
//   contract-1 --name N ... --channel-fd FD   a worker that smsd starts in place of a real one
//   contract-1                                the same, socket-activated (descriptor 3)
//   contract-1 --supervise SOCKET             a supervisor: sends two SMS through the worker at SOCKET,
//   recalls
//                                             them, drains the worker, and prints each step
//
// The worker accepts each SMS, with its recipient as the reference.
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

namespace {

using namespace smsd;

constexpr unsigned window = 4;

class Worker final : public proto::Dispatcher::Server {
 protected:
  kj::Promise<void> describe(DescribeContext context) override {
    auto description = context.getResults().initDescription();
    description.setVersion(proto::VERSION);
    description.setKind("debug");
    description.setWindow(window);
    description.setSoftware("contract-1");
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
    tasks_ =
        tasks_
            .then([this, begun = kj::mv(begun), sink, attempts = kj::mv(attempts)]() mutable {
              return begun.send().ignoreResult().then(
                  [this, sink, attempts = kj::mv(attempts)]() mutable { return report(sink, attempts); });
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
    report.initOutcome().setAccepted(sent_.at(attempt).c_str());
  }
  kj::Promise<void> report(proto::OutcomeSink::Client sink, const std::vector<std::uint64_t>& attempts) {
    auto request = sink.reportRequest();
    auto reports = request.initReports(static_cast<unsigned>(attempts.size()));
    for (unsigned i = 0; i < attempts.size(); ++i) write(reports[i], attempts[i]);
    return request.send().ignoreResult();
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

void serve(kj::AsyncIoStream& stream, capnp::Capability::Client worker, kj::WaitScope& scope) {
  capnp::TwoPartyVatNetwork network(stream, capnp::rpc::twoparty::Side::SERVER);
  auto system = capnp::makeRpcServer(network, kj::mv(worker));
  network.onDisconnect().wait(scope);
}

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
  KJ_REQUIRE(description.getVersion() == proto::VERSION);
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

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  int channel = -1;
  const char* socket = nullptr;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--channel-fd") == 0) channel = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--supervise") == 0) socket = argv[i + 1];
  }
  const bool activated = std::getenv("LISTEN_FDS") != nullptr;
  if (channel < 0 && socket == nullptr && !activated)
    return 0;  // smsd asks whether its configuration is right
  auto io = kj::setupAsyncIo();
  if (socket != nullptr) {
    supervise(io, socket);
    return 0;
  }
  capnp::Capability::Client worker = kj::heap<Worker>();
  if (channel >= 0) {
    auto stream = io.lowLevelProvider->wrapSocketFd(channel, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
    serve(*stream, worker, io.waitScope);
    return 0;
  }
  auto listener = io.lowLevelProvider->wrapListenSocketFd(3, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
  for (;;) serve(*listener->accept().wait(io.waitScope), worker, io.waitScope);
}
