// SPDX-License-Identifier: GPL-3.0-or-later
// What `queue retry` says of a message that it leaves as it is: the true word for each state, and the command
// that helps.
//
// Called by the daemon, and by smsctl for a queue without a daemon. Pure.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "common/config/keys.h"
#include "supervisor/queue/queue.h"

namespace smsd::control {

/// Explains why an ignored message is not made unsent again.
inline std::string tooOld(format::MessageId message, queue::Duration expireAfter) {
  return fmt::format(
      "message {} is older than queue.expire_after ({}): it would be ignored again at once; send its text as "
      "a new message",
      message, config::printDuration(expireAfter));
}

/// Whether restore() would leave this ignored message as it is, because of its age.
inline bool isTooOld(const queue::MessageLife& life, std::optional<queue::Duration> expireAfter) {
  return life.message.status == queue::SentStatus::ignored && expireAfter && life.age &&
         *life.age > *expireAfter;
}

/// Returns why a retry of a message does nothing; empty: it made the message unsent, or the message is unsent
/// and its recipient may wait.
inline std::string notRetried(format::MessageId message, const queue::Restored& restored,
                              std::optional<queue::Duration> expireAfter) {
  using Result = queue::Restored::Result;
  switch (restored.result) {
    case Result::unknown:
      return fmt::format("there is no message {} in the queue", message);
    case Result::tooOld:
      return tooOld(message, expireAfter.value_or(queue::Duration(0)));
    case Result::sent:
      return fmt::format("message {} was sent: there is nothing to retry", message);
    case Result::held:
      return fmt::format(
          "message {0} is held, because it may have been sent: `smsctl queue release {1}` lets it be sent "
          "again, `smsctl queue discard {1}` gives it up",
          message, restored.held);
    case Result::restored:
    case Result::notIgnored:
      break;
  }
  return "";
}

enum class InProgress { no, yes };

/// Explains why the recipient of an unsent message did not wait.
inline std::string notWaiting(format::MessageId message, InProgress inProgress) {
  if (inProgress == InProgress::yes)
    return fmt::format("an SMS to the recipient of message {0} is under way; `smsctl explain {0}` shows it",
                       message);
  return fmt::format(
      "message {} may be sent now; if it is not sent within a minute, `smsctl status` shows why", message);
}

}  // namespace smsd::control
