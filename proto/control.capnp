@0xb1c5e7a2d4f60983;
# What an operator's tool says to the running daemon, over control.sock.
#
# smsctl is the client, smsd serves. The socket's file mode is the lock on the door: whoever may open it may ask everything
# here. Nothing here carries a secret or the text of an SMS.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::proto");

interface Control {
  status @0 () -> (status :Status);
  # At a glance. Asks nothing of a worker and nothing of the database beyond one bounded count: always answers.

  nudge @1 () -> ();
  # "There is something new in the queue": the daemon looks at the head of it now instead of at the next poll. For queues
  # that cannot notify by themselves. Harmless when there is nothing.

  stop @2 () -> ();
  # As SIGTERM: stop claiming, let work that is out finish, settle, release, exit 0. Returns before that is done.
}

struct Status {
  version @0 :Text;
  pid @1 :UInt32;
  upFor @2 :UInt64;
  # seconds
  healthy @3 :Bool;
  # a dispatcher can be used and the queue can be reached
  queue @4 :QueueStatus;
  dispatchers @5 :List(DispatcherStatus);
  # in order of preference
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
  # why it is not ready, or why it last was not
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
}
