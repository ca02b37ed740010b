// SPDX-License-Identifier: GPL-3.0-or-later
// Wraps libgammu: one state machine for one modem.
//
// Owns the state machine. Connects to the bridge's terminal, never to the modem's device. The outcome of an
// SMS is not taken from libgammu, because it knows no error words, returns 0 for an error that it does not
// recognise and does not distinguish CMS from CME. Only libgammu-phone.cpp includes gammu.h, and therefore
// neither file may include a KJ header. Called by the modem on its thread; only abort() may be called on
// another. Never opens a connection by itself and never retries. Returns libgammu's error numbers
// (gammu-error.h); 1 is success.
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
  std::string model;  // empty: libgammu queries the modem
};

struct Envelope {
  std::string number;  // as dialled() returns it
  std::string centre;
  enum class Class { none, flash } messageClass = Class::none;
  std::optional<std::chrono::minutes> validity;  // empty: the longest
  enum class Report { none, wanted } report = Report::none;
};

class Phone {
 public:
  Phone();
  ~Phone();
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  /// Runs the whole start-up dialogue. After an error or an abort, call close() and open() again.
  int open(const PhoneSettings& settings);
  void close();
  bool isOpen() const;
  /// May be called on any thread. The current call ends with error 70 within half a second, and so does each
  /// further call until the next open().
  void abort();

  /// Reads the service centre's number from the SIM. If the SIM has none, leaves `number` as it is and
  /// returns `noError`.
  int readCentre(std::string& number);
  /// Writes a part. Returns `noError` if all of it is written.
  int submit(const Part& part, Alphabet alphabet, const Envelope& envelope);
  /// Whether libgammu has read the end of the answer to the part. Reads for a second at most.
  bool isSettled();

  std::string manufacturer() const;
  std::string model() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Returns libgammu's name for the operator; empty if it has none. `code` is MCC and MNC in digits.
std::string operatorName(const std::string& code);
/// Returns the shortest period in the relative form (TS 23.040 9.2.3.12.1) that is not shorter than `period`,
/// but 63 weeks at most.
std::uint8_t relativeValidity(std::chrono::minutes period);

/// A section of a gammurc, as libgammu reads it.
struct Gammurc {
  std::string problem;  // empty: `settings` are valid
  PhoneSettings settings;
};
Gammurc readGammurc(const std::string& path, int section);

}  // namespace smsd::gammu
