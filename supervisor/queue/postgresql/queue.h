// SPDX-License-Identifier: GPL-3.0-or-later
// The PostgreSQL backend: the state that one supervisor keeps in memory beside the database.
//
// Owns the position of the onward look, and the recipients with a live submission of this supervisor, so that
// a claim notices which of their messages it passes by. The database decides everything else. Called through
// queue.h only. The operations are in lease.cpp (life cycle of a supervisor), claim.cpp, settle.cpp,
// nav.cpp (NAV's operations), operator.cpp, heartbeats.cpp, intake.cpp and others.cpp (NAV's own smsd). Fails
// as described in queue.h.
//
// The class has more than 44 declarations: 30 are the operations of Queue, 11 are steps of a take-over and of
// the look for other programs, and the others are the state between two calls, which every operation shares.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "supervisor/queue/clock-watch.h"
#include "supervisor/queue/leases.h"
#include "supervisor/queue/other-settlers.h"
#include "supervisor/queue/postgresql/connection.h"
#include "supervisor/queue/postgresql/installed-schema.h"
#include "supervisor/queue/postgresql/sql-lease.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue::postgresql {

/// A recipient with a live submission of this supervisor.
struct LiveSubmission {
  SubmissionId submission = 0;
  std::vector<format::MessageId> own;  // sorted: the messages of this submission
  std::optional<int> severity;         // of the most severe of them
  bool passedBy = false;               // a claim saw other unsent messages of this recipient
  bool inTheWay = false;               // one of those is more severe
};
using LiveRecipients = std::unordered_map<std::string, LiveSubmission>;

/// The last row that a look has seen.
struct SweepPlace {
  enum class Part { graded, ungraded } part = Part::graded;  // rows without a severity come last
  int severity = -2147483647 - 1;
  std::string time = "-infinity";
  format::MessageId id = -9223372036854775807 - 1;
  std::optional<format::MessageId> until;  // messages with a higher id are for the next pass
  bool cameLater = false;                  // the look saw such messages
};

/// What this run knows about marks of its own and of others.
class MarksOfOthers {
 public:
  void begin(format::MessageId newest);
  /// We have marked this message, or tried to.
  void own(format::MessageId id);
  void marked(const std::vector<ForeignMark>& marks) { settlers_.marked(marks, OtherSettlers::Clock::now()); }
  /// Looks for sessions and marks of NAV's smsd. Returns the sign; empty: none.
  std::string look(Transaction& tx, SupervisorId me);

 private:
  format::MessageId since_ = 0;      // the highest id when this run began
  std::set<format::MessageId> own_;  // the highest ones
  bool alone_ = true;                // no other supervisor has used the queue in this run
  OtherSettlers settlers_;
};

class PostgresqlQueue : public Queue {
 public:
  explicit PostgresqlQueue(const std::string& connection) : session_(connection) {}

  SupervisorId enlist(const std::string& name, Duration lease) override;
  void renew() override;
  std::vector<Submission> takeOver() override;
  void retire() override;
  std::string otherSettler() override;

  ClaimResult claim(const ClaimRequest& request) override;
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) override;
  SettleResult settle(const std::vector<Settlement>& settlements) override;

  bool paces() const override { return schema_.used > schema::withoutPacing; }

  int newsFd() override { return session_.descriptor(); }
  bool takeNews() override { return session_.takeNews(); }
  std::optional<Ring> ringBell() override;

  Cancelled cancelAndList(Duration minimumAge, std::size_t listed) override;
  std::vector<StoredMessage> messages(SentStatus status, std::size_t limit) override;
  std::vector<StoredMessage> messagesOf(const std::string& recipient, SentStatus status) override;
  std::vector<StoredMessage> firstMessagesOf(const std::string& recipient, SentStatus status,
                                             std::size_t limit) override;
  std::vector<std::string> recipients(SentStatus status) override;
  std::vector<format::MessageId> insert(const std::vector<NewMessage>& messages) override;
  std::size_t setStatus(format::MessageId id, SentStatus status, int smsid) override;
  Depth depth(std::uint64_t bound) override;
  std::vector<format::MessageId> stillIgnored(const std::vector<format::MessageId>& ids) override;

  std::vector<HeldSms> held(std::size_t limit) override;
  std::size_t release(SubmissionId id) override;
  std::size_t discard(SubmissionId id) override;
  WaitsEnded endWaits(const Whom& whom) override;
  Cancelled cancelChosen(const Choice& choice, Cancel cancel, std::size_t listed) override;
  bool cancelsInSteps() const override { return true; }
  std::vector<format::MessageId> cancellable(const Choice& choice, std::size_t most) override;
  Cancelled cancelThese(const std::vector<format::MessageId>& messages, std::size_t listed) override;
  std::size_t endSomeWaits(std::size_t most) override;
  Restored restore(format::MessageId id, std::optional<Duration> expireAfter) override;
  std::optional<MessageLife> explain(format::MessageId id, Duration longestWait) override;
  HeartbeatsSeen lookAtHeartbeats(const HeartbeatLook& look) override;
  bool beat(const std::string& name) override;
  Submitted submit(const std::vector<NewAlert>& alerts, Duration dedupe) override;
  Purge purge(Duration age, std::size_t most) override;
  Installation installation() override;

  SchemaVersions schema() const override { return schema_; }
  std::optional<Duration> takeClockStep() override { return clock_.takeStep(); }
  void hangUp() override { session_.hangUp(); }

 private:
  void seeSchema(Transaction& tx, const Rows<sql::Leases>& rows);
  std::vector<SupervisorId> gone(const Rows<sql::Leases>& rows);
  std::vector<Submission> adopt(Transaction& tx);
  std::vector<Submission> unaccounted(Transaction& tx);
  std::vector<Submission> read(const Rows<sql::Adopted>& rows) const;
  void remember(const std::vector<Submission>& submissions);
  SettleResult forget(const std::vector<Settlement>& settlements, SettleResult result);

  Session session_;
  SupervisorId me_ = 0;
  std::string keyPrefix_;
  SchemaVersions schema_;
  SweepPlace onward_;
  SubmissionId purgedTo_ = 0;
  LiveRecipients live_;
  ClockWatch clock_;
  Leases leases_;
  MarksOfOthers others_;
  // A claim or take-over whose commit got no reply may have been committed. Its submissions would then be
  // live and ours, but never sent. The next call of the same function looks for them first.
  bool claimInDoubt_ = false;
  bool takeOverInDoubt_ = false;
};

/// Throws `notInstalled` if smsd.installation is empty.
InstalledSchema installedSchema(Transaction& tx);
std::vector<LiveSupervisor> liveSupervisors(Transaction& tx, InstalledSchema installed);
QueueCondition conditionOf(Transaction& tx, const Session& session);

/// Throws `fenced` if this supervisor was declared dead. Also gives the database's time to `clock`.
void passFence(Transaction& tx, SupervisorId me, ClockWatch& clock);

}  // namespace smsd::queue::postgresql
