// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl preview`: shows the SMS that one recipient would get for a list of messages. Sends nothing.
//
// Owns the text and the JSON of that command. Called by smsctl's main, which reads the options and standard
// input. Pure; uses no queue and no daemon; never fails.
#pragma once

#include <string>
#include <vector>

#include "supervisor/format/format.h"

namespace smsd::smsctl {

/// Returns the SMS, then one line with its size and its numbers of messages. `lines` are the messages, most
/// severe first.
std::string previewText(const std::vector<std::string>& lines, const format::FormatRules& rules);

/// Returns one line: {"sms", "sent", "ignored", "encoding": "gsm7"|"ucs2", "units", "parts"}, where sent and
/// ignored are counts. Adds the count "carried" if messages are left for the next SMS.
std::string previewJson(const std::vector<std::string>& lines, const format::FormatRules& rules);

}  // namespace smsd::smsctl
