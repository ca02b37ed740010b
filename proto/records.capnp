# SPDX-License-Identifier: GPL-3.0-or-later
@0xd3a7f0c41b92e685;
# The records of the queue as an operator reads them over control.sock: messages, held SMS and the life of a message, with their
# texts. Part of the contract in control.capnp, whose rules for later versions hold here, too.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::proto");

const maxAnswer :UInt32 = 524288;
# Bytes of text in one answer. An answer ends before the message that would exceed it.

const maxAttempts :UInt32 = 50;
# Attempts of one submission in the life of a message: the last ones.

struct Choice {
  # Selects messages. A message has to match all that is set.
  message @0 :Int64;
  # The id of the message; 0: any.
  recipient @1 :Text;
  # The recipient's number, if `ofRecipient` is true.
  ofRecipient @2 :Bool;
  # Whether only the messages to `recipient` are chosen. A recipient may be empty.
  minimumAge @3 :UInt64;
  # The least age in milliseconds.
}

struct QueuedMessage {
  # A message of the queue, with its text.
  id @0 :Int64;
  # The id of its row in the queue.
  recipient @1 :Text;
  # The phone number.
  user @2 :Text;
  # The name of the account that the message belongs to; empty if it belongs to none.
  text @3 :Text;
  # The text as the queue has it.
  severity @4 :Int32;
  # 1 is the most severe. Meaningless unless `graded` is true.
  graded @5 :Bool;
  # Whether the message has a severity.
  time @6 :Text;
  # The message's time as the database prints it, to the minute.
  status @7 :Text;
  # N (unsent), Y (sent) or I (ignored).
  underWay @8 :Bool;
  # Its recipient has an SMS in progress, and the message is not held.
  held @9 :Bool;
  # It waits for an operator's decision.
}

struct HeldSms {
  # An SMS that may have been sent.
  id @0 :Int64;
  # The id of its submission.
  recipient @1 :Text;
  # The phone number.
  text @2 :Text;
  # The text of the SMS.
  messages @3 :List(Int64);
  # The ids of its messages: those in the text, then those that it only counts.
  severity @4 :Int32;
  # Of the most severe message. Meaningless unless `graded` is true.
  graded @5 :Bool;
  # Whether that message has a severity.
  dispatcher @6 :Text;
  # The dispatcher of the last attempt with an unknown outcome.
  reason @7 :Text;
  # The reason of that outcome.
  since @8 :Text;
  # When it was held, as the database prints it.
}

struct MessageLife {
  # The life of one message. Times are texts as the database prints them; durations are in milliseconds, and -1 if not known.
  known @0 :Bool;
  # Whether there is such a message.
  message @1 :QueuedMessage;
  # The message itself.
  timeSent @2 :Text;
  # When it was marked as sent or ignored; empty: never.
  smsid @3 :Int32;
  # The gateway's reference as a number. Meaningless unless `hasSmsid` is true.
  hasSmsid @4 :Bool;
  # Whether `smsid` is set.
  submissions @5 :List(SubmissionRecord);
  # The SMS that contained or counted the message, in order: the last ones that fit into maxAnswer.
  omitted @6 :UInt64;
  # How many earlier submissions, and attempts of the submissions above, were left out.
  ignoredBecause @7 :Text;
  # expired, cancelled or resolved; empty if a submission is the reason.
  waitsUntil @8 :Text;
  # When its recipient is tried again; empty: it does not wait.
  rounds @9 :UInt32;
  # Counted rounds of its recipient.
  failingSince @10 :Text;
  # The time of its recipient's first counted failure; empty: none.
  failing @11 :Int64 = -1;
  # Time since `failingSince`.
  latency @12 :Int64 = -1;
  # From the message's time to `timeSent`.
  retryLimit @13 :UInt32;
  # retry.limit of the daemon.
  givesUp @14 :Bool;
  # Whether retry.at_limit is ignore.
  giveUpAfter @15 :Int64 = -1;
  # retry.give_up_after of the daemon; -1: never.
  tooOld @16 :Bool;
  # Whether `retry` would leave this ignored message as it is, because it is older than queue.expire_after of the daemon.
  alert @17 :SubmittedAlert;
  # The facts that a program submitted with it at intake.sock; null if it came in another way.
  pacedUntil @18 :Text;
  # The next SMS to its recipient does not leave before this time (`pace` of smsd.yaml); empty: it may leave.
}

struct SubmittedAlert {
  # An alert that a program submitted (intake.capnp).
  caller @0 :Text;
  # The user.
  label @1 :Text;
  # On whose behalf; may be empty.
  group @2 :Text;
  # The group by which it goes to this number; empty: none.
  key @3 :Text;
  # Its deduplication key; empty: none.
  expires @4 :Text;
  # When it expires; empty: never.
  repeats @5 :UInt64;
  # Alerts that were duplicates of it.
  repeated @6 :Text;
  # The time of the last of them; empty: there was none.
  resolvedBy @7 :Text;
  # The user, and the label if there is one, whose alert resolved it; empty: none.
}

struct SubmissionRecord {
  # One SMS.
  id @0 :Int64;
  # Its id.
  key @1 :Text;
  # Its idempotency key.
  text @2 :Text;
  # Its text.
  supervisor @3 :Text;
  # host[pid] of the supervisor that claimed it.
  created @4 :Text;
  # When it was claimed.
  ended @5 :Text;
  # When it ended; empty: it is in progress.
  fate @6 :Text;
  # sent, ignored, returned, held, released or discarded; empty: it is in progress.
  decided @7 :Text;
  # When an operator released or discarded it; empty: neither.
  messages @8 :List(Int64);
  # The ids of its messages: those in the text, then those that it only counts.
  onlyCounted @9 :Bool;
  # Whether the text only counts the message that is explained.
  encoding @10 :Text;
  # gsm7 or ucs2; empty: not known.
  units @11 :UInt32;
  # Septets or UTF-16 code units of the text; 0: not known.
  parts @12 :UInt32;
  # Concatenated SMS of the text; 0: not known.
  attempts @13 :List(AttemptRecord);
  # Its attempts in order.
}

struct AttemptRecord {
  # One hand-over of an SMS to a dispatcher.
  id @0 :UInt64;
  # Its id.
  dispatcher @1 :Text;
  # The dispatcher's name.
  outcome @2 :Text;
  # The outcome as the queue stores it; empty: in progress.
  reason @3 :Text;
  # The reason for the outcome.
  reference @4 :Text;
  # The gateway's reference.
  ended @5 :Text;
  # When it ended; empty: in progress.
  took @6 :Int64 = -1;
  # Milliseconds from the end of the attempt before it, or from the claim, to its end; -1: not known.
}
