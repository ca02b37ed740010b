# SPDX-License-Identifier: GPL-3.0-or-later
@0xe5b0c4f7d19a3826;
# The contract between a program that submits alerts and the running daemon, over intake.sock. smsd-intake, sendsms and the mail filter
# are clients; so can be any program of yours. Nothing here reads a message, a recipient or the state of smsd.
#
# Who may call: the mode of the socket and of its folder let the group smsd-submit connect, and no one else. Who the caller is: the uid
# that the kernel reports of the peer (SO_PEERCRED). The caller's rights: the entry of `intake.callers` in smsd.yaml for that user
# (recipients, groups, severities, rate). A user without an entry may do nothing.
#
# A request that cannot be fulfilled returns a `problem`, in words. An exception means that the contract was broken or the peer has
# gone. smsd writes each refusal to the journal with the uid, at the bounded rate of control.capnp.

using Cxx = import "/capnp/c++.capnp";
using Control = import "control.capnp";
$Cxx.namespace("smsd::proto");

# The rules of control.capnp for later versions hold here, too.
#
# Bounds: as those of control.capnp for connections, silence and unread answers. smsd closes a connection that sends a message above
# maxSubmission, or leaves more than maxCallsOfSubmitter calls open.

const maxSubmission :UInt32 = 1048576;
# Bytes in one message to smsd.
const maxCallsOfSubmitter :UInt32 = 64;
# Open calls of one client.
const maxAlerts :UInt32 = 500;
# Alerts in one call of submit().
const maxAlertText :UInt32 = 4096;
# Characters of one text (Unicode code points).
const maxKey :UInt32 = 255;
# Bytes of a deduplication key.
const maxTargets :UInt32 = 100;
# Numbers that one alert may go to, by its group or groups.

interface Intake {
  # The daemon, as a program that submits alerts sees it.

  submit @0 (alerts :List(Alert)) -> (problem :Text, fault :Control.QueueFault, retryAfter :UInt32, fates :List(Fate));
  # Puts alerts into the queue. Returns when all of them are durable, in one transaction. `fates` has one entry for each of `alerts`, in
  # their order: a refused alert does not keep the others out. With a `problem`, `fates` is empty and nothing was put into the queue, or
  # (fault `unreachable`) it is not known whether it was: try again after `retryAfter` seconds. For a user without an entry in
  # intake.callers, each fate is `refused`, as `notAllowed`. An alert with a key may be repeated
  # without a second SMS, one without a key is put into the queue again.

  ready @1 () -> (problem :Text, retryAfter :UInt32);
  # Returns without a `problem` if submit() of an allowed alert would be accepted now: the queue can be reached, and the caller has an
  # entry in intake.callers. For health checks. Changes nothing.
}

struct Alert {
  # One alert to one recipient or group.
  to :union {
    recipient @0 :Text;
    # A number. smsd removes blanks and punctuation, turns a leading 00 into +, and adds the country code of `country` in smsd.yaml to a
    # national number. The result has at most 15 digits (ITU-T E.164) after an optional +.
    group @1 :Text;
    # A name in groups.yaml. The alert goes to each of its numbers once.
  }
  text @2 :Text;
  # The text of the message, maxAlertText characters at most; a longer one is refused. Empty if `cancels` is set and the alert is not to be
  # sent when there is nothing left to cancel.
  severity @3 :Int32;
  # 1 is the most severe, 5 the mildest in NAV's scale; 0: none.
  key @4 :Text;
  # The deduplication key, maxKey bytes at most; empty: none. If the same user submitted the same key to the same number within
  # `intake.dedupe` (smsd.yaml), or that alert is unsent still, the alert is a `duplicate`. Compared byte by byte.
  cancels @5 :Text;
  # The key of an earlier alert of the same user to the same number that this one resolves; empty: none. If that alert is unsent and not
  # in progress, it is ignored (with the reason that it was resolved), and this alert is not sent: its fate is `cancelled`. So is the fate
  # of a further alert that resolves the same one. `key` and `cancels` take effect in the order of the alerts of a call.
  expiresIn @6 :UInt32;
  # Seconds after which an unsent message becomes ignored; 0: only after `expire_after` of smsd.yaml, if that is set.
  label @7 :Text;
  # Names what submitted this alert on behalf of the caller, such as the name of an HTTP token; `explain` shows it. 64 bytes at most, of
  # letters, digits and `.-_@`. May be empty.
}

struct Fate {
  # What became of one alert.
  messages @0 :List(Int64);
  # The ids of the rows of its messages in the queue, one for each number: new ones, for `duplicate` and `cancelled` those of the earlier
  # alert.
  result @1 :Result;
  why @2 :Text;
  # In words, for `refused`.
  recipients @3 :List(Text);
  # The numbers of `messages`, in the form that the queue has them.
  retryAfter @4 :UInt32;
  # For `refused` with the refusal `rate`: seconds. One call makes 5,000 messages at most: a further alert of it is refused so, too.
  refusal @5 :Refusal;

  enum Result {
    # If a group's numbers have different fates, the first of these that one of them has.
    queued @0;
    # A message is in the queue for at least one number.
    cancelled @1;
    # The earlier alert had not left and is ignored now, and so is this one.
    duplicate @2;
    # An alert with this key is in the queue already, or was.
    notSent @3;
    # `cancels` found nothing to cancel and `text` is empty.
    refused @4;
    # See `refusal`. Nothing was put into the queue.
  }
}

enum Refusal {
  # Why an alert was refused.
  none @0;
  recipient @1;
  # It cannot be a number, or is too long for the queue.
  group @2;
  # There is no such group, or it has more than maxTargets numbers.
  notAllowed @3;
  # intake.callers does not allow this user that recipient, group or severity.
  text @4;
  # It is empty, too long, or not UTF-8.
  key @5;
  # `key`, `cancels` or `label` is too long or has a character that it may not have.
  severity @6;
  # Outside 0 to 5.
  rate @7;
  # The user has submitted more messages than intake.callers allows at this time.
}
