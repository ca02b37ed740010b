// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/error-words.h"

#include <cctype>
#include <string>

namespace smsd::gammu {
namespace {

const std::vector<ErrorWords> wordsOfErrors = {
    // TS 24.011 E.2
    {ErrorSource::cms, 1, "Unassigned (unallocated) number"},
    {ErrorSource::cms, 1, "Unassigned number"},
    {ErrorSource::cms, 8, "Operator determined barring"},
    {ErrorSource::cms, 10, "Call barred"},
    {ErrorSource::cms, 17, "Network failure"},
    {ErrorSource::cms, 21, "Short message transfer rejected"},
    {ErrorSource::cms, 21, "SM transfer rejected"},
    {ErrorSource::cms, 22, "Memory capacity exceeded"},
    {ErrorSource::cms, 27, "Destination out of service"},
    {ErrorSource::cms, 27, "Destination out of order"},
    {ErrorSource::cms, 28, "Unidentified subscriber"},
    {ErrorSource::cms, 29, "Facility rejected"},
    {ErrorSource::cms, 30, "Unknown subscriber"},
    {ErrorSource::cms, 38, "Network out of order"},
    {ErrorSource::cms, 41, "Temporary failure"},
    {ErrorSource::cms, 42, "Congestion"},
    {ErrorSource::cms, 47, "Resources unavailable, unspecified"},
    {ErrorSource::cms, 47, "Resources unavailable"},
    {ErrorSource::cms, 50, "Requested facility not subscribed"},
    {ErrorSource::cms, 69, "Requested facility not implemented"},
    {ErrorSource::cms, 81, "Invalid short message transfer reference value"},
    {ErrorSource::cms, 81, "Invalid transaction identifier"},
    {ErrorSource::cms, 95, "Semantically incorrect message"},
    {ErrorSource::cms, 95, "Invalid message, unspecified"},
    {ErrorSource::cms, 96, "Invalid mandatory information"},
    {ErrorSource::cms, 97, "Message type non-existent or not implemented"},
    {ErrorSource::cms, 98, "Message not compatible with short message protocol state"},
    {ErrorSource::cms, 99, "Information element non-existent or not implemented"},
    {ErrorSource::cms, 111, "Protocol error, unspecified"},
    {ErrorSource::cms, 127, "Interworking, unspecified"},
    // TS 23.040 9.2.3.22
    {ErrorSource::cms, 128, "Telematic interworking not supported"},
    {ErrorSource::cms, 129, "Short message Type 0 not supported"},
    {ErrorSource::cms, 130, "Cannot replace short message"},
    {ErrorSource::cms, 143, "Unspecified TP-PID error"},
    {ErrorSource::cms, 144, "Data coding scheme (alphabet) not supported"},
    {ErrorSource::cms, 145, "Message class not supported"},
    {ErrorSource::cms, 159, "Unspecified TP-DCS error"},
    {ErrorSource::cms, 160, "Command cannot be actioned"},
    {ErrorSource::cms, 160, "Command cannot be acted"},
    {ErrorSource::cms, 161, "Command unsupported"},
    {ErrorSource::cms, 175, "Unspecified TP-Command error"},
    {ErrorSource::cms, 176, "TPDU not supported"},
    {ErrorSource::cms, 192, "SC busy"},
    {ErrorSource::cms, 193, "No SC subscription"},
    {ErrorSource::cms, 194, "SC system failure"},
    {ErrorSource::cms, 195, "Invalid SME address"},
    {ErrorSource::cms, 196, "Destination SME barred"},
    {ErrorSource::cms, 197, "SM Rejected-Duplicate SM"},
    {ErrorSource::cms, 198, "TP-VPF not supported"},
    {ErrorSource::cms, 199, "TP-VP not supported"},
    {ErrorSource::cms, 208, "(U)SIM SMS storage full"},
    {ErrorSource::cms, 208, "SIM SMS storage full"},
    {ErrorSource::cms, 209, "No SMS storage capability in (U)SIM"},
    {ErrorSource::cms, 209, "No SMS storage capability in SIM"},
    {ErrorSource::cms, 210, "Error in MS"},
    {ErrorSource::cms, 212, "(U)SIM Application Toolkit busy"},
    {ErrorSource::cms, 212, "SIM Application Toolkit busy"},
    {ErrorSource::cms, 213, "(U)SIM data download error"},
    {ErrorSource::cms, 213, "SIM data download error"},
    {ErrorSource::cms, 255, "Unspecified error cause"},
    // TS 27.005 3.2.5
    {ErrorSource::cms, 300, "ME failure"},
    {ErrorSource::cms, 300, "Phone failure"},
    {ErrorSource::cms, 301, "SMS service of ME reserved"},
    {ErrorSource::cms, 301, "SMS ME reserved"},
    {ErrorSource::cms, 302, "Operation not allowed"},
    {ErrorSource::cms, 303, "Operation not supported"},
    {ErrorSource::cms, 304, "Invalid PDU mode parameter"},
    {ErrorSource::cms, 304, "Invalid PDU mode"},
    {ErrorSource::cms, 305, "Invalid text mode parameter"},
    {ErrorSource::cms, 305, "Invalid text mode"},
    {ErrorSource::cms, 310, "(U)SIM not inserted"},
    {ErrorSource::cms, 310, "SIM not inserted"},
    {ErrorSource::cms, 311, "(U)SIM PIN required"},
    {ErrorSource::cms, 311, "SIM PIN required"},
    {ErrorSource::cms, 311, "SIM PIN necessary"},
    {ErrorSource::cms, 312, "PH-(U)SIM PIN required"},
    {ErrorSource::cms, 312, "PH-SIM PIN required"},
    {ErrorSource::cms, 312, "PH-SIM PIN necessary"},
    {ErrorSource::cms, 313, "(U)SIM failure"},
    {ErrorSource::cms, 313, "SIM failure"},
    {ErrorSource::cms, 314, "(U)SIM busy"},
    {ErrorSource::cms, 314, "SIM busy"},
    {ErrorSource::cms, 315, "(U)SIM wrong"},
    {ErrorSource::cms, 315, "SIM wrong"},
    {ErrorSource::cms, 316, "(U)SIM PUK required"},
    {ErrorSource::cms, 316, "SIM PUK required"},
    {ErrorSource::cms, 317, "(U)SIM PIN2 required"},
    {ErrorSource::cms, 317, "SIM PIN2 required"},
    {ErrorSource::cms, 318, "(U)SIM PUK2 required"},
    {ErrorSource::cms, 318, "SIM PUK2 required"},
    {ErrorSource::cms, 320, "Memory failure"},
    {ErrorSource::cms, 321, "Invalid memory index"},
    {ErrorSource::cms, 322, "Memory full"},
    {ErrorSource::cms, 330, "SMSC address unknown"},
    {ErrorSource::cms, 330, "SCA unknown"},
    {ErrorSource::cms, 331, "No network service"},
    {ErrorSource::cms, 331, "No network"},
    {ErrorSource::cms, 332, "Network timeout"},
    {ErrorSource::cms, 340, "No +CNMA acknowledgement expected"},
    {ErrorSource::cms, 500, "Unknown error"},
    {ErrorSource::cms, 500, "Unknown"},
    // TS 27.007 9.2.1
    {ErrorSource::cme, 0, "Phone failure"},
    {ErrorSource::cme, 0, "MT failure"},
    {ErrorSource::cme, 1, "No connection to phone"},
    {ErrorSource::cme, 2, "Phone-adaptor link reserved"},
    {ErrorSource::cme, 2, "Phone adapter link reserved"},
    {ErrorSource::cme, 3, "Operation not allowed"},
    {ErrorSource::cme, 4, "Operation not supported"},
    {ErrorSource::cme, 5, "PH-SIM PIN required"},
    {ErrorSource::cme, 6, "PH-FSIM PIN required"},
    {ErrorSource::cme, 7, "PH-FSIM PUK required"},
    {ErrorSource::cme, 10, "SIM not inserted"},
    {ErrorSource::cme, 11, "SIM PIN required"},
    {ErrorSource::cme, 12, "SIM PUK required"},
    {ErrorSource::cme, 13, "SIM failure"},
    {ErrorSource::cme, 14, "SIM busy"},
    {ErrorSource::cme, 15, "SIM wrong"},
    {ErrorSource::cme, 16, "Incorrect password"},
    {ErrorSource::cme, 17, "SIM PIN2 required"},
    {ErrorSource::cme, 18, "SIM PUK2 required"},
    {ErrorSource::cme, 20, "Memory full"},
    {ErrorSource::cme, 21, "Invalid index"},
    {ErrorSource::cme, 22, "Not found"},
    {ErrorSource::cme, 23, "Memory failure"},
    {ErrorSource::cme, 24, "Text string too long"},
    {ErrorSource::cme, 25, "Invalid characters in text string"},
    {ErrorSource::cme, 26, "Dial string too long"},
    {ErrorSource::cme, 27, "Invalid characters in dial string"},
    {ErrorSource::cme, 30, "No network service"},
    {ErrorSource::cme, 31, "Network timeout"},
    {ErrorSource::cme, 32, "Network not allowed - emergency calls only"},
    {ErrorSource::cme, 40, "Network personalization PIN required"},
    {ErrorSource::cme, 41, "Network personalization PUK required"},
    {ErrorSource::cme, 42, "Network subset personalization PIN required"},
    {ErrorSource::cme, 43, "Network subset personalization PUK required"},
    {ErrorSource::cme, 44, "Service provider personalization PIN required"},
    {ErrorSource::cme, 45, "Service provider personalization PUK required"},
    {ErrorSource::cme, 46, "Corporate personalization PIN required"},
    {ErrorSource::cme, 47, "Corporate personalization PUK required"},
    {ErrorSource::cme, 50, "Incorrect parameters"},
    {ErrorSource::cme, 100, "Unknown"},
    {ErrorSource::cme, 100, "Unknown error"},
};

/// Returns only the letters and digits of `words`, in lower case.
std::string plain(std::string_view words) {
  std::string result;
  for (unsigned char c : words)
    if (std::isalnum(c) != 0) result += static_cast<char>(std::tolower(c));
  return result;
}

}  // namespace

const std::vector<ErrorWords>& errorWords() { return wordsOfErrors; }

std::optional<int> numberOfWords(ErrorSource source, std::string_view words) {
  const std::string wanted = plain(words);
  for (auto& row : wordsOfErrors)
    if (row.source == source && plain(row.words) == wanted) return row.number;
  return std::nullopt;
}

}  // namespace smsd::gammu
