# SPDX-License-Identifier: GPL-3.0-or-later
@0xe5b81c37a90d42f6;
# The state of the daemon, which control.sock and status.sock show: no text of a message, no recipient, no secret. Part of the
# contract in control.capnp, whose rules for later versions hold here, too.
#
# Words of a worker are in it: reasons and details. smsd removes from them what they quote of an SMS, whatever kind the worker is
# of: the number in any spelling and each part of it with at least seven digits, the whole text and each part of it with at least
# twenty letters and digits. Shorter parts stay: a word that the text and the reason have in common, or the last digits of a number.
# A hostile worker could make up a form that smsd does not know.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::proto");

struct Status {
  # The daemon's state.
  version @0 :Text;
  # The version of smsd.
  pid @1 :UInt32;
  # The daemon's process id.
  upFor @2 :UInt64;
  # Seconds since the daemon started.
  healthy @3 :Bool;
  # True if `troubles` is empty: the queue can be reached and reports no strain, its notifications are not silent, a dispatcher
  # can be used (and has answered its last SMS, if messages wait), and no message waits longer than `status.late` of smsd.yaml that
  # is neither held nor paced, nor waiting because of its own recipient.
  queue @4 :QueueStatus;
  # The state of the queue.
  dispatchers @5 :List(DispatcherStatus);
  # The dispatchers in order of preference.
  withoutDispatcher @6 :Bool;
  # True if no dispatcher can be used. smsd sends nothing until one can; the `reason` of each dispatcher explains why.
  withoutDispatcherFor @7 :UInt64;
  # Seconds for which `withoutDispatcher` has been true.
  troubles @8 :List(Text);
  # Why smsd is not healthy, in words; empty if it is healthy.
  adminMailDown @9 :Bool;
  # True if the last mail to the administrators was not accepted, or none can be tried. smsd is healthy all the same, because its
  # SMS do not depend on mail.
  adminMailDownFor @10 :UInt64;
  # Seconds for which `adminMailDown` has been true.
  adminMailProblem @11 :Text;
  # Why no mail is accepted; empty if `adminMailDown` is false.
  findings @12 :List(Trouble);
  # What is wrong, the worst first, with the next command to type. Includes `troubles`, and what an operator should know although
  # smsd is healthy. A daemon of an older version leaves it empty.
  line @13 :Text;
  # The line that `systemctl status` shows.
  adminMail @14 :AdminMailStatus;
  # The mail to the administrators.
  heartbeats @15 :List(HeartbeatStatus);
  # The heartbeats of other programs that smsd.yaml expects, in its order.
  heartbeatsProblem @16 :Text;
  # Why smsd watches no heartbeat although some are expected; empty: it does.
}

struct HeartbeatStatus {
  # A sign of life of another program, without which smsd sends an alert.
  name @0 :Text;
  # Its name in smsd.yaml.
  everyMs @1 :UInt64;
  # Milliseconds in which it has to come.
  graceMs @2 :UInt64;
  # Milliseconds by which it may be late.
  known @3 :Bool;
  # Whether smsd has looked at it. All that follows is meaningless if not.
  came @4 :Bool;
  # Whether it has ever come.
  lastAgo @5 :UInt64;
  # Seconds since it came the last time. Meaningless while `came` is false.
  missing @6 :Bool;
  # Whether it is missing. The alert about it is in the queue then.
  missingFor @7 :UInt64;
  # Seconds since the alert. Meaningless while `missing` is false.
  dueIn @8 :UInt64;
  # Seconds until it counts as missing if it does not come and smsd runs all the time; 0 if it is missing.
  beats @9 :UInt64;
  # Heartbeats that this supervisor has found since it started.
  alerts @10 :UInt64;
  # Alerts about it that this supervisor has written since it started.
}

struct Trouble {
  # A finding about smsd.
  rank @0 :Rank;
  # How bad it is.
  what @1 :Text;
  # What is wrong, in one line.
  since @2 :UInt64;
  # Seconds for which it has lasted, or since it happened. Meaningless while `sinceKnown` is false.
  sinceKnown @3 :Bool;
  # Whether `since` is known.
  next @4 :Text;
  # A command for a shell, to find out more, to repair it, or to try again after a repair; empty: there is none.
  when @5 :Text;
  # When to type `next`, in words; empty: now.

  enum Rank {
    # The worst first.
    unhealthy @0;
    # smsd does not do its work, or will soon not do it.
    cause @1;
    # A reason why smsd is unhealthy.
    decision @2;
    # Messages that may have been sent, or that nobody got: an operator has to decide, or to send them again.
    attention @3;
    # A part does not work, and smsd works without it.
    news @4;
    # It is over, or can wait.
  }
}

struct AdminMailStatus {
  # The mail to the administrators.
  enabled @0 :Bool;
  # Whether there is any. The rest is meaningless while this is false.
  dispatcher @1 :Text;
  # The name of the dispatcher that sends it.
  state @2 :DispatcherState;
  # The state of that dispatcher.
  sent @3 :UInt64;
  # Mails that were accepted since the daemon started, or since such mail was enabled.
  sentAgo @4 :UInt64;
  # Seconds since the last one, which an earlier run may have sent. Meaningless while `sentEver` is false.
  interval @5 :UInt64;
  # Seconds: at most one mail is sent in this time.
  waiting @6 :UInt64;
  # Journal entries that wait for the next mail.
  sentEver @7 :Bool;
  # Whether a mail was ever accepted, as far as smsd knows.
}

struct QueueStatus {
  # The state of the queue and of this daemon's work on it.
  backend @0 :Text;
  # The configured backend: sqlite or postgresql.
  reachable @1 :Bool;
  # True if smsd can use the queue now.
  problem @2 :Text;
  # Why the queue cannot be reached; empty otherwise.
  unsent @3 :UInt64;
  # Unsent messages, those in progress included. smsd counts no further than 100,000.
  oldest @4 :UInt64;
  # Seconds for which the oldest unsent message has waited; 0 if there is none.
  underWay @5 :UInt32;
  # SMS for which this supervisor holds a claim.
  sent @6 :UInt64;
  # Messages that this process has settled as sent since it started.
  ignored @7 :UInt64;
  # Messages that this process has settled as ignored since it started.
  notifications @8 :Notifications;
  # Whether notifications of new messages work.
  notificationsProblem @9 :Text;
  # Why smsd finds new messages by polling alone; empty otherwise.
  strain @10 :Text;
  # Why the queue will soon fail unless an operator repairs it (its disk is full), although it still works; empty otherwise.

  held @11 :UInt64;
  # Unsent messages that may have been sent and wait for an operator's decision. Counted to the same bound as `unsent`.
  late @12 :UInt64;
  # Seconds for which the oldest message has waited that is neither held nor paced, nor kept waiting because of its own recipient.
  ignoredAgo @13 :UInt64;
  # Seconds since the last message was ignored. Meaningless while `ignored` is 0.
  ignoredBecause @14 :Text;
  # Why the last ignored message was ignored.
  replacedRows @15 :UInt64;
  # Settled messages since the daemon started whose id belonged to another row by then: rows of the queue were replaced while
  # their SMS were in progress. The new rows were left as they are.
  replacedRowsAgo @16 :UInt64;
  # Seconds since the last of them. Meaningless while `replacedRows` is 0.
  replacedFiles @17 :UInt32;
  # How often the file of the queue was replaced or removed since the daemon started.
  replacedFilesAgo @18 :UInt64;
  # Seconds since the last time. Meaningless while `replacedFiles` is 0.
  replacedFilesHow @19 :Text;
  # What happened to the file the last time; empty while `replacedFiles` is 0.
  clockStep @20 :Int64;
  # Milliseconds by which the database's clock was stepped the last time, negative if it was stepped back; 0 if it was not
  # stepped within a day.
  clockStepAgo @21 :UInt64;
  # Seconds since smsd noticed that step. Meaningless while `clockStep` is 0.
  schemaVersion @22 :UInt32;
  # The version of the queue's own tables; 0 if it is not known yet.
  schemaKnown @23 :UInt32;
  # The newest version of them that this smsd knows.
  schemaUsed @24 :UInt32;
  # The version that this smsd relies on: the newest that is installed, and that every live supervisor knows.
  oldestSeverity @25 :Int32;
  # The severity of the oldest unsent message; 0 if it has none, or is not known.
  sentLastMinute @26 :UInt64;
  # Messages that this process has settled as sent in the last minute, or a little more.
  sentLastHour @27 :UInt64;
  # The same in the last hour.
  ignoredLastDay @28 :List(IgnoredCount);
  # Messages that became ignored in the last day, or since this process started, for each reason that occurred.
  others @29 :List(Text);
  # The other live supervisors of the queue, each as host[pid].
  paced @30 :UInt64;
  # Unsent messages that wait because an SMS left to their recipients lately (`pace` of smsd.yaml). Counted to the same bound as `unsent`.

  struct IgnoredCount {
    # How many messages became ignored for a reason.
    why @0 :Text;
    # The reason.
    count @1 :UInt64;
    # The number of messages.
  }

  enum Notifications {
    # Whether a message that another program inserts wakes smsd. smsd tests it: it notifies itself through a second connection.
    untested @0;
    # The first test has no result yet.
    work @1;
    # Notifications arrive.
    notInstalled @2;
    # Notifications would arrive, but nothing sends one when another program inserts a message.
    silent @3;
    # Notifications do not arrive. smsd polls more often meanwhile.
  }
}

enum DispatcherState {
  # Whether a dispatcher can be used.
  starting @0;
  # Its worker is not ready yet, or is being replaced.
  ready @1;
  # It can be used.
  resting @2;
  # It backs off after failures, or has no worker until the next start.
  broken @3;
  # It sends nothing until it is repaired; smsd probes it slowly.
  paused @4;
  # An operator has paused it.
}

struct DispatcherStatus {
  # The state of one dispatcher.
  name @0 :Text;
  # Its name in smsd.yaml.
  kind @1 :Text;
  # The kind of its worker: gammu, http, soap, mail, command, debug, or the name of a kind that the administrator added.
  state @2 :DispatcherState;
  # Whether it can be used.
  reason @3 :Text;
  # Why it is not ready. If it is ready: its last trouble, until an SMS is answered.
  since @4 :UInt64;
  # Seconds for which it has been in this state.
  workerPid @5 :UInt32;
  # The process id of its worker; 0 if there is no process or its id is not known.
  starts @6 :UInt32;
  # Workers that the supervisor has started, or connected to, since it started.
  underWay @7 :UInt32;
  # SMS that were handed to its worker and have no outcome yet.
  window @8 :UInt32;
  # SMS that its worker may have in progress at once.
  accepted @9 :UInt64;
  # Outcomes `accepted` since the supervisor started.
  refused @10 :UInt64;
  # Outcomes `refused` since the supervisor started.
  deferred @11 :UInt64;
  # Outcomes `deferred` since the supervisor started, including SMS that a worker gave back untouched.
  broken @12 :UInt64;
  # Outcomes `broken` since the supervisor started.
  unknown @13 :UInt64;
  # Outcomes `unknown` since the supervisor started.
  nextProbe @14 :UInt64;
  # Seconds until smsd tries it again, if it is resting or broken; 0 otherwise.
  strikes @15 :UInt32;
  # Workers of this dispatcher that the supervisor has ended because they broke the contract.
  details @16 :List(Finding);
  # Facts that its worker last reported, for an operator to read: signal, network operator, last answer.
  notUnderstood @17 :UInt64;
  # Answers of the gateway that its configuration does not understand, since it was read. Its configuration needs repair.
  lastNotUnderstood @18 :Text;
  # The worker's description of the last answer that was not understood; empty if there was none.
  troubleAgo @19 :UInt64;
  # Seconds since the trouble in `reason`, if the dispatcher is ready.
  detailsAgo @20 :UInt64;
  # Seconds since the worker reported `details`.
  software @21 :Text;
  # The name and version of its worker's program, as the last worker that was ready reported it.
  lock @22 :List(Text);
  # The parts of the worker's own lock that are in force, as the last worker that was ready reported them (dispatcher.capnp).
  canary @23 :CanaryStatus;
  # Its canaries, the test SMS that smsd sends by itself.
}

struct CanaryStatus {
  # The canaries of one dispatcher.
  enabled @0 :Bool;
  # Whether it has any. The rest is meaningless while this is false.
  result @1 :Text;
  # The result of the last one: accepted, refused, deferred, broken, unknown, or not tried (the dispatcher could not be used);
  # empty: there was none yet. An earlier run of smsd may have sent it.
  words @2 :Text;
  # The reason for the result; for `accepted` the gateway's reference, which may be empty.
  tookMs @3 :UInt32;
  # Milliseconds from handing it over to the result.
  ago @4 :UInt64;
  # Seconds since the result.
  nextIn @5 :UInt64;
  # Seconds until the next one is due; 0: it is due. A dispatcher that is paused has none until it is resumed.
  failing @6 :Bool;
  # The last one was not accepted, and the dispatcher has accepted no SMS since.
  accepted @7 :UInt64;
  # Canaries that were accepted since the daemon started.
  refused @8 :UInt64;
  # The same for `refused`.
  deferred @9 :UInt64;
  # The same for `deferred`.
  broken @10 :UInt64;
  # The same for `broken`.
  unknown @11 :UInt64;
  # The same for `unknown`.
  notTried @12 :UInt64;
  # Times that a canary was due and could not be tried.
}

struct Finding {
  # One fact that a worker reported about its dispatcher.
  name @0 :Text;
  # The name of the fact.
  value @1 :Text;
  # The value as an operator reads it.
}
