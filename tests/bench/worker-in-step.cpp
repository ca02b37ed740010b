// SPDX-License-Identifier: GPL-3.0-or-later
// bench-worker: the HTTP worker between a supervisor and a gateway that go in step with it, so that callgrind
// counts the same each time.
//
//   bench-worker --sms 1024 -- valgrind --tool=callgrind bench-worker --serve
//
// The outer program plays the supervisor and the gateway in one loop: it hands over as many SMS as the window
// takes, the gateway answers when all of their requests are there, and the next are handed over when all
// outcomes are. The inner one is what the worker's kit makes of the HTTP dispatcher, on the socket it
// inherits, without arguments and without the lock: valgrind could not work within it. Started by
// tests/bench/instructions-guard. Exits 1 where an SMS is not accepted, or nothing moves.
#include <fcntl.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <proto/dispatcher.capnp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/channel.h"
#include "workers/http/http.h"
#include "workers/kit/server.h"

namespace smsd {
namespace {

constexpr int channelNumber = 3;
constexpr unsigned window = 64;
// Under valgrind beside others: what takes a second on a quiet machine.
constexpr auto patience = 240 * kj::SECONDS;
constexpr auto takeOver =
    kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC;

/// The worker. Until the other end hangs up.
int serve(const std::string& url) {
  signal(SIGPIPE, SIG_IGN);
  http::HttpDispatcher dispatcher;
  config::Keys keys;
  dispatcher.declare(keys);
  auto problems = keys.read(
      fmt::format("url: \"{}\"\nwindow: {}\nbacklog: 0\nconnect_timeout: 60s\n", url, window), "bench");
  KJ_REQUIRE(problems.empty(), config::describe(problems).c_str());
  auto io = kj::setupAsyncIo();
  KJ_DEFER(dispatcher.stop());
  auto server = kj::heap<kit::Server>(dispatcher, io.provider->getTimer(), std::vector<std::string>{},
                                      dispatcher.start(io));
  auto channel =
      rpc::Channel::serve(io.lowLevelProvider->wrapSocketFd(channelNumber, takeOver), kj::mv(server));
  channel->disconnected().wait(io.waitScope);
  return 0;
}

/// Answers when a whole window's requests are there.
class Gateway final : private kj::TaskSet::ErrorHandler {
 public:
  explicit Gateway(kj::AsyncIoContext& io) : tasks_(*this) {
    auto address = io.provider->getNetwork().parseAddress("127.0.0.1").wait(io.waitScope);
    listener_ = address->listen();
    tasks_.add(accept());
  }
  unsigned port() { return listener_->getPort(); }

 private:
  struct Line {
    explicit Line(kj::Own<kj::AsyncIoStream> own) : stream(kj::mv(own)) {}
    kj::Own<kj::AsyncIoStream> stream;
    char bytes[4096];
    std::string request;
  };

  kj::Promise<void> accept() {
    return listener_->accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
      auto line = kj::heap<Line>(kj::mv(stream));
      auto reading = read(*line);
      tasks_.add(reading.attach(kj::mv(line)));
      return accept();
    });
  }
  kj::Promise<void> read(Line& line) {
    return line.stream->tryRead(line.bytes, 1, sizeof line.bytes)
        .then([this, &line](std::size_t size) -> kj::Promise<void> {
          if (size == 0) return kj::READY_NOW;
          line.request.append(line.bytes, size);
          if (line.request.ends_with("\r\n\r\n")) asked(line);
          return read(line);
        });
  }
  void asked(Line& line) {
    line.request.clear();
    waiting_.push_back(&line);
    if (waiting_.size() < window) return;
    static constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK\n";
    for (Line* one : waiting_) tasks_.add(one->stream->write(answer.data(), answer.size()));
    waiting_.clear();
  }
  void taskFailed(kj::Exception&& exception) override { KJ_LOG(ERROR, "the gateway", exception); }

  kj::Own<kj::ConnectionReceiver> listener_;
  std::vector<Line*> waiting_;  // for their answers
  kj::TaskSet tasks_;
};

/// The supervisor's end.
class Supervisor {
 public:
  Supervisor(kj::AsyncIoContext& io, kj::Own<kj::AsyncIoStream> stream)
      : io_(io),
        channel_(rpc::Channel::connect(kj::mv(stream))),
        worker_(channel_->peer().castAs<proto::Dispatcher>()),
        sink_(kj::heap<Sink>(*this)) {
    worker_.describeRequest().send().wait(io.waitScope);
  }

  /// Hands over a window's worth, and waits until all of it was accepted.
  void step() {
    auto request = worker_.dispatchRequest();
    auto batch = request.initBatch(window);
    for (auto sms : batch) {
      sms.setAttempt(++handed_);
      sms.setRecipient("+4799887766");
      sms.setText("core-gw1.example.org: box down since 03:00, 17 more");
      sms.setKey("364e34f111c8-17");
      sms.setDeadline(patience / kj::MILLISECONDS);
    }
    request.setSink(sink_);
    auto over = kj::newPromiseAndFulfiller<void>();
    over_ = kj::mv(over.fulfiller);
    auto all = request.send().ignoreResult().then([&over]() { return kj::mv(over.promise); });
    auto late = io_.provider->getTimer().afterDelay(patience).then(
        [this]() { KJ_FAIL_REQUIRE("nothing moves", handed_, begun_, accepted_); });
    all.exclusiveJoin(kj::mv(late)).wait(io_.waitScope);
  }

 private:
  class Sink final : public proto::OutcomeSink::Server {
   public:
    explicit Sink(Supervisor& supervisor) : supervisor_(supervisor) {}
    kj::Promise<void> report(ReportContext context) override {
      for (auto report : context.getParams().getReports()) {
        if (report.isBegun()) ++supervisor_.begun_;
        if (report.isOutcome()) supervisor_.heard(report.getOutcome());
      }
      return kj::READY_NOW;
    }

   private:
    Supervisor& supervisor_;
  };

  void heard(proto::Outcome::Reader outcome) {
    if (!outcome.isAccepted())
      return over_->reject(KJ_EXCEPTION(FAILED, "an SMS was not accepted", kj::str(outcome)));
    if (++accepted_ == handed_) over_->fulfill();
  }

  kj::AsyncIoContext& io_;
  kj::Own<rpc::Channel> channel_;
  proto::Dispatcher::Client worker_;
  proto::OutcomeSink::Client sink_;
  kj::Own<kj::PromiseFulfiller<void>> over_;
  std::uint64_t handed_ = 0, begun_ = 0, accepted_ = 0;
};

pid_t start(std::vector<std::string> command, int channel) {
  pid_t child = fork();
  if (child != 0) return child;
  if (dup2(channel, channelNumber) < 0) _exit(126);
  std::vector<char*> words;
  for (auto& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

int drive(std::vector<std::string> command, std::size_t sms) {
  auto io = kj::setupAsyncIo();
  Gateway gateway(io);
  command.push_back(fmt::format("http://127.0.0.1:{}/send?to={{recipient}}&m={{text}}", gateway.port()));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  pid_t child = start(std::move(command), ends[1]);
  close(ends[1]);
  {
    Supervisor supervisor(io, io.lowLevelProvider->wrapSocketFd(ends[0], takeOver));
    for (std::size_t done = 0; done < sms; done += window) supervisor.step();
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

}  // namespace
}  // namespace smsd

int main(int argc, char** argv) {
  CLI::App app{"the HTTP worker between a supervisor and a gateway that go in step with it"};
  std::string url;
  std::size_t sms = 1024;
  std::vector<std::string> command;
  app.add_option("--serve", url, "be the worker, on descriptor 3; sends to this URL");
  app.add_option("--sms", sms, "how many; a window's worth at once");
  app.add_option("command", command, "the worker");
  CLI11_PARSE(app, argc, argv);
  try {
    return url.empty() ? smsd::drive(std::move(command), sms) : smsd::serve(url);
  } catch (const kj::Exception& e) {
    fmt::print(stderr, "bench-worker: {}\n", e.getDescription().cStr());
    return 1;
  }
}
