// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/error-words.h"

#include <cctype>
#include <string>

namespace smsd::gammu {
namespace {

const std::vector<ErrorWords> wordsOfErrors = {
    // TS 24.011 E.2
    {Source::cms, 1, "Unassigned (unallocated) number"},
    {Source::cms, 1, "Unassigned number"},
    {Source::cms, 8, "Operator determined barring"},
    {Source::cms, 10, "Call barred"},
    {Source::cms, 17, "Network failure"},
    {Source::cms, 21, "Short message transfer rejected"},
    {Source::cms, 21, "SM transfer rejected"},
    {Source::cms, 22, "Memory capacity exceeded"},
    {Source::cms, 27, "Destination out of service"},
    {Source::cms, 27, "Destination out of order"},
    {Source::cms, 28, "Unidentified subscriber"},
    {Source::cms, 29, "Facility rejected"},
    {Source::cms, 30, "Unknown subscriber"},
    {Source::cms, 38, "Network out of order"},
    {Source::cms, 41, "Temporary failure"},
    {Source::cms, 42, "Congestion"},
    {Source::cms, 47, "Resources unavailable, unspecified"},
    {Source::cms, 47, "Resources unavailable"},
    {Source::cms, 50, "Requested facility not subscribed"},
    {Source::cms, 69, "Requested facility not implemented"},
    {Source::cms, 81, "Invalid short message transfer reference value"},
    {Source::cms, 81, "Invalid transaction identifier"},
    {Source::cms, 95, "Semantically incorrect message"},
    {Source::cms, 95, "Invalid message, unspecified"},
    {Source::cms, 96, "Invalid mandatory information"},
    {Source::cms, 97, "Message type non-existent or not implemented"},
    {Source::cms, 98, "Message not compatible with short message protocol state"},
    {Source::cms, 99, "Information element non-existent or not implemented"},
    {Source::cms, 111, "Protocol error, unspecified"},
    {Source::cms, 127, "Interworking, unspecified"},
    // TS 23.040 9.2.3.22
    {Source::cms, 128, "Telematic interworking not supported"},
    {Source::cms, 129, "Short message Type 0 not supported"},
    {Source::cms, 130, "Cannot replace short message"},
    {Source::cms, 143, "Unspecified TP-PID error"},
    {Source::cms, 144, "Data coding scheme (alphabet) not supported"},
    {Source::cms, 145, "Message class not supported"},
    {Source::cms, 159, "Unspecified TP-DCS error"},
    {Source::cms, 160, "Command cannot be actioned"},
    {Source::cms, 160, "Command cannot be acted"},
    {Source::cms, 161, "Command unsupported"},
    {Source::cms, 175, "Unspecified TP-Command error"},
    {Source::cms, 176, "TPDU not supported"},
    {Source::cms, 192, "SC busy"},
    {Source::cms, 193, "No SC subscription"},
    {Source::cms, 194, "SC system failure"},
    {Source::cms, 195, "Invalid SME address"},
    {Source::cms, 196, "Destination SME barred"},
    {Source::cms, 197, "SM Rejected-Duplicate SM"},
    {Source::cms, 198, "TP-VPF not supported"},
    {Source::cms, 199, "TP-VP not supported"},
    {Source::cms, 208, "(U)SIM SMS storage full"},
    {Source::cms, 208, "SIM SMS storage full"},
    {Source::cms, 209, "No SMS storage capability in (U)SIM"},
    {Source::cms, 209, "No SMS storage capability in SIM"},
    {Source::cms, 210, "Error in MS"},
    {Source::cms, 212, "(U)SIM Application Toolkit busy"},
    {Source::cms, 212, "SIM Application Toolkit busy"},
    {Source::cms, 213, "(U)SIM data download error"},
    {Source::cms, 213, "SIM data download error"},
    {Source::cms, 255, "Unspecified error cause"},
    // TS 27.005 3.2.5
    {Source::cms, 300, "ME failure"},
    {Source::cms, 300, "Phone failure"},
    {Source::cms, 301, "SMS service of ME reserved"},
    {Source::cms, 301, "SMS ME reserved"},
    {Source::cms, 302, "Operation not allowed"},
    {Source::cms, 303, "Operation not supported"},
    {Source::cms, 304, "Invalid PDU mode parameter"},
    {Source::cms, 304, "Invalid PDU mode"},
    {Source::cms, 305, "Invalid text mode parameter"},
    {Source::cms, 305, "Invalid text mode"},
    {Source::cms, 310, "(U)SIM not inserted"},
    {Source::cms, 310, "SIM not inserted"},
    {Source::cms, 311, "(U)SIM PIN required"},
    {Source::cms, 311, "SIM PIN required"},
    {Source::cms, 311, "SIM PIN necessary"},
    {Source::cms, 312, "PH-(U)SIM PIN required"},
    {Source::cms, 312, "PH-SIM PIN required"},
    {Source::cms, 312, "PH-SIM PIN necessary"},
    {Source::cms, 313, "(U)SIM failure"},
    {Source::cms, 313, "SIM failure"},
    {Source::cms, 314, "(U)SIM busy"},
    {Source::cms, 314, "SIM busy"},
    {Source::cms, 315, "(U)SIM wrong"},
    {Source::cms, 315, "SIM wrong"},
    {Source::cms, 316, "(U)SIM PUK required"},
    {Source::cms, 316, "SIM PUK required"},
    {Source::cms, 317, "(U)SIM PIN2 required"},
    {Source::cms, 317, "SIM PIN2 required"},
    {Source::cms, 318, "(U)SIM PUK2 required"},
    {Source::cms, 318, "SIM PUK2 required"},
    {Source::cms, 320, "Memory failure"},
    {Source::cms, 321, "Invalid memory index"},
    {Source::cms, 322, "Memory full"},
    {Source::cms, 330, "SMSC address unknown"},
    {Source::cms, 330, "SCA unknown"},
    {Source::cms, 331, "No network service"},
    {Source::cms, 331, "No network"},
    {Source::cms, 332, "Network timeout"},
    {Source::cms, 340, "No +CNMA acknowledgement expected"},
    {Source::cms, 500, "Unknown error"},
    {Source::cms, 500, "Unknown"},
    // TS 27.007 9.2.1
    {Source::cme, 0, "Phone failure"},
    {Source::cme, 0, "MT failure"},
    {Source::cme, 1, "No connection to phone"},
    {Source::cme, 2, "Phone-adaptor link reserved"},
    {Source::cme, 2, "Phone adapter link reserved"},
    {Source::cme, 3, "Operation not allowed"},
    {Source::cme, 4, "Operation not supported"},
    {Source::cme, 5, "PH-SIM PIN required"},
    {Source::cme, 6, "PH-FSIM PIN required"},
    {Source::cme, 7, "PH-FSIM PUK required"},
    {Source::cme, 10, "SIM not inserted"},
    {Source::cme, 11, "SIM PIN required"},
    {Source::cme, 12, "SIM PUK required"},
    {Source::cme, 13, "SIM failure"},
    {Source::cme, 14, "SIM busy"},
    {Source::cme, 15, "SIM wrong"},
    {Source::cme, 16, "Incorrect password"},
    {Source::cme, 17, "SIM PIN2 required"},
    {Source::cme, 18, "SIM PUK2 required"},
    {Source::cme, 20, "Memory full"},
    {Source::cme, 21, "Invalid index"},
    {Source::cme, 22, "Not found"},
    {Source::cme, 23, "Memory failure"},
    {Source::cme, 24, "Text string too long"},
    {Source::cme, 25, "Invalid characters in text string"},
    {Source::cme, 26, "Dial string too long"},
    {Source::cme, 27, "Invalid characters in dial string"},
    {Source::cme, 30, "No network service"},
    {Source::cme, 31, "Network timeout"},
    {Source::cme, 32, "Network not allowed - emergency calls only"},
    {Source::cme, 40, "Network personalization PIN required"},
    {Source::cme, 41, "Network personalization PUK required"},
    {Source::cme, 42, "Network subset personalization PIN required"},
    {Source::cme, 43, "Network subset personalization PUK required"},
    {Source::cme, 44, "Service provider personalization PIN required"},
    {Source::cme, 45, "Service provider personalization PUK required"},
    {Source::cme, 46, "Corporate personalization PIN required"},
    {Source::cme, 47, "Corporate personalization PUK required"},
    {Source::cme, 50, "Incorrect parameters"},
    {Source::cme, 100, "Unknown"},
    {Source::cme, 100, "Unknown error"},
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

std::optional<int> numberOfWords(Source source, std::string_view words) {
  const std::string wanted = plain(words);
  for (auto& row : wordsOfErrors)
    if (row.source == source && plain(row.words) == wanted) return row.number;
  return std::nullopt;
}

}  // namespace smsd::gammu
