// SPDX-License-Identifier: GPL-3.0-or-later
// The interface that a kind of dispatcher implements to become a worker program.
//
// The kit owns everything that all kinds share: arguments, the socket, the RPC, windows, `begun`, deadlines,
// recall, drain, the inner lock. A kind owns how one SMS is sent. The kit calls it on the KJ loop only. A
// kind never sees the supervisor, a message id or another dispatcher's SMS.
#pragma once

#include <kj/async-io.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/keys.h"
#include "common/sandbox/sandbox.h"

namespace smsd::kit {

using Milliseconds = std::chrono::milliseconds;

/// One SMS to send. All texts are valid UTF-8 without NUL; proto/dispatcher.capnp bounds their lengths.
struct Job {
  std::uint64_t attempt = 0;
  std::string recipient;
  std::string text;
  std::string key;  // idempotency key: [A-Za-z0-9-]{1,64}
  Milliseconds
      deadline{};  // from the begin of the SMS to its outcome; soon after it the kit reports `unknown`
};

struct Accepted {
  std::string reference;
};
struct Refused {
  std::string reason;
};
enum class FarEnd { reached, notReached };
struct Deferred {
  std::string reason;
  Milliseconds after{0};
  FarEnd farEnd = FarEnd::reached;
};
struct Broken {
  std::string reason;
};
/// The gateway's answer to an SMS that may have been sent.
enum class Reply {
  none,           // no answer, or an answer that leaves open whether the gateway took the SMS
  notUnderstood,  // a success status, with a content that this dispatcher's configuration does not cover
};
struct Unknown {
  std::string reason;
  Reply reply = Reply::none;
};
/// Outcome in proto/dispatcher.capnp defines each of them. A reason holds no secret, no text of an SMS and no
/// phone number.
using Outcome = std::variant<Accepted, Refused, Deferred, Broken, Unknown>;

struct Traits {
  std::string kind;
  unsigned window = 1;
  unsigned backlog = 0;
  bool knowsKeys = false;
  std::chrono::nanoseconds spacing{0};  // least time from one SMS begun to the next; 0: no limit
};

struct Condition {
  std::string broken;  // empty when ready, otherwise the fault that an operator has to repair
  std::vector<std::pair<std::string, std::string>> details;
};

/// Sends reports unchanged, without the checks and bounds of the kit. The debug dispatcher needs it, because
/// it has to send false reports on purpose.
class RawReports {
 public:
  virtual ~RawReports() noexcept(false) = default;
  virtual void report(std::uint64_t attempt, Outcome outcome) = 0;
  virtual void reportBegun(std::uint64_t attempt) = 0;
  virtual void reportNotBegun(std::uint64_t attempt) = 0;
  virtual void reportNothing() = 0;
};

class Dispatcher {
 public:
  virtual ~Dispatcher() noexcept(false) = default;

  /// Declares the keys of this kind's file. Called once, before all else, also for --check and --explain.
  virtual void declare(config::Keys& keys) = 0;
  /// Returns everything that the lock has to leave open. Called after the configuration was read. The lock
  /// grants nothing for a missing file, so a kind that writes one opens or creates it here. Libraries that
  /// load code do so here, too.
  virtual sandbox::Policy policy() = 0;
  /// Called when the lock is in force. The kind is ready when the promise resolves. The kind starts all its
  /// threads before start() returns, because no thread can be started later unless the policy allows it. An
  /// exception ends the process before it has served.
  virtual kj::Promise<void> start(kj::AsyncIoContext& io) = 0;

  virtual Traits traits() const = 0;
  virtual kj::Promise<Outcome> send(Job job) = 0;
  /// Returns the state of the dispatcher as last known, without waiting for the gateway or modem: see
  /// health() in proto/dispatcher.capnp.
  virtual Condition condition() const { return {}; }
  /// Answers health(). The debug kind overrides it, so that it can leave the call unanswered.
  virtual kj::Promise<Condition> health() { return condition(); }
  /// Returns false when the sending part is stuck outside any SMS's deadline (for example, a thread that does
  /// not return), so that systemd's watchdog may end this process. Called on the loop, so it must not block.
  virtual bool alive() const { return true; }
  /// Called once, when start() has resolved. The promise owns everything that the kind does on the loop
  /// besides sending, and is destroyed before the loop. It resolves with a reason when this process cannot
  /// work any more but a fresh one may: the kit then reports all outcomes and ends the process.
  virtual kj::Promise<std::string> spent() { return kj::NEVER_DONE; }
  virtual void attach(RawReports&) {}
  /// The last call, after every promise of send() is destroyed and before the loop is. The kind destroys here
  /// everything that it has on the loop, because the kind itself outlives the loop.
  virtual void stop() noexcept {}
};

/// Does all the work of a worker program's main() and returns the exit status.
int workerMain(int argc, char** argv, Dispatcher& dispatcher);

}  // namespace smsd::kit
