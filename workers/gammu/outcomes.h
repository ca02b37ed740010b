// What a modem, a network or libgammu says, as an outcome: one table, each number with its source.
//
// Owns the meaning of 3GPP's cause numbers, of libgammu's errors and of what the worker itself sees (no
// device, silence). Called by the modem. Pure. Does not fail: a number that is on no list has the meaning of
// its range.
//
// An SMS is refused only where its number or text is at fault for certain, and the way out is broken only
// where no SMS can go: what could be either waits (deferred). What may have reached the network is unknown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::gammu {

enum class Fate { accepted, refused, deferred, broken, unknown };
std::string_view name(Fate fate);

/// Who says so.
enum class Source {
  cms,     // +CMS ERROR: 3GPP TS 24.011 8.1.4 and 8.2.5.4 (0 to 127), TS 23.040 9.2.3.22 (128 to 255), TS
           // 27.005 3.2.5 (300 and up)
  cme,     // +CME ERROR: 3GPP TS 27.007 9.2
  gammu,   // GSM_Error of libgammu 1.42 (gammu-error.h), before anything was submitted
  worker,  // what this worker sees by itself: Event
};

enum class Event {
  noDevice,      // nothing is at the path
  noPermission,  // the device may not be opened
  held,          // another program has it
  mute,          // it does not answer AT
  noSim,         // CPIN? says so
  simFailed,     // and so on
  simBusy,
  pinMissing,          // the SIM asks for a PIN, and there is none
  pinRefused,          // the SIM did not take it; it is not tried again
  pinTriesUsed,        // a try was used up before: another wrong one might lock the SIM
  pinTriesUnknown,     // the modem cannot say how many are left
  pukNeeded,           // the SIM is locked
  notRegistered,       // no network yet
  registrationDenied,  // and there will be none
  noCentre,            // no number of a service centre, neither configured nor on the SIM
  noPrompt,            // CMGS was not answered by "> "
  errorAtPrompt,       // but by a bare ERROR
  errorAfterText,      // a bare ERROR after the text
  bareOk,              // OK after the text, and no +CMGS
  contradiction,       // +CMGS after the text, and then an error
  silence,             // no answer after the text
  unpluggedBefore,     // it went away before the text was handed over
  unpluggedAfter,      // and after
  partOnly,            // some parts of a concatenated SMS were taken, others not
  badNumber,           // what is no telephone number
  tooLong,             // more parts than can be counted
};

struct Entry {
  Source source;
  int number;  // of Source::worker: an Event
  Fate fate;
  const char* words;
};
/// Each row, in the order of the manual.
const std::vector<Entry>& table();

struct Finding {
  Fate fate;
  std::string reason;  // for an operator: what it was, with its number
};
Finding finding(Source source, int number);
Finding finding(Event event);

}  // namespace smsd::gammu
