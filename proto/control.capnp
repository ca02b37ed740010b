# SPDX-License-Identifier: GPL-3.0-or-later
@0xb1c5e7a2d4f60983;
# The contract between an operator's tool and the running daemon, over control.sock and status.sock.
#
# smsctl is the client, smsd serves. The modes of the socket and of its folder are the only access control.
# - A user who may open control.sock may call everything here, and reads the texts and recipients of all messages of the queue.
# - A user who may open status.sock may call `status` there, and `metrics` of metrics.capnp. Every other method is UNIMPLEMENTED at that
#   socket, and no capability leads from it to another one. `status` carries no text of a message, no recipient and no secret (status.capnp).
# Nothing here carries a secret.
#
# A request that cannot be fulfilled returns a `problem`, in words. An exception means that the contract was broken or the peer
# has gone. smsd writes each act (all methods but status, nudge and heartbeat) to the journal with the uid of the peer, which the kernel
# reports (SO_PEERCRED). It writes up to 60 entries at once and one a second about the acts of one user that only read,
# and counts the others in the next entry.

using Cxx = import "/capnp/c++.capnp";
using Records = import "records.capnp";
using State = import "status.capnp";
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
#
# The users take turns at the queue: one request is in progress at a time, and after it that of the next user. 16 requests of a user
# wait at most, and 64 of all users other than root and smsd's own; a further one is a `problem` that says when to try again. A
# request for a large answer waits until there is room for the answer: 4 MiB of a user over all connections and 16 MiB of all users
# together, until the answers have been written. A request that was not begun after 20 s is not begun.

const maxRequest :UInt32 = 65536;
# Bytes in one message to smsd.
const maxCallsOfClient :UInt32 = 64;
# Open calls of one client. A call is open until smsd has answered it and the client has finished it (Finish).
const maxSilence :UInt32 = 30;
# Seconds for which a client may send nothing while no answer is due.

interface Control {
  # The daemon, as an operator's tool sees it.

  status @0 () -> (status :State.Status);
  # Returns the daemon's state. Always answers, because it waits for no worker, and for 2 s at most for the database. There it makes
  # one bounded count, for a twentieth of the time at most: if clients call very often, the depth of the queue is up to 10 s old.

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
  # Applies `act` to the dispatcher `name`, or to that of admin_mail, which sends a mail at once when it is resumed or restarted and
  # cannot be paused. A pause lasts until `resume`, also over restarts of smsd. `done` describes the effect in words; a daemon of an
  # older version leaves it empty. May be repeated.

  retry @6 (message :Int64, recipient :Text, restore :Bool)
      -> (problem :Text, recipient :Text, count :UInt32, fault :QueueFault, restored :Bool, why :Text);
  # Ends the retry wait of the recipient of `message`, of `recipient`, or of all recipients if these are 0 and empty. smsd then
  # tries them at once. Returns the recipient (empty: all) and how many were waiting. May be repeated. With `restore`, an ignored
  # `message` becomes unsent before, and `restored` is true. A daemon of an older version leaves it ignored. A `message` that was sent
  # or is held is a `problem`. `why` explains why the recipient of `message` did not wait.

  reload @7 () -> (problem :Text, done :Text);
  # As SIGHUP: reads the configuration and the dispatchers' files again, and applies all of it or nothing. Returns when that is
  # done. `done` describes in words what changed. A `problem`, one line for each error, means that nothing was applied. May be
  # repeated.

  send @8 (recipient :Text, text :Text, severity :Int32, group :Text)
      -> (problem :Text, id :Int64, parts :UInt32, maxParts :UInt32, fault :QueueFault, ids :List(Int64));
  # Puts a message into the queue, or one for each number of `group` of groups.yaml if `recipient` is empty. smsd brings the number to
  # one form (intake.capnp). `ids` has the ids of all messages, `id` the first one. `severity` 0: none. `parts` is how many concatenated SMS the whole text would take, and
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
      -> (problem :Text, life :Records.MessageLife, dispatchers :List(State.DispatcherStatus), fault :QueueFault);
  # Returns the life of one message, and the present state of the dispatchers of its attempts that are still configured.
  # `life.known` is false if there is no such message.

  cancelChosen @14 (choice :Records.Choice, preview :Bool, listed :UInt32)
      -> (problem :Text, count :UInt64, messages :List(Records.QueuedMessage), fault :QueueFault);
  # As `cancel`, for the chosen messages only. `preview`: changes nothing, and returns what would be cancelled now. Bounds as in
  # `list`. Many messages are cancelled in steps, each of which is atomic; a message that arrives meanwhile is not chosen. With a
  # `problem`, `count` is how many were cancelled before it.
  # `list`.

  runCanary @15 (dispatcher :Text) -> (problem :Text, tries :List(Try));
  # Sends a canary now: a test SMS with the recipient and the text of `canary` in smsd.yaml, through `dispatcher`, or through each
  # dispatcher that has canaries if `dispatcher` is empty. Returns when the results are known, one of `tries` for each dispatcher;
  # each may take as long as in `test`. A `problem` means that a canary was not sent (an unknown name, no canaries, canary.max_per_day
  # is used up); `tries` then has those that were.

  heartbeat @16 (name :Text) -> (problem :Text, fault :QueueFault);
  # Records that the heartbeat `name` of smsd.yaml came. Returns when that is durable. A `problem` without a fault means that no
  # heartbeat of this name is expected. May be repeated. smsd writes no journal entry of it, because it comes all the time.
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
