// libgammu, and nothing but libgammu: one state machine for one modem.
//
// Owns the state machine and its log, of which it keeps the one thing that the library's interface loses:
// whether an error number was a CMS or a CME. The one file that includes gammu.h, which is why no KJ header
// may be included by it. Called by the modem on its thread; abort() alone from another. Never opens a
// connection by itself, never retries. Returns libgammu's error numbers (gammu-error.h); 1 is success.
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

/// The modem's word on a part.
struct Status {
  enum class Kind { accepted, cms, cme, bare };
  Kind kind = Kind::bare;
  int number = -1;     // of cms and cme
  int reference = -1;  // of accepted; -1: it gave none
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
  /// Hands a part over. `noError`: the modem has the text, and status() will tell.
  int submit(const Part& part, Alphabet alphabet, const Envelope& envelope);
  /// Reads what the modem says, for a second at most. Nothing: no word yet.
  std::optional<Status> status();
  /// Set by submit() where the modem answered instead of asking for the text.
  std::optional<Status> early() const;

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
