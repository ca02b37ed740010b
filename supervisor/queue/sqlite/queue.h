// SPDX-License-Identifier: GPL-3.0-or-later
// The queue in one SQLite file, for one host. See queue.h for the meaning of its operations.
//
// Owns the connection, the lock that makes this process the file's only supervisor, and the position of the
// onward look. Its operations are in lease.cpp (life cycle of a supervisor), claim.cpp, settle.cpp,
// nav.cpp (NAV's operations), operator.cpp, heartbeats.cpp and intake.cpp; queue.cpp has the connection and
// the notification. Every write transaction takes SQLite's only write lock first, so that no value read in it
// can be outdated. After a failure the next call opens a new connection.
//
// An administrator may replace or remove the file while it is open. Without a check, everything would
// continue to work, on a file that no other program sees. So each call compares the path with the opened
// file. Once they differ, every call throws `replaced` until enlist() starts again on the file that is there
// now. A removed file is not created again: enlist() throws `failed` until a file is there.
//
// The path may be a symbolic link, or lead through links. The lock, the log, the reserve and the watch are
// beside the file itself. A link that leads to another file later counts as a replacement.
//
// The class has more than 40 declarations: 31 are the operations of Queue, 12 keep the connection on the file
// that the path leads to.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/clock-watch.h"
#include "supervisor/queue/queue.h"
#include "supervisor/queue/sqlite/connection.h"
#include "supervisor/queue/sqlite/install.h"
#include "supervisor/queue/sqlite/queue-file.h"
#include "supervisor/queue/sqlite/queue-path.h"
#include "supervisor/queue/sqlite/reserve.h"

namespace smsd::queue::sqlite {

/// The database's time.
struct Now {
  std::int64_t ms = 0;
  std::string text;
};

/// A position in the order of unsent rows: first rows with a severity, then the others.
struct SweepPlace {
  enum class Part { graded, ungraded, end } part = Part::graded;
  std::optional<std::int64_t> severity =
      std::numeric_limits<std::int64_t>::min();  // none in the part `ungraded`
  std::string time;
  format::MessageId id = std::numeric_limits<format::MessageId>::min();
  std::int64_t since = 0;                  // when this pass began, ms since 1970
  std::optional<format::MessageId> until;  // messages with a higher id are for the next pass
  bool cameLater = false;                  // the look saw such messages
};

class SqliteQueue final : public Queue {
 public:
  explicit SqliteQueue(std::string path, IfNoQueue none = IfNoQueue::make)
      : none_(none), configured_(std::move(path)), path_(resolved(configured_)) {}

  SupervisorId enlist(const std::string& name, Duration lease) override;
  void renew() override;
  std::vector<Submission> takeOver() override;
  void retire() override;

  ClaimResult claim(const ClaimRequest& request) override;
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>& next) override;
  SettleResult settle(const std::vector<Settlement>& settlements) override;
  bool paces() const override { return true; }

  int newsFd() override;
  bool takeNews() override;
  std::optional<Ring> ringBell() override;
  std::string strained() override;
  SchemaVersions schema() const override;

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
  std::optional<Duration> takeClockStep() override { return clock_.takeStep(); }

 private:
  struct Connection {
    std::unique_ptr<Session> session;
    std::string keyPrefix;  // of the idempotency keys
    CommitWatch news;
  };
  Connection& connection();
  void connect();
  void noticeChange();
  std::optional<std::string> change() const;
  void own();
  /// Closes the replaced file and opens the file that is there now.
  void openReplacedFile();
  void followLinks();
  /// Runs `work` on the connection, and closes the connection if it may have caused the error. On a full
  /// disk, repeats `work` as long as makeRoom() succeeds.
  template <typename F>
  auto on(F work) {
    struct Room {
      SqliteQueue& queue;
      int made = 0;
      ~Room() {
        if (made > 0) queue.keepRoom();
      }
    } room{*this};
    for (;;) try {
        return once(work);
      } catch (const DiskFull&) {
        if (!makeRoom(room.made++)) throw;
      }
  }
  template <typename F>
  auto once(F& work) {
    try {
      return work(*connection().session);
    } catch (const QueueError& error) {
      if (error.kind() != QueueError::Kind::invalid && error.kind() != QueueError::Kind::fenced)
        connection_.reset();
      throw;
    }
  }
  /// Makes room on a full disk. `before`: how many earlier calls for the same work were not enough. Returns
  /// false if no room can be made.
  bool makeRoom(int before);
  void keepRoom() noexcept;

  Now clock(Session& session);
  void passFence(Session& session) const;
  void settleOne(Session& session, const Settlement& settlement, const Now& now, SettleResult& result);

  IfNoQueue none_;
  std::string configured_;
  std::string path_;                  // the place that `configured_` led to when the file was opened
  std::optional<FileIdentity> file_;  // the opened file, by both paths; outlives the connection
  std::optional<FileIdentity> log_;   // its -wal and -shm, which SQLite keeps while they are open
  std::string replaced_;              // how the path changed; empty: it still leads to the opened file
  bool logIsNews_ = false;  // with `replaced_`: another process wrote to the log after our last look
  bool newKeys_ = false;    // after a replacement: the next enlist() begins new keys
  std::unique_ptr<Connection> connection_;
  OwnedFd ownership_;
  std::optional<FileIdentity> ownershipFile_;
  std::optional<Reserve> reserve_;  // only in a process that enlisted
  bool tight_ = false;              // the disk was full, and has no room for a whole reserve yet
  AttemptId lastAttempt_ = 0;       // the last attempt id that was given out
  SupervisorId me_ = 0;
  SweepPlace onward_;
  ClockWatch clock_;
  SubmissionId purgedTo_ = 0;
};

/// Returns the first part of each idempotency key of this file.
std::string keyPrefixOf(Session& session);

}  // namespace smsd::queue::sqlite
