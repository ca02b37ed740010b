@0xd3c2b7f1a90e4c55;
# What the supervisor and a worker say to each other.
#
# The supervisor is the client, the worker serves one Dispatcher over one Unix socket: an inherited socketpair (spawn) or a
# connection to the worker's own listening socket (socket activation). There is one supervisor to a worker; a second
# connection is refused.
#
# Trust runs one way. A worker believes its supervisor. A supervisor believes nothing: every report is checked against what
# was asked of this very worker process, its texts are cut to a bound, and a report that does not fit is a strike. A worker
# never learns the id of a message, nor of a recipient it has nothing to send to.
#
# The supervisor bounds what a worker may send. A worker that sends a message above `maxMessage`, opens more than `maxCalls`
# calls, sends messages that the contract has no use for (Bootstrap, sendResultsTo other than the caller, Provide, Accept,
# Join), passes more than four capabilities in a message, or does not read for half a minute, is ended, as for a report that
# does not fit. So is one that sends more messages than its work accounts for: at most 16 for each SMS handed over, and 500 a
# second (2,000 at once) on top; a message counts once more for each 4 KiB. The supervisor reads nothing from a worker while
# more than 1 MiB waits to be written to it. One connection never takes more than 64 messages in a turn of the supervisor's
# loop.
#
# A failed call (an exception) says that the contract was broken or the peer has gone. What became of an SMS is never said by
# an exception: it is data, an Outcome.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::proto");

const version :UInt32 = 1;
# Raised when an old worker could misread a new supervisor or the other way round. describe() carries the worker's.

const maxRecipient :UInt32 = 64;
# bytes; a number of smsq.phone has 15 characters at most, an SQLite queue allows more
const maxText :UInt32 = 16384;
# bytes of UTF-8; 255 concatenated parts, the most 3GPP TS 23.040 9.2.3.24.1 can count, would be about 39,000 characters: far
# beyond what `formatting.max_parts` allows
const maxReason :UInt32 = 400;
# bytes; what is longer is cut by the supervisor
const maxBatch :UInt32 = 4096;
# SMS in one dispatch() call
const maxMessage :UInt32 = 4194304;
# bytes in one message from a worker to the supervisor: twice a report of 4,096 outcomes with the longest reasons
const maxCalls :UInt32 = 64;
# calls of a worker that the supervisor has not answered yet, or that the worker has not finished (Finish) yet

interface Dispatcher {
  # One configured way out.

  describe @0 () -> (description :Description);
  # Answered when the worker has read its configuration, locked itself in and is ready to serve, not before: the answer is
  # what "ready" means. A worker whose slow thing needs seconds to start (a modem) answers after those seconds; the
  # supervisor has a deadline for it. May be repeated.

  dispatch @1 (batch :List(Sms), sink :OutcomeSink) -> ();
  # Takes over a whole batch. Returns as soon as the batch is taken, which says nothing of any SMS. Exactly one outcome for
  # each SMS follows through the sink, in any order, whatever happens, as long as this process lives.
  #
  # The supervisor hands the same sink with every batch of a connection: reports of several batches may share a call.
  #
  # The supervisor keeps at most `window + backlog` SMS out. More than that fails the call, and none of the batch is taken.
  # Each SMS has to be begun, or given back as notBegun, within (timeout + 3 s) x (1 + backlog / window, rounded up), and one
  # (timeout + 3 s) more for a worker with `spacing`. That is what a worker needs whose every SMS takes until its deadline; a
  # worker that lets an SMS lie longer is ended, and the SMS goes another way.
  #
  # Not to be repeated after a lost connection without an `unknown` in between: the attempt ids would be the same.

  recall @2 (attempts :List(UInt64)) -> (reports :List(Report));
  # What became of these attempts, for a supervisor that has just come up and finds them in its queue. One report for each
  # attempt that this worker remembers (the last 10,000 at least); one that is not answered is not known here. An attempt
  # that is under way is reported as `begun`. Changes nothing; may be repeated.

  health @3 () -> (health :Health);
  # How the way out is now; also asked once before the first dispatch(). Cheap, never waits for the slow thing: a worker that does not answer in time is hung.

  drain @4 () -> ();
  # No further dispatch() will come. Returns when no SMS is under way any more and every outcome was taken by its sink. What
  # was not begun yet is reported `deferred` at once. A worker that was drained may be ended without losing anything.

  quit @5 () -> ();
  # As drain(), and then the process ends, so that the next connection finds a fresh one, which has read its file as it is
  # then. Returns when nothing is under way any more; the end of the connection follows.
  # A worker of an older version does not know it (UNIMPLEMENTED). The supervisor drains it then, and says that its process
  # stays what it was.

  lastWords @6 () -> (words :Text, cause :Cause);
  # Returns when this process is about to end by itself, before the connection does: why. Asked once, at the beginning of
  # each connection. A worker that cannot serve (a wrong file, a secret that is missing, no lock) lets its supervisor in all
  # the same, answers this and nothing else, and ends. The words are bounded as a reason is, and carry no secret.
}

enum Cause {
  # Why a worker process ends by itself.
  other @0;
  cannotStart @1;
  # it will never serve, and a fresh one neither, until somebody changes something
  spent @2;
  # it is of no use any more: an SMS passed its deadline, the modem is another one. A fresh one may be.
  told @3;
  # somebody stops or restarts its unit
}

interface OutcomeSink {
  # The supervisor's ear.

  report @0 (reports :List(Report)) -> (withheld :List(UInt64));
  # Many reports in one call. First, for each SMS, `begun`: the worker is about to touch it, and begins only when this call
  # has returned. So the supervisor of a worker that died knows what was certainly not sent. Then its outcome, once.
  #
  # Of the attempts announced in this call those in `withheld` are not begun after all, but reported as notBegun: what else
  # was reported made the supervisor choose another way for them, or an operator paused this one.
}

struct Sms {
  attempt @0 :UInt64;
  # never repeated, over all supervisors of the queue
  recipient @1 :Text;
  # as it stands in the queue: a phone number, to be escaped by the worker for where it puts it
  text @2 :Text;
  # valid UTF-8, formatted, its length already checked
  key @3 :Text;
  # the idempotency key: the same in every resend of the same SMS; [A-Za-z0-9-], at most 64 characters
  deadline @4 :UInt32;
  # milliseconds from the moment it is begun until the worker has to have said an outcome
  encoding @5 :Encoding;
  parts @6 :UInt16;
  # how the text fits: see 3GPP TS 23.038 for the alphabets, TS 23.040 for the parts
}

enum Encoding {
  gsm7 @0;
  ucs2 @1;
}

struct Report {
  attempt @0 :UInt64;
  union {
    begun @1 :Void;
    outcome @2 :Outcome;
    notBegun @3 :Void;
    # given back untouched: certainly not sent, and no word on this way out. Stands for the outcome.
  }
}

struct Outcome {
  # What a worker says of an attempt. A closed set: a worker that cannot tell says `unknown`, and so does one that says
  # nothing: the first of a union is what stands where nothing was written.
  union {
    unknown @0 :Text;
    # it may have been sent. Never "failed". The reason.
    accepted @1 :Text;
    # the gateway or the network took it. The reference it gave, or empty.
    refused @2 :Text;
    # this SMS will never be taken this way: a bad number, a text the gateway forbids. The reason.
    deferred :group {
      # not now, and known not to have been sent
      reason @3 :Text;
      after @4 :UInt32;
      # milliseconds the far end asked us to wait (Retry-After); 0: it did not say
      notReached @6 :Bool;
      # the far end was not reached at all (no connection, no network): this says nothing of the SMS or its recipient
    }
    broken @5 :Text;
    # this SMS was not sent, and none will be until something changes: no SIM, credentials rejected. The reason.
  }

  notUnderstood @7 :Bool;
  # Only beside `unknown`: the far end answered, and with success, but the worker's configuration does not understand what it
  # said. Such an SMS was probably sent, and a repetition teaches nothing new, so the supervisor repeats it once at most. A
  # worker that does not know this field leaves it false: its `unknown` then counts as silence, as it always did.
}

struct Description {
  version @0 :UInt32;
  kind @1 :Text;
  # gammu, http, soap, mail or debug: the one that the supervisor's configuration names, or the worker is ended
  window @2 :UInt32;
  # how many SMS are worked on at once: 1 for a modem. At least 1; the supervisor has a bound for each kind, and ends a worker
  # that claims more.
  backlog @3 :UInt32;
  # how many more may be handed over ahead, so that the window never runs dry; 0 where the order matters more. Bounded as the
  # window is. Of what is claimed within the bound the supervisor uses 4 x window, or 8 where that is more.
  knowsKeys @4 :Bool;
  # the gateway drops a second request with the same idempotency key
  software @5 :Text;
  # name and version, for status
  lock @6 :List(Text);
  # the parts of the inner lock that are in force: "no_new_privs", "landlock:7", "seccomp", "rlimits"
  spacing @7 :UInt32;
  # milliseconds from one SMS begun to the next at least; 0: none. The supervisor hands over no more than can begin within one
  # `timeout` at that pace.
  visits @8 :UInt32;
  # connections this process has served, this one included: more than 1 is a process that was there before, and read its
  # file before. 0: a worker of an older version, which does not say.
}

struct Health {
  union {
    ready @0 :Void;
    broken @1 :Text;
    # the reason: what an operator has to mend
  }
  active @2 :UInt32;
  # SMS under way now
  details @3 :List(Detail);
  # what this kind can tell: signal, operator, last answer. For an operator's eyes.
}

struct Detail {
  name @0 :Text;
  value @1 :Text;
}
