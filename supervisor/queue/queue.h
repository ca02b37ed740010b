// SPDX-License-Identifier: GPL-3.0-or-later
// The queue: the table of messages (smsq) of NAV, the monitoring system, and the supervisor's durable record
// of the SMS in progress (the schema smsd; in SQLite, the tables smsd_*). Section 2 of ARCHITECTURE.md
// defines the words of this page, among them submission, attempt, claim, lease, fence, round, wait and stamp.
//
// PostgreSQL (NAV's own database) and SQLite (one host, embedded) implement this interface. So can you:
// smsd-queue(7) describes how smsd loads a queue of your own, queue-object.h is what it loads, and the suite
// that all backends pass is tests/queue/suite. The source API has a version there; the ABI is not promised.
//
// Threads. smsd calls a queue from its queue thread only, one call at a time (queue-thread.h); smsctl and the
// one-shot options of smsd call it from their only thread. PostgreSQL and SQLite have a second queue in smsd,
// never enlisted, on a thread of its own, for operators; a queue of your own has one in a process. hangUp()
// alone comes from another thread. Every call may block. A call that has not returned after 10 s counts as a
// queue that is away, and after the length of the lease smsd calls hangUp().
//
// Order. enlist() is first, once. Then smsd calls renew(), takeOver(), strained(), otherSettler(),
// takeClockStep() and schema(), in this order, at half the length of the lease and at once after enlist().
// In between it calls claim(), recordAttempts() and settle() as there is work, and takeNews() and newsFd()
// after each call that worked and when the descriptor is readable. At the end it calls retire(). The calls
// for operators may come at any time, also to a queue that was never enlisted.
//
// Transactions. Each call that changes rows is one transaction, so it leaves no half of its work behind. A
// call that returns has been committed durably: smsd hands an SMS over because claim() or recordAttempts()
// has returned, and forgets an outcome because settle() has.
//
// Errors. A call throws QueueError and nothing else; its text is one line for an operator, without the text
// of a message, a password or the connection. Anything else that escapes counts as `failed`. smsd does not
// ask why a call failed: it repeats it. So each call can be repeated after `unreachable`, and the backend
// reconnects. If only the reply to the commit was lost, the repeated call changes nothing more, except that
// insert() inserts a second copy and recordAttempts() records one more attempt. claim() and takeOver() must
// then return what the lost call had committed, or those SMS are live and never sent.
//
// Rules that hold even if a worker, a supervisor, the database or the host dies:
//  - A recipient has at most one live submission, over all supervisors.
//  - A claimed message changes its state in the transaction that ends its submission.
//  - A supervisor that was declared dead can settle nothing (QueueError::fenced).
//  - Only the database's clock counts. It may be stepped, so no reading of it makes a wait or a lease longer
//    than its bound (clock-watch.h, leases.h).
//  - Message ids are reused (TRUNCATE ... RESTART IDENTITY, a restored dump). A row counts as the claimed one
//    only if its stamp is still the same: an id alone never suffices to settle, hold, release or discard a
//    message. (Only submissions that an older version recorded have no stamps.)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/format/format.h"
#include "supervisor/format/message.h"
#include "supervisor/pace/pace.h"
#include "supervisor/queue/heartbeats.h"
#include "supervisor/queue/installation.h"
#include "supervisor/queue/intake.h"
#include "supervisor/queue/records.h"

namespace smsd::queue {

class QueueError : public std::runtime_error {
 public:
  /// At the start, each ends smsd with an exit status: denied with 77, notInstalled with 78, invalid with 65,
  /// the others with 75, after which systemd tries again. Later, smsd never ends because of one.
  enum class Kind {
    // smsd repeats the call after 250 ms, doubling to 1.5 s, until it works. Meanwhile it claims nothing and
    // hands nothing over, keeps the outcomes in memory, and reports the queue as away.
    unreachable,   // no connection, or it was lost: try again later
    denied,        // wrong password or missing privilege: an operator has to act
    notInstalled,  // no queue of this version: tables are missing, or (SQLite) the path is no file of its own
    busy,          // another smsd uses it: owns the file (SQLite), or could not work after an upgrade
    failed,        // any other error of the database
    // smsd forgets all its SMS, ends the workers that hold them, and enlists again.
    fenced,    // this supervisor was declared dead and has lost all its submissions
    replaced,  // SQLite: the path leads to another file now; every call fails until the next enlist()
    // settle(): smsd repeats the settlements one by one, and the refused one as `held`. Other calls:
    // repeated.
    invalid,  // the database did not accept a value of the caller's
  };
  QueueError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// One SMS in progress, as the database has it.
struct Submission {
  SubmissionId id = 0;
  AttemptId attempt = 0;  // the attempt in force, the last one; recorded before the SMS leaves the supervisor
  std::string dispatcher;  // the dispatcher that the attempt in force was recorded for
  std::string key;         // the idempotency key; the same for all attempts of this submission
  std::string recipient;
  format::FormattedSms sms;
  std::optional<int> severity;       // of the most severe message
  format::MessageId first = 0;       // the id of that message; `severity` and `first` order the submissions
  int rounds = 0;                    // counted rounds of this recipient by now
  bool waited = true;                // false: the claim found no wait that settle() has to delete
  std::optional<Duration> failing;   // age of the first counted failure at the claim; none: no round counted
  int notUnderstood = 0;             // after a take-over: former attempts with the outcome not-understood
  std::vector<std::int64_t> stamps;  // of the messages in sms.sent, then of those in sms.ignored; fewer only
                                     // in a submission of an older version, where the id alone decides
  std::optional<Duration> queuedFor = std::nullopt;  // age of the message `first` at the claim; none: after
                                                     // a take-over, or the backend does not tell
};

/// The stored name of an outcome: success, but in a form that the worker does not understand. It counts as
/// unknown, but the SMS is repeated only once, even if another supervisor takes it over.
inline constexpr std::string_view notUnderstood = "not-understood";

/// Returns whether severity `one` is more severe than `other`. A missing severity is the least severe.
inline bool moreSevere(const std::optional<int>& one, const std::optional<int>& other) {
  return one && (!other || *one < *other);
}

/// Makes one SMS of one recipient's messages, which are sorted most severe first. Pure; called inside the
/// claim's transaction.
using Formatter = std::function<format::FormattedSms(const std::vector<format::Message>&)>;

enum class Look {
  onward,  // continues where the last claim stopped; after the end, the next claim starts a new pass.
           // Messages inserted during a pass wait for the next one, so that each pass ends
  head,    // looks at the most severe and oldest only; does not move the position of `onward`
};

/// Storm control of a claim: see supervisor/pace/pace.h.
struct PacedClaim {
  pace::PaceRules rules;
  /// As ClaimRequest::format, for the last SMS of an hour. `silence`: the time until the next one may leave.
  std::function<format::FormattedSms(const std::vector<format::Message>&, Duration silence)> last;
};

struct ClaimRequest {
  std::size_t limit = 0;  // recipients, and so submissions, at most
  Look look = Look::onward;
  std::string dispatcher;  // the first attempt is recorded for this dispatcher
  Formatter format;
  std::optional<Duration> expireAfter;  // older messages become ignored instead of being claimed; none: never
  /// Claims only recipients with a message more severe than this. INT_MAX: of any severity. None: all.
  std::optional<int> moreSevereThan = {};
  /// The longest wait that settle() may set (retry.max_delay). A wait that has more than this left counts as
  /// over, because only a stepped clock can cause it.
  Duration longestWait = std::chrono::hours(24 * 7);
  /// Returns true for the number of a heartbeat (heartbeats.h): its messages are never claimed, and returned
  /// as `leftOut`. Empty: there is none. A backend without heartbeats need not call it.
  std::function<bool(const std::string& recipient)> leaveOut = {};
  /// None: no recipient is paced. A backend whose paces() is false need not look at it.
  std::optional<PacedClaim> pacing = std::nullopt;
};

/// A live submission of this supervisor that keeps a more severe message to the same recipient from being
/// claimed. The road lets it make way (Road::giveWay).
struct InTheWay {
  SubmissionId id = 0;
  int severity = 0;  // of the more severe message
};

/// A recipient that has messages, and is not claimed because an SMS left to it lately.
struct PacedRecipient {
  std::string recipient;
  pace::Decision decision;  // one that waits
};

struct ClaimResult {
  std::vector<Submission> submissions;  // in the order in which they should be sent
  std::vector<InTheWay> inTheWay;       // those that this claim came across
  bool atEnd = false;                   // the pass of `onward` has looked at every unsent message
  std::size_t expired = 0;              // messages that became ignored because of their age
  /// With `atEnd`: time until the earliest waiting recipient may be claimed again; none: no recipient waits.
  std::optional<Duration> nextDue;
  std::vector<std::string> leftOut = {};   // numbers for which leaveOut returned true, each once
  std::vector<PacedRecipient> paced = {};  // those that this claim came across, each once
};

/// The way in which a submission ends. `sent` and `ignored` mark its messages; with `sent`, those that are
/// only counted in the text become ignored. `returned` gives the messages back to the queue. `held` keeps
/// them unsent but out of every claim, whatever their age, until an operator releases or discards them. The
/// recipient's other messages can still be claimed.
enum class Fate { sent, ignored, returned, held };

struct Settlement {
  Submission submission;
  Fate fate = Fate::sent;
  std::string outcome;      // accepted, refused, deferred, broken, unknown or not-understood
  std::string reason = {};  // in words; no message text, no secret
  /// The gateway's reference for the SMS. smsq.smsid gets it if it is an integer that fits, otherwise 0.
  std::string reference = {};
  std::optional<Duration> wait = {};  // for `returned`: the recipient is not claimed for this long, unless a
                                      // message comes that is more severe than all of these; none: claimed at
                                      // once, rounds forgotten
  int rounds = 0;                     // with `wait`: counted rounds of the recipient by now
  /// With `wait`: time since the recipient's first counted failure.
  std::optional<Duration> failing = std::nullopt;
  /// With `sent`: this SMS begins a window of its recipient, and counts in its hour. None: it does neither.
  std::optional<pace::PaceRules> pacing = std::nullopt;
};

struct SettleResult {
  std::size_t sent = 0, ignored = 0;  // messages
  std::size_t replaced = 0;  // messages whose id belongs to another row by now, which was left as it is
  bool lookAgain = false;  // a recipient that is free now has unsent messages: they came while the submission
                           // was live, did not fit into its text, or were returned without a wait
};

/// Ends a submission's attempt in force with `outcome` and `reason`, and records the next one for
/// `dispatcher`, the same or another. (The claim has recorded the first attempt.)
struct NextAttempt {
  SubmissionId id = 0;
  std::string outcome;
  std::string reason;
  std::string dispatcher;
  int rounds = 0;  // as in Submission, by now: for a supervisor that takes the submission over
  std::optional<Duration> failing = std::nullopt;  // likewise
};

enum class Purge {
  more,  // there may be more to delete
  done,
};

class Queue {
 public:
  virtual ~Queue() = default;

  // --- life cycle of a supervisor
  /// Connects, checks that the queue is installed and that the privileges suffice, so that a fault shows at
  /// the start and not at the first alert, and opens a lease of length `lease`. Called first, and again after
  /// `fenced` or `replaced`: then all that this object remembers of its submissions is void. Every run of one
  /// supervisor uses the same `name`, and no other supervisor that may run at the same time does (the caller
  /// holds the lock of the state directory, which has the name). So earlier runs with this name are dead, and
  /// takeOver() does not wait for their leases.
  virtual SupervisorId enlist(const std::string& name, Duration lease) = 0;
  /// Renews the lease, in one small transaction whatever the number of live submissions. To be called at half
  /// of its length. Throws `fenced` if another supervisor took over.
  virtual void renew() = 0;
  /// Declares supervisors dead whose lease has run out, and takes their live submissions over, all in one
  /// transaction that excludes their settlements: one of the two is first, and the other sees the result.
  /// Each submission comes as it was (text, key, attempt, rounds), once. The results of their attempts are
  /// unknown. Also returns the submissions of a claim or take-over of our own whose reply was lost. To be
  /// called about twice per lease.
  virtual std::vector<Submission> takeOver() = 0;
  /// Returns a problem that an operator should mend while all still works; empty: none. For each renewal.
  virtual std::string strained() { return {}; }
  /// Returns the versions that the last enlistment or take-over found. Never throws. A backend without
  /// versions of its own tables leaves this as it is.
  virtual SchemaVersions schema() const { return {}; }
  /// Returns the sign that another program settles messages (NAV's smsd); empty: none. As strained().
  virtual std::string otherSettler() { return {}; }
  /// Ends the lease, so that others need not wait for its end. Submissions that are still live stay so until
  /// another supervisor takes them over.
  virtual void retire() = 0;

  // --- claims, attempts, settlements
  // Each throws `fenced` and changes nothing if this supervisor was declared dead.
  /// Claims recipients, and records a submission with its first attempt for each, in the order of the queue:
  /// by severity (a missing one last), then by the time and the id of the first message. `request.format` is
  /// called inside the transaction, once for each recipient. May return fewer than `limit`, also none,
  /// without having come to the end; only `atEnd` says that.
  virtual ClaimResult claim(const ClaimRequest& request) = 0;
  /// Ends each attempt in force and records the next one, so that the SMS may be handed over again. Returns
  /// the attempts in the order of `next`, with ids that were never used before. If a submission is no longer
  /// this supervisor's, throws `fenced` and records nothing.
  virtual std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) = 0;
  /// Ends those of the submissions that are live and this supervisor's, and leaves out the others: so a
  /// repeated call changes nothing more. Marks their messages, sets or deletes the waits of their recipients,
  /// and frees the recipients, all in the same transaction. Throws `invalid` and settles none if the database
  /// refuses a value in one of them.
  virtual SettleResult settle(const std::vector<Settlement>& settlements) = 0;

  /// Whether this queue, in the version of its tables, keeps what pacing needs: `pacing` of a claim and of a
  /// settlement.
  virtual bool paces() const { return false; }

  // --- notification of new messages
  // A backend without a bell returns -1 from newsFd(), false from takeNews(), and leaves ringBell() as it is.
  // smsd then finds new messages by polling alone, every queue.poll_interval, and calls this no fault.
  /// Returns a descriptor that becomes readable when there may be news; -1: none at the moment. The backend
  /// owns it, and it changes with each connection. Observe a duplicate, and call newsFd() again after every
  /// call that threw.
  virtual int newsFd() = 0;
  /// Drains the descriptor. Returns true if there may be new messages to claim.
  virtual bool takeNews() = 0;
  /// Rings the bell like another program that inserts a message: through a second connection, so that the
  /// caller can check whether newsFd() becomes readable. Returns none if this queue has no bell. If a ring
  /// does not arrive twice, smsd reports `ifUnheard` and polls every 5 s at least.
  virtual std::optional<Ring> ringBell() { return std::nullopt; }

  // --- operations of NAV's queue class, for smsctl and the one-shot options
  /// Makes unsent messages of at least `minimumAge` ignored, except those in progress and those held. Held
  /// messages may have been sent, so only `discard` may give them up. The result lists the first `listed` of
  /// the cancelled messages, at least one, and is made in the same transaction. Unlike NAV's, it includes
  /// messages without an account.
  virtual Cancelled cancelAndList(Duration minimumAge, std::size_t listed) = 0;
  std::size_t cancel(Duration minimumAge) { return cancelAndList(minimumAge, 1).count; }
  /// Returns at most `limit` messages, oldest first.
  virtual std::vector<StoredMessage> messages(SentStatus status, std::size_t limit) = 0;
  /// Returns the messages most severe first, then oldest first.
  virtual std::vector<StoredMessage> messagesOf(const std::string& recipient, SentStatus status) = 0;
  /// As messagesOf(), but at most `limit` of them.
  virtual std::vector<StoredMessage> firstMessagesOf(const std::string& recipient, SentStatus status,
                                                     std::size_t limit) {
    auto found = messagesOf(recipient, status);
    if (found.size() > limit) found.resize(limit);
    return found;
  }
  /// Returns the phone numbers in sorted order.
  virtual std::vector<std::string> recipients(SentStatus status) = 0;
  /// Inserts messages. The table's constraints are the checks; the text of `invalid` names the violated one.
  virtual std::vector<format::MessageId> insert(const std::vector<NewMessage>& messages) = 0;
  /// NAV's setsentstatus: sent and ignored also set timesent. Returns the number of rows changed: 0 or 1.
  virtual std::size_t setStatus(format::MessageId id, SentStatus status, int smsid) = 0;

  // --- operator commands
  /// Returns held SMS, oldest first. Messages marked or deleted by hand meanwhile are no longer held.
  virtual std::vector<HeldSms> held(std::size_t limit) = 0;
  /// Makes the messages of the held SMS `id` claimable again, and notifies supervisors on other connections.
  /// Returns the number of messages; 0: nothing is held under this id.
  virtual std::size_t release(SubmissionId id) = 0;
  /// Makes the messages of the held SMS `id` ignored. Returns their number; 0: nothing is held as `id`.
  virtual std::size_t discard(SubmissionId id) = 0;
  /// Ends the waits of the selected recipients and forgets their rounds, so that they may be claimed again.
  /// Notifies supervisors on other connections.
  virtual WaitsEnded endWaits(const Whom& whom) = 0;
  enum class Cancel { act, preview };
  /// Whether cancellable() and cancelThese() are there, so that a cancel of many messages locks the queue for
  /// a short time only, again and again.
  virtual bool cancelsInSteps() const { return false; }
  /// Returns the ids of at most `most` messages that cancelChosen() would cancel now. Takes no lock.
  virtual std::vector<format::MessageId> cancellable(const Choice&, std::size_t) { return {}; }
  /// Cancels those of the messages that may be cancelled still, in one transaction. The result lists the
  /// first `listed` of them.
  virtual Cancelled cancelThese(const std::vector<format::MessageId>&, std::size_t) { return {}; }
  /// Ends `most` waits at most, and returns their number. A backend that does not override it ends them all.
  virtual std::size_t endSomeWaits(std::size_t) { return endWaits({}).count; }
  /// As cancelAndList(), for the chosen messages only. `preview`: changes nothing, and returns what `act`
  /// would cancel now. A backend that does not override it cannot choose by age, and uses several
  /// transactions.
  virtual Cancelled cancelChosen(const Choice& choice, Cancel cancel, std::size_t listed);
  /// Makes an ignored message unsent again. `expireAfter`: as in ClaimRequest. A backend that does not
  /// override it uses several transactions, and does not know `tooOld`.
  virtual Restored restore(format::MessageId id, std::optional<Duration> expireAfter);
  /// Returns none if there is no such message. Reads the whole history, so it is for occasional use; takes no
  /// lock. `longestWait` as in ClaimRequest.
  virtual std::optional<MessageLife> explain(format::MessageId id,
                                             Duration longestWait = std::chrono::hours(24 * 7)) = 0;

  // --- heartbeats of other programs; see heartbeats.h. A backend that does not override these has none, and
  // smsd then reports that it cannot watch.
  /// Looks at the heartbeats of `look`, and records those that it does not know yet. Marks unsent messages to
  /// their numbers as sent, except those held or in progress: each is a heartbeat, and no SMS leaves. One
  /// transaction, behind the fence. With `notYet`, only marks messages.
  virtual HeartbeatsSeen lookAtHeartbeats(const HeartbeatLook&) { return {}; }
  /// Records a heartbeat that came now. For operators: needs no enlistment. Returns false if this queue, or
  /// its schema, keeps no heartbeats.
  virtual bool beat(const std::string& /*name*/) { return false; }

  // --- alerts that programs submit; see intake.h. A backend that does not override this takes none.
  /// Puts alerts into the queue, and applies their keys and `cancels` in their order, all in one transaction.
  /// Needs no enlistment. An alert is a duplicate if one with its key came within `dedupe`, or is unsent
  /// still. Alerts with a key may be submitted again after `unreachable`, without a second message. After it,
  /// the caller of another queue's claim() has to be told that there is news.
  virtual Submitted submit(const std::vector<NewAlert>&, Duration /*dedupe*/) { return {}; }

  /// Deletes history that ended longer than `age` ago: submissions with their attempts, the reasons for
  /// ignored messages, and what is kept of submitted alerts. Examines at most `most` submissions. Keeps held
  /// ones, and never deletes NAV's own rows.
  virtual Purge purge(Duration age, std::size_t most) = 0;

  /// Returns what is installed, and the supervisors that are alive. Also for a caller that is not enlisted.
  virtual Installation installation() { return {schema(), {}, {}, paces()}; }

  /// Stops counting at `bound` rows, so that a status request never scans a million rows.
  virtual Depth depth(std::uint64_t bound) = 0;

  /// Returns those of `ids` whose messages are ignored now. A backend that does not override it returns all.
  virtual std::vector<format::MessageId> stillIgnored(const std::vector<format::MessageId>& ids) {
    return ids;
  }

  /// Returns how far the database's clock was stepped since the last call: ahead, or (negative) back.
  virtual std::optional<Duration> takeClockStep() { return std::nullopt; }

  /// Cuts the connection, so that a call that waits for it throws `unreachable`. The only call that may come
  /// from another thread, at any time. Does nothing in a backend that depends on this host only.
  virtual void hangUp() {}
};

}  // namespace smsd::queue

#include "supervisor/queue/queue-defaults.h"
