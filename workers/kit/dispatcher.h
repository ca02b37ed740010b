// What a kind of dispatcher implements to become a worker program.
//
// The kit owns everything that is alike: arguments, the socket, the RPC, windows, `begun`, deadlines, recall,
// drain, the inner lock. A kind owns how one SMS gets out. Called on the KJ loop only. A kind never sees the
// supervisor, a message id or another dispatcher's SMS.
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

/// One SMS to send. Texts are valid UTF-8 without NUL, their lengths bounded by proto/dispatcher.capnp.
struct Job {
  std::uint64_t attempt = 0;
  std::string recipient;
  std::string text;
  std::string key;  // idempotency key: [A-Za-z0-9-]{1,64}
  Milliseconds
      deadline{};  // from begin until an outcome has to be there; the kit answers `unknown` soon after
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
/// What the far end said of an SMS that may have been sent.
enum class Reply {
  none,           // nothing, or not whether it took the SMS
  notUnderstood,  // a success, in words that this dispatcher's configuration does not understand
};
struct Unknown {
  std::string reason;
  Reply reply = Reply::none;
};
/// See Outcome in proto/dispatcher.capnp for what each promises. Reasons carry no secret, no text, no number.
using Outcome = std::variant<Accepted, Refused, Deferred, Broken, Unknown>;

struct Traits {
  std::string kind;
  unsigned window = 1;
  unsigned backlog = 0;
  bool knowsKeys = false;
  std::chrono::nanoseconds spacing{0};  // from one SMS begun to the next at least; 0: none
};

struct Condition {
  std::string broken;  // empty: ready; else what an operator has to mend
  std::vector<std::pair<std::string, std::string>> details;
};

/// Reports that go out as they are, past every check and bound of the kit. For the debug dispatcher, which
/// has to be able to lie.
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

  /// The keys of this kind's file. Called once, first, also for --check and --explain.
  virtual void declare(config::Keys& keys) = 0;
  /// What the lock has to leave open. Called after the configuration was read; files the policy names exist
  /// by then, so a kind that writes one opens or creates it here. Libraries that load code do so here, too.
  virtual sandbox::Policy policy() = 0;
  /// Called when the lock is in force; ready when the promise resolves. All threads of the kind are started
  /// before it returns: none can be afterwards, unless the policy says so. A throw ends the process: it never
  /// served.
  virtual kj::Promise<void> start(kj::AsyncIoContext& io) = 0;

  virtual Traits traits() const = 0;
  virtual kj::Promise<Outcome> send(Job job) = 0;
  /// How the way out is, as far as it is known without asking: see health() in proto/dispatcher.capnp.
  virtual Condition condition() const { return {}; }
  /// The same, for a kind that has to be able not to answer (debug).
  virtual kj::Promise<Condition> health() { return condition(); }
  /// False: what does the sending is stuck outside any SMS's deadline (a thread that does not come back), so
  /// systemd's watchdog may end this process. Asked on the loop, must not wait.
  virtual bool alive() const { return true; }
  /// Called once, when start() has resolved. What a kind does on the loop besides sending lives in this
  /// promise, which ends before the loop does. It resolves, with the reason, when this process cannot be of
  /// use any more and a fresh one could: what is known is reported then, and the process ends.
  virtual kj::Promise<std::string> spent() { return kj::NEVER_DONE; }
  virtual void attach(RawReports&) {}
  /// The last call, after every promise of send() is gone and before the loop is: what the kind has on the
  /// loop ends here, as the kind itself outlives it.
  virtual void stop() noexcept {}
};

/// The whole of a worker program's main().
int workerMain(int argc, char** argv, Dispatcher& dispatcher);

}  // namespace smsd::kit
