// SPDX-License-Identifier: GPL-3.0-or-later
// Starts the program as smsd does (spawn) or as systemd does (socket), and connects to it.
//
// Owns the process, in socket mode also the listening socket and a folder with the credentials. Used by
// Bench. Throws Hopeless if the program cannot be started.
#pragma once

#include <kj/async-io.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/dispatcher-check/child.h"
#include "clients/dispatcher-check/settings.h"

namespace smsd::check {

class Launch final {
 public:
  /// `content`: of its configuration.
  Launch(kj::AsyncIoContext& io, const RunSettings& settings, Activation activation,
         const std::string& content);
  ~Launch() noexcept(false);
  KJ_DISALLOW_COPY(Launch);
  /// To be called before the event loop is made: a signal that ends this process removes the folder first.
  static void captureSignals();

  struct Line {
    kj::Own<kj::AsyncIoStream> stream;
    kj::AutoCloseFd raw;  // the same socket, for bytes that are no message
  };
  /// Spawn: may be called once. Socket: returns first the connection that the program was started for, then
  /// new ones.
  Line connect();
  Child& child() { return *child_; }
  Activation activation() const { return activation_; }

 private:
  void spawn(const RunSettings& settings, const std::string& content);
  void listen(const RunSettings& settings, const std::string& content);
  void dial();
  kj::Promise<void> interrupted(int number);

  kj::AsyncIoContext& io_;
  const Activation activation_;
  std::filesystem::path folder_;  // in socket mode; removed at the end
  kj::AutoCloseFd channel_;       // until connect()
  kj::AutoCloseFd listener_;
  kj::Own<Child> child_;
  std::vector<kj::Promise<void>> interruptions_;
};

}  // namespace smsd::check
