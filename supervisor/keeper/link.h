// SPDX-License-Identifier: GPL-3.0-or-later
// The connection to a worker: a child over a socketpair (spawn), or a connection to the socket that systemd
// listens on (socket).
//
// Owns the process if there is one. Called by Worker. Throws std::system_error if the worker cannot be
// started or reached, or if an unexpected user listens on the socket.
#pragma once

#include <kj/async-io.h>

#include <filesystem>
#include <memory>
#include <string>

#include "supervisor/keeper/process.h"

namespace smsd::keeper {

struct LinkEnd {
  std::string words;  // empty: only the reason for which it was ended is known
  // The child exited with status 0, which it does only when its connection ends. If we did not end it, the
  // data that the child sent broke the connection.
  bool unprovoked = false;
  // Where to find the reason if the worker gave none; empty: `words` has it.
  std::string lookAt;
};

class Link {
 public:
  virtual ~Link() noexcept(false) = default;
  /// Returns the connection. May be called once.
  virtual kj::Own<kj::AsyncIoStream> stream() = 0;
  /// 0: not known.
  virtual int pid() const = 0;
  /// Resolves once with the reason in words, after end() at the latest.
  virtual kj::Promise<LinkEnd> ended() = 0;
  /// Ends it now: kills a child, closes a connection.
  virtual void end() = 0;
  /// How long to wait after the end of the connection for the end of the process behind it, because the exit
  /// status gives a better reason.
  virtual kj::Duration patience() const = 0;
};

/// How a dispatcher's worker is started in spawn mode.
struct SpawnPlan {
  std::filesystem::path program;
  std::filesystem::path config;  // the dispatcher's own file: its name in messages
  std::string name;
  std::filesystem::path folder;  // the working folder, to which relative paths in its file refer
  // The content of its file when smsd read and checked it. Every worker gets this content, even if the file
  // changes later. A sealed memfd, shared by all copies of this plan.
  std::shared_ptr<kj::AutoCloseFd> content;
  // elsewhere: systemd starts the worker, and its file is only checked here. Its secrets may be readable for
  // the user of the worker alone.
  enum class Runs { here, elsewhere } runs = Runs::here;
};

/// Returns the program with its name and its configuration, which it reads from a descriptor; without a
/// channel to serve.
Command configuredCommand(const SpawnPlan& plan);

/// Returns systemd's unit of a worker, without its suffix: smsd-http@gateway.
std::string unitOf(const std::string& kind, const std::string& name);

kj::Own<Link> spawnLink(kj::AsyncIoContext& io, const SpawnPlan& plan);
/// `unit`: the worker's unit, without its suffix: smsd-http@gateway.
kj::Own<Link> socketLink(kj::AsyncIoContext& io, const std::filesystem::path& socket,
                         const std::string& unit);

}  // namespace smsd::keeper
