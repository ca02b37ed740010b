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

#include "tests/bench/worker-under-load.h"
#include "tests/workers/peers.h"

namespace smsd {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments : WorkerLoad {
  unsigned rounds = 5;
  double least = 0;
  long mostGrowth = 0;  // of the worker's resident memory, kB, after its first turn; 0: any
  unsigned port = 0;    // of a gateway on this host; 0: an nginx of our own
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
