// SPDX-License-Identifier: GPL-3.0-or-later
// The interface that a kind of dispatcher implements to become a worker program.
//
// A kind (http, gammu ...) is one such implementation, with a main() that calls workerMain(). The kit owns
// everything that all kinds share: arguments, the socket, the RPC, windows, `begun`, deadlines, recall, drain
// (see proto/dispatcher.capnp, or section 2 of ARCHITECTURE.md), and the inner lock (common/sandbox). A kind
// owns how one SMS is sent. The kit calls it on the thread of the KJ loop only, so a call that blocks stops
// the whole worker. A kind never sees the supervisor, a message id or another dispatcher's SMS.
//
// The calls come in this order: traits() for `kind`, declare(), then (not with --check or --explain)
// policy(), start(), attach(), and, once the promise of start() has resolved, traits(), spent() and any
// number of send(); at last stop(). condition(), health() and alive() may come at any time after attach().
#pragma once

#include <kj/async-io.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/api-version.h"
#include "common/config/keys.h"
#include "common/outcome/outcome-kind.h"
#include "common/sandbox/policy.h"

namespace smsd::kit {

using outcome::Reached;
using outcome::Reply;

using Milliseconds = std::chrono::milliseconds;

/// The alphabet that a text needs (3GPP TS 23.038).
enum class SmsEncoding { gsm7, ucs2 };

/// One SMS to send. All texts are valid UTF-8 without NUL; proto/dispatcher.capnp bounds their lengths.
struct Job {
  std::uint64_t attempt = 0;  // for RawReports only
  std::string recipient;      // the phone number as it is in the queue
  std::string text;
  std::string key;  // idempotency key: [A-Za-z0-9-]{1,64}
  /// Time from the call of send() until its outcome has to be there. The kind keeps it. A send() that takes
  /// half a second longer counts as stuck: the kit reports `unknown` and ends the whole process.
  Milliseconds deadline{};
  SmsEncoding encoding = SmsEncoding::gsm7;
  unsigned parts = 1;  // of the text in that alphabet
};

// Outcome in proto/dispatcher.capnp defines each of these outcomes. A reason or reference holds no secret, no
// text of an SMS and no phone number; the kit cuts it to 400 bytes.
struct Accepted {
  std::string reference;  // the gateway's, may be empty
};
struct Refused {
  std::string reason;
};
struct Deferred {
  std::string reason;
  Milliseconds after{0};           // the wait that the gateway requested; 0: none
  Reached reached = Reached::yes;  // no: no connection to the gateway, so the SMS is not the cause
};
struct Broken {
  std::string reason;
};
struct Unknown {
  std::string reason;
  Reply reply = Reply::none;
};
using Outcome = std::variant<Accepted, Refused, Deferred, Broken, Unknown>;

struct Traits {
  std::string kind;                     // as in smsd.yaml
  unsigned window = 1;                  // calls of send() in progress at once
  unsigned backlog = 0;                 // SMS that the kit accepts ahead of the window
  bool knowsKeys = false;               // the gateway drops a second SMS with the same key
  std::chrono::nanoseconds spacing{0};  // least time from one SMS begun to the next; 0: no limit
};

struct Condition {
  std::string broken;  // empty when ready, otherwise the fault that an operator has to repair
  /// Names and values for `smsctl status`; the supervisor keeps the first 16.
  std::vector<std::pair<std::string, std::string>> details;
};

/// Sends reports unchanged, without the checks and bounds of the kit. Only the debug dispatcher needs it,
/// because it has to send false reports on purpose.
class RawReports {
 public:
  virtual ~RawReports() noexcept(false) = default;
  virtual void report(std::uint64_t attempt, Outcome outcome) = 0;
  virtual void reportBegun(std::uint64_t attempt) = 0;
  virtual void reportNotBegun(std::uint64_t attempt) = 0;
  virtual void reportNothing() = 0;  // a report() without any report in it
};

class Dispatcher {
 public:
  virtual ~Dispatcher() noexcept(false) = default;

  /// Declares the keys of this kind's file. Called once, also for --check and --explain.
  virtual void declare(config::Keys& keys) = 0;
  /// Returns everything that the lock has to leave open. Called after the configuration was read, and before
  /// the lock. The lock grants nothing for a missing file, so a kind that writes one opens or creates it
  /// here. Nothing can load code after the lock, so a kind initializes here the libraries that load some.
  virtual sandbox::Policy policy() = 0;
  /// Called when the lock is in force. The kind is ready when the promise resolves. The kind starts all its
  /// threads before start() returns, because no thread can be started later unless the policy allows it. An
  /// exception ends the process before it has served; the supervisor gets the reason if it is in the promise.
  virtual kj::Promise<void> start(kj::AsyncIoContext& io) = 0;

  /// Returns the properties that follow from the configuration; `kind` is needed before it was read. The kit
  /// reads all but `spacing` again when the promise of start() has resolved, because a kind may learn them
  /// only then. It keeps them, so a later change has no effect.
  virtual Traits traits() const = 0;
  /// Sends one SMS. Up to `window` calls are in progress at once. An exception counts as `unknown`, because
  /// the kit cannot know how far the kind came. The promise is not cancelled at the deadline.
  virtual kj::Promise<Outcome> send(Job job) = 0;
  /// Returns the state of the dispatcher as last known, without waiting for the gateway or modem: see
  /// health() in proto/dispatcher.capnp.
  virtual Condition condition() const { return {}; }
  /// Answers the supervisor's health(). Other kinds override condition(); only the debug kind overrides this,
  /// so that it can leave the call unanswered.
  virtual kj::Promise<Condition> health() { return condition(); }
  /// Returns false when the sending part is stuck outside any SMS's deadline (for example, a thread that does
  /// not return), so that systemd's watchdog may end this process.
  virtual bool alive() const { return true; }
  /// Called once, when start() has resolved. The promise owns everything that the kind does on the loop
  /// besides sending, and is destroyed before the loop. It resolves with a reason when this process cannot
  /// work any more but a fresh one may: the kit then reports all outcomes and ends the process.
  virtual kj::Promise<std::string> spent() { return kj::NEVER_DONE; }
  /// The object lives until just before stop().
  virtual void attach(RawReports&) {}
  /// The last call, after every promise of send() and spent() is destroyed and before the loop is. The kind
  /// destroys here everything that it has on the loop, because the kind itself outlives the loop.
  virtual void stop() noexcept {}
};

/// Does all the work of a worker program's main() and returns the exit status (sysexits.h).
int workerMain(int argc, char** argv, Dispatcher& dispatcher);

}  // namespace smsd::kit
