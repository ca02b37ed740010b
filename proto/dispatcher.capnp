# SPDX-License-Identifier: GPL-3.0-or-later
@0xd3c2b7f1a90e4c55;
# The contract between the supervisor and a worker.
#
# The supervisor is the client. The worker serves one Dispatcher over one Unix socket: an inherited socketpair (spawn), or a
# connection to the worker's own listening socket (socket activation). A worker has one supervisor at a time and refuses a
# second connection.
#
# Trust runs one way. A worker trusts its supervisor. The supervisor trusts no worker: it checks every report against the
# attempts that it gave to this very worker process, and cuts all texts to a bound. A report that does not fit is a strike. A
# worker never learns the id of a message, nor a recipient for whom it has no SMS to send.
#
# The supervisor bounds a worker's messages. It ends a worker, as for a report that does not fit, if the worker
# - sends a message above `maxMessage`, or leaves more than `maxCalls` calls open,
# - sends a message that this contract does not need (Bootstrap, sendResultsTo other than the caller, Provide, Accept, Join),
# - passes more than four capabilities in a message,
# - does not read for half a minute, or
# - sends more messages than its work accounts for: 16 for each SMS handed over, plus 500 a second (2,000 at once). Each 4 KiB
#   of a message count as one more message.
# The supervisor reads nothing from a worker while more than 1 MiB waits to be written to it, and handles at most 64 messages of
# one connection in a turn of its event loop.
#
# A failed call (an exception) means that the contract was broken or the peer has gone. The fate of an SMS is never an
# exception: it is data, an Outcome.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("smsd::proto");

const version :UInt32 = 1;
# The version of this contract. It is raised when an old worker could misread a new supervisor, or a new worker an old one.
const oldestVersion :UInt32 = 1;
# The oldest version that a program of this version still works with, as supervisor or as worker. The supervisor works with a
# worker if each of them knows a version that the other speaks: the worker's `version` is at least the supervisor's
# `oldestVersion`, and the worker's `oldest` is at most the supervisor's `version`.
#
# An upgrade replaces the programs one after the other, and a worker that its own unit runs may outlive the upgrade of its
# supervisor. So each version works with the version before it, in both directions:
# - Fields and methods are added at the end, and never removed, renumbered, given another type or another meaning. The default
#   of a new field means the behaviour before that field. A caller of a new method handles UNIMPLEMENTED.
# - A reader replaces an unknown member of a union or enum by the most careful known one: in Outcome by `unknown`, in Report by an
#   outcome `unknown`, in Cause by `other`, in Encoding by `ucs2`, and in Health by `ready`, because the outcomes of SMS show
#   whether the dispatcher works.
# - A change that an older program could misread raises `version`; `oldestVersion` follows one version later at the earliest.
# - tests/data/contract-1 holds version 1 as it was first shipped. A worker and a supervisor built from it run in the tests, and so
#   do those of a made-up next version (tests/peers/next-contract.py), in which each struct, enum, union and interface has one more
#   member.

const maxRecipient :UInt32 = 64;
# Bytes in Sms.recipient. A number in NAV's table smsq has at most 15 characters; an SQLite queue allows more.
const maxText :UInt32 = 16384;
# Bytes of UTF-8 in Sms.text. `formatting.max_parts` allows far fewer: 255 concatenated parts, the most that
# 3GPP TS 23.040 9.2.3.24.1 can count, would hold about 39,000 characters.
const maxReason :UInt32 = 400;
# Bytes in a reason or reference. The supervisor cuts longer ones.
const maxBatch :UInt32 = 4096;
# SMS in one dispatch() call.
const maxMessage :UInt32 = 4194304;
# Bytes in one message from a worker to the supervisor: twice a report of 4,096 outcomes with the longest reasons.
const maxCalls :UInt32 = 64;
# Open calls of a worker. A call is open until the supervisor has answered it and the worker has finished it (Finish).

interface Dispatcher {
  # One configured dispatcher, served by its worker.

  describe @0 () -> (description :Description);
  # Returns the worker's limits and abilities. A worker answers only when it has read its configuration, has locked itself in
  # and is ready to serve: the answer means "ready". A worker whose device needs seconds to start (a modem) answers after those
  # seconds; the supervisor waits no longer than `start_timeout`. May be repeated.

  dispatch @1 (batch :List(Sms), sink :OutcomeSink) -> ();
  # Hands over a whole batch. Returns as soon as the worker has taken the batch, which means nothing for any SMS in it. As long
  # as this process lives, the worker reports exactly one outcome (or notBegun) for each SMS to `sink`, in any order.
  #
  # The supervisor passes the same `sink` with every batch of a connection, so one report() may cover several batches.
  #
  # The supervisor hands over at most `window + backlog` SMS at a time. A batch that exceeds this fails the call, and the worker
  # takes none of it. The worker has to begin each SMS, or report it as notBegun, within
  # (timeout + 3 s) x (1 + backlog / window, rounded up); a worker with `spacing` has (timeout + 3 s) more. This is enough even
  # if every SMS takes until its deadline. The supervisor ends a worker that is slower, and sends the SMS another way.
  #
  # Must not be repeated after a lost connection, because an attempt id is used only once. The supervisor first records an
  # outcome for each attempt (`unknown` if it had begun), and sends the SMS again under a new attempt id.

  recall @2 (attempts :List(UInt64)) -> (reports :List(Report));
  # Returns one report for each of `attempts` that the worker remembers, and none for the others. For a supervisor that has just
  # started and finds these attempts in its queue. A worker remembers at least its last 10,000 attempts. An attempt in progress
  # is reported as `begun`. Changes nothing; may be repeated.

  health @3 () -> (health :Health);
  # Returns the dispatcher's present condition. The supervisor calls it periodically, and once before the first dispatch().
  # Cheap: it never waits for the device or gateway. A worker that does not answer within 5 s counts as hung.

  drain @4 () -> ();
  # Announces that no dispatch() follows. The worker at once reports as notBegun each SMS that it has not begun. Returns when no
  # SMS is in progress any more and `sink` has taken every outcome. Ending a drained worker loses nothing.

  quit @5 () -> ();
  # As drain(); then the process ends, so that the next connection reaches a fresh process, which reads its file again. Returns
  # when no SMS is in progress any more; the process then closes the connection.
  # A worker of an older version fails the call (UNIMPLEMENTED). The supervisor then drains it instead, and logs that the old
  # process stays.

  lastWords @6 () -> (words :Text, cause :Cause);
  # Returns, shortly before this process ends by itself, why it ends. The supervisor calls it once, at the beginning of each
  # connection, and the answer comes before the connection closes. A worker that cannot serve (a wrong file, a missing secret,
  # no lock) still accepts its supervisor, answers only this call, and ends. `words` has at most maxReason bytes and holds no
  # secret.
}

enum Cause {
  # Why a worker process ends by itself.
  other @0;
  # A reason that this list does not have.
  cannotStart @1;
  # The worker can never serve. A fresh process cannot either, until its configuration or its system is changed.
  spent @2;
  # This process has become useless: an SMS passed its deadline, or the modem was replaced. A fresh process may work.
  told @3;
  # The worker's unit is being stopped or restarted.
}

interface OutcomeSink {
  # Receives a worker's reports. The supervisor implements it.

  report @0 (reports :List(Report)) -> (withheld :List(UInt64));
  # Takes any number of reports. For each SMS that it begins a worker reports twice. First comes `begun`: the worker is about to
  # touch the SMS, and begins only when this call has returned, so that after a worker's death the supervisor knows which SMS
  # were certainly not sent. Then comes its outcome, once.
  #
  # The worker does not begin the attempts in `withheld`, although this call announced them: it reports them as notBegun. The
  # supervisor withholds an attempt if a report has made it choose another way, or if an operator has paused this dispatcher.
}

struct Sms {
  # One SMS to send.
  attempt @0 :UInt64;
  # The id of this attempt. It never repeats, over all supervisors of the queue.
  recipient @1 :Text;
  # The phone number as the queue holds it. The worker escapes it for the place where it puts it.
  text @2 :Text;
  # The text to send: valid UTF-8, formatted, with its length already checked.
  key @3 :Text;
  # The idempotency key: the same whenever the same SMS is sent again. [A-Za-z0-9-], at most 64 characters.
  deadline @4 :UInt32;
  # Milliseconds from the moment when the worker begins this SMS until it has to report an outcome.
  encoding @5 :Encoding;
  # The alphabet that `text` needs.
  parts @6 :UInt16;
  # How many SMS parts `text` takes in that alphabet (3GPP TS 23.040).
}

enum Encoding {
  # The alphabet of an SMS (3GPP TS 23.038).
  gsm7 @0;
  # The GSM 7-bit default alphabet with its extension table.
  ucs2 @1;
  # UTF-16, for all other characters.
}

struct Report {
  # The news of one attempt.
  attempt @0 :UInt64;
  # The id of the attempt, from Sms.attempt.
  union {
    begun @1 :Void;
    # The worker is about to begin this SMS; in an answer to recall(): it is in progress.
    outcome @2 :Outcome;
    # The attempt is over, with this result.
    notBegun @3 :Void;
    # The worker gives the SMS back untouched. It was certainly not sent, and this is no evidence against the dispatcher. Takes
    # the place of an outcome.
  }
}

struct Outcome {
  # The result of an attempt, a closed set. A worker that does not know reports `unknown`. A worker that sets nothing reports
  # the same, because `unknown` is the union's default.
  union {
    unknown @0 :Text;
    # The SMS may have been sent. Never means "failed". Holds the reason.
    accepted @1 :Text;
    # The gateway or the network took the SMS. Holds the reference that it returned, or is empty.
    refused @2 :Text;
    # This dispatcher will never take this SMS: a bad number, a text that the gateway forbids. Holds the reason.
    deferred :group {
      # The SMS was certainly not sent now; it may be sent later.
      reason @3 :Text;
      # Why the SMS was deferred.
      after @4 :UInt32;
      # Milliseconds that the gateway wants smsd to wait (Retry-After); 0 if it named no time.
      notReached @6 :Bool;
      # The gateway was not reached at all (no connection, no network), so this is no evidence about the SMS or its recipient.
    }
    broken @5 :Text;
    # This SMS was not sent, and none will be until something changes: no SIM, rejected credentials. Holds the reason.
  }

  notUnderstood @7 :Bool;
  # Set only with `unknown`: the gateway answered with success, but the worker's configuration does not understand the answer.
  # The SMS was probably sent, and sending it again would show nothing new, so the supervisor sends it again at most once. A
  # worker that does not know this field leaves it false: its `unknown` then counts as silence of the gateway.
}

struct Description {
  # A worker's limits and abilities.
  version @0 :UInt32;
  # The version of this contract that the worker implements. The supervisor ends a worker that it does not work with, see
  # `oldestVersion`.
  kind @1 :Text;
  # The name of its kind: [a-z][a-z0-9-]*, at most 32 characters. The supervisor ends a worker whose kind is not the one in
  # smsd.yaml.
  window @2 :UInt32;
  # How many SMS the worker has in progress at once, at least 1; 1 for a modem. The supervisor has a bound for each kind, and
  # ends a worker that exceeds it: that of a built-in kind is fixed, that of any other kind is `window` of the dispatcher's entry
  # in smsd.yaml, 64 by default and at most 1,024.
  backlog @3 :UInt32;
  # How many more SMS the worker takes in advance, so that its window never runs empty; 0 where the order matters more. The
  # bound of a built-in kind is fixed, and that of any other kind is 4,096. Within that bound the supervisor uses at most 4 x window, or 8 if that
  # is more.
  knowsKeys @4 :Bool;
  # The gateway drops a second request with the same idempotency key.
  software @5 :Text;
  # The worker program's name and version, for status output. "smsd-worker " and a version is a worker of smsd's own; the
  # supervisor has it replaced once by a fresh process (quit) if it is of another build and served an earlier supervisor.
  lock @6 :List(Text);
  # The parts of the worker's own lock that are in force: "no_new_privs", "landlock:7", "seccomp", "rlimits".
  spacing @7 :UInt32;
  # The least number of milliseconds between the beginnings of two SMS; 0 if there is no such limit. The supervisor hands over
  # no more than can begin within one `timeout` at that pace.
  visits @8 :UInt32;
  # How many connections this process has served, including this one. More than 1 means that the process is not fresh: it read
  # its file before an earlier connection. 0 means a worker of an older version, which does not count.
  oldest @9 :UInt32;
  # The oldest version of this contract whose supervisor the worker works with; 0: only its own `version`.
}

struct Health {
  # The present condition of a dispatcher.
  union {
    ready @0 :Void;
    # The dispatcher can send.
    broken @1 :Text;
    # The dispatcher cannot send until an operator repairs it. Names what to repair.
  }
  active @2 :UInt32;
  # How many SMS are in progress.
  details @3 :List(Detail);
  # Facts that this kind of worker knows, for an operator to read: signal, network operator, last answer. The supervisor keeps
  # the first 16.
}

struct Detail {
  # One fact about a dispatcher.
  name @0 :Text;
  # The name of the fact. The supervisor cuts it to 40 bytes.
  value @1 :Text;
  # The value as an operator reads it. The supervisor cuts it to 200 bytes.
}
