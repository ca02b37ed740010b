// SPDX-License-Identifier: GPL-3.0-or-later
// The queue on gammu-smsd's tables: the state that one supervisor keeps in memory beside the database.
//
// Owns the place of the onward look, and the recipients with a live submission of this supervisor, so that a
// claim notices which of their messages it passes by. The database decides everything else. The operations
// are in lease.cpp, claim.cpp, settle.cpp, lists.cpp (what smsctl lists and inserts) and operator.cpp. Fails
// as described in <smsd/queue.h>.
//
// The class has more than 44 declarations: 26 are the operations of Queue, and the others are the state
// between two calls, which every operation shares.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <smsd/queue.h>
#include <smsd/queue/clock-watch.h>
#include <smsd/queue/leases.h>
#include <smsd/queue/postgresql/values.h>
#include "session.h"
#include "sql.h"

namespace gammu_outbox {

using namespace smsd::queue;
using postgresql::ArrayLiteral;
using postgresql::arrayOf;
using postgresql::boundedMilliseconds;
using postgresql::idsOf;
using postgresql::storable;
using smsd::format::MessageId;

/// A recipient with a live submission of this supervisor.
struct LiveSubmission {
  SubmissionId submission = 0;
  std::vector<MessageId> own;   // sorted: the messages of this submission
  std::optional<int> severity;  // of the most severe of them
  bool passedBy = false;        // a claim saw other unsent messages of this recipient
  bool inTheWay = false;        // one of those is more severe
};
using LiveRecipients = std::unordered_map<std::string, LiveSubmission>;

/// The last row that a look has seen.
struct SweepPlace {
  std::int64_t rank = INT64_MIN;
  std::string time = "-infinity";
  MessageId id = INT64_MIN;
  std::optional<MessageId> until;  // messages with a higher id are for the next pass
  bool cameLater = false;          // the look saw such messages
};

class OutboxQueue : public Queue {
 public:
  explicit OutboxQueue(const std::string& connection) : session_(connection) {}

  SupervisorId enlist(const std::string& name, Duration lease) override;
  void renew() override;
  std::vector<Submission> takeOver() override;
  void retire() override;

  ClaimResult claim(const ClaimRequest& request) override;
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) override;
  SettleResult settle(const std::vector<Settlement>& settlements) override;

  int newsFd() override { return session_.descriptor(); }
  bool takeNews() override { return session_.takeNews(); }
  std::optional<Ring> ringBell() override;

  Cancelled cancelAndList(Duration minimumAge, std::size_t listed) override;
  std::vector<StoredMessage> messages(SentStatus status, std::size_t limit) override;
  std::vector<StoredMessage> messagesOf(const std::string& recipient, SentStatus status) override;
  std::vector<std::string> recipients(SentStatus status) override;
  std::vector<MessageId> insert(const std::vector<NewMessage>& messages) override;
  std::size_t setStatus(MessageId id, SentStatus status, int smsid) override;
  Depth depth(std::uint64_t bound) override;

  std::vector<HeldSms> held(std::size_t limit) override;
  std::size_t release(SubmissionId id) override;
  std::size_t discard(SubmissionId id) override;
  WaitsEnded endWaits(const Whom& whom) override;
  std::optional<MessageLife> explain(MessageId id, Duration longestWait) override;
  Purge purge(Duration age, std::size_t most) override;
  Installation installation() override;

  std::optional<Duration> takeClockStep() override { return clock_.takeStep(); }
  void hangUp() override { session_.hangUp(); }

 private:
  std::vector<SupervisorId> gone(const Rows<sql::Leases>& rows);
  std::vector<Submission> read(const Rows<sql::Adopted>& rows) const;
  std::vector<Submission> unaccounted(Transaction& tx);
  void remember(const std::vector<Submission>& submissions);
  SettleResult forget(const std::vector<Settlement>& settlements, SettleResult result);

  Session session_;
  SupervisorId me_ = 0;
  std::string keyPrefix_;
  SweepPlace onward_;
  SubmissionId purgedTo_ = 0;
  LiveRecipients live_;
  ClockWatch clock_;
  smsd::queue::Leases leases_;
  // A claim or take-over whose commit got no reply may have been committed. Its submissions would then be
  // live and ours, but never sent. The next call of the same function looks for them first.
  bool claimInDoubt_ = false;
  bool takeOverInDoubt_ = false;
};

/// Throws `fenced` if this supervisor was declared dead. Also gives the database's time to `clock`.
void passFence(Transaction& tx, SupervisorId me, ClockWatch& clock);

/// `smsctl db install`.
InstallReport install(const std::string& connection, const InstallOptions& options);

}  // namespace gammu_outbox
