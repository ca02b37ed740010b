// SPDX-License-Identifier: GPL-3.0-or-later
// A child process: started with exactly the descriptors it needs, and killed and reaped with its owner.
//
// Owns fork, exec, the pidfd and the reaping. Called by the keeper and by main for `--check`. A child
// inherits no signal state, no descriptor and no environment of ours, except a few harmless variables. Throws
// std::system_error if the process cannot be started.
#pragma once

#include <kj/async-unix.h>
#include <kj/io.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace smsd::keeper {

struct Command {
  std::filesystem::path program;
  std::vector<std::string> arguments;            // without the program's name
  std::vector<std::pair<int, int>> descriptors;  // our number, the child's number (from 3); 0 is /dev/null
  std::filesystem::path folder;                  // its working folder; empty: ours
  int errors = 2;                                // its stderr
  int output = 1;                                // its stdout
};

struct ProcessEnd {
  int status = 0;  // as waitpid gives it
  bool clean() const { return status == 0; }
  std::string words() const;  // "exit status 78 (configuration)", "signal 9 (Killed)"
};

class Process {
 public:
  Process(kj::UnixEventPort& port, const Command& command);
  ~Process() noexcept(false);  // kills and reaps
  KJ_DISALLOW_COPY(Process);

  int pid() const { return pid_; }
  /// Resolves once, when the process has ended.
  kj::Promise<ProcessEnd> ended();
  void kill(int signal);

 private:
  ProcessEnd reap();

  int pid_ = 0;
  bool reaped_ = false;
  kj::AutoCloseFd pidfd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;
};

}  // namespace smsd::keeper
