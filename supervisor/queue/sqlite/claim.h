// SPDX-License-Identifier: GPL-3.0-or-later
// One claim, inside its transaction: walk, expire, read, write.
//
// Owns the order of those steps; the comment at each step gives the reason. Called by SqliteQueue::claim,
// which has passed the fence. Changes nothing in memory but the highest attempt id. Fails by throwing out of
// the transaction.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "supervisor/queue/sqlite/queue.h"

namespace smsd::queue::sqlite {

/// Reserves `count` new attempt ids, and returns the first of them. `last` becomes the highest id that was
/// given out.
std::int64_t takeAttemptIds(Session& session, std::size_t count, AttemptId& last);

/// Records why messages became ignored without a submission.
void recordIgnored(Session& session, const std::vector<format::MessageId>& ids, std::string_view reason,
                   const Now& now);

class ClaimTransaction {
 public:
  ClaimTransaction(Session& session, const ClaimRequest& request, SupervisorId me,
                   const std::string& keyPrefix, AttemptId& lastAttempt, const ClockWatch& clock,
                   const Now& now, SweepPlace from)
      : session_(session),
        request_(request),
        me_(me),
        keyPrefix_(keyPrefix),
        lastAttempt_(lastAttempt),
        clock_(clock),
        now_(now),
        place_(std::move(from)) {}

  ClaimResult run();
  /// Position from which the next onward look continues.
  const SweepPlace& place() const { return place_; }

 private:
  struct Head {
    SweepPlace at;
    std::string recipient;
  };
  struct Taken {
    Submission submission;
    std::string firstTime;
  };
  enum class Looked { atAll, atSome, tooMany };
  /// The rounds and failures of a recipient that may be claimed.
  struct Past {
    bool waited = false;  // there is a wait, which is over
    int rounds = 0;
    std::optional<Duration> failing{};
  };

  void walk();
  std::vector<Head> page(std::size_t size);
  bool visit(const Head& head);
  void moveTo(const Head& head);
  void toNextPart();
  Looked lookAtRecipients();
  std::optional<Head> firstOf(const std::string& recipient);
  std::optional<pace::Decision> paceOf(const Head& head);
  std::optional<Past> pastOf(const Head& head);
  void expire(const std::string& recipient, Duration age);
  void expireAlerts();
  std::optional<Taken> read(const std::string& recipient, std::optional<Duration> silence);
  void write();
  std::optional<Duration> nextDue();

  Session& session_;
  const ClaimRequest& request_;
  SupervisorId me_;
  const std::string& keyPrefix_;
  AttemptId& lastAttempt_;
  const ClockWatch& clock_;
  const Now& now_;
  SweepPlace place_;
  // False: these tables are empty, so that no row is looked for there.
  bool anyHeld_ = true, anyWait_ = true, anyPace_ = false;

  std::unordered_set<std::string> looked_;  // recipients that need no second look
  std::unordered_set<std::string> paced_;   // those of them that are paced
  std::size_t pacedRows_ = 0;               // further rows of these that the walk has read
  std::vector<Taken> taken_;
  ClaimResult result_;
};

}  // namespace smsd::queue::sqlite
