// The way to a worker: a child over a socketpair (spawn), or a connection to the socket that systemd listens
// on (socket).
//
// Owns the process where there is one. Called by Worker. What cannot be started or reached, or is reached but
// listened at by a stranger, throws std::system_error.
#pragma once

#include <kj/async-io.h>

#include <filesystem>
#include <memory>
#include <string>

#include "supervisor/keeper/process.h"

namespace smsd::keeper {

struct LinkEnd {
  std::string words;  // empty: no more is known than why it was ended
  // A child that ended as if nothing was wrong: it does so only when the connection ended, and we did not end
  // it.
  bool unprovoked = false;
  // Where to look for the reason when the worker itself said nothing; empty: it is in `words`.
  std::string lookAt;
};

class Link {
 public:
  virtual ~Link() noexcept(false) = default;
  /// The connection; to be taken once.
  virtual kj::Own<kj::AsyncIoStream> stream() = 0;
  /// 0: not known.
  virtual int pid() const = 0;
  /// Why it ended, in words. Resolves once, after end() at the latest.
  virtual kj::Promise<LinkEnd> ended() = 0;
  /// Ends it now: kills a child, lets go of a connection.
  virtual void end() = 0;
  /// Between the end of the connection and that of what stands behind it: how long to wait for the latter's
  /// own word.
  virtual kj::Duration patience() const = 0;
};

/// How a dispatcher's worker is started in spawn mode.
struct SpawnPlan {
  std::filesystem::path program;
  std::filesystem::path config;  // the dispatcher's own file: what it is called in messages
  std::string name;
  std::filesystem::path folder;  // what it works in: relative paths in its file are relative to this
  // What stood in its file when that was read: what was checked is what every worker gets, whatever happens
  // to the file meanwhile. A sealed memfd, shared by all that are made of this plan.
  std::shared_ptr<kj::AutoCloseFd> content;
  // Elsewhere: systemd starts it, and here its file is only checked. Its secrets may be for its own user
  // alone.
  enum class Runs { here, elsewhere } runs = Runs::here;
};

/// The program with its name and its configuration, which it reads from a descriptor; nothing to serve yet.
Command configuredCommand(const SpawnPlan& plan);

/// systemd's unit of a worker, without its suffix: smsd-http@gateway.
std::string unitOf(const std::string& kind, const std::string& name);

kj::Own<Link> spawnLink(kj::AsyncIoContext& io, const SpawnPlan& plan);
/// `unit`: of the worker, without its suffix: smsd-http@gateway.
kj::Own<Link> socketLink(kj::AsyncIoContext& io, const std::filesystem::path& socket,
                         const std::string& unit);

}  // namespace smsd::keeper
