// SPDX-License-Identifier: GPL-3.0-or-later
// The names of the columns beside each statement, compared with those that SQLite reports.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>

#include "supervisor/queue/sqlite/connection.h"
#include "supervisor/queue/sqlite/schema.h"
#include "supervisor/queue/sqlite/sql-claim.h"
#include "supervisor/queue/sqlite/sql-heartbeats.h"
#include "supervisor/queue/sqlite/sql-intake.h"
#include "supervisor/queue/sqlite/sql-lease.h"
#include "supervisor/queue/sqlite/sql-nav.h"
#include "supervisor/queue/sqlite/sql-operator.h"
#include "supervisor/queue/sqlite/sql-pace.h"
#include "supervisor/queue/sqlite/sql-session.h"
#include "supervisor/queue/sqlite/sql-settle.h"
#include "tests/queue/columns.h"

namespace smsd::queue::sqlite {
namespace {

std::vector<NamedStatement> statements() {
  return {
      named("onwardInTime", sql::onwardInTime),
      named("onwardInSeverity", sql::onwardInSeverity),
      named("onward", sql::onward),
      named("isLive", sql::isLive),
      named("paceOf", sql::paceOf),
      named("nextRecipient", sql::nextRecipient),
      named("firstGradedOf", sql::firstGradedOf),
      named("firstUngradedOf", sql::firstUngradedOf),
      named("pacedUntil", sql::pacedUntil),
      named("heartbeats", sql::heartbeats),
      named("keptKey", sql::keptKey),
      named("expireAlerts", sql::expireAlerts),
      named("alertOf", sql::alertOf),
      named("takeBeats", sql::takeBeats),
      named("waitOf", sql::waitOf),
      named("expire", sql::expire),
      named("read", sql::read),
      named("nextDue", sql::nextDue),
      named("orphans", sql::orphans),
      named("cancellable", sql::cancellable),
      named("cancelThese", sql::cancelThese),
      named("storedMessages", sql::storedMessages),
      named("messagesOf", sql::messagesOf),
      named("firstMessagesOf", sql::firstMessagesOf),
      named("oneMessage", sql::oneMessage),
      named("countUnsent", sql::countUnsent),
      named("countUngraded", sql::countUngraded),
      named("recipients", sql::recipients),
      named("oldestNotWaiting", sql::oldestNotWaiting),
      named("oldestHeld", sql::oldestHeld),
      named("stillIgnored", sql::stillIgnored),
      named("oldestAbove", sql::oldestAbove),
      named("oldestOfOthers", sql::oldestOfOthers),
      named("heldSms", sql::heldSms),
      named("heldOf", sql::heldOf),
      named("idsInText", sql::idsInText),
      named("idsCounted", sql::idsCounted),
      named("recipientOf", sql::recipientOf),
      named("restore", sql::restore),
      named("statusOf", sql::statusOf),
      named("life", sql::life),
      named("submissionsWith", sql::submissionsWith),
      named("stampsOf", sql::stampsOf),
      named("attemptsOf", sql::attemptsOf),
      named("whyIgnored", sql::whyIgnored),
      named("ago", sql::ago),
      named("lookAtHistory", sql::lookAtHistory),
      named("journalMode", sql::journalMode),
      named("uuid", sql::uuid),
      named("isSound", sql::isSound),
      named("clock", sql::clock),
      named("listOfIds", sql::listOfIds),
      named("standing", sql::standing),
  };
}

/// The columns of the statement's result, as SQLite describes them.
std::vector<std::string> reported(sqlite3* db, const std::string& text) {
  sqlite3_stmt* made = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db, text.c_str(), -1, &made, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db) << text;
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(made, sqlite3_finalize);
  std::vector<std::string> columns;
  for (int i = 0; i < sqlite3_column_count(made); ++i) columns.emplace_back(sqlite3_column_name(made, i));
  return columns;
}

TEST(SqliteColumns, AreNamedAsSqliteReportsThem) {
  sqlite3* made = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &made), SQLITE_OK);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db(made, sqlite3_close);
  addFunctions(db.get());
  for (const char* script :
       {sql::schema, sql::heartbeatTable, sql::alertTables, sql::paceTable, sql::indexes})
    ASSERT_EQ(sqlite3_exec(db.get(), script, nullptr, nullptr, nullptr), SQLITE_OK);
  for (const auto& statement : statements())
    EXPECT_EQ(statement.columns, reported(db.get(), statement.text)) << statement.name;
}

TEST(SqliteColumns, AreComparedForEachStatement) {
  EXPECT_EQ(namesOf(statements()), statementsIn(SMSD_QUEUE_SOURCES "/sqlite"));
}

}  // namespace
}  // namespace smsd::queue::sqlite
