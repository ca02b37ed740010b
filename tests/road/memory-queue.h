// SPDX-License-Identifier: GPL-3.0-or-later
// A queue in memory that fails when it is told to, and remembers what was asked of it.
//
// Owns the messages, submissions and waits of one test, behind a lock: the queue thread works on them, the
// test sets the scene and looks. Keeps the rules of supervisor/queue/queue.h that the road relies on (order,
// one live submission a recipient, fencing), not their durability. It does not know the part that NAV's queue
// class offers.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

enum class Op { enlist, renew, takeOver, claim, recordAttempts, settle, retire, purge };

struct MemoryRow {
  format::MessageId id = 0;
  std::string recipient;
  std::string text;
  std::optional<int> severity;
  SentStatus status = SentStatus::unsent;
  Duration at{0};
};

struct SeenClaim {
  Look look = Look::onward;
  std::size_t limit = 0;
  std::string dispatcher;
  std::size_t found = 0;
};

class Memory {
 public:
  // --- the scene
  format::MessageId put(const std::string& recipient, const std::string& text,
                        std::optional<int> severity = std::nullopt);
  /// A message on its way when its supervisor died.
  Submission strand(const std::string& recipient, const std::string& text, const std::string& dispatcher,
                    int unread = 0);
  void setClock(Duration now);
  /// The next that asks learns of it.
  void stepClock(Duration by);
  /// The sign that another program settles messages; empty: none.
  void otherSettler(const std::string& sign);
  /// The next calls of this kind throw, before anything was done.
  void fail(Op op, QueueError::Kind kind, int times = 1);
  void away();
  void back();
  /// From now on, claims and take-overs return each submission twice, as no queue should.
  void repeatSubmissions();
  /// No settlement of this recipient is taken, unless it is to be held.
  void poison(const std::string& recipient);
  /// A bell that nobody hears, as there is no descriptor to watch.
  void hangBell();
  /// Another supervisor declares ours dead.
  void fence();
  /// And takes over what it held.
  void takeAway();
  /// The next call of this kind stays under way until release().
  void hold(Op op);
  void waitUntilHeld();
  bool isHeld() const;
  void release();
  /// Whether what is held then fails when its connection is cut.
  enum class Cut { helps, inVain };
  void whenCut(Cut what);

  // --- the look
  std::size_t rings() const;
  /// Each look at the depth takes this long from now on.
  void depthTakes(std::chrono::milliseconds time);
  /// The same, as time of a processor.
  void depthComputes(std::chrono::milliseconds time);
  /// How often the depth was asked for.
  std::size_t depths() const;
  MemoryRow row(format::MessageId id) const;
  std::size_t count(SentStatus status) const;
  std::size_t calls() const;
  std::size_t cuts() const;
  std::size_t calls(Op op) const;
  bool live(const std::string& recipient) const;
  /// The attempt is the one in force, for this dispatcher, and its submission is live.
  bool durable(const Submission& submission) const;
  std::vector<SeenClaim> claims() const;
  std::vector<NextAttempt> recorded() const;
  std::vector<Settlement> settled() const;
  /// How the history was asked to be purged; every third time it is done.
  std::vector<std::pair<Duration, std::size_t>> purges() const;

 private:
  friend class MemoryQueue;
  using Lock = std::unique_lock<std::mutex>;
  using Place = std::tuple<int, format::MessageId>;  // most severe, then oldest
  struct Kept {
    Submission submission;
    SupervisorId owner = 0;
    bool live = true;
  };
  struct Wait {
    int rounds = 0;
    Duration due{0};
    std::optional<int> severity;
    std::optional<Duration> since;
  };

  static Place placeOf(const MemoryRow& row);
  void enter(Op op, SupervisorId me);
  std::map<Place, std::string> heads() const;
  struct Pace {
    Duration due{0}, hour{0};
    int sent = 0;
  };
  std::optional<pace::Record> paceOf(const std::string& recipient) const;
  Submission submit(const std::string& recipient, const std::string& dispatcher, const Formatter& format,
                    SupervisorId me);
  bool busy(const std::string& recipient) const;
  bool waits(const std::string& recipient, const std::optional<int>& severity) const;
  std::optional<InTheWay> inTheWay(const MemoryRow& row) const;
  bool hasUnsent(const std::string& recipient) const;
  bool claimable(const MemoryRow& row) const;
  std::size_t mark(const std::vector<format::MessageId>& ids, SentStatus status);
  std::size_t expire(const std::optional<Duration>& age);
  void submitted(std::vector<Submission>& to, const Submission& submission) const;
  ClaimResult claim(const ClaimRequest& request, SupervisorId me);
  SettleResult settle(const std::vector<Settlement>& settlements, SupervisorId me);
  std::vector<AttemptId> record(const std::vector<NextAttempt>& next, SupervisorId me);
  Purge purge(Duration age, std::size_t most, SupervisorId me);
  std::optional<Ring> ringBell();
  Kept& owned(SubmissionId id, SupervisorId me);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Duration now_{0};
  std::optional<Duration> step_;
  std::string otherSettler_;
  bool away_ = false;
  bool repeats_ = false;
  bool bell_ = false;
  std::size_t rings_ = 0, depths_ = 0;
  std::chrono::milliseconds depthTakes_{0}, depthComputes_{0};
  std::vector<std::pair<Op, QueueError::Kind>> failures_;
  std::optional<Op> holdNext_;
  bool held_ = false;
  Cut whenCut_ = Cut::inVain;
  bool broken_ = false;  // the call that was held
  std::size_t cuts_ = 0;
  std::map<Op, std::size_t> callbacks_;

  std::map<format::MessageId, MemoryRow> rows_;
  std::map<SubmissionId, Kept> submissions_;
  std::map<std::string, Wait> waits_;
  std::map<std::string, Pace> paces_;
  std::set<format::MessageId> heldBack_;  // of settlements whose fate is held
  std::map<SupervisorId, bool> alive_;
  std::set<SupervisorId> rivals_;  // another host's
  std::optional<Place> cursor_;
  std::optional<format::MessageId> until_;  // where the look onward ends that is under way
  bool cameLater_ = false;
  std::set<std::string> poison_;
  AttemptId lastAttempt_ = 1000;
  std::vector<SeenClaim> claims_;
  std::vector<NextAttempt> recorded_;
  std::vector<Settlement> settled_;
  std::vector<std::pair<Duration, std::size_t>> purges_;
};

std::unique_ptr<Queue> openMemory(Memory& memory);

}  // namespace smsd::queue
