// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/outcomes.h"

#include <algorithm>
#include <optional>

namespace smsd::gammu {
namespace {

// The words are smsd's own. The numbers and their meanings come from the documents that outcomes.h names.
const std::vector<Entry> rows = {
    // TS 24.011 8.2.5.4, RP-Cause of a mobile originated SMS; 17 and 22 are CP-Causes (8.1.4.2)
    {Source::cms, 1, Fate::refused, "the number is not assigned"},
    {Source::cms, 8, Fate::broken, "the operator bars this SIM from sending SMS"},
    {Source::cms, 10, Fate::refused, "SMS to this number are barred"},
    {Source::cms, 17, Fate::deferred, "failure in the network"},
    {Source::cms, 21, Fate::refused, "the recipient's side rejects this SMS"},
    {Source::cms, 22, Fate::deferred, "the network is congested"},
    {Source::cms, 27, Fate::deferred, "the destination is out of order"},
    {Source::cms, 28, Fate::broken, "the network does not know this SIM"},
    {Source::cms, 29, Fate::deferred, "the network does not offer this service"},
    {Source::cms, 30, Fate::deferred, "unknown subscriber"},
    {Source::cms, 38, Fate::deferred, "the network is out of order"},
    {Source::cms, 41, Fate::deferred, "temporary failure"},
    {Source::cms, 42, Fate::deferred, "congestion"},
    {Source::cms, 47, Fate::deferred, "no resources"},
    {Source::cms, 50, Fate::broken, "SMS are not part of this subscription"},
    {Source::cms, 69, Fate::broken, "the network does not implement SMS"},
    {Source::cms, 81, Fate::deferred, "protocol error: invalid transfer reference"},
    {Source::cms, 95, Fate::deferred, "protocol error: invalid message"},
    {Source::cms, 96, Fate::deferred, "protocol error: invalid mandatory information"},
    {Source::cms, 97, Fate::deferred, "protocol error: unknown message type"},
    {Source::cms, 98, Fate::deferred, "protocol error: wrong state"},
    {Source::cms, 99, Fate::deferred, "protocol error: unknown information element"},
    {Source::cms, 111, Fate::deferred, "protocol error"},
    {Source::cms, 127, Fate::deferred, "an interworking network gave no cause"},
    // TS 23.040 9.2.3.22, TP-Failure-Cause
    {Source::cms, 128, Fate::refused, "telematic interworking is not supported"},
    {Source::cms, 129, Fate::refused, "SMS of type 0 are not supported"},
    {Source::cms, 130, Fate::refused, "there is nothing to replace"},
    {Source::cms, 143, Fate::refused, "error of the protocol identifier"},
    {Source::cms, 144, Fate::refused, "the alphabet is not supported"},
    {Source::cms, 145, Fate::broken, "the message class (flash) is not supported"},
    {Source::cms, 159, Fate::refused, "error of the data coding scheme"},
    {Source::cms, 160, Fate::refused, "the command cannot be acted on"},
    {Source::cms, 161, Fate::refused, "the command is not supported"},
    {Source::cms, 175, Fate::refused, "error of the command"},
    {Source::cms, 176, Fate::refused, "SMS of this kind are not supported"},
    {Source::cms, 192, Fate::deferred, "the service centre is busy"},
    {Source::cms, 193, Fate::broken, "no subscription with the service centre"},
    {Source::cms, 194, Fate::deferred, "failure in the service centre"},
    {Source::cms, 195, Fate::refused, "the number is invalid"},
    {Source::cms, 196, Fate::refused, "the destination is barred"},
    {Source::cms, 197, Fate::unknown, "the service centre has an equal SMS already"},
    {Source::cms, 198, Fate::broken, "this form of validity is not supported"},
    {Source::cms, 199, Fate::broken, "this validity is not supported"},
    {Source::cms, 208, Fate::deferred, "the SIM's memory is full"},
    {Source::cms, 209, Fate::deferred, "the SIM cannot store SMS"},
    {Source::cms, 210, Fate::deferred, "error in the modem"},
    {Source::cms, 211, Fate::deferred, "the memory is full"},
    {Source::cms, 212, Fate::deferred, "the SIM's toolkit is busy"},
    {Source::cms, 213, Fate::deferred, "data download to the SIM failed"},
    {Source::cms, 255, Fate::deferred, "the service centre gave no cause"},
    // TS 27.005 3.2.5
    {Source::cms, 300, Fate::deferred, "failure in the modem"},
    {Source::cms, 301, Fate::deferred, "the modem's SMS service is reserved"},
    {Source::cms, 302, Fate::deferred, "not allowed now"},
    {Source::cms, 303, Fate::broken, "the modem does not support it"},
    {Source::cms, 304, Fate::refused, "the modem finds a fault in this SMS"},
    {Source::cms, 305, Fate::refused, "the modem finds a fault in this text"},
    {Source::cms, 310, Fate::broken, "no SIM"},
    {Source::cms, 311, Fate::broken, "the SIM asks for its PIN"},
    {Source::cms, 312, Fate::broken, "the modem asks for the PIN of its SIM lock"},
    {Source::cms, 313, Fate::broken, "the SIM fails"},
    {Source::cms, 314, Fate::deferred, "the SIM is busy"},
    {Source::cms, 315, Fate::broken, "the wrong SIM"},
    {Source::cms, 316, Fate::broken, "the SIM is locked and asks for its PUK"},
    {Source::cms, 317, Fate::broken, "the SIM asks for PIN2"},
    {Source::cms, 318, Fate::broken, "the SIM asks for PUK2"},
    {Source::cms, 320, Fate::deferred, "memory failure in the modem"},
    {Source::cms, 321, Fate::deferred, "invalid memory index"},
    {Source::cms, 322, Fate::deferred, "the modem's memory is full"},
    {Source::cms, 330, Fate::broken, "no number of a service centre"},
    {Source::cms, 331, Fate::deferred, "no network"},
    {Source::cms, 332, Fate::unknown, "the network did not answer"},
    {Source::cms, 340, Fate::deferred, "no acknowledgement was expected"},
    {Source::cms, 500, Fate::unknown, "an error that the modem has no number for"},
    // TS 27.007 9.2.1
    {Source::cme, 0, Fate::deferred, "failure in the modem"},
    {Source::cme, 1, Fate::deferred, "no connection to the telephone"},
    {Source::cme, 2, Fate::deferred, "the link is reserved"},
    {Source::cme, 3, Fate::deferred, "not allowed now"},
    {Source::cme, 4, Fate::broken, "the modem does not support it"},
    {Source::cme, 5, Fate::broken, "the modem asks for the PIN of its SIM lock"},
    {Source::cme, 6, Fate::broken, "the modem asks for the PIN of its first SIM"},
    {Source::cme, 7, Fate::broken, "the modem asks for the PUK of its first SIM"},
    {Source::cme, 10, Fate::broken, "no SIM"},
    {Source::cme, 11, Fate::broken, "the SIM asks for its PIN"},
    {Source::cme, 12, Fate::broken, "the SIM is locked and asks for its PUK"},
    {Source::cme, 13, Fate::broken, "the SIM fails"},
    {Source::cme, 14, Fate::deferred, "the SIM is busy"},
    {Source::cme, 15, Fate::broken, "the wrong SIM"},
    {Source::cme, 16, Fate::broken, "incorrect password"},
    {Source::cme, 17, Fate::broken, "the SIM asks for PIN2"},
    {Source::cme, 18, Fate::broken, "the SIM asks for PUK2"},
    {Source::cme, 20, Fate::deferred, "the memory is full"},
    {Source::cme, 21, Fate::deferred, "invalid memory index"},
    {Source::cme, 22, Fate::deferred, "not found"},
    {Source::cme, 23, Fate::deferred, "memory failure"},
    {Source::cme, 24, Fate::refused, "the text is too long"},
    {Source::cme, 25, Fate::refused, "invalid characters in the text"},
    {Source::cme, 26, Fate::refused, "the number is too long"},
    {Source::cme, 27, Fate::refused, "invalid characters in the number"},
    {Source::cme, 30, Fate::deferred, "no network"},
    {Source::cme, 31, Fate::unknown, "the network did not answer"},
    {Source::cme, 32, Fate::broken, "the network allows emergency calls only"},
    {Source::cme, 40, Fate::broken, "locked to a network: PIN"},
    {Source::cme, 41, Fate::broken, "locked to a network: PUK"},
    {Source::cme, 42, Fate::broken, "locked to a network subset: PIN"},
    {Source::cme, 43, Fate::broken, "locked to a network subset: PUK"},
    {Source::cme, 44, Fate::broken, "locked to a service provider: PIN"},
    {Source::cme, 45, Fate::broken, "locked to a service provider: PUK"},
    {Source::cme, 46, Fate::broken, "locked to a corporation: PIN"},
    {Source::cme, 47, Fate::broken, "locked to a corporation: PUK"},
    {Source::cme, 50, Fate::refused, "the modem finds a fault in this SMS"},
    {Source::cme, 100, Fate::unknown, "an error that the modem has no number for"},
    // gammu-error.h
    {Source::gammu, 2, Fate::broken, "the device cannot be opened"},
    {Source::gammu, 3, Fate::broken, "the device is locked"},
    {Source::gammu, 4, Fate::broken, "there is no such device"},
    {Source::gammu, 5, Fate::broken, "the device is busy"},
    {Source::gammu, 6, Fate::broken, "the device may not be opened"},
    {Source::gammu, 7, Fate::broken, "the device has no driver"},
    {Source::gammu, 8, Fate::broken, "the device does not work"},
    {Source::gammu, 9, Fate::broken, "DTR and RTS cannot be set"},
    {Source::gammu, 10, Fate::broken, "the speed cannot be set"},
    {Source::gammu, 11, Fate::deferred, "the device cannot be written to"},
    {Source::gammu, 12, Fate::deferred, "the device cannot be read"},
    {Source::gammu, 13, Fate::broken, "the parity cannot be set"},
    {Source::gammu, 14, Fate::deferred, "no answer in time"},
    {Source::gammu, 16, Fate::deferred, "an answer that libgammu does not understand"},
    {Source::gammu, 18, Fate::broken, "no such kind of connection"},
    {Source::gammu, 19, Fate::broken, "no such model"},
    {Source::gammu, 21, Fate::broken, "the modem does not support it"},
    {Source::gammu, 23, Fate::broken, "the modem does not allow it"},
    {Source::gammu, 27, Fate::deferred, "an error of the modem"},
    {Source::gammu, 31, Fate::broken, "no number of a service centre"},
    {Source::gammu, 33, Fate::deferred, "not connected"},
    {Source::gammu, 34, Fate::deferred, "the modem is at work on something else"},
    {Source::gammu, 35, Fate::broken, "the telephone is switched off"},
    {Source::gammu, 49, Fate::broken, "no SIM"},
    {Source::gammu, 56, Fate::deferred, "internal error of the telephone"},
    {Source::gammu, 66, Fate::deferred, "the modem is busy"},
    {Source::gammu, 69, Fate::deferred, "no number of a service centre could be read"},
    {Source::gammu, 70, Fate::deferred, "given up: no answer in time"},
    {Source::gammu, 73, Fate::deferred, "network error"},
    // observed by this worker
    {Source::worker, int(Event::noDevice), Fate::broken, "no modem at its path"},
    {Source::worker, int(Event::noPermission), Fate::broken, "the device may not be opened"},
    {Source::worker, int(Event::held), Fate::broken, "another program has the device"},
    {Source::worker, int(Event::mute), Fate::broken, "the modem does not answer"},
    {Source::worker, int(Event::noSim), Fate::broken, "no SIM"},
    {Source::worker, int(Event::simFailed), Fate::broken, "the SIM fails"},
    {Source::worker, int(Event::simBusy), Fate::deferred, "the SIM is busy"},
    {Source::worker, int(Event::pinMissing), Fate::broken, "the SIM asks for a PIN, and pin_file is not set"},
    {Source::worker, int(Event::pinRefused), Fate::broken, "the SIM refused the PIN; it is not tried again"},
    {Source::worker, int(Event::pinTriesUsed), Fate::broken,
     "the PIN is not tried: a try was used up already"},
    {Source::worker, int(Event::pinTriesUnknown), Fate::broken,
     "the PIN is not tried: tries left are not known"},
    {Source::worker, int(Event::pukNeeded), Fate::broken, "the SIM is locked and asks for its PUK"},
    {Source::worker, int(Event::notRegistered), Fate::deferred, "not registered with a network"},
    {Source::worker, int(Event::registrationDenied), Fate::broken, "the network denies registration"},
    {Source::worker, int(Event::noCentre), Fate::broken, "no number of a service centre: set smsc"},
    {Source::worker, int(Event::noPrompt), Fate::deferred, "no prompt for the text"},
    {Source::worker, int(Event::errorAtPrompt), Fate::deferred, "an error without a number before the text"},
    {Source::worker, int(Event::errorAfterText), Fate::unknown, "an error without a number after the text"},
    {Source::worker, int(Event::bareOk), Fate::unknown, "an OK without +CMGS after the text"},
    {Source::worker, int(Event::contradiction), Fate::unknown, "+CMGS after the text, and then an error"},
    {Source::worker, int(Event::silence), Fate::unknown, "no answer after the text was handed over"},
    {Source::worker, int(Event::unpluggedBefore), Fate::deferred,
     "unplugged before the text was handed over"},
    {Source::worker, int(Event::unpluggedAfter), Fate::unknown, "unplugged after the text was handed over"},
    {Source::worker, int(Event::partOnly), Fate::unknown, "only some parts were accepted"},
    {Source::worker, int(Event::badNumber), Fate::refused, "not a telephone number"},
    {Source::worker, int(Event::tooLong), Fate::refused, "more than 255 parts"},
};

const Entry* find(Source source, int number) {
  auto found = std::find_if(rows.begin(), rows.end(),
                            [&](const Entry& row) { return row.source == source && row.number == number; });
  return found == rows.end() ? nullptr : &*found;
}

/// Returns the meaning of a number that is not in the table. TS 24.011 requires other causes to be treated as
/// 41. A modem's own numbers have no known meaning.
Finding ofRange(Source source, int number) {
  if (source == Source::gammu) return {Fate::deferred, "libgammu's error " + std::to_string(number)};
  std::string said = (source == Source::cms ? "CMS " : "CME ") + std::to_string(number);
  if (source == Source::cms && number >= 0 && number <= 127)
    return {Fate::deferred, said + ": a cause on no list"};
  if (source == Source::cms && number >= 0 && number <= 255)
    return {Fate::deferred, said + ": the service centre refused it"};
  return {Fate::unknown, said + ": the modem's own number"};
}

}  // namespace

std::string_view name(Fate fate) {
  switch (fate) {
    case Fate::accepted:
      return "accepted";
    case Fate::refused:
      return "refused";
    case Fate::deferred:
      return "deferred";
    case Fate::broken:
      return "broken";
    case Fate::unknown:
      return "unknown";
  }
  return "unknown";
}

const std::vector<Entry>& table() { return rows; }

Finding finding(Source source, int number) {
  const Entry* row = find(source, number);
  if (row == nullptr) return ofRange(source, number);
  switch (source) {
    case Source::cms:
      return {row->fate, "CMS " + std::to_string(number) + ": " + row->words};
    case Source::cme:
      return {row->fate, "CME " + std::to_string(number) + ": " + row->words};
    case Source::gammu:
    case Source::worker:
      return {row->fate, row->words};
  }
  return {Fate::unknown, row->words};
}

Finding finding(Event event) { return finding(Source::worker, static_cast<int>(event)); }

}  // namespace smsd::gammu
