// libgammu, and nothing but libgammu: one state machine for one modem.
//
// Owns the state machine. Speaks to the bridge's terminal, never to the modem's device. The outcome of an SMS
// is not taken from libgammu: it knows no words, gives 0 for what it does not recognise and cannot tell CMS
// from CME. The one file that includes gammu.h, which is why no KJ header may be included by it. Called by
// the modem on its thread; abort() alone from another. Never opens a connection by itself, never retries.
// Returns libgammu's error numbers (gammu-error.h); 1 is success.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "workers/gammu/parts.h"

namespace smsd::gammu {

constexpr int noError = 1;  // ERR_NONE

struct PhoneSettings {
  std::string device;
  std::string connection;
  std::string model;  // empty: found out by asking
};

struct Envelope {
  std::string number;  // as dialled() makes it
  std::string centre;
  enum class Class { none, flash } messageClass = Class::none;
  std::optional<std::chrono::minutes> validity;  // none: the longest
  enum class Report { none, wanted } report = Report::none;
};

class Phone {
 public:
  Phone();
  ~Phone();
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  /// The whole start-up dialogue. After an error, or an abort, close() and open() again.
  int open(const PhoneSettings& settings);
  void close();
  bool isOpen() const;
  /// From any thread: what libgammu waits for ends as error 70 within half a second, and so does all that
  /// follows until the next open().
  void abort();

  /// The service centre's number on the SIM; empty: there is none.
  int readCentre(std::string& number);
  /// Writes a part. `noError`: all of it is written.
  int submit(const Part& part, Alphabet alphabet, const Envelope& envelope);
  /// Has libgammu read the end of the answer to the part? Reads for a second at most.
  bool isSettled();

  std::string manufacturer() const;
  std::string model() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// As libgammu names it; empty: it does not know it. `code` is MCC and MNC in digits.
std::string operatorName(const std::string& code);
/// The period that the relative form (TS 23.040 9.2.3.12.1) can say, and that is not shorter.
std::uint8_t relativeValidity(std::chrono::minutes period);

/// A section of a gammurc, as libgammu reads it.
struct Gammurc {
  std::string problem;  // empty: the rest is good
  PhoneSettings settings;
};
Gammurc readGammurc(const std::string& path, int section);

}  // namespace smsd::gammu
