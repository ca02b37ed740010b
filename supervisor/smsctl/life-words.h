// SPDX-License-Identifier: GPL-3.0-or-later
// The words for the life of a message: its state, why it is ignored, what it waits for, what to do next.
//
// Called by explain.cpp, for the text and for the JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/queue/records.h"

namespace smsd::smsctl {

/// What the configuration says about giving up (retry.*).
struct GivingUp {
  int limit = 0;
  config::AtLimit atLimit = config::AtLimit::ignore;
  std::optional<Milliseconds> after;  // none: never
};

/// unsent, under way, held, sent or ignored.
std::string_view stateOf(const queue::MessageLife& life);
/// Whether the last submission explains the state of the message.
bool toldBySubmission(const queue::MessageLife& life);
/// Returns why a submission was ignored. Its last attempt decided that.
std::string whyIgnored(const queue::SubmissionRecord& submission);
/// Returns why the message is ignored; empty if it is not ignored.
std::string whyIgnored(const queue::MessageLife& life);
/// The facts that a program submitted with a message at intake.sock, and the effect on other alerts: one fact
/// an element.
std::vector<std::string> wordsOf(const queue::AlertRecord& alert);
/// Returns how long the recipient has failed, and when the message will be given up.
std::string patience(const queue::MessageLife& life, const GivingUp& givingUp);
/// Whether `queue retry` would make an ignored message unsent again.
enum class Retryable { yes, tooOld };
/// Whether a running smsd returned the history of the message.
enum class FromSmsd { no, yes };
/// Returns what an operator can do now.
std::string nextStep(const queue::MessageLife& life, Retryable retryable, FromSmsd = FromSmsd::yes);

/// Returns why `queue cancel` left a message as it is. `life`: none if the queue has no such message.
std::string whyNotCancelled(format::MessageId id, const std::optional<queue::MessageLife>& life);

/// "2 parts, 170 septets in GSM-7"; empty if the queue does not know.
std::string formatting(const queue::SubmissionRecord& submission);
/// "12 ms", "4.5 s", "3h 51m".
std::string tookWords(queue::Duration took);

}  // namespace smsd::smsctl
