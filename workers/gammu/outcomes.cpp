// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/outcomes.h"

#include <algorithm>
#include <optional>

namespace smsd::gammu {
namespace {

// The words are smsd's own. The numbers and their meanings come from the documents that outcomes.h names.
const std::vector<OutcomeRow> rows = {
    // TS 24.011 8.2.5.4, RP-Cause of a mobile originated SMS; 17 and 22 are CP-Causes (8.1.4.2)
    {ErrorSource::cms, 1, OutcomeKind::refused, "the number is not assigned"},
    {ErrorSource::cms, 8, OutcomeKind::broken, "the operator bars this SIM from sending SMS"},
    {ErrorSource::cms, 10, OutcomeKind::refused, "SMS to this number are barred"},
    {ErrorSource::cms, 17, OutcomeKind::deferred, "failure in the network"},
    {ErrorSource::cms, 21, OutcomeKind::refused, "the recipient's side rejects this SMS"},
    {ErrorSource::cms, 22, OutcomeKind::deferred, "the network is congested"},
    {ErrorSource::cms, 27, OutcomeKind::deferred, "the destination is out of order"},
    {ErrorSource::cms, 28, OutcomeKind::broken, "the network does not know this SIM"},
    {ErrorSource::cms, 29, OutcomeKind::deferred, "the network does not offer this service"},
    {ErrorSource::cms, 30, OutcomeKind::deferred, "unknown subscriber"},
    {ErrorSource::cms, 38, OutcomeKind::deferred, "the network is out of order"},
    {ErrorSource::cms, 41, OutcomeKind::deferred, "temporary failure"},
    {ErrorSource::cms, 42, OutcomeKind::deferred, "congestion"},
    {ErrorSource::cms, 47, OutcomeKind::deferred, "no resources"},
    {ErrorSource::cms, 50, OutcomeKind::broken, "SMS are not part of this subscription"},
    {ErrorSource::cms, 69, OutcomeKind::broken, "the network does not implement SMS"},
    {ErrorSource::cms, 81, OutcomeKind::deferred, "protocol error: invalid transfer reference"},
    {ErrorSource::cms, 95, OutcomeKind::deferred, "protocol error: invalid message"},
    {ErrorSource::cms, 96, OutcomeKind::deferred, "protocol error: invalid mandatory information"},
    {ErrorSource::cms, 97, OutcomeKind::deferred, "protocol error: unknown message type"},
    {ErrorSource::cms, 98, OutcomeKind::deferred, "protocol error: wrong state"},
    {ErrorSource::cms, 99, OutcomeKind::deferred, "protocol error: unknown information element"},
    {ErrorSource::cms, 111, OutcomeKind::deferred, "protocol error"},
    {ErrorSource::cms, 127, OutcomeKind::deferred, "an interworking network gave no cause"},
    // TS 23.040 9.2.3.22, TP-Failure-Cause
    {ErrorSource::cms, 128, OutcomeKind::refused, "telematic interworking is not supported"},
    {ErrorSource::cms, 129, OutcomeKind::refused, "SMS of type 0 are not supported"},
    {ErrorSource::cms, 130, OutcomeKind::refused, "there is nothing to replace"},
    {ErrorSource::cms, 143, OutcomeKind::refused, "error of the protocol identifier"},
    {ErrorSource::cms, 144, OutcomeKind::refused, "the alphabet is not supported"},
    {ErrorSource::cms, 145, OutcomeKind::broken, "the message class (flash) is not supported"},
    {ErrorSource::cms, 159, OutcomeKind::refused, "error of the data coding scheme"},
    {ErrorSource::cms, 160, OutcomeKind::refused, "the command cannot be acted on"},
    {ErrorSource::cms, 161, OutcomeKind::refused, "the command is not supported"},
    {ErrorSource::cms, 175, OutcomeKind::refused, "error of the command"},
    {ErrorSource::cms, 176, OutcomeKind::refused, "SMS of this kind are not supported"},
    {ErrorSource::cms, 192, OutcomeKind::deferred, "the service centre is busy"},
    {ErrorSource::cms, 193, OutcomeKind::broken, "no subscription with the service centre"},
    {ErrorSource::cms, 194, OutcomeKind::deferred, "failure in the service centre"},
    {ErrorSource::cms, 195, OutcomeKind::refused, "the number is invalid"},
    {ErrorSource::cms, 196, OutcomeKind::refused, "the destination is barred"},
    {ErrorSource::cms, 197, OutcomeKind::unknown, "the service centre has an equal SMS already"},
    {ErrorSource::cms, 198, OutcomeKind::broken, "this form of validity is not supported"},
    {ErrorSource::cms, 199, OutcomeKind::broken, "this validity is not supported"},
    {ErrorSource::cms, 208, OutcomeKind::deferred, "the SIM's memory is full"},
    {ErrorSource::cms, 209, OutcomeKind::deferred, "the SIM cannot store SMS"},
    {ErrorSource::cms, 210, OutcomeKind::deferred, "error in the modem"},
    {ErrorSource::cms, 211, OutcomeKind::deferred, "the memory is full"},
    {ErrorSource::cms, 212, OutcomeKind::deferred, "the SIM's toolkit is busy"},
    {ErrorSource::cms, 213, OutcomeKind::deferred, "data download to the SIM failed"},
    {ErrorSource::cms, 255, OutcomeKind::deferred, "the service centre gave no cause"},
    // TS 27.005 3.2.5
    {ErrorSource::cms, 300, OutcomeKind::deferred, "failure in the modem"},
    {ErrorSource::cms, 301, OutcomeKind::deferred, "the modem's SMS service is reserved"},
    {ErrorSource::cms, 302, OutcomeKind::deferred, "not allowed now"},
    {ErrorSource::cms, 303, OutcomeKind::broken, "the modem does not support it"},
    {ErrorSource::cms, 304, OutcomeKind::refused, "the modem finds a fault in this SMS"},
    {ErrorSource::cms, 305, OutcomeKind::refused, "the modem finds a fault in this text"},
    {ErrorSource::cms, 310, OutcomeKind::broken, "no SIM"},
    {ErrorSource::cms, 311, OutcomeKind::broken, "the SIM asks for its PIN"},
    {ErrorSource::cms, 312, OutcomeKind::broken, "the modem asks for the PIN of its SIM lock"},
    {ErrorSource::cms, 313, OutcomeKind::broken, "the SIM fails"},
    {ErrorSource::cms, 314, OutcomeKind::deferred, "the SIM is busy"},
    {ErrorSource::cms, 315, OutcomeKind::broken, "the wrong SIM"},
    {ErrorSource::cms, 316, OutcomeKind::broken, "the SIM is locked and asks for its PUK"},
    {ErrorSource::cms, 317, OutcomeKind::broken, "the SIM asks for PIN2"},
    {ErrorSource::cms, 318, OutcomeKind::broken, "the SIM asks for PUK2"},
    {ErrorSource::cms, 320, OutcomeKind::deferred, "memory failure in the modem"},
    {ErrorSource::cms, 321, OutcomeKind::deferred, "invalid memory index"},
    {ErrorSource::cms, 322, OutcomeKind::deferred, "the modem's memory is full"},
    {ErrorSource::cms, 330, OutcomeKind::broken, "no number of a service centre"},
    {ErrorSource::cms, 331, OutcomeKind::deferred, "no network"},
    {ErrorSource::cms, 332, OutcomeKind::unknown, "the network did not answer"},
    {ErrorSource::cms, 340, OutcomeKind::deferred, "no acknowledgement was expected"},
    {ErrorSource::cms, 500, OutcomeKind::unknown, "an error that the modem has no number for"},
    // TS 27.007 9.2.1
    {ErrorSource::cme, 0, OutcomeKind::deferred, "failure in the modem"},
    {ErrorSource::cme, 1, OutcomeKind::deferred, "no connection to the telephone"},
    {ErrorSource::cme, 2, OutcomeKind::deferred, "the link is reserved"},
    {ErrorSource::cme, 3, OutcomeKind::deferred, "not allowed now"},
    {ErrorSource::cme, 4, OutcomeKind::broken, "the modem does not support it"},
    {ErrorSource::cme, 5, OutcomeKind::broken, "the modem asks for the PIN of its SIM lock"},
    {ErrorSource::cme, 6, OutcomeKind::broken, "the modem asks for the PIN of its first SIM"},
    {ErrorSource::cme, 7, OutcomeKind::broken, "the modem asks for the PUK of its first SIM"},
    {ErrorSource::cme, 10, OutcomeKind::broken, "no SIM"},
    {ErrorSource::cme, 11, OutcomeKind::broken, "the SIM asks for its PIN"},
    {ErrorSource::cme, 12, OutcomeKind::broken, "the SIM is locked and asks for its PUK"},
    {ErrorSource::cme, 13, OutcomeKind::broken, "the SIM fails"},
    {ErrorSource::cme, 14, OutcomeKind::deferred, "the SIM is busy"},
    {ErrorSource::cme, 15, OutcomeKind::broken, "the wrong SIM"},
    {ErrorSource::cme, 16, OutcomeKind::broken, "incorrect password"},
    {ErrorSource::cme, 17, OutcomeKind::broken, "the SIM asks for PIN2"},
    {ErrorSource::cme, 18, OutcomeKind::broken, "the SIM asks for PUK2"},
    {ErrorSource::cme, 20, OutcomeKind::deferred, "the memory is full"},
    {ErrorSource::cme, 21, OutcomeKind::deferred, "invalid memory index"},
    {ErrorSource::cme, 22, OutcomeKind::deferred, "not found"},
    {ErrorSource::cme, 23, OutcomeKind::deferred, "memory failure"},
    {ErrorSource::cme, 24, OutcomeKind::refused, "the text is too long"},
    {ErrorSource::cme, 25, OutcomeKind::refused, "invalid characters in the text"},
    {ErrorSource::cme, 26, OutcomeKind::refused, "the number is too long"},
    {ErrorSource::cme, 27, OutcomeKind::refused, "invalid characters in the number"},
    {ErrorSource::cme, 30, OutcomeKind::deferred, "no network"},
    {ErrorSource::cme, 31, OutcomeKind::unknown, "the network did not answer"},
    {ErrorSource::cme, 32, OutcomeKind::broken, "the network allows emergency calls only"},
    {ErrorSource::cme, 40, OutcomeKind::broken, "locked to a network: PIN"},
    {ErrorSource::cme, 41, OutcomeKind::broken, "locked to a network: PUK"},
    {ErrorSource::cme, 42, OutcomeKind::broken, "locked to a network subset: PIN"},
    {ErrorSource::cme, 43, OutcomeKind::broken, "locked to a network subset: PUK"},
    {ErrorSource::cme, 44, OutcomeKind::broken, "locked to a service provider: PIN"},
    {ErrorSource::cme, 45, OutcomeKind::broken, "locked to a service provider: PUK"},
    {ErrorSource::cme, 46, OutcomeKind::broken, "locked to a corporation: PIN"},
    {ErrorSource::cme, 47, OutcomeKind::broken, "locked to a corporation: PUK"},
    {ErrorSource::cme, 50, OutcomeKind::refused, "the modem finds a fault in this SMS"},
    {ErrorSource::cme, 100, OutcomeKind::unknown, "an error that the modem has no number for"},
    // gammu-error.h
    {ErrorSource::gammu, 2, OutcomeKind::broken, "the device cannot be opened"},
    {ErrorSource::gammu, 3, OutcomeKind::broken, "the device is locked"},
    {ErrorSource::gammu, 4, OutcomeKind::broken, "there is no such device"},
    {ErrorSource::gammu, 5, OutcomeKind::broken, "the device is busy"},
    {ErrorSource::gammu, 6, OutcomeKind::broken, "the device may not be opened"},
    {ErrorSource::gammu, 7, OutcomeKind::broken, "the device has no driver"},
    {ErrorSource::gammu, 8, OutcomeKind::broken, "the device does not work"},
    {ErrorSource::gammu, 9, OutcomeKind::broken, "DTR and RTS cannot be set"},
    {ErrorSource::gammu, 10, OutcomeKind::broken, "the speed cannot be set"},
    {ErrorSource::gammu, 11, OutcomeKind::deferred, "the device cannot be written to"},
    {ErrorSource::gammu, 12, OutcomeKind::deferred, "the device cannot be read"},
    {ErrorSource::gammu, 13, OutcomeKind::broken, "the parity cannot be set"},
    {ErrorSource::gammu, 14, OutcomeKind::deferred, "no answer in time"},
    {ErrorSource::gammu, 16, OutcomeKind::deferred, "an answer that libgammu does not understand"},
    {ErrorSource::gammu, 18, OutcomeKind::broken, "no such kind of connection"},
    {ErrorSource::gammu, 19, OutcomeKind::broken, "no such model"},
    {ErrorSource::gammu, 21, OutcomeKind::broken, "the modem does not support it"},
    {ErrorSource::gammu, 23, OutcomeKind::broken, "the modem does not allow it"},
    {ErrorSource::gammu, 27, OutcomeKind::deferred, "an error of the modem"},
    {ErrorSource::gammu, 31, OutcomeKind::broken, "no number of a service centre"},
    {ErrorSource::gammu, 33, OutcomeKind::deferred, "not connected"},
    {ErrorSource::gammu, 34, OutcomeKind::deferred, "the modem is at work on something else"},
    {ErrorSource::gammu, 35, OutcomeKind::broken, "the telephone is switched off"},
    {ErrorSource::gammu, 49, OutcomeKind::broken, "no SIM"},
    {ErrorSource::gammu, 56, OutcomeKind::deferred, "internal error of the telephone"},
    {ErrorSource::gammu, 66, OutcomeKind::deferred, "the modem is busy"},
    {ErrorSource::gammu, 69, OutcomeKind::deferred, "no number of a service centre could be read"},
    {ErrorSource::gammu, 70, OutcomeKind::deferred, "given up: no answer in time"},
    {ErrorSource::gammu, 73, OutcomeKind::deferred, "network error"},
    // observed by this worker
    {ErrorSource::worker, int(ModemEvent::noDevice), OutcomeKind::broken, "no modem at its path"},
    {ErrorSource::worker, int(ModemEvent::noPermission), OutcomeKind::broken, "the device may not be opened"},
    {ErrorSource::worker, int(ModemEvent::inUse), OutcomeKind::broken, "another program has the device"},
    {ErrorSource::worker, int(ModemEvent::mute), OutcomeKind::broken, "the modem does not answer"},
    {ErrorSource::worker, int(ModemEvent::noSim), OutcomeKind::broken, "no SIM"},
    {ErrorSource::worker, int(ModemEvent::simFailed), OutcomeKind::broken, "the SIM fails"},
    {ErrorSource::worker, int(ModemEvent::simBusy), OutcomeKind::deferred, "the SIM is busy"},
    {ErrorSource::worker, int(ModemEvent::pinMissing), OutcomeKind::broken,
     "the SIM asks for a PIN, and pin_file is not set"},
    {ErrorSource::worker, int(ModemEvent::pinRefused), OutcomeKind::broken,
     "the SIM refused the PIN; it is not tried again"},
    {ErrorSource::worker, int(ModemEvent::pinTriesUsed), OutcomeKind::broken,
     "the PIN is not tried: a try was used up already"},
    {ErrorSource::worker, int(ModemEvent::pinTriesUnknown), OutcomeKind::broken,
     "the PIN is not tried: tries left are not known"},
    {ErrorSource::worker, int(ModemEvent::pukNeeded), OutcomeKind::broken,
     "the SIM is locked and asks for its PUK"},
    {ErrorSource::worker, int(ModemEvent::notRegistered), OutcomeKind::deferred,
     "not registered with a network"},
    {ErrorSource::worker, int(ModemEvent::registrationDenied), OutcomeKind::broken,
     "the network denies registration"},
    {ErrorSource::worker, int(ModemEvent::noCentre), OutcomeKind::broken,
     "no number of a service centre: set smsc"},
    {ErrorSource::worker, int(ModemEvent::noPrompt), OutcomeKind::deferred, "no prompt for the text"},
    {ErrorSource::worker, int(ModemEvent::errorAtPrompt), OutcomeKind::deferred,
     "an error without a number before the text"},
    {ErrorSource::worker, int(ModemEvent::errorAfterText), OutcomeKind::unknown,
     "an error without a number after the text"},
    {ErrorSource::worker, int(ModemEvent::bareOk), OutcomeKind::unknown,
     "an OK without +CMGS after the text"},
    {ErrorSource::worker, int(ModemEvent::contradiction), OutcomeKind::unknown,
     "+CMGS after the text, and then an error"},
    {ErrorSource::worker, int(ModemEvent::silence), OutcomeKind::unknown,
     "no answer after the text was handed over"},
    {ErrorSource::worker, int(ModemEvent::unpluggedBefore), OutcomeKind::deferred,
     "unplugged before the text was handed over"},
    {ErrorSource::worker, int(ModemEvent::unpluggedAfter), OutcomeKind::unknown,
     "unplugged after the text was handed over"},
    {ErrorSource::worker, int(ModemEvent::partOnly), OutcomeKind::unknown, "only some parts were accepted"},
    {ErrorSource::worker, int(ModemEvent::badNumber), OutcomeKind::refused, "not a telephone number"},
    {ErrorSource::worker, int(ModemEvent::tooLong), OutcomeKind::refused, "more than 255 parts"},
};

const OutcomeRow* find(ErrorSource source, int number) {
  auto found = std::find_if(rows.begin(), rows.end(), [&](const OutcomeRow& row) {
    return row.source == source && row.number == number;
  });
  return found == rows.end() ? nullptr : &*found;
}

/// Returns the meaning of a number that is not in the table. TS 24.011 requires other causes to be treated as
/// 41. A modem's own numbers have no known meaning.
ModemOutcome ofRange(ErrorSource source, int number) {
  if (source == ErrorSource::gammu)
    return {OutcomeKind::deferred, "libgammu's error " + std::to_string(number)};
  std::string said = (source == ErrorSource::cms ? "CMS " : "CME ") + std::to_string(number);
  if (source == ErrorSource::cms && number >= 0 && number <= 127)
    return {OutcomeKind::deferred, said + ": a cause on no list"};
  if (source == ErrorSource::cms && number >= 0 && number <= 255)
    return {OutcomeKind::deferred, said + ": the service centre refused it"};
  return {OutcomeKind::unknown, said + ": the modem's own number"};
}

}  // namespace

const std::vector<OutcomeRow>& table() { return rows; }

ModemOutcome outcomeOf(ErrorSource source, int number) {
  const OutcomeRow* row = find(source, number);
  if (row == nullptr) return ofRange(source, number);
  switch (source) {
    case ErrorSource::cms:
      return {row->kind, "CMS " + std::to_string(number) + ": " + row->words};
    case ErrorSource::cme:
      return {row->kind, "CME " + std::to_string(number) + ": " + row->words};
    case ErrorSource::gammu:
    case ErrorSource::worker:
      return {row->kind, row->words};
  }
  return {OutcomeKind::unknown, row->words};
}

ModemOutcome outcomeOf(ModemEvent event) { return outcomeOf(ErrorSource::worker, static_cast<int>(event)); }

}  // namespace smsd::gammu
