// SPDX-License-Identifier: GPL-3.0-or-later
// A throw-away database for one test, seen from the side of the programs that insert messages.
//
// Each backend has a store of its own, and registers it: then the suite runs all its cases on it. Owns the
// database and its removal; gives the tests what other programs would do to its tables by hand (rows in, rows
// out, raw SQL) and any number of queues on it. Called by the suite. Never uses the queue under test to set a
// scene or to look at the result. Fails by throwing: a test whose database cannot be made is a failed test.
//
// The suite looks at the database by SQL that PostgreSQL and SQLite share, under the names of NAV. A backend
// whose tables have other names offers views of these in the databases of its tests:
//  - smsq (id, accountid, time, phone, msg, sent, smsid, timesent, severity), with INSERT ... RETURNING id
//  (id
//    and sent may be given), UPDATE and DELETE as on a table. A deleted and an inserted row of one id differ
//    by their time, to the microsecond.
//  - The backend's own tables, as own() names them: submission (id, recipient, supervisor, attempt,
//  dispatcher,
//    sent_ids, ignored_ids, stamps, created, ended, fate, outcome, reason, reference), attempt (id,
//    submission, dispatcher, outcome, reason), wait (recipient, rounds), held, ignored (at). Updates of
//    stamps, supervisor, the lists of ids, created, ended, at and recipient have to work.
#pragma once

#include <chrono>
#include <map>
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
  /// Several supervisors may work on one database at the same time, and lists of ids are arrays.
  virtual bool shared() const = 0;
  /// The backend knows how long an attempt took and how a text was formatted, and restores no message that is
  /// too old: what a backend gets only if it overrides the calls that queue.h has an implementation of.
  virtual bool complete() const { return false; }
  /// The most characters of a recipient and of a text that insert() accepts.
  virtual std::size_t longestRecipient() const { return 15; }
  virtual std::size_t longestText() const { return 145; }
  /// Makes inserts by other programs ring no bell any more. Returns false if nothing could do that.
  virtual bool silenceInserts() { return false; }

  format::MessageId put(const NavRow& row);
  FoundRow row(format::MessageId id);
  char sent(format::MessageId id) { return row(id).sent; }
  std::string one(const std::string& statement);
};

/// Makes the suite run on this store. `name` has letters and digits only. Used once in the program of each
/// backend, as a variable of a namespace: const StoreRegistration registered("mine", [] { ... });
class StoreRegistration {
 public:
  using Make = std::unique_ptr<Store> (*)();
  StoreRegistration(const std::string& name, Make make) { all()[name] = make; }
  static std::map<std::string, Make>& all();
};

}  // namespace smsd::queue
