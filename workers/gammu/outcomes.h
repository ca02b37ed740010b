// SPDX-License-Identifier: GPL-3.0-or-later
// The outcomes of errors from a modem, a network or libgammu: one table, each number with its source.
//
// Owns the meaning of 3GPP's cause numbers, of libgammu's errors and of the worker's own observations (no
// device, silence). Called by the modem. Pure. Never fails: a number that is not in the table has the meaning
// of its range.
//
// The outcome is `refused` only if the number or the text is certainly at fault, and `broken` only if no SMS
// can be sent. If it could be either, the outcome is `deferred`. If the SMS may have reached the network, it
// is `unknown`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/outcome/outcome-kind.h"

namespace smsd::gammu {

using outcome::OutcomeKind;

/// The source of an error number.
enum class ErrorSource {
  cms,     // +CMS ERROR: 3GPP TS 24.011 8.1.4 and 8.2.5.4 (0 to 127), TS 23.040 9.2.3.22 (128 to 255), TS
           // 27.005 3.2.5 (300 and up)
  cme,     // +CME ERROR: 3GPP TS 27.007 9.2
  gammu,   // GSM_Error of libgammu 1.42 (gammu-error.h), before anything was submitted
  worker,  // observed by this worker; the number is a ModemEvent
};

enum class ModemEvent {
  noDevice,      // nothing is at the path
  noPermission,  // the device may not be opened
  inUse,         // another program has the device
  mute,          // the modem does not answer AT
  noSim,         // the answer to CPIN? means: no SIM
  simFailed,     // the answer to CPIN? means: the SIM fails
  simBusy,
  pinMissing,          // the SIM needs a PIN, and none is configured
  pinRefused,          // the SIM did not accept the PIN; it is not tried again
  pinTriesUsed,        // a try was used up before: another wrong one might lock the SIM
  pinTriesUnknown,     // the modem does not report how many tries are left
  pukNeeded,           // the SIM is locked
  notRegistered,       // no network yet
  registrationDenied,  // the network denies registration
  noCentre,            // no number of a service centre, neither configured nor on the SIM
  noPrompt,            // CMGS was not answered by "> "
  errorAtPrompt,       // CMGS was answered by a bare ERROR instead of "> "
  errorAfterText,      // a bare ERROR after the text
  bareOk,              // OK after the text, and no +CMGS
  contradiction,       // +CMGS after the text, and then an error
  silence,             // no answer after the text
  unpluggedBefore,     // the modem was unplugged before the text was handed over
  unpluggedAfter,      // the modem was unplugged after the text was handed over
  partOnly,            // only some parts of a concatenated SMS were accepted
  badNumber,           // the recipient is not a telephone number
  tooLong,             // more than 255 parts
};

struct OutcomeRow {
  ErrorSource source;
  int number;  // of ErrorSource::worker: a ModemEvent
  OutcomeKind kind;
  const char* words;
};
/// All rows, in the order of the manual.
const std::vector<OutcomeRow>& table();

/// The outcome of one SMS, or of one part of it, in this room. gammu.cpp converts it to the kit's.
struct ModemOutcome {
  OutcomeKind kind = OutcomeKind::unknown;
  std::string words{};  // accepted: the modem's reference; otherwise the reason, with the error's number
};
ModemOutcome outcomeOf(ErrorSource source, int number);
ModemOutcome outcomeOf(ModemEvent event);

}  // namespace smsd::gammu
