// SPDX-License-Identifier: GPL-3.0-or-later
// The worker's side of the starter: starts programs, and learns how they ended.
//
// Owns the socket to the starter, on the loop. Called by the two modes. An order that the socket cannot take
// waits until it can. If the starter dies, all programs have ended or are about to, because their minders end
// them, and gone() resolves.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/io.h>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "workers/command/program-end.h"

namespace smsd::command {

/// A program that runs.
struct RunningProgram {
  std::uint64_t id = 0;
  kj::Own<kj::AsyncOutputStream> input;
  kj::Own<kj::AsyncInputStream> output;
  kj::Own<kj::AsyncInputStream> errors;
  /// Resolves when the program and all its descendants have ended.
  kj::Promise<ProgramEnd> ended = nullptr;
};

class StarterClient {
 public:
  /// Takes over `socket`.
  StarterClient(kj::AsyncIoContext& io, int socket);

  /// `variables`: added to the program's environment, each as NAME=VALUE. Throws if there are too many files.
  RunningProgram start(const std::vector<std::string>& variables);
  /// Ends a program with its descendants.
  void kill(std::uint64_t id);
  /// Resolves when the starter has ended.
  kj::Promise<void> gone() { return gone_.addBranch(); }
  /// Announces an orderly end: programs that end by themselves are not killed. Returns the socket.
  int leave();
  int socket() const { return socket_.get(); }

 private:
  struct Waiting {
    std::string bytes;
    std::vector<kj::AutoCloseFd> streams;
  };
  kj::Promise<void> listen();
  bool take();
  void send(Waiting order);
  void sendWaiting();
  bool trySend(const Waiting& order);

  kj::AsyncIoContext& io_;
  kj::AutoCloseFd socket_;
  kj::UnixEventPort::FdObserver observer_;
  std::uint64_t last_ = 0;
  bool over_ = false;  // the starter has ended
  std::unordered_map<std::uint64_t, kj::Own<kj::PromiseFulfiller<ProgramEnd>>> running_;
  std::deque<Waiting> waiting_;
  kj::Promise<void> writable_ = kj::READY_NOW;
  kj::ForkedPromise<void> gone_;
};

}  // namespace smsd::command
