// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a webhook of Alertmanager, version 4, or of Grafana. Pure.
//
// Reads without a tree of the document, so that 10,000 alerts take no more memory than their texts. Each
// alert has a key, the same in each repetition and from each Alertmanager of a pair: receiver, group,
// fingerprint, start and status. A resolved alert cancels its firing one. Fails with words for the client.
#pragma once

#include <string_view>
#include <vector>

#include "clients/shapes/alert-text.h"
#include "clients/shapes/answer.h"
#include "clients/shapes/severity-words.h"
#include "clients/shapes/submission.h"

namespace smsd::shapes {

struct AlertmanagerRules {
  AlertTemplate firing, resolved;
  SeverityWords severities;
  std::string severityLabel = "severity";
  int otherwise = 0;         // for a label that is missing or has an unknown word
  bool sendResolved = true;  // if its firing alert has left already
};

RequestRead readAlertmanager(std::string_view body, const std::vector<Target>& to,
                             const AlertmanagerRules& rules);

/// Alertmanager repeats a request only after a 5xx, so that a rate that is used up is a 503 here.
WebAnswer answerAlertmanager(const SubmissionResult& result);

}  // namespace smsd::shapes
