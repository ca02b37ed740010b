# SPDX-License-Identifier: GPL-3.0-or-later
@0xd9c2a6b1e5f37408;
# Figures of the daemon for monitoring, which control.sock and status.sock return: no text of a message, no recipient, no secret, and
# no text of a worker. Texts are names of dispatchers and kinds, and words of small sets that are named here. Part of the contract in
# control.capnp, whose rules for later versions hold here, too.

using Cxx = import "/capnp/c++.capnp";
using Control = import "control.capnp";
using State = import "status.capnp";
$Cxx.namespace("smsd::proto");

interface MetricsSource {
  # Figures, for a program that collects them regularly.
  metrics @0 () -> (metrics :Metrics);
  # Returns the figures. Waits for no worker, and for 2 s at most for the database. The depth of the queue is up to 12 s old:
  # after a call smsd counts it regularly for 5 minutes, in at most a hundredth of the time, so that the next call does not wait.
}

interface Observed extends (Control.Control, MetricsSource) {}
# The bootstrap interface at both sockets. A daemon of an older version has Control alone, so `metrics` is UNIMPLEMENTED there.

struct Metrics {
  # Counts are since the start of the daemon, unless their comment says otherwise.
  version @0 :Text;
  # The version of smsd.
  upFor @1 :UInt64;
  # Milliseconds since the daemon started.
  healthy @2 :Bool;
  # As in Status.
  withoutDispatcher @3 :Bool;
  # As in Status.
  adminMailFails @4 :Bool;
  # True if the last mail to the administrators was not accepted.
  stateFolderFails @5 :Bool;
  # True if smsd cannot write into its state folder, or the disk below it is full.
  queue @6 :QueueMetrics;
  # The queue, and the work on it.
  dispatchers @7 :List(DispatcherMetrics);
  # The dispatchers in order of preference.
  latency @8 :Distribution;
  # From the time of an SMS's most severe message in the queue to the acceptance of the SMS. SMS that were taken over from another
  # supervisor are left out.
  failover @9 :Distribution;
  # From the hand-over to a dispatcher that failed to the hand-over to the next one.
  loopLag @10 :Distribution;
  # How late the event loop ran a timer. smsd measures it once a second, as long as a client reads the figures.
  failedRounds @11 :List(Count);
  # Rounds in which no dispatcher accepted an SMS: "counted" towards retry.limit, or "not_counted".
  heldSms @12 :UInt64;
  # SMS that became held.
  heartbeats @13 :List(HeartbeatMetrics);
  # The heartbeats that smsd expects of other programs.
  heartbeatsUnwatched @14 :Bool;
  # True if smsd cannot watch them, although the queue can be reached. As heartbeatsProblem in Status.
}

struct QueueMetrics {
  # The queue, and the work on it.
  reachable @0 :Bool;
  # As in QueueStatus.
  strained @1 :Bool;
  # True if the queue works, but will soon fail unless an operator repairs it.
  otherSender @2 :Bool;
  # True if another program, such as NAV's smsd, marks messages of the queue.
  notificationsSilent @3 :Bool;
  # True if notifications of new messages do not arrive.
  depthKnown @4 :Bool;
  # False: the queue could not be counted. The next four fields, and `paced`, are meaningless then.
  depth @5 :List(SeverityDepth);
  # Unsent messages by severity. Empty also if the backend does not tell.
  unsent @6 :UInt64;
  # As in QueueStatus.
  held @7 :UInt64;
  # As in QueueStatus.
  late @8 :UInt64;
  # As in QueueStatus, in milliseconds.
  underWay @9 :UInt64;
  # As in QueueStatus.
  sent @10 :UInt64;
  # As in QueueStatus.
  ignored @11 :List(Count);
  # Messages that became ignored: "refused", "given_up", "expired", "left_out" (no room in an SMS that counted them), "empty".
  claims @12 :UInt64;
  # Claims that were made.
  claimedSms @13 :UInt64;
  # SMS that these claims returned.
  calls @14 :List(CallMetrics);
  # Calls of the queue, for each kind of call.
  errors @15 :List(Count);
  # Calls that failed, for each kind of error: "unreachable", "denied", "not_installed", "busy", "failed", "fenced", "replaced",
  # "invalid".
  replacedRows @16 :UInt64;
  # As in QueueStatus.
  paced @17 :UInt64;
  # As in QueueStatus. Meaningless while `depthKnown` is false.
}

struct SeverityDepth {
  # Unsent messages of one severity.
  severity @0 :Text;
  # "1" to "9", "other", or "none".
  unsent @1 :UInt64;
  # How many there are, counted to the same bound as in QueueStatus.
  oldest @2 :UInt64;
  # Milliseconds for which the oldest of them has waited.
}

struct CallMetrics {
  # One kind of call of the queue.
  call @0 :Text;
  # "enlist", "renew", "claim", "record", "settle" or "purge".
  took @1 :Distribution;
  # How long the calls took that returned.
}

struct DispatcherMetrics {
  # One dispatcher.
  name @0 :Text;
  # Its name in smsd.yaml.
  kind @1 :Text;
  # The kind of its worker.
  state @2 :State.DispatcherState;
  # As in DispatcherStatus.
  breaker @3 :Text;
  # "closed", "open" or "half_open".
  underWay @4 :UInt32;
  # As in DispatcherStatus.
  window @5 :UInt32;
  # As in DispatcherStatus.
  outcomes @6 :List(OutcomeMetrics);
  # Attempts of SMS of the queue by outcome.
  attempts @7 :Distribution;
  # How long attempts took, from their begin in the worker to their outcome.
  workerStarts @8 :UInt32;
  # As `starts` in DispatcherStatus.
  workerEnds @9 :List(Count);
  # Workers that ended: "died", "not_started", "hung", "contract" (it broke the contract), "requested" (by an operator, a reload or
  # the end of smsd).
  notUnderstood @10 :UInt64;
  # As in DispatcherStatus.
  usedUp @11 :Bool;
  # True if the limit of the day (per_day) lets no further SMS go.
  signalKnown @12 :Bool;
  # Whether the worker reported a signal.
  signal @13 :Int16;
  # The signal in dBm. Meaningless while `signalKnown` is false.
  canary @14 :CanaryMetrics;
  # Its canaries.
}

struct CanaryMetrics {
  # The canaries of one dispatcher.
  enabled @0 :Bool;
  # Whether it has any. The rest is meaningless while this is false.
  failing @1 :Bool;
  # As in CanaryStatus.
  known @2 :Bool;
  # Whether there was one yet. The next two fields are meaningless otherwise.
  took @3 :UInt64;
  # Milliseconds from handing over the last one to its result; 0 if it was not tried.
  ago @4 :UInt64;
  # Milliseconds since the result of the last one.
  results @5 :List(Count);
  # Canaries by result: an outcome as in OutcomeMetrics, or "not_tried".
}

struct HeartbeatMetrics {
  # One heartbeat that smsd expects of another program.
  name @0 :Text;
  # Its name in smsd.yaml.
  known @1 :Bool;
  # Whether smsd has looked at it. The next three fields are meaningless otherwise.
  missing @2 :Bool;
  # True if it has not come in time.
  ever @3 :Bool;
  # Whether one has ever come.
  ago @4 :UInt64;
  # Milliseconds since the last one. Meaningless while `ever` is false.
  came @5 :UInt64;
  # Heartbeats that looks of this daemon found. Of several between two looks, one counts.
  alerts @6 :UInt64;
  # Alerts that this daemon has written, because it was missing.
}

struct OutcomeMetrics {
  # Attempts with one outcome.
  outcome @0 :Text;
  # "accepted", "refused", "deferred", "broken", "unknown", or "not_begun" (the worker gave the SMS back untouched).
  sms @1 :UInt64;
  # SMS.
  parts @2 :UInt64;
  # Their parts, as the network counts them.
}

struct Count {
  # How often something happened, for one word of a small set.
  of @0 :Text;
  # The word.
  count @1 :UInt64;
  # The count.
}

struct Distribution {
  # How many durations were at most as long as each bound.
  bounds @0 :List(UInt64);
  # Microseconds, ascending.
  counts @1 :List(UInt64);
  # Durations above the bound before and up to this one; the last count is of those above all bounds.
  sum @2 :UInt64;
  # The sum of all durations in microseconds.
}
