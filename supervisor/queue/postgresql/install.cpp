// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl db install` for PostgreSQL: creates the schema smsd and the requested extras, where they are
// missing.
//
// Owns the order of the steps and the advice; the SQL is deploy/sql/postgresql*.sql, built into the program.
// Called by smsctl with a role that may create objects. Never changes a row of NAV's, never creates an object
// that exists. Fails by QueueError; the schema is created completely or not at all.
#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <vector>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/postgresql/connection.h"
#include "supervisor/queue/postgresql/queue.h"
#include "supervisor/queue/postgresql/schema.h"

namespace smsd::queue::postgresql {

namespace {

using Extra = InstallOptions::Extra;
using namespace std::chrono_literals;

constexpr int mostTries = 60;
constexpr auto pauseBetweenTries = 700ms;

bool isTrue(Transaction& tx, const std::string& condition) {
  return tx.flagOnce(("SELECT " + condition).c_str());
}

/// Refuses an upgrade beneath a supervisor that could not work with its result. The locks keep others from
/// enlisting until the upgrade is committed. Every transaction that uses both tables begins with
/// smsd.installation, so that none waits for another in a circle.
void awaitNoneLeftBehind(Transaction& tx, InstalledSchema installed) {
  tx.once("LOCK TABLE smsd.installation IN ACCESS EXCLUSIVE MODE");
  tx.once("LOCK TABLE smsd.supervisor IN ACCESS EXCLUSIVE MODE");
  const auto names = leftBehind(liveSupervisors(tx, installed), {schema::version, schema::oldestProgram});
  if (names.empty()) return;
  throw QueueError(QueueError::Kind::busy,
                   fmt::format("nothing was changed: the schema smsd is of version {}, and these supervisors "
                               "could not work with version {}: {}: stop or upgrade them, then run `smsctl "
                               "db install` again",
                               installed.version, schema::version, names));
}

struct Migration {
  int from = 0;
  const char* script = nullptr;
};
constexpr Migration migrations[] = {{1, schema::from1To2}, {2, schema::from2To3}, {3, schema::from3To4},
                                    {4, schema::from4To5}, {5, schema::from5To6}, {6, schema::from6To7}};

/// Only one installation runs at a time; the lock ends with the transaction.
void makeSchema(Transaction& tx, InstallReport& report) {
  tx.once("SELECT pg_advisory_xact_lock(hashtext('smsd install'))");
  tx.once("SET LOCAL lock_timeout = '300ms'");
  if (!isTrue(tx, "to_regclass('smsd.installation') IS NOT NULL")) {
    tx.once(schema::smsd);
    report.done.push_back("the schema smsd, version " + std::to_string(schema::version));
    return;
  }
  const InstalledSchema installed = installedSchema(tx);
  if (auto why = unusable(installed, {0, schema::version}); !why.empty())
    throw QueueError(QueueError::Kind::notInstalled, why);
  if (installed.version >= schema::version) return;
  awaitNoneLeftBehind(tx, installed);
  for (const auto& step : migrations)
    if (step.from >= installed.version) tx.once(step.script);
  report.done.push_back("the schema smsd, now version " + std::to_string(schema::version));
}

void makeTables(Transaction& tx, InstallReport& report) {
  if (isTrue(tx, "to_regclass('smsq') IS NOT NULL")) return;
  tx.once(schema::tables);
  report.done.push_back("the tables account and smsq");
}

void requireQueue(Transaction& tx) {
  if (!isTrue(tx, "to_regclass('smsq') IS NULL")) return;
  throw QueueError(QueueError::Kind::notInstalled,
                   "there is no table smsq: connect to NAV's database, whose search_path names its schema "
                   "(profiles), or create the tables with `smsctl db install --tables`");
}

void makeTrigger(Transaction& tx, InstallReport& report) {
  if (isTrue(tx,
             "EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'smsq'::regclass AND tgname = 'smsd_notify')"))
    return;
  tx.once(schema::notify);
  report.done.push_back("the trigger smsd_notify on smsq");
}

/// Splits a script that has semicolons only at the ends of its statements.
std::vector<std::string> statements(const std::string& script) {
  std::vector<std::string> found;
  for (std::size_t from = 0, to = 0; (to = script.find(";\n", from)) != std::string::npos; from = to + 2)
    found.push_back(script.substr(from, to - from));
  return found;
}

/// Works outside a transaction, so that NAV is not locked out. An interrupted run leaves an invalid index,
/// which is dropped and created again.
void makeIndexes(Session& session, InstallReport& report) {
  if (session.indexed()) return;
  for (const char* name : {"smsq_unsent_order", "smsq_unsent_phone"}) {
    const bool broken = session.transact([&](Transaction& tx) {
      return isTrue(tx, "EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('" + std::string(name) +
                            "') AND NOT indisvalid)");
    });
    if (broken) session.execute("DROP INDEX CONCURRENTLY " + std::string(name));
  }
  for (const auto& statement : statements(schema::indexes)) session.execute(statement);
  report.done.push_back("the partial indexes smsq_unsent_order and smsq_unsent_phone on smsq");
}

std::vector<std::string> grants(Transaction& tx, const std::string& role) {
  auto name = [&](const char* expression) {
    return tx.textOnce((std::string("SELECT ") + expression).c_str());
  };
  const std::string to = " TO " + (role.empty() ? std::string("<role>") : tx.quotedName(role));
  const std::string nav =
      name("quote_ident(relnamespace::regnamespace::name) FROM pg_class WHERE oid = 'smsq'::regclass");
  const std::string sequence = name("pg_get_serial_sequence('smsq', 'id')");
  std::vector<std::string> advice{
      "-- the privileges that smsd needs",
      "GRANT USAGE ON SCHEMA " + nav + ", smsd" + to,
      "GRANT SELECT ON " + nav + ".smsq" + to,
      "GRANT SELECT (id, name) ON " + nav + ".account" + to,
      "GRANT UPDATE (sent, smsid, timesent) ON " + nav + ".smsq" + to,
      "GRANT SELECT ON smsd.installation" + to,
      "GRANT SELECT, INSERT, UPDATE ON smsd.supervisor" + to,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON smsd.submission, smsd.live, smsd.wait" + to,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON smsd.held, smsd.heartbeat" + to,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON smsd.alert, smsd.alert_key, smsd.pace" + to,
      "GRANT SELECT, INSERT, DELETE ON smsd.attempt, smsd.ignored" + to,
      "GRANT USAGE ON SEQUENCE smsd.attempt_id" + to,
      "-- for `smsctl send`, submitted alerts, the test messages and the alerts about heartbeats",
      "GRANT INSERT (accountid, time, phone, msg, severity) ON " + nav + ".smsq" + to,
  };
  if (!sequence.empty()) advice.push_back("GRANT USAGE ON SEQUENCE " + sequence + to);
  return advice;
}

/// Runs the GRANTs. Creates the role if there is none, without a password: for peer authentication.
void runGrants(Transaction& tx, const InstallOptions& options, InstallReport& report) {
  const std::string role = tx.quotedName(options.role);
  if (tx.numberOnce("SELECT count(*) FROM pg_roles WHERE rolname = $1", options.role) == 0) {
    tx.once(("CREATE ROLE " + role + " LOGIN").c_str());
    report.done.push_back("the role " + options.role);
  }
  for (const auto& line : grants(tx, options.role))
    if (!line.starts_with("--")) tx.once(line.c_str());
  report.granted = options.role;
}

void adviseExtras(Transaction& tx, const Session& session, InstallReport& report) {
  if (!session.indexed()) {
    report.advice.push_back(
        "-- without these indexes each claim reads the whole table; do not create them inside a transaction");
    for (const auto& statement : statements(schema::indexes)) report.advice.push_back(statement);
  }
  if (!isTrue(tx,
              "EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'smsq'::regclass AND tgname = 'smsd_notify')"))
    report.advice.push_back(schema::notify);
}

/// Repeats a transaction that did not get its locks. While it waits for one, every supervisor waits behind
/// it, so that it waits for much less than the shortest lease (1 s), and lets them go on in between.
template <typename Body>
void betweenLocksOfOthers(Session& session, const InstallOptions& options, Body body) {
  for (int tries = 1;; ++tries) {
    try {
      return session.transact(body);
    } catch (const SqlError& error) {
      if (!error.isLocked() || tries == mostTries) throw;
    }
    if (options.onRepeat) options.onRepeat(tries, mostTries);
    std::this_thread::sleep_for(pauseBetweenTries);
  }
}

/// The owner of the schema smsd, or of the database if there is no schema.
std::string ownerOf(Session& session) {
  return session.transact([](Transaction& tx) {
    return tx.textOnce(
        "SELECT coalesce((SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'smsd'), "
        "(SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()))");
  });
}

InstallReport install(Session& session, const InstallOptions& options) {
  InstallReport report;
  betweenLocksOfOthers(session, options, [&](Transaction& tx) {
    report = {};
    if (options.tables == Extra::make) makeTables(tx, report);
    requireQueue(tx);
    makeSchema(tx, report);
    if (options.notify == Extra::make) makeTrigger(tx, report);
  });
  session.lookForIndexes();
  if (options.indexes == Extra::make) makeIndexes(session, report);
  session.lookForIndexes();
  session.transact([&](Transaction& tx) {
    if (options.grants == Extra::make)
      runGrants(tx, options, report);
    else
      report.advice = grants(tx, options.role);
    adviseExtras(tx, session, report);
  });
  return report;
}

}  // namespace

}  // namespace smsd::queue::postgresql

namespace smsd::queue {

using namespace postgresql;

InstallReport installPostgresql(const std::string& connection, const InstallOptions& options) {
  Session session(options.connectAs.empty() ? connection : withRole(connection, options.connectAs));
  try {
    return install(session, options);
  } catch (const QueueError& error) {
    if (error.kind() != QueueError::Kind::denied) throw;
    const std::string words = error.what(), owner = ownerOf(session);
    throw QueueError(QueueError::Kind::denied,
                     fmt::format("{}: the owner has to do this: run `smsctl db install --as {}` as root",
                                 words.substr(0, words.find(": run the GRANTs")), owner));
  }
}

std::string roleOf(const std::string& connection) {
  try {
    return roleIn(connection);
  } catch (const QueueError&) {
    return "";
  }
}

}  // namespace smsd::queue
