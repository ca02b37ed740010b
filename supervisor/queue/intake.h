// SPDX-License-Identifier: GPL-3.0-or-later
// The values of the alerts that programs submit to smsd, as the queue keeps them.
//
// A submitted alert is a message like any other: a row of smsq, which other readers of that table see. Beside
// it the queue keeps what smsq has no column for: the whole text, the deduplication key, the time at which it
// expires, and who submitted it. Part of the interface of a queue (queue.h). Values only. Called by the
// backends and by the room intake.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/records.h"

namespace smsd::queue {

/// One alert to one number. The texts are UTF-8 without NUL.
struct NewAlert {
  std::string recipient;  // in the form in which the queue is to have it
  std::string text;       // may be longer than smsq.msg; empty only if `cancels` is set
  std::optional<int> severity = std::nullopt;
  std::string caller;  // the name of the user who submitted it; no line end
  std::string label = {};
  std::string group = {};  // the group by which it goes to this number; empty: none
  std::string key = {};    // compared byte by byte among the alerts of one caller to one number; empty: none
  std::string cancels = {};  // the key of the alert that this one resolves; empty: none
  std::optional<Duration> expiresIn = std::nullopt;
};

/// What became of one alert.
struct AlertFate {
  enum class Result {
    queued,
    cancelled,  // the earlier alert was unsent and is ignored now; this one is no message
    duplicate,  // an alert with this key is in the queue or was; this one is no message
    notSent,    // nothing was to be cancelled, and the text is empty
  } result = Result::queued;
  format::MessageId message = 0;  // the new message, or that of the earlier alert; 0: none, or not known
};

struct Submitted {
  enum class Offer {
    taken,
    notOffered,  // this queue takes no alerts
    notYet,      // an older version of the schema or of a supervisor is in the way
  } offer = Offer::notOffered;
  std::vector<AlertFate> fates;  // one for each alert, in their order; empty unless they were taken
};

/// Tells two alerts of one caller to one number apart. Neither name nor number has a line end.
inline std::string identityOf(const NewAlert& alert, const std::string& key) {
  return alert.caller + '\n' + alert.recipient + '\n' + key;
}

}  // namespace smsd::queue
