// SPDX-License-Identifier: GPL-3.0-or-later
// smsd's own shape: one alert, or a list of them, as JSON. Pure.
//
//   {"to": "+47 900 00 001", "text": "disk full", "severity": 2, "key": "disk-7", "expires_in": 3600}
//   {"group": "ops", "text": "disk is well again", "cancels": "disk-7"}
//
// `to` and `group` are a text, or a list. An unknown member is refused, so that a misspelt key is noticed. A
// body that does not begin with a bracket is a form with the same names, for scripts that cannot quote JSON.
#pragma once

#include <string_view>
#include <vector>

#include "clients/shapes/answer.h"
#include "clients/shapes/severity-words.h"
#include "clients/shapes/submission.h"

namespace smsd::shapes {

/// `to`: the recipients of the target's query, for alerts that name none.
RequestRead readPlainAlerts(std::string_view body, const std::vector<Target>& to,
                            const SeverityWords& severities);

/// {"fates": [{"result": "queued", "messages": [7], "recipients": ["+4790000001"]}]} or {"error": "..."}.
WebAnswer answerPlainAlerts(const SubmissionResult& result);

/// The words of an error as JSON.
std::string errorAsJson(const std::string& words);

}  // namespace smsd::shapes
