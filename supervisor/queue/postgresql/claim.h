// SPDX-License-Identifier: GPL-3.0-or-later
// One claim, inside its transaction: walk, take, read, expire, write.
//
// Owns the order of those steps; the comment at each step gives the reason. Called by PostgresqlQueue::claim.
// In memory it changes only the clock watch, and `passedBy` and `inTheWay` of live recipients. These may be
// set needlessly, but are never missing. Fails by throwing out of the transaction.
#pragma once

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "supervisor/queue/postgresql/pace.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/sql-claim.h"

namespace smsd::queue::postgresql {

class ClaimTransaction {
 public:
  /// Whether the schema has the tables of submitted alerts and of paces, and every supervisor knows them.
  enum class Alerts { kept, none };
  ClaimTransaction(Transaction& tx, Session& session, const ClaimRequest& request, SupervisorId me,
                   const std::string& keyPrefix, LiveRecipients& live, ClockWatch& clock, SweepPlace from,
                   Alerts alerts)
      : tx_(tx),
        session_(session),
        request_(request),
        me_(me),
        keyPrefix_(keyPrefix),
        live_(live),
        clock_(clock),
        place_(std::move(from)),
        alerts_(alerts),
        pacing_(alerts == Alerts::kept && request.pacing ? &*request.pacing : nullptr) {}

  ClaimResult run();
  /// Position from which the next onward look continues.
  const SweepPlace& place() const { return place_; }
  /// Recipients that have more unsent messages than one claim reads.
  const std::vector<std::string>& unfinished() const { return unfinished_; }

 private:
  struct Taken {
    Submission submission;
    std::vector<format::Message> messages;
    std::vector<std::int64_t> stamps;  // of `messages`
    bool waits = false;
    std::optional<int> waitsFor;      // the severity of its wait
    std::optional<Duration> silence;  // of the last SMS of an hour: until the next one
    std::string firstTime;
    std::size_t rows = 0;
  };

  void walk();
  Rows<sql::Walk> page(std::size_t size);
  bool visit(const Row<sql::Walk>& row);
  enum class Looked { atAll, atSome, tooMany };
  Looked lookAtRecipients();
  void learnPaces(const Rows<sql::Walk>& rows);
  bool isPaced(const std::string& recipient, const std::optional<int>& severity);
  void moveTo(const Row<sql::Walk>& row);
  void take();
  void read();
  std::optional<Duration> failing(const Row<sql::Read>& row) const;
  void obeyWaits();
  void obeyPaces();
  void leaveOutEmpty();
  void write();
  std::vector<Submission> ordered();

  Transaction& tx_;
  Session& session_;
  const ClaimRequest& request_;
  SupervisorId me_;
  const std::string& keyPrefix_;
  LiveRecipients& live_;
  ClockWatch& clock_;
  SweepPlace place_;
  const Alerts alerts_;

  std::set<std::string> candidates_;  // sorted: every supervisor takes them in the same order
  std::vector<Taken> taken_;
  std::vector<format::MessageId> expired_;
  std::vector<std::string> unfinished_;
  std::vector<std::string> woken_;         // recipients whose wait a more severe message ended
  const PacedClaim* pacing_;               // null: no recipient is paced
  PaceRecords paces_;                      // of the recipients that the walk came across
  std::unordered_set<std::string> paced_;  // those that are in the result as paced
  std::size_t pacedRows_ = 0;              // their rows that the walk has read
  ClaimResult result_;
};

}  // namespace smsd::queue::postgresql
