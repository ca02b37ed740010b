// The queue: NAV's table of messages, and our durable record of what is on its way.
//
// The interface that PostgreSQL (NAV's own database) and SQLite (one host, embedded) both keep; tests/queue
// is the suite both pass. Called from the queue thread only (queue-thread.h), and by smsctl where no daemon
// is needed. Every call may block, every call may throw QueueError and nothing else; after an `unreachable`
// the same call may be made again, the backend connects anew. No call leaves half of its work behind: each is
// one transaction, or one that can be repeated.
//
// The rules that hold whatever dies (DESIGN 7):
//  - at most one live submission a recipient, over all supervisors;
//  - a message changes its state in the transaction that ends its submission;
//  - a supervisor that was declared dead can settle nothing (QueueError::fenced);
//  - only the database's clock counts, and it may be stepped: nothing that it says makes a wait or a lease
//  longer than
//    that can be (clock-watch.h, leases.h);
//  - ids of messages come again (TRUNCATE ... RESTART IDENTITY, a restored dump): a row is the one that was
//  claimed
//    only if its stamp is that of then, and nothing is settled, held, released or discarded by an id alone.
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

namespace smsd::queue {

using Duration = std::chrono::milliseconds;
using SubmissionId = std::int64_t;
using AttemptId = std::uint64_t;    // never repeats in the life of a queue
using SupervisorId = std::int64_t;  // one run of one supervisor

/// NAV's smsq.sent.
enum class SentStatus : char { unsent = 'N', sent = 'Y', ignored = 'I' };

class QueueError : public std::runtime_error {
 public:
  enum class Kind {
    unreachable,   // no connection, or it was lost: try again later
    denied,        // wrong password, missing privilege: an operator has to act
    notInstalled,  // a table or the schema smsd is missing or of another version: `smsctl db install`
    fenced,        // this supervisor was declared dead; nothing of what it held is its own any more
    busy,          // SQLite: another smsd owns the file
    replaced,      // SQLite: the file is not the one that was opened; until the next enlist() nothing works
    invalid,       // the caller's value was not accepted by the database
    failed,        // anything else the database said
  };
  QueueError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// One SMS on its way, as the database knows it.
struct Submission {
  SubmissionId id = 0;
  AttemptId attempt = 0;   // the attempt in force; recorded before the SMS leaves the supervisor
  std::string dispatcher;  // the one that attempt was recorded for; empty: none yet
  std::string key;         // the idempotency key; the same for all attempts of this submission
  std::string recipient;
  FormattedSms sms;
  std::optional<int> severity;       // of the most severe message
  MessageId first = 0;               // its id: with the severity it gives the order among submissions
  int rounds = 0;                    // rounds of all dispatchers this recipient has been through before
  bool waited = true;                // or may have: there can be a wait to forget
  std::optional<Duration> failing;   // since the first of its rounds that counted, when this was claimed
  int notUnderstood = 0;             // one that was taken over: its former attempts that ended so
  std::vector<std::int64_t> stamps;  // what each message was when it was claimed: of sms.sent, then of
                                     // sms.ignored; fewer: not known, the id alone decides
};

/// The outcome of an attempt that the gateway answered with success, in words that were not understood. It is
/// an unknown one, but the SMS is repeated once only, whatever supervisor comes after this one.
inline constexpr std::string_view notUnderstood = "not-understood";

/// Is a message of severity `one` more severe than one of `other`? None is the least.
inline bool moreSevere(const std::optional<int>& one, const std::optional<int>& other) {
  return one && (!other || *one < *other);
}

/// Makes one SMS of one recipient's messages, most severe first. Pure; called inside the claim's transaction.
using Formatter = std::function<FormattedSms(const std::vector<Message>&)>;

enum class Look {
  onward,  // go on where the last claim stopped; at the end, start over with the next claim. What came after
           // it had started over is left for the next time, so that it comes to the end whatever comes in
  head,    // only the most severe and oldest, without moving the place where `onward` goes on
};

struct ClaimRequest {
  std::size_t limit = 0;  // recipients
  Look look = Look::onward;
  std::string dispatcher;  // the first attempt is recorded for this one
  Formatter format;
  std::optional<Duration> expireAfter;  // older messages become ignored instead of being claimed
  std::optional<int>
      moreSevereThan;  // only recipients with such a message; the greatest int: with any severity
  Duration longestWait = std::chrono::hours(24 * 7);  // a wait that ends later is a stepped clock's, and over
};

/// A live submission of ours that keeps a more severe message to the same recipient from being claimed.
struct InTheWay {
  SubmissionId id = 0;
  int severity = 0;  // of that message
};

struct ClaimResult {
  std::vector<Submission> submissions;  // ordered as they should be sent
  std::vector<InTheWay> inTheWay;       // as far as this look saw
  bool atEnd = false;                   // everything unsent was looked at since `onward` started over
  std::size_t expired = 0;              // messages that became ignored because of their age
  std::optional<Duration>
      nextDue;  // until the earliest waiting recipient may be claimed again; said at the end
};

/// The fate of a submission. `returned` gives its messages back to the queue; `held` keeps them unsent but
/// out of every claim until an operator releases or discards them, whatever their age, and leaves the
/// recipient free for its other messages.
enum class Fate { sent, ignored, returned, held };

struct Settlement {
  Submission submission;
  Fate fate = Fate::sent;
  std::string outcome;  // the outcome's name: accepted, refused, deferred, broken, unknown, not-understood
  std::string reason;   // in words; no message text, no secret
  std::string
      reference;  // what the gateway called it; smsq.smsid gets it when it is an integer that fits, else 0
  std::optional<Duration> wait;  // returned only: the recipient is not claimed before, unless a message comes
                                 // that is more severe than all of these; none: at once, rounds forgotten
  int rounds = 0;                // with a wait: what the recipient has been through by now
  std::optional<Duration> failing =
      std::nullopt;  // with a wait: since when, counted from its first counted failure
};

struct SettleResult {
  std::size_t sent = 0;  // messages
  std::size_t ignored = 0;
  bool lookAgain = false;  // a recipient that is free now has unsent messages: passed by meanwhile, carried
                           // over, returned at once
};

/// A submission goes to another dispatcher, or to the same one again: what became of the attempt in force,
/// and the next one.
struct NextAttempt {
  SubmissionId id = 0;
  std::string outcome;
  std::string reason;
  std::string dispatcher;
  int rounds = 0;  // these two as the submission has them by now, for whoever takes it over
  std::optional<Duration> failing = std::nullopt;
};

struct StoredMessage {
  MessageId id = 0;
  std::string recipient;
  std::string
      user;  // account.name; empty when the row belongs to no account (wart C38: it is listed all the same)
  std::string text;
  std::optional<int> severity;
  std::string time;  // as the database prints it, to the minute
  SentStatus status = SentStatus::unsent;
  bool underWay = false;  // a live submission holds its recipient, and it is not held itself
  bool held = false;      // it waits for an operator's word
};

/// An SMS that may have been sent, and waits for an operator's word.
struct HeldSms {
  SubmissionId id = 0;
  std::string recipient;
  std::string text;
  std::vector<MessageId> messages;  // those in the text and those only counted
  std::optional<int> severity;
  std::string dispatcher;  // the last one that left it unknown
  std::string reason;
  std::string since;  // as the database prints it, to the second
};

/// What became of one attempt; of the one in force only what is known so far.
struct AttemptRecord {
  AttemptId id = 0;
  std::string dispatcher;
  std::string outcome;  // empty: under way
  std::string reason;
  std::string reference;
  std::string ended;  // empty: under way
};

/// One SMS a message was part of.
struct SubmissionRecord {
  SubmissionId id = 0;
  std::string key;
  std::string text;
  std::string supervisor;  // host and pid
  std::string created;
  std::string ended;                // empty: live
  std::string fate;                 // empty: live; else as Fate has it, or released, discarded: held before
  std::string decided;              // when it was released or discarded; empty: it was not
  std::vector<MessageId> messages;  // all it spoke for: in the text, then only counted
  bool onlyCounted = false;         // the message was not in the text
  std::vector<AttemptRecord> attempts;  // in order
};

/// The life of one message, for `smsctl explain`.
struct MessageLife {
  StoredMessage message;
  std::string timeSent;  // empty: never
  std::optional<int> smsid;
  std::vector<SubmissionRecord> submissions;  // in order
  std::string ignoredBecause;                 // expired, cancelled: where no submission says why
  std::string waitsUntil;                     // empty: its recipient does not wait
  int rounds = 0;
  std::string failingSince;         // of its recipient's first counted failure; empty: none
  std::optional<Duration> failing;  // how long ago that is
};

struct NewMessage {
  std::optional<int> account;
  std::string recipient;
  std::string text;
  std::optional<int> severity;
};

/// What an operator cancelled.
struct Cancelled {
  std::size_t count = 0;
  std::vector<StoredMessage> messages;  // in order of their ids, up to what was asked for
};

/// Whom a word of the operator's is for: the recipient of a message, a recipient, or with neither everybody.
struct Whom {
  MessageId message = 0;
  std::string recipient;
};

struct WaitsEnded {
  bool known = true;      // false: there is no such message
  std::string recipient;  // of the message, or as asked for; empty: everybody
  std::size_t count = 0;  // recipients that waited
};

struct Depth {
  std::uint64_t unsent = 0;
  bool more = false;               // counting stopped at the bound that was asked for
  std::optional<Duration> oldest;  // age of the oldest unsent message
  std::uint64_t held = 0;          // of the unsent messages; counted up to the same bound
  /// Age of the oldest unsent message that is neither held nor waits because its own recipient was in
  /// trouble: only smsd and its dispatchers keep it waiting. At most 10,000 messages are looked through for
  /// it.
  std::optional<Duration> late;
};

/// What the backend knows of the bell when it rings it itself.
struct Ring {
  std::string unannounced;  // why nothing rings when another program inserts a message; empty: something does
  std::string ifUnheard;    // what it means, in words, when newsFd() does not become readable
};

enum class Purge {
  more,  // there may be more of it
  done,
};

class Queue {
 public:
  virtual ~Queue() = default;

  // --- a supervisor's life
  // -------------------------------------------------------------------------------------------
  /// Connects, checks that the queue is installed, and opens a lease. `name` is the same in every run of one
  /// supervisor and of nothing else that may run at the same time (the caller holds a lock that says so):
  /// earlier runs under it are dead.
  virtual SupervisorId enlist(const std::string& name, Duration lease) = 0;
  /// Renews the lease. Throws `fenced` when somebody took over.
  virtual void renew() = 0;
  /// Declares supervisors dead whose lease has run out, and takes their live submissions over: what became of
  /// their attempts is not known here. To be called about twice a lease.
  virtual std::vector<Submission> takeOver() = 0;
  /// What is wrong although all works, in words, for an operator to mend; empty: nothing. Asked with each
  /// renewal.
  virtual std::string strained() { return {}; }
  /// Ends the lease; what is still live stays so for whoever takes over.
  virtual void retire() = 0;

  // --- the road
  // ------------------------------------------------------------------------------------------------------
  virtual ClaimResult claim(const ClaimRequest& request) = 0;
  /// In the order of `next`. A submission that is not ours any more throws `fenced`, and nothing is recorded.
  virtual std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) = 0;
  virtual SettleResult settle(const std::vector<Settlement>& settlements) = 0;

  // --- notice
  // --------------------------------------------------------------------------------------------------------
  /// A descriptor that becomes readable when there may be news; -1: none at the moment. It belongs to the
  /// backend and changes with each connection: observe a duplicate, and ask again after every call that
  /// threw.
  virtual int newsFd() = 0;
  /// Reads what made it readable. True when the queue should be looked at.
  virtual bool takeNews() = 0;
  /// Rings the bell as another program does that inserted a message: through a second connection, so that the
  /// caller sees whether newsFd() becomes readable. None: this queue has no bell.
  virtual std::optional<Ring> ringBell() { return std::nullopt; }

  // --- what NAV's queue class offers
  // ---------------------------------------------------------------------------------
  /// Unsent messages at least this old become ignored, except those under way and those held: these may have
  /// been sent, and a rule for all of a backlog is no word on them; `discard` is. What is reported is what
  /// was cancelled, in the same transaction, whether it belongs to an account or not (wart C38).
  virtual Cancelled cancelAndList(Duration minimumAge, std::size_t listed) = 0;
  std::size_t cancel(Duration minimumAge) { return cancelAndList(minimumAge, 1).count; }
  /// At most `limit`, oldest first.
  virtual std::vector<StoredMessage> messages(SentStatus status, std::size_t limit) = 0;
  /// Most severe and oldest first.
  virtual std::vector<StoredMessage> messagesOf(const std::string& recipient, SentStatus status) = 0;
  /// In order of the number.
  virtual std::vector<std::string> recipients(SentStatus status) = 0;
  /// NAV's test messages and `smsctl send`. The checks are the table's own: `invalid` says which was broken
  /// (wart C49).
  virtual std::vector<MessageId> insert(const std::vector<NewMessage>& messages) = 0;
  /// NAV's setsentstatus: sent and ignored stamp timesent. Returns how many rows changed: 0 or 1.
  virtual std::size_t setStatus(MessageId id, SentStatus status, int smsid) = 0;

  // --- an operator's
  // ---------------------------------------------------------------------------------------------------------
  /// Oldest first. What was marked or deleted by hand meanwhile is not held any more.
  virtual std::vector<HeldSms> held(std::size_t limit) = 0;
  /// Its messages may be claimed again; supervisors on other connections get the news. Returns how many they
  /// are; 0: nothing is held under this id.
  virtual std::size_t release(SubmissionId id) = 0;
  /// Its messages become ignored. Returns how many they are; 0: nothing is held under this id.
  virtual std::size_t discard(SubmissionId id) = 0;
  /// Their wait is over and their rounds are forgotten: they may be claimed again. Supervisors on other
  /// connections get the news.
  virtual WaitsEnded endWaits(const Whom& whom) = 0;
  /// None: there is no such message. Reads the whole history, and never a lock: for a question now and then.
  /// `longestWait` as in ClaimRequest.
  virtual std::optional<MessageLife> explain(MessageId id,
                                             Duration longestWait = std::chrono::hours(24 * 7)) = 0;

  /// Forgets what ended longer ago than `age`: submissions with their attempts, and why messages were
  /// ignored. Looks at no more than `most` submissions; what is held stays. NAV's own rows are NAV's.
  virtual Purge purge(Duration age, std::size_t most) = 0;

  /// Stops counting at `bound` rows, so that a glance never costs a scan of a million.
  virtual Depth depth(std::uint64_t bound) = 0;

  /// How far the database's clock was stepped since this was last asked, ahead or (negative) back; none: it
  /// was not.
  virtual std::optional<Duration> takeClockStep() { return std::nullopt; }

  /// The only call from another thread than the others, at any time: cuts the connection, so that a call
  /// which waits on it throws `unreachable`. A backend that waits for this host alone has none.
  virtual void hangUp() {}
};

/// What `smsctl db install` may be asked for beyond the schema smsd.
struct InstallOptions {
  enum class Extra { leave, make };
  Extra indexes = Extra::leave;  // the two partial indexes on smsq
  Extra notify = Extra::leave;   // the trigger on smsq that wakes smsd at once
  Extra tables = Extra::leave;   // account and smsq themselves, for a queue without NAV
  std::string role;              // whom the printed GRANTs are for; empty: a placeholder
};

struct InstallReport {
  std::vector<std::string> done;    // what was made, in words; empty: nothing was missing
  std::vector<std::string> advice;  // SQL an administrator may want to run, comments in between
};

std::unique_ptr<Queue> openPostgresql(const std::string& connection);
std::unique_ptr<Queue> openSqlite(const std::string& path);
InstallReport installPostgresql(const std::string& connection, const InstallOptions& options);
InstallReport installSqlite(const std::string& path);

}  // namespace smsd::queue
