@0xb1c5e7a2d4f60983;
# What an operator's tool says to the running daemon, over control.sock.
#
# smsctl is the client, smsd serves. The socket's file mode is the lock on the door: whoever may open it may ask everything
# here. Nothing here carries a secret, nor the text of a message of the queue.
#
# What an operator asked for and cannot be done is an answer with a `problem`, in words; an exception says that the contract
# was broken or the peer has gone. Every act (cancel, test, steer, retry, reload, stop) is in the journal with the uid of the peer.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::proto");

# Bounds: smsd closes a connection that sends a message above `maxRequest`, leaves more than `maxCallsOfClient` calls
# unanswered or unfinished (Finish), sends nothing for `maxSilence` while no answer is due, or does not read for half a minute.
# 500 messages a second (1,000 at once) are read from all connections of root and of smsd's own user together, and as many from
# all others; what comes above that waits. While more than 64 KiB wait to be written to a client nothing is read from it. 32
# connections may be open: 12 of one user, 24 of all users, 28 with those of smsd's own user, and the last four are root's.

const maxRequest :UInt32 = 65536;
# bytes in one message to smsd
const maxCallsOfClient :UInt32 = 64;
const maxSilence :UInt32 = 30;
# seconds

interface Control {
  status @0 () -> (status :Status);
  # At a glance. Asks nothing of a worker and nothing of the database beyond one bounded count: always answers.

  nudge @1 () -> ();
  # "There is something new in the queue": the daemon looks at the head of it now instead of at the next poll. For queues
  # that cannot notify by themselves. Harmless when there is nothing.

  stop @2 () -> ();
  # As SIGTERM: stop claiming, let work that is out finish, settle, release, exit 0. Returns before that is done.

  cancel @3 (listed :UInt32) -> (problem :Text, count :UInt64, messages :List(Message));
  # Unsent messages become ignored, except those under way and those held. At most `listed` of them are listed, and never
  # more than maxListed. Not to be repeated blindly: what arrived in between would be cancelled, too.

  test @4 (recipient :Text, text :Text, via :Text) -> (problem :Text, tries :List(Try));
  # A test SMS: no row of the queue, not durable, never retried. Goes to the dispatcher `via`, or when that is empty to each
  # in order until one takes it; the last of `tries` then is `accepted`. Returns when that is known: after all timeouts at
  # the latest. A problem: it was not tried at all (an unknown name, a number that cannot be, too many tests at once).

  steer @5 (name :Text, act :Act) -> (problem :Text, done :Text);
  # What an operator does to a dispatcher. `pause` and `resume` are remembered over restarts. May be repeated. `done` says
  # in words what follows from it; a daemon of an older version leaves it empty.

  retry @6 (message :Int64, recipient :Text) -> (problem :Text, recipient :Text, count :UInt32);
  # The wait of the recipient of a message, of a recipient, or (0 and empty) of everybody is over: they are tried again now.
  # Says whose, and how many had been waiting. May be repeated.

  reload @7 () -> (problem :Text, done :Text);
  # As SIGHUP: reads the configuration and the dispatchers' files again, all or nothing. Returns when that is done: what has
  # changed, in words. A problem: nothing was applied; a line for each. May be repeated.
}

const maxListed :UInt32 = 1000;
# messages in one answer

enum Act {
  pause @0;
  # nothing further is handed over to it; what is out finishes
  resume @1;
  # ends a pause; a dispatcher in trouble is tried with the next SMS, whether it was paused or not
  restart @2;
  # a fresh worker, tried at once: for when something was mended
}

struct Message {
  # Of the queue, without its text.
  id @0 :Int64;
  recipient @1 :Text;
  user @2 :Text;
  # empty: it belongs to no account
  severity @3 :Int32;
  # 0: none
  time @4 :Text;
}

struct Try {
  dispatcher @0 :Text;
  result @1 :Result;
  words @2 :Text;
  # the reason; for `accepted` the gateway's reference, which may be empty
  tookMs @3 :UInt32;

  enum Result {
    accepted @0;
    refused @1;
    deferred @2;
    broken @3;
    unknown @4;
    notTried @5;
    # it could not be used: it rests, is broken, is paused, or had no room in time
  }
}

struct Status {
  version @0 :Text;
  pid @1 :UInt32;
  upFor @2 :UInt64;
  # seconds
  healthy @3 :Bool;
  # the queue can be reached and nothing strains it, its notifications work, a dispatcher can be used, and no message waits
  # that should have been sent: see `troubles`
  queue @4 :QueueStatus;
  dispatchers @5 :List(DispatcherStatus);
  # in order of preference
  withoutDispatcher @6 :Bool;
  # none can be used: nothing is sent until one comes back. Why stands with each.
  withoutDispatcherFor @7 :UInt64;
  # seconds of that
  troubles @8 :List(Text);
  # why it is not healthy, in words; empty when it is
}

struct QueueStatus {
  backend @0 :Text;
  reachable @1 :Bool;
  problem @2 :Text;
  # why it cannot be reached; empty otherwise
  unsent @3 :UInt64;
  # messages waiting, those under way included
  oldest @4 :UInt64;
  # seconds the oldest of them waits; 0 when there is none
  underWay @5 :UInt32;
  # SMS this supervisor holds a claim for
  sent @6 :UInt64;
  ignored @7 :UInt64;
  # messages settled by this process since it started
  notifications @8 :Notifications;
  notificationsProblem @9 :Text;
  # why new messages are found by polling alone; empty otherwise
  strain @10 :Text;
  # it works, but not for long unless somebody mends this (its disk is full); empty otherwise

  held @11 :UInt64;
  # of the unsent messages: they may have been sent, and wait for an operator
  late @12 :UInt64;
  # seconds that the oldest message waits which is not held and does not wait for its own recipient's sake
  ignoredAgo @13 :UInt64;
  # seconds since the last message was ignored; with `ignored` = 0: none was
  ignoredBecause @14 :Text;
  # why that one was

  enum Notifications {
    # Whether a message that another program inserts wakes smsd. smsd tests it: it notifies itself through a second connection.
    untested @0;
    work @1;
    notInstalled @2;
    # they would arrive, but nothing sends one when a message is inserted
    silent @3;
    # smsd polls more often meanwhile
  }
}

enum DispatcherState {
  starting @0;
  ready @1;
  resting @2;
  broken @3;
  paused @4;
}

struct DispatcherStatus {
  name @0 :Text;
  kind @1 :Text;
  state @2 :DispatcherState;
  reason @3 :Text;
  # why it is not ready; when it is ready, its last trouble, until an SMS was answered
  since @4 :UInt64;
  # seconds in this state
  workerPid @5 :UInt32;
  # 0: no process now
  starts @6 :UInt32;
  # worker processes started since the supervisor came up
  underWay @7 :UInt32;
  window @8 :UInt32;
  accepted @9 :UInt64;
  refused @10 :UInt64;
  deferred @11 :UInt64;
  broken @12 :UInt64;
  unknown @13 :UInt64;
  # outcomes since the supervisor came up
  nextProbe @14 :UInt64;
  # seconds until it is tried again, when resting or broken
  strikes @15 :UInt32;
  # reports of its workers that broke the contract
  details @16 :List(Finding);
  # what its worker last said of the way out: signal, operator, last answer. For an operator's eyes.
  notUnderstood @17 :UInt64;
  # answers that its configuration does not understand, since it was read: it has to be mended
  lastNotUnderstood @18 :Text;
  # what was said of the last of them; empty: there was none
  troubleAgo @19 :UInt64;
  # seconds since the trouble that `reason` tells, when it is ready
  detailsAgo @20 :UInt64;
  # seconds since the worker said what is in `details`
}

struct Finding {
  name @0 :Text;
  value @1 :Text;
}
