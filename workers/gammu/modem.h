// One modem: how it is brought up, what it is asked, how an SMS goes through it, and how it is let go.
//
// Owns the line, the bridge and libgammu's state machine. Every call blocks; all but abort() and hurry() come
// from one thread (gammu.cpp has it). Decides nothing about when: that is the dispatcher's. Never tries a PIN
// twice, never hands a part over twice. Returns what it found; throws nothing of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/secret.h"
#include "workers/gammu/bridge.h"
#include "workers/gammu/line.h"
#include "workers/gammu/outcomes.h"
#include "workers/gammu/phone.h"
#include "workers/gammu/verdict.h"

namespace smsd::gammu {

struct ModemSettings {
  PhoneSettings phone;
  config::Secret pin;  // empty: there is none
  /// May a PIN be tried where the modem cannot say how many tries are left?
  enum class Counter { required, optional } counter = Counter::required;
  enum class Registration { checked, ignored } registration = Registration::checked;
  std::string centre;  // empty: the SIM's
  Envelope::Class messageClass = Envelope::Class::none;
  std::optional<std::chrono::minutes> validity;
  Envelope::Report report = Envelope::Report::none;
};

struct Condition {
  std::optional<Event> problem;                               // why no SMS can go now
  std::string reason;                                         // the same in words; empty: it is well
  std::vector<std::pair<std::string, std::string>> details;   // none that the modem does not stand by now
  std::optional<std::chrono::steady_clock::time_point> seen;  // when the modem last answered; empty: never
};

struct Letter {
  std::string recipient;
  std::string text;
  std::string key;
};

struct Sent {
  Fate fate = Fate::unknown;
  std::string words;  // accepted: the reference; else the reason
  /// What it takes to send the next one.
  enum class Then { next, look, open } then = Then::next;
};

class Modem {
 public:
  /// `bridge` is made before the process is locked in. Starts a thread, which has to be before no thread can
  /// be started any more.
  explicit Modem(ModemSettings settings, std::unique_ptr<Bridge> bridge = std::make_unique<Bridge>())
      : settings_(std::move(settings)),
        bridge_(std::move(bridge)),
        carrier_(*bridge_, line_, [this] { phone_.abort(); }) {}

  /// From whatever state it is in: opens the device, greets, unlocks the SIM, starts libgammu, looks.
  Condition open();
  /// How it is. Cheap, and stops early when somebody is in a hurry: then it is as it was known before.
  Condition look();
  Sent send(const Letter& letter);
  /// Asks the modem to start itself anew (TS 27.007 8.2, CFUN), and lets it go.
  void restart();
  void close();

  /// From any thread: what is under way ends within half a second. Only open() comes after it.
  void abort();
  /// From any thread: an SMS waits, and a look need not be completed.
  void hurry() { line_.interrupt(); }
  /// A descriptor of the line to see its end by; -1: it is not open. For when nothing is under way.
  int copyOfLine() const;

 private:
  Condition failed(Event event, const std::string& more = "");
  Reply ask(std::string_view command, Line::Milliseconds within);
  void wasSeen() { known_.seen = std::chrono::steady_clock::now(); }
  bool greet();
  std::optional<Event> askSim();
  std::optional<Event> unlock();
  std::optional<int> triesLeft();
  Condition start();
  int startPhone();
  Condition ofError(int error);
  std::optional<Event> askRegistration();
  void askSignal();
  void detail(const std::string& name, std::string value);
  void forget(std::string_view name);
  Sent sendPart(const Part& part, Alphabet alphabet, const Envelope& envelope);
  Waited awaitEnd();
  Sent sentOf(Waited waited);
  Sent::Then nextAfter(const Finding& found, Waited waited);

  const ModemSettings settings_;
  std::unique_ptr<Bridge> bridge_;
  Line line_;
  Phone phone_;
  Condition known_;
  std::string centre_;
  bool pinRefused_ = false;
  std::atomic<bool> aborted_{false};
  Carrier carrier_;  // last: its thread uses the others
};

/// Of `at115200`: 115200. Nothing: not a connection this worker can use.
std::optional<unsigned> speedOf(const std::string& connection);

}  // namespace smsd::gammu
