// SPDX-License-Identifier: GPL-3.0-or-later
// A dispatcher program that keeps to proto/dispatcher.capnp but for one rule, for
// tests/scenario/dispatcher_check.py. The name of its dispatcher says which rule it breaks:
//
//   honest              none
//   exits-at-ready      its process ends when it has described itself
//   mute-health         never answers health()
//   window-too-large    claims a window that no smsd.yaml permits
//   other-kind          claims the kind of another dispatcher
//   version-7           claims a version that works with no smsd of today
//   begins-too-many     begins all SMS of a batch at once, whatever its window
//   takes-too-many      takes a batch above window + backlog
//   outcome-twice       reports each outcome twice
//   no-outcome          reports no outcome
//   foreign-id          reports the outcome of another attempt, too
//   unannounced         reports outcomes without begun
//   begins-early        does not wait for the answer to report(begun)
//   begun-twice         reports begun twice
//   touches-early       writes to its witness before that answer
//   late                reports the outcome of an SMS with a short deadline too late
//   withheld-ignored    begins an SMS that is withheld
//   withheld-dropped    does not report an SMS that is withheld
//   recall-lies         recalls another outcome than it reported
//   recall-invents      recalls attempts that it was never given
//   recall-forgets      recalls nothing
//   report-after-drain  reports its outcome after the return of drain()
//   drain-hangs         does not return from drain()
//   quit-stays          does not end after quit()
//   last-words-always   answers lastWords() at once, and goes on
//   garbage             writes bytes that are no message to its channel
//   empty-report        calls report() with nothing in it
//   crashes             dies at the first SMS
//   crashes-at-input    dies of an SMS without a recipient
//   counts-fields       fails dispatch() for an SMS with more fields than it knows
//   answers-anything    answers calls that do not exist
//   outlives            spawned, goes on when its supervisor has gone
//   dies-with-it        socket-activated, ends when its supervisor has gone
//   two-supervisors     serves a second connection beside the first
//
// The window is 2, the backlog 4. Its file is not read, but for the name of a witness: `witness: PATH`.
#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
#include <proto/dispatcher.capnp.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace smsd;

constexpr unsigned window = 2, backlog = 4;
constexpr const char* inProgress = "?";  // in results_; empty: not begun
constexpr auto shortDeadline = 600u;     // ms; the late worker is late for an SMS with less

struct Job {
  std::uint64_t attempt;
  std::uint32_t deadline;
};

class Wrong final : public proto::Dispatcher::Server, private kj::TaskSet::ErrorHandler {
 public:
  Wrong(std::string how, std::string witness, int channel, kj::Timer& timer)
      : how_(std::move(how)), witness_(std::move(witness)), channel_(channel), timer_(timer), tasks_(*this) {}

  /// Resolves after quit().
  kj::Promise<void> quits() { return kj::mv(quit_.promise); }
  bool toldToQuit() const { return toldToQuit_; }
  void supervisorGone() {
    sink_ = nullptr;
    queue_.clear();
  }

  DispatchCallResult dispatchCall(uint64_t interfaceId, uint16_t methodId,
                                  capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer> context) override {
    if (is("answers-anything") && methodId > 6) return {kj::READY_NOW, false};
    return proto::Dispatcher::Server::dispatchCall(interfaceId, methodId, context);
  }

 protected:
  kj::Promise<void> describe(DescribeContext context) override {
    auto description = context.getResults().initDescription();
    description.setVersion(is("version-7") ? 7 : proto::VERSION);
    description.setOldest(is("version-7") ? 7 : proto::OLDEST_VERSION);
    description.setKind(is("other-kind") ? "fax" : "wrong");
    description.setWindow(is("window-too-large") ? 5000 : window);
    description.setBacklog(backlog);
    if (is("exits-at-ready")) tasks_.add(timer_.afterDelay(20 * kj::MILLISECONDS).then([]() { _exit(0); }));
    return kj::READY_NOW;
  }
  kj::Promise<void> health(HealthContext context) override {
    if (is("mute-health")) return kj::NEVER_DONE;
    context.getResults().initHealth().setReady();
    return kj::READY_NOW;
  }
  kj::Promise<void> dispatch(DispatchContext context) override {
    auto batch = context.getParams().getBatch();
    KJ_REQUIRE(is("takes-too-many") || queue_.size() + busy_ + batch.size() <= window + backlog,
               "too many SMS");
    sink_ = context.getParams().getSink();
    if (is("crashes")) abort();
    for (auto sms : batch) {
      if (is("crashes-at-input") && sms.getRecipient().size() == 0) abort();
      KJ_REQUIRE(!is("counts-fields") || capnp::AnyStruct::Reader(sms).getDataSection().size() <= 16);
      queue_.push_back({sms.getAttempt(), sms.getDeadline()});
    }
    admit();
    return kj::READY_NOW;
  }
  kj::Promise<void> recall(RecallContext context) override {
    std::vector<std::uint64_t> known;
    for (auto attempt : context.getParams().getAttempts())
      if ((results_.count(attempt) != 0 && !is("recall-forgets")) || is("recall-invents"))
        known.push_back(attempt);
    auto reports = context.getResults().initReports(static_cast<unsigned>(known.size()));
    for (unsigned i = 0; i < known.size(); ++i) {
      reports[i].setAttempt(known[i]);
      const std::string& result = results_[known[i]];
      if (result.empty())
        reports[i].setNotBegun();
      else if (result == inProgress)
        reports[i].setBegun();
      else if (is("recall-lies"))
        reports[i].initOutcome().setRefused("never heard of it");
      else
        reports[i].initOutcome().setAccepted(result.c_str());
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> drain(DrainContext) override {
    if (is("drain-hangs")) return kj::NEVER_DONE;
    for (const auto& job : std::exchange(queue_, {})) giveBack(job.attempt);
    if (is("report-after-drain")) return kj::READY_NOW;
    return idle();
  }
  kj::Promise<void> quit(QuitContext) override {
    toldToQuit_ = true;
    if (is("quit-stays")) return kj::READY_NOW;
    tasks_.add(timer_.afterDelay(20 * kj::MILLISECONDS).then([this]() { quit_.fulfiller->fulfill(); }));
    return kj::READY_NOW;
  }
  kj::Promise<void> lastWords(LastWordsContext context) override {
    if (!is("last-words-always")) return kj::NEVER_DONE;
    context.getResults().setWords("none yet");
    return kj::READY_NOW;
  }

 private:
  bool is(const char* how) const { return how_ == how; }

  void admit() {
    while (!queue_.empty() && (busy_ < window || is("begins-too-many"))) {
      Job job = queue_.front();
      queue_.pop_front();
      ++busy_;
      tasks_.add(begin(job));
    }
  }

  kj::Promise<void> begin(Job job) {
    if (is("touches-early")) touch();
    if (is("unannounced")) return finish(job);
    if (is("begins-early")) {
      tasks_.add(tell(job.attempt, [](proto::Report::Builder report) { report.setBegun(); }).ignoreResult());
      return finish(job);
    }
    auto begun = tell(job.attempt, [](proto::Report::Builder report) { report.setBegun(); });
    if (is("begun-twice"))
      tasks_.add(tell(job.attempt, [](proto::Report::Builder report) { report.setBegun(); }).ignoreResult());
    return begun.then([this, job](auto answer) -> kj::Promise<void> {
      for (auto attempt : answer.getWithheld()) {
        if (attempt != job.attempt || is("withheld-ignored")) continue;
        if (!is("withheld-dropped")) giveBack(attempt);
        return ended();
      }
      return finish(job);
    });
  }

  void touch() {
    const int fd = ::open(witness_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    [[maybe_unused]] ssize_t written = ::write(fd, "x", 1);
    ::close(fd);
  }

  /// Sends the SMS, which takes 20 ms, and reports its outcome.
  kj::Promise<void> finish(Job job) {
    results_[job.attempt] = inProgress;
    auto takes = 20 * kj::MILLISECONDS;
    if (is("late") && job.deadline < shortDeadline) takes = (job.deadline + 4000) * kj::MILLISECONDS;
    if (is("report-after-drain")) takes = 400 * kj::MILLISECONDS;
    if (is("no-outcome")) return kj::NEVER_DONE;
    return timer_.afterDelay(takes).then([this, job]() -> kj::Promise<void> {
      const std::string reference = "r" + std::to_string(job.attempt % 1000);
      results_[job.attempt] = reference;
      if (is("garbage")) {
        const std::string bytes(512, '\xa5');
        [[maybe_unused]] ssize_t written = ::write(channel_, bytes.data(), bytes.size());
        return kj::NEVER_DONE;
      }
      auto accepted = [reference](proto::Report::Builder report) {
        report.initOutcome().setAccepted(reference.c_str());
      };
      kj::Promise<void> told = tell(job.attempt, accepted).ignoreResult();
      if (is("outcome-twice")) tasks_.add(tell(job.attempt, accepted).ignoreResult());
      if (is("foreign-id")) tasks_.add(tell(job.attempt + 1'000'000'000, accepted).ignoreResult());
      if (is("empty-report")) tasks_.add(KJ_ASSERT_NONNULL(sink_).reportRequest().send().ignoreResult());
      return told.then([this]() { return ended(); });
    });
  }

  void giveBack(std::uint64_t attempt) {
    results_[attempt] = "";
    tasks_.add(tell(attempt, [](proto::Report::Builder report) { report.setNotBegun(); }).ignoreResult());
  }

  kj::Promise<void> ended() {
    --busy_;
    admit();
    if (busy_ == 0)
      for (auto& one : std::exchange(idle_, {})) one->fulfill();
    return kj::READY_NOW;
  }

  kj::Promise<void> idle() {
    auto pair = kj::newPromiseAndFulfiller<void>();
    if (busy_ == 0)
      pair.fulfiller->fulfill();
    else
      idle_.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }

  template <typename F>
  capnp::RemotePromise<proto::OutcomeSink::ReportResults> tell(std::uint64_t attempt, F write) {
    auto request = KJ_REQUIRE_NONNULL(sink_).reportRequest();
    auto report = request.initReports(1)[0];
    report.setAttempt(attempt);
    write(report);
    return request.send();
  }

  void taskFailed(kj::Exception&&) override {
    if (busy_ > 0) --busy_;  // the supervisor has gone
  }

  const std::string how_, witness_;
  const int channel_;
  kj::Timer& timer_;
  kj::Maybe<proto::OutcomeSink::Client> sink_;
  std::deque<Job> queue_;
  std::map<std::uint64_t, std::string> results_;
  std::size_t busy_ = 0;
  bool toldToQuit_ = false;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> idle_;
  kj::PromiseFulfillerPair<void> quit_ = kj::newPromiseAndFulfiller<void>();
  kj::TaskSet tasks_;
};

class Connection {
 public:
  Connection(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client served)
      : stream_(kj::mv(stream)),
        network_(*stream_, capnp::rpc::twoparty::Side::SERVER),
        system_(capnp::makeRpcServer(network_, kj::mv(served))) {}
  kj::Promise<void> over() { return network_.onDisconnect(); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
};

/// Systemd's half: one supervisor after the other, and none beside another.
class Door final : private kj::TaskSet::ErrorHandler {
 public:
  Door(kj::Own<kj::ConnectionReceiver> receiver, std::string how, Wrong& inner,
       proto::Dispatcher::Client served)
      : receiver_(kj::mv(receiver)),
        how_(std::move(how)),
        inner_(inner),
        served_(kj::mv(served)),
        tasks_(*this) {}
  kj::Promise<void> serve() {
    return receiver_->accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
      if (inside_ == 0 || how_ == "two-supervisors") {
        ++inside_;
        auto connection = kj::heap<Connection>(kj::mv(stream), served_);
        auto over = connection->over().then([this]() {
          if (how_ == "dies-with-it") _exit(0);
          --inside_;
          inner_.supervisorGone();
        });
        tasks_.add(over.attach(kj::mv(connection)));
      }
      return serve();
    });
  }

 private:
  void taskFailed(kj::Exception&&) override {}

  kj::Own<kj::ConnectionReceiver> receiver_;
  std::string how_;
  Wrong& inner_;
  proto::Dispatcher::Client served_;
  int inside_ = 0;
  kj::TaskSet tasks_;
};

std::string witnessIn(int fd) {
  char buffer[4096];
  const ssize_t got = fd < 0 ? 0 : ::read(fd, buffer, sizeof buffer);
  std::string text(buffer, static_cast<std::size_t>(got < 0 ? 0 : got));
  const std::string key = "witness: ";
  const auto at = text.find(key);
  return at == std::string::npos ? "" : text.substr(at + key.size(), text.find('\n', at) - at - key.size());
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  std::string how;
  int channel = -1, config = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--name") == 0) how = argv[i + 1];
    if (std::strcmp(argv[i], "--channel-fd") == 0) channel = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--config-fd") == 0) config = std::atoi(argv[i + 1]);
  }
  auto io = kj::setupAsyncIo();
  auto owned = kj::heap<Wrong>(how, witnessIn(config), channel, io.provider->getTimer());
  Wrong& wrong = *owned;
  proto::Dispatcher::Client served = kj::mv(owned);
  auto quits = wrong.quits();
  if (channel < 0) {
    Door door(io.lowLevelProvider->wrapListenSocketFd(3, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP), how,
              wrong, served);
    door.serve().exclusiveJoin(kj::mv(quits)).wait(io.waitScope);
    return 0;
  }
  Connection connection(io.lowLevelProvider->wrapSocketFd(channel, 0), served);
  connection.over().exclusiveJoin(kj::mv(quits)).wait(io.waitScope);
  if (how == "outlives" && !wrong.toldToQuit()) kj::Promise<void>(kj::NEVER_DONE).wait(io.waitScope);
  return 0;
}
