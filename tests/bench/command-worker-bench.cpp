// SPDX-License-Identifier: GPL-3.0-or-later
// How fast smsd-worker-command is: SMS a second with a program that serves, and with a program for each SMS
// beside a bare loop that starts an interpreter as often, with as many at the same time.
//
// The worker is the real program, locked in, over its socketpair; a loop that does nothing else plays the
// supervisor. Both take turns, so that what else the machine does falls on both. Prints what it measured;
// --least-rate and --least make it exit 1 below that rate, or below that share of the bare one.
#include <spawn.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "tests/bench/worker-under-load.h"

extern char** environ;

namespace smsd {
namespace {

struct Arguments : WorkerLoad {
  std::string mode = "serve";
  std::string program;
  std::string runtime = "python";
  std::vector<std::string> bare;  // the command that the bare loop starts; empty: no bare loop
  unsigned rounds = 5;
  double leastRate = 0;
  double least = 0;
};

/// Starts and reaps `requests` processes, `window` at the same time.
double bareRate(const Arguments& arguments) {
  std::vector<char*> words;
  for (auto& word : arguments.bare) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // As the worker does: a program in a session of its own has a fair share of a busy processor.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  const auto began = std::chrono::steady_clock::now();
  std::size_t started = 0, ended = 0;
  while (ended < arguments.requests) {
    for (; started < arguments.requests && started - ended < arguments.window; ++started) {
      pid_t pid = 0;
      if (posix_spawn(&pid, words[0], nullptr, &attributes, words.data(), environ) != 0)
        throw std::runtime_error("the bare loop cannot start " + arguments.bare[0]);
    }
    if (wait(nullptr) > 0) ++ended;
  }
  return double(ended) / std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

int measure(Arguments& arguments) {
  const std::string configuration =
      fmt::format("program: {}\nmode: {}\nruntime: {}\nwindow: {}\nbacklog: {}\n", arguments.program,
                  arguments.mode, arguments.runtime, arguments.window, arguments.backlog);
  auto io = kj::setupAsyncIo();
  Worker worker(arguments, configuration, io);
  worker.run();
  std::vector<double> rates, ratios;
  for (unsigned round = 0; round < arguments.rounds; ++round) {
    const double bare = arguments.bare.empty() ? 0 : bareRate(arguments);
    const Figures figures = worker.run();
    fmt::print("round {}: {:.0f}/s, {:.1f} us of the worker each", round + 1, figures.rate, figures.cpu);
    if (bare > 0) fmt::print("; bare {:.0f}/s: {:.2f} of it", bare, figures.rate / bare);
    fmt::print("\n");
    std::fflush(stdout);
    rates.push_back(figures.rate);
    ratios.push_back(bare > 0 ? figures.rate / bare : 0);
  }
  fmt::print("median of {}: {:.0f}/s, {:.2f} of the bare rate\n", arguments.rounds, median(rates),
             median(ratios));
  return median(rates) >= arguments.leastRate && median(ratios) >= arguments.least ? 0 : 1;
}

}  // namespace
}  // namespace smsd

int main(int argc, char** argv) {
  smsd::Arguments arguments;
  arguments.worker =
      (std::filesystem::canonical("/proc/self/exe").parent_path() / "smsd-worker-command").string();
  CLI::App app{"smsd-worker-command, and beside a bare loop that starts an interpreter as often"};
  app.add_option("--requests", arguments.requests, "in each turn");
  app.add_option("--window", arguments.window, "SMS, or programs, at the same time");
  app.add_option("--backlog", arguments.backlog, "SMS that the worker holds ahead");
  app.add_option("--rounds", arguments.rounds, "turns of each");
  app.add_option("--mode", arguments.mode, "serve or once");
  app.add_option("--program", arguments.program, "the program")->required();
  app.add_option("--runtime", arguments.runtime, "its runtime");
  app.add_option("--bare", arguments.bare, "the command of a bare loop, word by word");
  app.add_option("--least-rate", arguments.leastRate, "exit 1 below this rate");
  app.add_option("--least", arguments.least, "exit 1 below this share of the bare rate");
  app.add_option("--worker", arguments.worker, "the worker program");
  CLI11_PARSE(app, argc, argv);
  return smsd::measure(arguments);
}
