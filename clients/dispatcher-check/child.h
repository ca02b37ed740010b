// SPDX-License-Identifier: GPL-3.0-or-later
// One process of the program that is checked: started, watched, and killed with all that it has started.
//
// Owns the process, a process group of its own, and the last lines that it wrote to its stdout or stderr.
// Used by Launch. Throws Hopeless if the program cannot be executed. Call
// kj::UnixEventPort::captureChildExit() before the event loop is made.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace smsd::check {

struct Start {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::pair<int, int>> descriptors;  // our number, its number (from 3, ascending)
  std::vector<std::pair<std::string, std::string>> environment;
  std::filesystem::path folder;
  enum class Listens { no, yes } listens = Listens::no;  // yes: LISTEN_PID is set
};

class Child final {
 public:
  Child(kj::AsyncIoContext& io, const Start& start);
  ~Child() noexcept(false);  // kills and reaps it and all that it has started
  KJ_DISALLOW_COPY(Child);

  /// Sends SIGTERM, as systemd does.
  void terminate();
  bool ended() const { return pid_ == nullptr; }
  /// Resolves when the process has ended.
  kj::Promise<void> over() { return over_.addBranch(); }
  /// For a process that has ended: "exit status 78 (configuration)", "signal 11 (Segmentation fault)".
  std::string endWords() const;
  bool crashed() const;
  /// The exit status; -1: a signal.
  int exitStatus() const;
  /// The last line that it wrote, in one printable line; empty: none.
  std::string lastLine() const;

 private:
  kj::Promise<void> readOutput();

  kj::Maybe<pid_t> pid_;
  pid_t group_ = 0;
  std::set<pid_t> others_;  // children of this process that are none of the program's
  int status_ = 0;
  kj::Own<kj::AsyncInputStream> output_;
  char buffer_[4096];
  std::string written_;  // the end of its output
  kj::ForkedPromise<void> over_ = kj::Promise<void>(kj::READY_NOW).fork();
  kj::Promise<void> reading_ = kj::READY_NOW;
};

}  // namespace smsd::check
