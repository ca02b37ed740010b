// SPDX-License-Identifier: GPL-3.0-or-later
// One modem: opens it, queries its state, sends an SMS through it and closes it.
//
// Owns the line, the bridge and libgammu's state machine. Every call blocks; all but abort() and hurry() are
// made on the one thread that gammu.cpp owns. The dispatcher decides when to call. Never tries a refused PIN
// again and never hands a part over twice. Returns its findings; throws nothing of its own.
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
#include "workers/gammu/libgammu-phone.h"
#include "workers/gammu/outcomes.h"
#include "workers/gammu/part-outcome.h"
#include "workers/gammu/serial-line.h"

namespace smsd::gammu {

struct ModemSettings {
  PhoneSettings phone;
  config::Secret pin;  // empty: no PIN is configured
  /// Whether the PIN may be tried if the modem does not report how many tries are left.
  enum class Counter { required, optional } counter = Counter::required;
  enum class Registration { checked, ignored } registration = Registration::checked;
  std::string centre;  // empty: the number on the SIM
  Envelope::Class messageClass = Envelope::Class::none;
  std::optional<std::chrono::minutes> validity;
  Envelope::Report report = Envelope::Report::none;
};

struct ModemCondition {
  std::optional<ModemEvent> problem;                          // why no SMS can be sent now
  std::string reason;                                         // the same in words; empty: no problem
  std::vector<std::pair<std::string, std::string>> details;   // as last read; empty if the modem is away
  std::optional<std::chrono::steady_clock::time_point> seen;  // when the modem last answered; empty: never
};

struct Sms {
  std::string recipient;
  std::string text;
  std::string key;
};

struct SendResult {
  ModemOutcome outcome;
  /// The work that is needed before the next SMS.
  enum class Then { next, look, open } then = Then::next;
};

class Modem {
 public:
  /// `bridge` has to be constructed before the sandbox is in force. Starts a thread, so it has to be called
  /// while the process may still start one.
  explicit Modem(ModemSettings settings, std::unique_ptr<Bridge> bridge = std::make_unique<Bridge>())
      : settings_(std::move(settings)),
        bridge_(std::move(bridge)),
        carrier_(*bridge_, line_, [this] { phone_.abort(); }) {}

  /// In any state: opens the device, greets the modem, unlocks the SIM, starts libgammu and looks.
  ModemCondition open();
  /// Queries the SIM, the registration and the signal. Cheap, and takes 17 s at most, even if the modem does
  /// not answer: each query has a limit of its own. After hurry() it stops early, with the condition as it
  /// was known before. After abort() the modem counts as mute.
  ModemCondition look();
  SendResult send(const Sms& sms);
  /// Restarts the modem (CFUN, TS 27.007 8.2) and closes it.
  void restart();
  void close();

  /// May be called on any thread. The current call ends within half a second. Until the next open() the modem
  /// takes no SMS and look() returns that it is mute, because libgammu was interrupted.
  void abort();
  /// May be called on any thread. Whether the current call is a look(), or has come to the look() in open():
  /// hurry() is enough to end it.
  bool isLooking() const { return looking_; }
  /// May be called on any thread. Ends a look() early because an SMS waits.
  void hurry() { line_.interrupt(); }
  /// Returns a duplicate of the line's descriptor for watching hang-ups; -1 if the line is not open. Call it
  /// only while no other call is in progress.
  int copyOfLine() const;

 private:
  ModemCondition failed(ModemEvent event, const std::string& more = "");
  void askAll();
  AtReply ask(std::string_view command, SerialLine::Milliseconds within);
  void wasSeen() { known_.seen = std::chrono::steady_clock::now(); }
  bool greet();
  std::optional<ModemEvent> askSim();
  std::optional<ModemEvent> unlock();
  std::optional<int> triesLeft();
  ModemCondition start();
  int startPhone();
  ModemCondition ofError(int error);
  std::optional<ModemEvent> askRegistration();
  void askSignal();
  void detail(const std::string& name, std::string value);
  void forget(std::string_view name);
  SendResult sendPart(const Part& part, Alphabet alphabet, const Envelope& envelope);
  Waited awaitEnd();
  SendResult resultOf(Waited waited);
  SendResult::Then nextAfter(const ModemOutcome& outcome, Waited waited);

  const ModemSettings settings_;
  std::unique_ptr<Bridge> bridge_;
  SerialLine line_;
  Phone phone_;
  ModemCondition known_;
  std::string centre_;
  bool pinRefused_ = false;
  std::atomic<bool> aborted_{false};  // until open()
  std::atomic<bool> looking_{false};
  Carrier carrier_;  // last: its thread uses the other members
};

/// Returns 115200 for `at115200`; nothing for a connection that this worker cannot use.
std::optional<unsigned> speedOf(const std::string& connection);

}  // namespace smsd::gammu
