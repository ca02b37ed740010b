# SPDX-License-Identifier: GPL-3.0-or-later
@0xb1c5e7a2d4f60983;
# The contract between an operator's tool and the running daemon, over control.sock and status.sock.
#
# smsctl is the client, smsd serves. The modes of the socket and of its folder are the only access control.
# - A user who may open control.sock may call everything here, and reads the texts and recipients of all messages of the queue.
# - A user who may open status.sock may call `status` there. Every other method is UNIMPLEMENTED at that socket, and no capability
#   leads from it to another one. `status` carries no text, no recipient and no secret.
# Nothing here carries a secret.
#
# A request that cannot be fulfilled returns a `problem`, in words. An exception means that the contract was broken or the peer
# has gone. smsd writes each act (all methods but status and nudge) to the journal with the uid of the peer, which the kernel
# reports (SO_PEERCRED). It writes up to 60 entries at once and one a second about the acts of one user that only read,
# and counts the others in the next entry.

using Cxx = import "/capnp/c++.capnp";
using Records = import "records.capnp";
$Cxx.namespace("smsd::proto");

# An upgrade replaces smsctl and smsd one after the other, so a client and a daemon of neighbouring versions work together:
# - Fields, methods and enumerants are added at the end, and never removed, renumbered, given another type or another meaning. The
#   default of a new field means "not known".
# - A client handles UNIMPLEMENTED for a method that the daemon does not have, and an enumerant that it does not know.
# - tests/data/contract-1 holds version 1 as it was first shipped. A client built from it calls today's daemon in the tests.

# Bounds: smsd closes a connection that sends a message above `maxRequest`, leaves more than `maxCallsOfClient` calls open,
# sends nothing for `maxSilence` while no answer is due, or does not read for half a minute. smsd reads 500 messages a second
# (1,000 at once) from all connections of root and of smsd's own user together, and as many from all others together; further
# messages wait. smsd reads nothing from a client while more than 64 KiB wait to be written to it. At most 32 connections are
# open. A connection is refused if 24 are open already, or 28 for smsd's own user, or 32 for root. A user other than these two
# has at most 12.

const maxRequest :UInt32 = 65536;
# Bytes in one message to smsd.
const maxCallsOfClient :UInt32 = 64;
# Open calls of one client. A call is open until smsd has answered it and the client has finished it (Finish).
const maxSilence :UInt32 = 30;
# Seconds for which a client may send nothing while no answer is due.

interface Control {
  # The daemon, as an operator's tool sees it.

  status @0 () -> (status :Status);
  # Returns the daemon's state. Always answers, because it waits for no worker, and for 2 s at most for the database, where it
  # makes one bounded count.

  nudge @1 () -> ();
  # Makes the daemon look at the head of the queue now instead of at the next poll. For queues that cannot notify by themselves.
  # Harmless when there is nothing new.

  stop @2 () -> ();
  # As SIGTERM: smsd stops claiming, lets SMS in progress finish, settles, releases its claims and exits with 0. Returns before
  # that is done.

  cancel @3 (listed :UInt32) -> (problem :Text, count :UInt64, messages :List(Message), fault :QueueFault);
  # Marks all unsent messages as ignored, except those in progress and those held. `count` is how many were marked. `messages`
  # lists at most `listed` of them, and never more than maxListed. Do not repeat it blindly, because it would also cancel
  # messages that have arrived since.

  test @4 (recipient :Text, text :Text, via :Text) -> (problem :Text, tries :List(Try));
  # Sends a test SMS. It is no row of the queue, is not durable and is never retried. It goes to the dispatcher `via`. If `via`
  # is empty it goes to each dispatcher in order until one accepts it; the last of `tries` is then `accepted`. Returns when the
  # result is known. Each dispatcher may take the time to start, 30 s to have room, and its timeout. A `problem` means that the
  # SMS was not tried at all (an unknown name, an impossible number, too many tests at once).

  steer @5 (name :Text, act :Act) -> (problem :Text, done :Text);
  # Applies `act` to the dispatcher `name`. A pause lasts until `resume`, also over restarts of smsd. `done` describes the
  # effect in words; a daemon of an older version leaves it empty. May be repeated.

  retry @6 (message :Int64, recipient :Text, restore :Bool)
      -> (problem :Text, recipient :Text, count :UInt32, fault :QueueFault, restored :Bool);
  # Ends the retry wait of the recipient of `message`, of `recipient`, or of all recipients if these are 0 and empty. smsd then
  # tries them at once. Returns the recipient (empty: all) and how many were waiting. May be repeated. With `restore`, an ignored
  # `message` becomes unsent before, and `restored` is true. A daemon of an older version leaves it ignored.

  reload @7 () -> (problem :Text, done :Text);
  # As SIGHUP: reads the configuration and the dispatchers' files again, and applies all of it or nothing. Returns when that is
  # done. `done` describes in words what changed. A `problem`, one line for each error, means that nothing was applied. May be
  # repeated.

  send @8 (recipient :Text, text :Text, severity :Int32)
      -> (problem :Text, id :Int64, parts :UInt32, maxParts :UInt32, fault :QueueFault);
  # Puts a message into the queue. `severity` 0: none. `parts` is how many concatenated SMS the whole text would take, and
  # `maxParts` how many an SMS may have (formatting.max_parts): above that, the text will be cut. Do not repeat it blindly.

  list @9 (status :Text, recipient :Text, limit :UInt32)
      -> (problem :Text, messages :List(Records.QueuedMessage), more :Bool, fault :QueueFault);
  # Returns messages with the status N (unsent), Y (sent) or I (ignored), oldest first; those of `recipient`, the most severe
  # first, if it is not empty. At most `limit` of them, never more than maxListed, and never more than `maxAnswer` of records.capnp. `more`: there
  # are further ones.

  held @10 (limit :UInt32) -> (problem :Text, held :List(Records.HeldSms), more :Bool, fault :QueueFault);
  # Returns SMS that may have been sent and wait for an operator's decision, oldest first. Bounds as in `list`.

  release @11 (submission :Int64) -> (problem :Text, count :UInt64, fault :QueueFault);
  # Makes the messages of a held SMS claimable again. `count` 0: no held SMS has this id. May be repeated.

  discard @12 (submission :Int64) -> (problem :Text, count :UInt64, fault :QueueFault);
  # Marks the messages of a held SMS as ignored. `count` 0: no held SMS has this id. May be repeated.

  explain @13 (message :Int64)
      -> (problem :Text, life :Records.MessageLife, dispatchers :List(DispatcherStatus), fault :QueueFault);
  # Returns the life of one message, and the present state of the dispatchers of its attempts that are still configured.
  # `life.known` is false if there is no such message.

  cancelChosen @14 (choice :Records.Choice, preview :Bool, listed :UInt32)
      -> (problem :Text, count :UInt64, messages :List(Records.QueuedMessage), fault :QueueFault);
  # As `cancel`, for the chosen messages only. `preview`: changes nothing, and returns what would be cancelled now. Bounds as in
  # `list`.
}

const maxListed :UInt32 = 1000;
# Messages in one answer.

enum QueueFault {
  # Why the queue failed, for the exit status of a client. The `problem` has the words.
  none @0;
  # There is no problem, or the request itself was wrong. A daemon of an older version always returns this.
  unreachable @1;
  # The queue cannot be reached, or does not answer: try again later.
  denied @2;
  # The role of smsd lacks a privilege.
  notInstalled @3;
  # The queue is not installed, or has another version.
  invalid @4;
  # The database refused a value.
  failed @5;
  # Any other error.
}

enum Act {
  # An operator's command to a dispatcher.
  pause @0;
  # Gives no further SMS to the dispatcher. SMS that its worker has begun finish; the worker gives the others back.
  resume @1;
  # Ends a pause. A dispatcher in trouble is tried with the next SMS, even if it was not paused.
  restart @2;
  # Starts a fresh worker when the present one has finished the SMS that it has begun, or takes too long for them, and tries the
  # dispatcher at once. For use after a repair.
}

struct Message {
  # A message of the queue, without its text.
  id @0 :Int64;
  # The id of its row in the queue.
  recipient @1 :Text;
  # The phone number.
  user @2 :Text;
  # The name of the account that the message belongs to; empty if it belongs to none.
  severity @3 :Int32;
  # 1 is the most severe; 0 if the message has no severity.
  time @4 :Text;
  # The message's time as the database prints it, to the minute.
}

struct Try {
  # The result of a test SMS at one dispatcher.
  dispatcher @0 :Text;
  # The dispatcher's name.
  result @1 :Result;
  # The outcome at this dispatcher.
  words @2 :Text;
  # The reason for the result; for `accepted` the gateway's reference, which may be empty.
  tookMs @3 :UInt32;
  # Milliseconds from handing over the SMS (for `notTried`: from this dispatcher's turn) to the result.

  enum Result {
    # An outcome of dispatcher.capnp, or `notTried`.
    accepted @0;
    # The gateway or network took the SMS.
    refused @1;
    # This dispatcher will never take this SMS.
    deferred @2;
    # The SMS was not sent now; it may be sent later.
    broken @3;
    # The dispatcher sends nothing until it is repaired.
    unknown @4;
    # The SMS may have been sent.
    notTried @5;
    # The dispatcher could not be used: it backs off, is broken, is paused, was removed by a reload, or had no room in time.
  }
}

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
  # is neither held nor waiting because of its own recipient.
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
  # Seconds for which the oldest message has waited that is neither held nor kept waiting because of its own recipient.
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
}

struct Finding {
  # One fact that a worker reported about its dispatcher.
  name @0 :Text;
  # The name of the fact.
  value @1 :Text;
  # The value as an operator reads it.
}
