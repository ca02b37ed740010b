// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/outcomes.h"

#include <algorithm>
#include <optional>

namespace smsd::gammu {
namespace {

// The words are smsd's own. The numbers and their meanings come from the documents that outcomes.h names.
const std::vector<Entry> rows = {
    // TS 24.011 8.2.5.4, RP-Cause of a mobile originated SMS; 17 and 22 are CP-Causes (8.1.4.2)
    {Source::cms, 1, OutcomeKind::refused, "the number is not assigned"},
    {Source::cms, 8, OutcomeKind::broken, "the operator bars this SIM from sending SMS"},
    {Source::cms, 10, OutcomeKind::refused, "SMS to this number are barred"},
    {Source::cms, 17, OutcomeKind::deferred, "failure in the network"},
    {Source::cms, 21, OutcomeKind::refused, "the recipient's side rejects this SMS"},
    {Source::cms, 22, OutcomeKind::deferred, "the network is congested"},
    {Source::cms, 27, OutcomeKind::deferred, "the destination is out of order"},
    {Source::cms, 28, OutcomeKind::broken, "the network does not know this SIM"},
    {Source::cms, 29, OutcomeKind::deferred, "the network does not offer this service"},
    {Source::cms, 30, OutcomeKind::deferred, "unknown subscriber"},
    {Source::cms, 38, OutcomeKind::deferred, "the network is out of order"},
    {Source::cms, 41, OutcomeKind::deferred, "temporary failure"},
    {Source::cms, 42, OutcomeKind::deferred, "congestion"},
    {Source::cms, 47, OutcomeKind::deferred, "no resources"},
    {Source::cms, 50, OutcomeKind::broken, "SMS are not part of this subscription"},
    {Source::cms, 69, OutcomeKind::broken, "the network does not implement SMS"},
    {Source::cms, 81, OutcomeKind::deferred, "protocol error: invalid transfer reference"},
    {Source::cms, 95, OutcomeKind::deferred, "protocol error: invalid message"},
    {Source::cms, 96, OutcomeKind::deferred, "protocol error: invalid mandatory information"},
    {Source::cms, 97, OutcomeKind::deferred, "protocol error: unknown message type"},
    {Source::cms, 98, OutcomeKind::deferred, "protocol error: wrong state"},
    {Source::cms, 99, OutcomeKind::deferred, "protocol error: unknown information element"},
    {Source::cms, 111, OutcomeKind::deferred, "protocol error"},
    {Source::cms, 127, OutcomeKind::deferred, "an interworking network gave no cause"},
    // TS 23.040 9.2.3.22, TP-Failure-Cause
    {Source::cms, 128, OutcomeKind::refused, "telematic interworking is not supported"},
    {Source::cms, 129, OutcomeKind::refused, "SMS of type 0 are not supported"},
    {Source::cms, 130, OutcomeKind::refused, "there is nothing to replace"},
    {Source::cms, 143, OutcomeKind::refused, "error of the protocol identifier"},
    {Source::cms, 144, OutcomeKind::refused, "the alphabet is not supported"},
    {Source::cms, 145, OutcomeKind::broken, "the message class (flash) is not supported"},
    {Source::cms, 159, OutcomeKind::refused, "error of the data coding scheme"},
    {Source::cms, 160, OutcomeKind::refused, "the command cannot be acted on"},
    {Source::cms, 161, OutcomeKind::refused, "the command is not supported"},
    {Source::cms, 175, OutcomeKind::refused, "error of the command"},
    {Source::cms, 176, OutcomeKind::refused, "SMS of this kind are not supported"},
    {Source::cms, 192, OutcomeKind::deferred, "the service centre is busy"},
    {Source::cms, 193, OutcomeKind::broken, "no subscription with the service centre"},
    {Source::cms, 194, OutcomeKind::deferred, "failure in the service centre"},
    {Source::cms, 195, OutcomeKind::refused, "the number is invalid"},
    {Source::cms, 196, OutcomeKind::refused, "the destination is barred"},
    {Source::cms, 197, OutcomeKind::unknown, "the service centre has an equal SMS already"},
    {Source::cms, 198, OutcomeKind::broken, "this form of validity is not supported"},
    {Source::cms, 199, OutcomeKind::broken, "this validity is not supported"},
    {Source::cms, 208, OutcomeKind::deferred, "the SIM's memory is full"},
    {Source::cms, 209, OutcomeKind::deferred, "the SIM cannot store SMS"},
    {Source::cms, 210, OutcomeKind::deferred, "error in the modem"},
    {Source::cms, 211, OutcomeKind::deferred, "the memory is full"},
    {Source::cms, 212, OutcomeKind::deferred, "the SIM's toolkit is busy"},
    {Source::cms, 213, OutcomeKind::deferred, "data download to the SIM failed"},
    {Source::cms, 255, OutcomeKind::deferred, "the service centre gave no cause"},
    // TS 27.005 3.2.5
    {Source::cms, 300, OutcomeKind::deferred, "failure in the modem"},
    {Source::cms, 301, OutcomeKind::deferred, "the modem's SMS service is reserved"},
    {Source::cms, 302, OutcomeKind::deferred, "not allowed now"},
    {Source::cms, 303, OutcomeKind::broken, "the modem does not support it"},
    {Source::cms, 304, OutcomeKind::refused, "the modem finds a fault in this SMS"},
    {Source::cms, 305, OutcomeKind::refused, "the modem finds a fault in this text"},
    {Source::cms, 310, OutcomeKind::broken, "no SIM"},
    {Source::cms, 311, OutcomeKind::broken, "the SIM asks for its PIN"},
    {Source::cms, 312, OutcomeKind::broken, "the modem asks for the PIN of its SIM lock"},
    {Source::cms, 313, OutcomeKind::broken, "the SIM fails"},
    {Source::cms, 314, OutcomeKind::deferred, "the SIM is busy"},
    {Source::cms, 315, OutcomeKind::broken, "the wrong SIM"},
    {Source::cms, 316, OutcomeKind::broken, "the SIM is locked and asks for its PUK"},
    {Source::cms, 317, OutcomeKind::broken, "the SIM asks for PIN2"},
    {Source::cms, 318, OutcomeKind::broken, "the SIM asks for PUK2"},
    {Source::cms, 320, OutcomeKind::deferred, "memory failure in the modem"},
    {Source::cms, 321, OutcomeKind::deferred, "invalid memory index"},
    {Source::cms, 322, OutcomeKind::deferred, "the modem's memory is full"},
    {Source::cms, 330, OutcomeKind::broken, "no number of a service centre"},
    {Source::cms, 331, OutcomeKind::deferred, "no network"},
    {Source::cms, 332, OutcomeKind::unknown, "the network did not answer"},
    {Source::cms, 340, OutcomeKind::deferred, "no acknowledgement was expected"},
    {Source::cms, 500, OutcomeKind::unknown, "an error that the modem has no number for"},
    // TS 27.007 9.2.1
    {Source::cme, 0, OutcomeKind::deferred, "failure in the modem"},
    {Source::cme, 1, OutcomeKind::deferred, "no connection to the telephone"},
    {Source::cme, 2, OutcomeKind::deferred, "the link is reserved"},
    {Source::cme, 3, OutcomeKind::deferred, "not allowed now"},
    {Source::cme, 4, OutcomeKind::broken, "the modem does not support it"},
    {Source::cme, 5, OutcomeKind::broken, "the modem asks for the PIN of its SIM lock"},
    {Source::cme, 6, OutcomeKind::broken, "the modem asks for the PIN of its first SIM"},
    {Source::cme, 7, OutcomeKind::broken, "the modem asks for the PUK of its first SIM"},
    {Source::cme, 10, OutcomeKind::broken, "no SIM"},
    {Source::cme, 11, OutcomeKind::broken, "the SIM asks for its PIN"},
    {Source::cme, 12, OutcomeKind::broken, "the SIM is locked and asks for its PUK"},
    {Source::cme, 13, OutcomeKind::broken, "the SIM fails"},
    {Source::cme, 14, OutcomeKind::deferred, "the SIM is busy"},
    {Source::cme, 15, OutcomeKind::broken, "the wrong SIM"},
    {Source::cme, 16, OutcomeKind::broken, "incorrect password"},
    {Source::cme, 17, OutcomeKind::broken, "the SIM asks for PIN2"},
    {Source::cme, 18, OutcomeKind::broken, "the SIM asks for PUK2"},
    {Source::cme, 20, OutcomeKind::deferred, "the memory is full"},
    {Source::cme, 21, OutcomeKind::deferred, "invalid memory index"},
    {Source::cme, 22, OutcomeKind::deferred, "not found"},
    {Source::cme, 23, OutcomeKind::deferred, "memory failure"},
    {Source::cme, 24, OutcomeKind::refused, "the text is too long"},
    {Source::cme, 25, OutcomeKind::refused, "invalid characters in the text"},
    {Source::cme, 26, OutcomeKind::refused, "the number is too long"},
    {Source::cme, 27, OutcomeKind::refused, "invalid characters in the number"},
    {Source::cme, 30, OutcomeKind::deferred, "no network"},
    {Source::cme, 31, OutcomeKind::unknown, "the network did not answer"},
    {Source::cme, 32, OutcomeKind::broken, "the network allows emergency calls only"},
    {Source::cme, 40, OutcomeKind::broken, "locked to a network: PIN"},
    {Source::cme, 41, OutcomeKind::broken, "locked to a network: PUK"},
    {Source::cme, 42, OutcomeKind::broken, "locked to a network subset: PIN"},
    {Source::cme, 43, OutcomeKind::broken, "locked to a network subset: PUK"},
    {Source::cme, 44, OutcomeKind::broken, "locked to a service provider: PIN"},
    {Source::cme, 45, OutcomeKind::broken, "locked to a service provider: PUK"},
    {Source::cme, 46, OutcomeKind::broken, "locked to a corporation: PIN"},
    {Source::cme, 47, OutcomeKind::broken, "locked to a corporation: PUK"},
    {Source::cme, 50, OutcomeKind::refused, "the modem finds a fault in this SMS"},
    {Source::cme, 100, OutcomeKind::unknown, "an error that the modem has no number for"},
    // gammu-error.h
    {Source::gammu, 2, OutcomeKind::broken, "the device cannot be opened"},
    {Source::gammu, 3, OutcomeKind::broken, "the device is locked"},
    {Source::gammu, 4, OutcomeKind::broken, "there is no such device"},
    {Source::gammu, 5, OutcomeKind::broken, "the device is busy"},
    {Source::gammu, 6, OutcomeKind::broken, "the device may not be opened"},
    {Source::gammu, 7, OutcomeKind::broken, "the device has no driver"},
    {Source::gammu, 8, OutcomeKind::broken, "the device does not work"},
    {Source::gammu, 9, OutcomeKind::broken, "DTR and RTS cannot be set"},
    {Source::gammu, 10, OutcomeKind::broken, "the speed cannot be set"},
    {Source::gammu, 11, OutcomeKind::deferred, "the device cannot be written to"},
    {Source::gammu, 12, OutcomeKind::deferred, "the device cannot be read"},
    {Source::gammu, 13, OutcomeKind::broken, "the parity cannot be set"},
    {Source::gammu, 14, OutcomeKind::deferred, "no answer in time"},
    {Source::gammu, 16, OutcomeKind::deferred, "an answer that libgammu does not understand"},
    {Source::gammu, 18, OutcomeKind::broken, "no such kind of connection"},
    {Source::gammu, 19, OutcomeKind::broken, "no such model"},
    {Source::gammu, 21, OutcomeKind::broken, "the modem does not support it"},
    {Source::gammu, 23, OutcomeKind::broken, "the modem does not allow it"},
    {Source::gammu, 27, OutcomeKind::deferred, "an error of the modem"},
    {Source::gammu, 31, OutcomeKind::broken, "no number of a service centre"},
    {Source::gammu, 33, OutcomeKind::deferred, "not connected"},
    {Source::gammu, 34, OutcomeKind::deferred, "the modem is at work on something else"},
    {Source::gammu, 35, OutcomeKind::broken, "the telephone is switched off"},
    {Source::gammu, 49, OutcomeKind::broken, "no SIM"},
    {Source::gammu, 56, OutcomeKind::deferred, "internal error of the telephone"},
    {Source::gammu, 66, OutcomeKind::deferred, "the modem is busy"},
    {Source::gammu, 69, OutcomeKind::deferred, "no number of a service centre could be read"},
    {Source::gammu, 70, OutcomeKind::deferred, "given up: no answer in time"},
    {Source::gammu, 73, OutcomeKind::deferred, "network error"},
    // observed by this worker
    {Source::worker, int(Event::noDevice), OutcomeKind::broken, "no modem at its path"},
    {Source::worker, int(Event::noPermission), OutcomeKind::broken, "the device may not be opened"},
    {Source::worker, int(Event::held), OutcomeKind::broken, "another program has the device"},
    {Source::worker, int(Event::mute), OutcomeKind::broken, "the modem does not answer"},
    {Source::worker, int(Event::noSim), OutcomeKind::broken, "no SIM"},
    {Source::worker, int(Event::simFailed), OutcomeKind::broken, "the SIM fails"},
    {Source::worker, int(Event::simBusy), OutcomeKind::deferred, "the SIM is busy"},
    {Source::worker, int(Event::pinMissing), OutcomeKind::broken,
     "the SIM asks for a PIN, and pin_file is not set"},
    {Source::worker, int(Event::pinRefused), OutcomeKind::broken,
     "the SIM refused the PIN; it is not tried again"},
    {Source::worker, int(Event::pinTriesUsed), OutcomeKind::broken,
     "the PIN is not tried: a try was used up already"},
    {Source::worker, int(Event::pinTriesUnknown), OutcomeKind::broken,
     "the PIN is not tried: tries left are not known"},
    {Source::worker, int(Event::pukNeeded), OutcomeKind::broken, "the SIM is locked and asks for its PUK"},
    {Source::worker, int(Event::notRegistered), OutcomeKind::deferred, "not registered with a network"},
    {Source::worker, int(Event::registrationDenied), OutcomeKind::broken, "the network denies registration"},
    {Source::worker, int(Event::noCentre), OutcomeKind::broken, "no number of a service centre: set smsc"},
    {Source::worker, int(Event::noPrompt), OutcomeKind::deferred, "no prompt for the text"},
    {Source::worker, int(Event::errorAtPrompt), OutcomeKind::deferred,
     "an error without a number before the text"},
    {Source::worker, int(Event::errorAfterText), OutcomeKind::unknown,
     "an error without a number after the text"},
    {Source::worker, int(Event::bareOk), OutcomeKind::unknown, "an OK without +CMGS after the text"},
    {Source::worker, int(Event::contradiction), OutcomeKind::unknown,
     "+CMGS after the text, and then an error"},
    {Source::worker, int(Event::silence), OutcomeKind::unknown, "no answer after the text was handed over"},
    {Source::worker, int(Event::unpluggedBefore), OutcomeKind::deferred,
     "unplugged before the text was handed over"},
    {Source::worker, int(Event::unpluggedAfter), OutcomeKind::unknown,
     "unplugged after the text was handed over"},
    {Source::worker, int(Event::partOnly), OutcomeKind::unknown, "only some parts were accepted"},
    {Source::worker, int(Event::badNumber), OutcomeKind::refused, "not a telephone number"},
    {Source::worker, int(Event::tooLong), OutcomeKind::refused, "more than 255 parts"},
};

const Entry* find(Source source, int number) {
  auto found = std::find_if(rows.begin(), rows.end(),
                            [&](const Entry& row) { return row.source == source && row.number == number; });
  return found == rows.end() ? nullptr : &*found;
}

/// Returns the meaning of a number that is not in the table. TS 24.011 requires other causes to be treated as
/// 41. A modem's own numbers have no known meaning.
Finding ofRange(Source source, int number) {
  if (source == Source::gammu) return {OutcomeKind::deferred, "libgammu's error " + std::to_string(number)};
  std::string said = (source == Source::cms ? "CMS " : "CME ") + std::to_string(number);
  if (source == Source::cms && number >= 0 && number <= 127)
    return {OutcomeKind::deferred, said + ": a cause on no list"};
  if (source == Source::cms && number >= 0 && number <= 255)
    return {OutcomeKind::deferred, said + ": the service centre refused it"};
  return {OutcomeKind::unknown, said + ": the modem's own number"};
}

}  // namespace

const std::vector<Entry>& table() { return rows; }

Finding finding(Source source, int number) {
  const Entry* row = find(source, number);
  if (row == nullptr) return ofRange(source, number);
  switch (source) {
    case Source::cms:
      return {row->kind, "CMS " + std::to_string(number) + ": " + row->words};
    case Source::cme:
      return {row->kind, "CME " + std::to_string(number) + ": " + row->words};
    case Source::gammu:
    case Source::worker:
      return {row->kind, row->words};
  }
  return {OutcomeKind::unknown, row->words};
}

Finding finding(Event event) { return finding(Source::worker, static_cast<int>(event)); }

}  // namespace smsd::gammu
