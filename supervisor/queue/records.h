// SPDX-License-Identifier: GPL-3.0-or-later
// The values of the queue that an operator reads or gives: messages, held SMS, the life of a message, counts.
//
// Part of the interface of a queue (queue.h). Values only. Called by each backend, smsctl and the control
// socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/format/message.h"

namespace smsd::queue {

using Duration = std::chrono::milliseconds;
using SubmissionId = std::int64_t;
using AttemptId = std::uint64_t;    // unique in the life of a queue; for test SMS see attempt-ids.h
using SupervisorId = std::int64_t;  // one run of one supervisor

/// Values of NAV's smsq.sent. A message in progress and a held one are still unsent.
enum class SentStatus : char { unsent = 'N', sent = 'Y', ignored = 'I' };

struct StoredMessage {
  format::MessageId id = 0;
  std::string recipient;
  std::string user;  // account.name; empty if the row belongs to no account
  std::string text;
  std::optional<int> severity;
  std::string time;  // as the database prints it, to the minute
  SentStatus status = SentStatus::unsent;
  bool underWay = false;  // its recipient has a live submission, and it is not held itself
  bool held = false;      // it waits for an operator's decision
};

/// An SMS that may have been sent, and waits for an operator's decision.
struct HeldSms {
  SubmissionId id = 0;
  std::string recipient;
  std::string text;
  std::vector<format::MessageId> messages;  // those in the text, and those only counted
  std::optional<int> severity;
  std::string dispatcher;  // of the last attempt with an unknown outcome
  std::string reason;
  std::string since;  // as the database prints it, to the second
};

/// The result of one attempt. While it is in progress, only `id` and `dispatcher` are set.
struct AttemptRecord {
  AttemptId id = 0;
  std::string dispatcher;
  std::string outcome;  // empty: in progress
  std::string reason;
  std::string reference;
  std::string ended;             // empty: in progress
  std::optional<Duration> took;  // since the attempt before it, or since the claim; none: not known
};

/// One SMS that contained or counted a message.
struct SubmissionRecord {
  SubmissionId id = 0;
  std::string key;
  std::string text;
  std::string supervisor;  // host[pid]
  std::string created;
  std::string ended;    // empty: live
  std::string fate;     // a Fate; released or discarded if it was held before; empty: live
  std::string decided;  // time of release or discard; empty: neither
  std::vector<format::MessageId> messages;  // those in the text, then those only counted
  bool onlyCounted = false;                 // the message was not in the text
  std::string encoding;                     // gsm7 or ucs2; empty: not known
  std::size_t units = 0, parts = 0;         // of the text, as the network counts; 0: not known
  std::vector<AttemptRecord> attempts;      // in order
};

/// The facts that the queue keeps of a message that a program submitted (intake.h), beside its row.
struct AlertRecord {
  std::string caller;         // the user
  std::string label;          // on whose behalf; empty: not said
  std::string group;          // by which it goes to its number; empty: none
  std::string key;            // of its deduplication; empty: none
  std::string expires;        // as the database prints it, to the second; empty: never
  std::uint64_t repeats = 0;  // alerts that were duplicates of this one
  std::string repeated;       // the time of the last of them; empty: there was none
  std::string resolvedBy;     // the user, and the label if there is one, whose alert resolved it; empty: none
};

/// The life of one message, for `smsctl explain`.
struct MessageLife {
  StoredMessage message;
  std::string timeSent;  // empty: never
  std::optional<int> smsid;
  std::vector<SubmissionRecord> submissions;  // in order
  std::string ignoredBecause;  // expired, cancelled or resolved; set only if no submission is the reason
  std::string waitsUntil;      // empty: its recipient does not wait
  int rounds = 0;
  std::string failingSince;         // time of its recipient's first counted failure; empty: none
  std::optional<Duration> failing;  // time since `failingSince`
  std::optional<Duration> latency;  // from the message's time to `timeSent`; none: not known
  std::optional<Duration> age;      // since the message's time; none: not known
  std::optional<AlertRecord> alert = std::nullopt;  // none: no program submitted it
  std::string pacedUntil = {};  // the next SMS to its recipient does not leave before; empty: it may
};

struct NewMessage {
  std::optional<int> account;
  std::string recipient;
  std::string text;
  std::optional<int> severity;
};

/// The messages that an operator cancelled.
struct Cancelled {
  std::size_t count = 0;
  std::vector<StoredMessage> messages;  // in order of their ids, up to the requested number
};

/// Selects the messages of a cancel. A message has to match all that is set.
struct Choice {
  format::MessageId message = 0;                        // 0: any
  std::optional<std::string> recipient = std::nullopt;  // none: any
  Duration minimumAge{0};

  bool all() const { return message == 0 && !recipient && minimumAge <= Duration::zero(); }
};

/// The result of making an ignored message unsent again.
struct Restored {
  enum class Result {
    restored,
    unknown,     // there is no such message
    notIgnored,  // it is unsent, and stays as it is
    sent,        // it stays as it is
    held,        // it is unsent, and an operator has to release or discard it
    tooOld,      // it would become ignored again at once, because of its age
  };
  Result result = Result::unknown;
  std::string recipient = {};  // empty if unknown
  SubmissionId held = 0;       // the held SMS
  bool underWay = false;       // notIgnored: its recipient has an SMS in progress
};

/// Selects the recipients of an operator command: that of `message` if it is set, otherwise `recipient`, or
/// all if both are empty.
struct Whom {
  format::MessageId message = 0;
  std::string recipient;

  bool all() const { return message == 0 && recipient.empty(); }
};

struct WaitsEnded {
  bool known = true;                     // false: there is no such message
  std::optional<std::string> recipient;  // of the message (it may be empty), or as given; none: all
  std::size_t count = 0;                 // recipients that waited
};

/// The unsent messages of one severity, for monitoring.
struct SeverityDepth {
  std::optional<int> severity;     // 1 to 9; 0: any other one; none: without a severity
  std::uint64_t unsent = 0;        // counted up to the bound of the whole depth
  std::optional<Duration> oldest;  // age of the oldest
};

/// How many messages wait, for `smsctl status`.
struct Depth {
  std::uint64_t unsent = 0;           // held ones and those in progress included
  bool more = false;                  // counting stopped at the caller's bound
  std::optional<Duration> oldest;     // age of the oldest unsent message
  std::optional<int> oldestSeverity;  // of that message; none also: the backend does not tell
  std::uint64_t held = 0;             // of the unsent messages; counted up to the same bound
  /// Age of the oldest unsent message that is neither held nor paced, and whose recipient does not wait after
  /// a counted round: only smsd and its dispatchers delay it. At most 10,000 messages are examined.
  std::optional<Duration> late;
  std::optional<Duration>
      oldestHeld;  // since the oldest held SMS was held; none also: the backend does not tell
  /// Those severities of which there are unsent messages. Empty also: the backend does not tell.
  std::vector<SeverityDepth> severities = {};
  /// Of the unsent messages: those that wait because an SMS left to their recipients lately (pace). Counted
  /// up to the same bound.
  std::uint64_t paced = 0;
};

/// Facts about the bell (see bell.h) from the backend that has just rung it.
struct Ring {
  std::string unannounced;  // why inserts by other programs ring no bell; empty: they do ring it
  std::string ifUnheard;    // the probable cause, in words, if newsFd() does not become readable
};

}  // namespace smsd::queue
