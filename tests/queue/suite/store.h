// SPDX-License-Identifier: GPL-3.0-or-later
// A throw-away database for one test, seen from NAV's side.
//
// Owns the database and its removal; gives the tests what NAV would do to its tables by hand (rows in, rows
// out, raw SQL) and any number of queues on it. Called by the suite. Never uses the queue under test to set a
// scene or to look at the result. Fails by throwing: a test whose database cannot be made is a failed test.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// A row as NAV writes it.
struct NavRow {
  std::string phone;
  std::string text = "text";
  std::optional<int> severity = std::nullopt;
  std::chrono::seconds age{0};
  std::optional<int> account = std::nullopt;  // 1 and 2 exist: "Noname" and "Kari"
};

/// A row as it stands in smsq.
struct FoundRow {
  char sent = '?';
  std::optional<int> smsid;
  bool stamped = false;  // timesent is set
  std::optional<int> severity;
  std::string phone;
  std::string text;
};

class Store {
 public:
  virtual ~Store() = default;

  virtual std::unique_ptr<Queue> open() = 0;
  /// Raw SQL on a connection of its own. Rows of text; NULL is "NULL".
  virtual std::vector<std::vector<std::string>> sql(const std::string& statement) = 0;
  /// SQL for the database's local time, that many seconds ago, as smsq.time has it.
  virtual std::string timeAgo(std::chrono::seconds age) const = 0;
  /// The name of one of smsd's own tables: `submission` is smsd.submission or smsd_submission.
  virtual std::string own(const std::string& table) const = 0;
  /// What is left of smsq when somebody empties it and lets its ids start over.
  virtual void startIdsOver() = 0;
  /// As a backup from before the first submission has them: smsd's ids count from 1 again, its history is
  /// empty.
  virtual void startOwnIdsOver() = 0;
  /// The database's clock is stepped, seen from what smsd has written: all of its own times are that much
  /// earlier (a step ahead) or, with a negative one, later.
  virtual void step(std::chrono::seconds ahead) = 0;
  /// Several supervisors may work on one database at the same time.
  virtual bool shared() const = 0;

  format::MessageId put(const NavRow& row);
  FoundRow row(format::MessageId id);
  char sent(format::MessageId id) { return row(id).sent; }
  std::string one(const std::string& statement);
};

std::unique_ptr<Store> makePostgresqlStore();
std::unique_ptr<Store> makeSqliteStore();

}  // namespace smsd::queue
