// `smsctl preview`: shows what one recipient would get for a list of messages, before anything is sent.
//
// Owns the words and the JSON of that command. Called by smsctl's main, which reads the options and standard
// input. Pure; touches no queue and no daemon; does not fail.
#pragma once

#include <string>
#include <vector>

#include "supervisor/format/format.h"

namespace smsd::smsctl {

/// `lines` are the messages, most severe first. The SMS, then one line on what it costs and what is in it.
std::string previewText(const std::vector<std::string>& lines, const FormatRules& rules);

/// One line: {"sms", "sent", "ignored", "encoding": "gsm7"|"ucs2", "units", "parts"}, where sent and ignored
/// are counts, and "carried" with one when messages are left for the next SMS.
std::string previewJson(const std::vector<std::string>& lines, const FormatRules& rules);

}  // namespace smsd::smsctl
