// SPDX-License-Identifier: GPL-3.0-or-later
// How fast smsd-worker-http is beside a bare loop over libcurl, both against the same gateway in the same
// run: an nginx that answers at once, which takes both to the machine's limit, or one that --port names
// (bench-gateway --delay 50).
//
// The worker is the real program, locked in, over its socketpair; a loop that does nothing else plays the
// supervisor. The bare loop is what one thread can do with curl_multi_perform and curl_multi_poll, with the
// same number in flight. They take turns, so that what else the machine does falls on both. Prints what it
// measured; --least makes it exit 1 below that share of the bare rate, --most-growth where memory grew.
#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <proto/dispatcher.capnp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <vector>

#include "common/rpc/channel.h"
#include "tests/workers/peers.h"

namespace smsd {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::size_t requests = 50'000;
  unsigned window = 64;
  unsigned backlog = 256;
  unsigned rounds = 5;
  double least = 0;
  long mostGrowth = 0;  // of the worker's resident memory, kB, after its first turn; 0: any
  std::string worker;
  unsigned port = 0;  // of a gateway on this host; 0: an nginx of our own
};

struct Figures {
  double rate = 0;  // a second
  double cpu = 0;   // microseconds of who asks, for each
};

double cpuOf(const rusage& usage) {
  return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

std::size_t nothing(char*, std::size_t size, std::size_t count, void*) { return size * count; }

/// One thread, `window` easy handles that are used again and again.
Figures bare(const std::string& start, const Arguments& arguments) {
  rusage before{};
  getrusage(RUSAGE_THREAD, &before);
  auto began = Clock::now();
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, long(arguments.window));
  std::vector<CURL*> handles;
  std::size_t begun = 0, done = 0, good = 0;
  auto begin = [&](CURL* easy) {
    std::string url = start + std::to_string(begun++);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_multi_add_handle(multi, easy);
  };
  for (unsigned i = 0; i < arguments.window; ++i) {
    CURL* easy = handles.emplace_back(curl_easy_init());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &nothing);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    begin(easy);
  }
  while (done < arguments.requests) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      CURL* easy = message->easy_handle;
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      good += message->data.result == CURLE_OK && status == 200;
      ++done;
      curl_multi_remove_handle(multi, easy);
      if (begun < arguments.requests) begin(easy);
    }
    if (done < arguments.requests) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  for (CURL* easy : handles) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi);
  if (good != arguments.requests) throw std::runtime_error("the bare loop's requests failed");
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  auto count = double(arguments.requests);
  return {count / seconds, (cpuOf(after) - cpuOf(before)) / count * 1e6};
}

/// The supervisor's end of one worker.
class Worker final : private kj::TaskSet::ErrorHandler {
 public:
  Worker(const Arguments& arguments, const std::string& configuration, kj::AsyncIoContext& io)
      : io_(io), arguments_(arguments), tasks_(*this) {
    int ends[2], file[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || pipe2(file, O_CLOEXEC) != 0)
      throw std::runtime_error("no socketpair");
    pid_ = fork();
    if (pid_ == 0) {
      fcntl(ends[1], F_SETFD, 0);
      fcntl(file[0], F_SETFD, 0);
      std::string channel = std::to_string(ends[1]), config = std::to_string(file[0]);
      execl(arguments.worker.c_str(), "smsd-worker-http", "--name", "bench", "--channel-fd", channel.c_str(),
            "--config-fd", config.c_str(), nullptr);
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
    KJ_ASSERT_NONNULL(client_).describeRequest().send().wait(io.waitScope);
  }
  ~Worker() noexcept(false) {
    client_ = nullptr;
    channel_ = nullptr;
    waitpid(pid_, nullptr, 0);
  }

  Figures run() {
    double before = spent();
    auto began = Clock::now();
    target_ += arguments_.requests;
    auto over = kj::newPromiseAndFulfiller<void>();
    over_ = kj::mv(over.fulfiller);
    hand();
    over.promise.wait(io_.waitScope);
    double seconds = std::chrono::duration<double>(Clock::now() - began).count();
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
    std::size_t room = arguments_.window + arguments_.backlog - (begun_ - done_);
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
  const Arguments& arguments_;
  pid_t pid_ = 0;
  kj::Own<rpc::Channel> channel_;
  kj::Maybe<proto::Dispatcher::Client> client_;
  kj::Maybe<proto::OutcomeSink::Client> sink_;
  std::size_t begun_ = 0, done_ = 0, target_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> over_;
  kj::TaskSet tasks_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int measure(const Arguments& arguments) {
  std::optional<test::Nginx> nginx;
  if (arguments.port == 0) nginx.emplace(test::Nginx::Settings{.log = test::Nginx::Log::off});
  const unsigned port = nginx ? nginx->port() : arguments.port;
  std::string start = fmt::format(
      "http://127.0.0.1:{}/send?to=%2B4799887766&m=core-gw1.example.org%3A%20box%20down%20since%2003%3A00"
      "%2C%2017%20more&n=",
      port);
  std::string configuration =
      fmt::format("url: \"http://127.0.0.1:{}/send?to={{recipient}}&m={{text}}\"\nwindow: {}\nbacklog: {}\n",
                  port, arguments.window, arguments.backlog);
  auto io = kj::setupAsyncIo();
  Worker worker(arguments, configuration, io);
  worker.run();  // connections, buffers, the memory of the last attempts
  long first = worker.residentKilobytes();
  std::vector<double> ratios, bareRates, workerRates, workerCpu, bareCpu;
  for (unsigned round = 0; round < arguments.rounds; ++round) {
    Figures b = bare(start, arguments);
    Figures w = worker.run();
    fmt::print("round {}: bare {:.0f}/s, {:.1f} us; worker {:.0f}/s, {:.1f} us; {:.0f}%\n", round + 1, b.rate,
               b.cpu, w.rate, w.cpu, w.rate / b.rate * 100);
    std::fflush(stdout);
    ratios.push_back(w.rate / b.rate);
    bareRates.push_back(b.rate);
    workerRates.push_back(w.rate);
    workerCpu.push_back(w.cpu);
    bareCpu.push_back(b.cpu);
  }
  fmt::print(
      "median of {}: bare {:.0f}/s ({:.1f} us each), worker {:.0f}/s ({:.1f} us each), {:.0f}% of it\n",
      arguments.rounds, median(bareRates), median(bareCpu), median(workerRates), median(workerCpu),
      median(ratios) * 100);
  long last = worker.residentKilobytes();
  fmt::print("{} requests by one worker: resident {} kB after the first {}, {} kB after the last\n",
             arguments.requests * (arguments.rounds + 1), first, arguments.requests, last);
  bool grew = arguments.mostGrowth > 0 && last - first > arguments.mostGrowth;
  return median(ratios) >= arguments.least && !grew ? 0 : 1;
}

}  // namespace
}  // namespace smsd

int main(int argc, char** argv) {
  smsd::Arguments arguments;
  arguments.worker =
      (std::filesystem::canonical("/proc/self/exe").parent_path() / "smsd-worker-http").string();
  CLI::App app{"smsd-worker-http beside a bare loop over libcurl, against one nginx"};
  app.add_option("--requests", arguments.requests, "in each turn");
  app.add_option("--window", arguments.window, "in flight");
  app.add_option("--backlog", arguments.backlog, "SMS that the worker holds ahead");
  app.add_option("--rounds", arguments.rounds, "turns of each");
  app.add_option("--least", arguments.least, "exit 1 below this share of the bare rate (0.9)");
  app.add_option("--most-growth", arguments.mostGrowth,
                 "exit 1 where the worker's memory grows by more kB after its first turn");
  app.add_option("--worker", arguments.worker, "the program");
  app.add_option("--port", arguments.port, "of another gateway on this host, not an nginx of our own");
  CLI11_PARSE(app, argc, argv);
  return smsd::measure(arguments);
}
