// SPDX-License-Identifier: GPL-3.0-or-later
// The names of the columns beside each statement, compared with those that PostgreSQL reports.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>

#include "supervisor/queue/postgresql/sql-claim.h"
#include "supervisor/queue/postgresql/sql-condition.h"
#include "supervisor/queue/postgresql/sql-heartbeats.h"
#include "supervisor/queue/postgresql/sql-intake.h"
#include "supervisor/queue/postgresql/sql-lease.h"
#include "supervisor/queue/postgresql/sql-nav.h"
#include "supervisor/queue/postgresql/sql-operator.h"
#include "supervisor/queue/postgresql/sql-others.h"
#include "supervisor/queue/postgresql/sql-pace.h"
#include "supervisor/queue/postgresql/sql-session.h"
#include "supervisor/queue/postgresql/sql-settle.h"
#include "tests/queue/columns.h"
#include "tests/queue/store-postgresql.h"

namespace smsd::queue::postgresql {
namespace {

std::vector<NamedStatement> statements() {
  return {
      named("walkGraded", sql::walkGraded),
      named("walkUngraded", sql::walkUngraded),
      named("walkAll", sql::walkAll),
      named("walkRecipients", sql::walkRecipients),
      named("paceOf", sql::paceOf),
      named("pacedUntil", sql::pacedUntil),
      named("oldestNotPaced", sql::oldestNotPaced),
      named("take", sql::take),
      named("readByIndex", sql::readByIndex),
      named("readInOneScan", sql::readInOneScan),
      named("nextDue", sql::nextDue),
      named("condition", sql::condition),
      named("installed", sql::installed),
      named("missingPrivileges", sql::missingPrivileges),
      named("fence", sql::fence),
      named("leases", sql::leases),
      named("liveSupervisors", sql::liveSupervisors),
      named("lockedLeases", sql::lockedLeases),
      named("clear", sql::clear),
      named("adopt", sql::adopt),
      named("liveOf", sql::liveOf),
      named("cancellable", sql::cancellable),
      named("cancelThese", sql::cancelThese),
      named("heartbeats", sql::heartbeats),
      named("mayTakeAlerts", sql::mayTakeAlerts),
      named("ownKeys", sql::ownKeys),
      named("keptKeys", sql::keptKeys),
      named("unsentOf", sql::unsentOf),
      named("lockRecipients", sql::lockRecipients),
      named("resolve", sql::resolve),
      named("resolvedBefore", sql::resolvedBefore),
      named("putMessages", sql::putMessages),
      named("alertOf", sql::alertOf),
      named("readRowsByIndex", sql::readRowsByIndex),
      named("readRowsInOneScan", sql::readRowsInOneScan),
      named("takeBeats", sql::takeBeats),
      named("previewCancel", sql::previewCancel),
      named("storedMessages", sql::storedMessages),
      named("messagesOf", sql::messagesOf),
      named("firstMessagesOf", sql::firstMessagesOf),
      named("countUnsent", sql::countUnsent),
      named("recipients", sql::recipients),
      named("insert", sql::insert),
      named("widths", sql::widths),
      named("oldestByIndex", sql::oldestByIndex),
      named("oldestNotWaiting", sql::oldestNotWaiting),
      named("oldestHeld", sql::oldestHeld),
      named("stillIgnored", sql::stillIgnored),
      named("oldestInOneScan", sql::oldestInOneScan),
      named("heldSms", sql::heldSms),
      named("endHold", sql::endHold),
      named("countReleased", sql::countReleased),
      named("endWaitOf", sql::endWaitOf),
      named("endAllWaits", sql::endAllWaits),
      named("endSomeWaits", sql::endSomeWaits),
      named("recipientOf", sql::recipientOf),
      named("restore", sql::restore),
      named("statusOf", sql::statusOf),
      named("life", sql::life),
      named("submissionsWith", sql::submissionsWith),
      named("attemptsOf", sql::attemptsOf),
      named("whyIgnored", sql::whyIgnored),
      named("lookAtHistory", sql::lookAtHistory),
      named("serverEncoding", sql::serverEncoding),
      named("nextAttempts", sql::nextAttempts),
      named("end", sql::end),
      named("otherSessions", sql::otherSessions),
      named("newestMarked", sql::newestMarked),
      named("markedBefore", sql::markedBefore),
  };
}

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

/// The columns of the statement's result, as the server describes them.
std::vector<std::string> reported(PGconn* connection, const std::string& statement) {
  const Result prepared(PQprepare(connection, "", statement.c_str(), 0, nullptr), PQclear);
  EXPECT_EQ(PQresultStatus(prepared.get()), PGRES_COMMAND_OK) << PQerrorMessage(connection) << statement;
  const Result described(PQdescribePrepared(connection, ""), PQclear);
  std::vector<std::string> columns;
  for (int i = 0; i < PQnfields(described.get()); ++i) columns.emplace_back(PQfname(described.get(), i));
  return columns;
}

TEST(PostgresqlColumns, AreNamedAsTheServerReportsThem) {
  PostgresqlStore store;
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
      PQconnectdb(store.connection("postgres").c_str()), PQfinish);
  for (const auto& statement : statements())
    EXPECT_EQ(statement.columns, reported(connection.get(), statement.text)) << statement.name;
}

TEST(PostgresqlColumns, AreComparedForEachStatement) {
  EXPECT_EQ(namesOf(statements()), statementsIn(SMSD_QUEUE_SOURCES "/postgresql"));
}

}  // namespace
}  // namespace smsd::queue::postgresql
