// SPDX-License-Identifier: GPL-3.0-or-later
// Installing, and what is said when something is missing: the words an operator gets at the start, and what
// they must not hold.
#include <fstream>
#include <sstream>
#include <thread>

#include "supervisor/queue/built-in.h"
#include "tests/queue/store-postgresql.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

using Kind = QueueError::Kind;
using Scene = PostgresqlStore::Scene;
using Extra = InstallOptions::Extra;

InstallOptions everything() {
  return {.indexes = Extra::make, .notify = Extra::make, .tables = Extra::make, .role = "smsd"};
}

/// Opens the connection and enlists; what was said goes to `what`.
std::optional<Kind> start(const std::string& connection, std::string* what) {
  return refusal([&] { openPostgresql(connection)->enlist("here", longLease); }, what);
}

void expectOneLine(const std::string& what) { EXPECT_EQ(what.find('\n'), std::string::npos) << what; }

}  // namespace

TEST(PostgresqlInstall, InstallingTwiceMakesNothingTheSecondTime) {
  PostgresqlStore store(Scene::nav);
  auto first = installPostgresql(store.connection("postgres"), everything());
  EXPECT_EQ(first.done.size(), 3u);
  auto key = store.one("SELECT queue FROM smsd.installation");
  auto second = installPostgresql(store.connection("postgres"), everything());
  EXPECT_TRUE(second.done.empty());
  EXPECT_EQ(second.advice, first.advice);
  EXPECT_EQ(store.one("SELECT queue FROM smsd.installation"), key);
}

TEST(PostgresqlInstall, TheGrantsAreRunForARoleThatIsMadeIfThereIsNone) {
  PostgresqlStore store(Scene::nav);
  const std::string role = "it's \"smsd\"";  // a name like any other
  store.sql("DROP ROLE IF EXISTS \"it's \"\"smsd\"\"\"");
  auto options = everything();
  options.grants = Extra::make;
  options.role = role;
  const auto first = installPostgresql(store.connection("postgres"), options);
  EXPECT_EQ(first.done.back(), "the role " + role);
  EXPECT_EQ(first.granted, role);
  EXPECT_TRUE(first.advice.empty()) << first.advice.front();
  std::string what;
  EXPECT_FALSE(start(store.connection("'it\\'s \"smsd\"'"), &what)) << what;
  const auto second = installPostgresql(store.connection("postgres"), options);
  EXPECT_TRUE(second.done.empty());
  EXPECT_EQ(second.granted, role);
  store.sql("DROP OWNED BY \"it's \"\"smsd\"\"\"");
  store.sql("DROP ROLE \"it's \"\"smsd\"\"\"");
}

TEST(PostgresqlInstall, AnotherRoleMayConnectThanThatOfTheConfiguration) {
  PostgresqlStore store(Scene::nav);
  auto options = everything();
  options.connectAs = "postgres";
  EXPECT_EQ(
      installPostgresql(store.connection("nobody") + " password=wrong passfile=/none", options).done.size(),
      3u);
}

TEST(PostgresqlInstall, TheRoleOfAConnectionIsTheWholeWord) {
  EXPECT_EQ(roleOf("host=/run/postgresql dbname=nav user=smsd"), "smsd");
  EXPECT_EQ(roleOf("user='smsd' dbname=nav"), "smsd");
  EXPECT_EQ(roleOf("postgresql://smsd@/nav"), "smsd");
  EXPECT_EQ(roleOf("user=smsd_test dbname=nav"), "smsd_test");
  EXPECT_EQ(roleOf("user=nav options='-c application_name=user=smsd'"), "nav");
  EXPECT_EQ(roleOf("dbname=nav"), "");
  EXPECT_EQ(roleOf("no connection string"), "");
}

TEST(PostgresqlInstall, NothingBeyondTheSchemaIsTouchedUnasked) {
  PostgresqlStore store(Scene::nav);
  auto report = installPostgresql(store.connection("postgres"), {});
  EXPECT_EQ(report.done.size(), 1u);
  EXPECT_EQ(store.one("SELECT count(*) FROM pg_index WHERE indrelid = 'smsq'::regclass"), "1");
  EXPECT_EQ(
      store.one("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'smsq'::regclass AND NOT tgisinternal"),
      "0");
  std::string all;
  for (const auto& advice : report.advice) all += advice + "\n";
  for (const char* wanted : {"<role>", "smsq_unsent_order", "smsq_unsent_phone", "smsd_notify", "GRANT"})
    EXPECT_NE(all.find(wanted), std::string::npos) << wanted;
}

TEST(PostgresqlInstall, TheQueueCanDoWithoutNav) {
  PostgresqlStore store(Scene::empty);
  EXPECT_EQ(installPostgresql(store.connection("postgres"), everything()).done.size(), 4u);
  installAdvised(store.connection("postgres"));
  auto queue = store.open();
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->insert({{std::nullopt, "1", "text", 1}}).size(), 1u);
  EXPECT_EQ(queue->messages(SentStatus::unsent, 10).size(), 1u);
}

TEST(PostgresqlInstall, TwoInstallationsAtTheSameTimeMakeOne) {
  PostgresqlStore store(Scene::nav);
  std::thread other([&] { installPostgresql(store.connection("postgres"), {}); });
  installPostgresql(store.connection("postgres"), {});
  other.join();
  EXPECT_EQ(store.one("SELECT count(*) FROM smsd.installation"), "1");
}

TEST(PostgresqlInstall, AnIndexThatAnInterruptedRunLeftInvalidIsMadeAnew) {
  PostgresqlStore store;
  store.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'smsq_unsent_phone'::regclass");
  EXPECT_EQ(installPostgresql(store.connection("postgres"), everything()).done.size(), 1u);
  EXPECT_EQ(store.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'smsq_unsent_phone'::regclass"),
            "t");
}

TEST(PostgresqlInstall, AnIndexOfAnotherNameIsAsGood) {
  PostgresqlStore store;
  store.sql("ALTER INDEX smsq_unsent_phone RENAME TO the_administrators_own");
  EXPECT_TRUE(installPostgresql(store.connection("postgres"), everything()).done.empty());
}

TEST(PostgresqlInstall, TheTriggerAsksNoRightsOfWhoeverInserts) {
  PostgresqlStore store;
  execute(store.connection("postgres"), "DROP ROLE IF EXISTS plain");
  execute(store.connection("postgres"),
          "CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA profiles TO plain; GRANT INSERT ON smsq TO plain; "
          "GRANT USAGE ON SEQUENCE smsq_id_seq TO plain");
  execute(store.connection("plain"), "INSERT INTO smsq (time, phone, msg) VALUES (now(), '1', 'x')");
  EXPECT_EQ(store.one("SELECT count(*) FROM smsq"), "1");
  execute(store.connection("postgres"), "DROP OWNED BY plain; DROP ROLE plain");
}

namespace {

/// All columns and indexes of the schema smsd.
std::string shape(PostgresqlStore& store) {
  return store.one(
      "SELECT string_agg(line, E'\n' ORDER BY line) FROM ("
      "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line "
      "FROM information_schema.columns WHERE table_schema = 'smsd' "
      "UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'smsd') lines");
}

}  // namespace

TEST(PostgresqlInstall, AnOlderVersionIsNamedAtTheStartAndBroughtUpToDateByTheCommandThatIsNamed) {
  PostgresqlStore store;
  const std::string fresh = shape(store);
  store.sql(
      "INSERT INTO smsq (time, phone, msg) VALUES (now(), '1', 'waits');"
      "INSERT INTO smsd.wait (recipient, rounds, due) VALUES ('1', 2, now() - interval '1 minute');"
      // As version 6 was.
      "DROP TABLE smsd.alert, smsd.alert_key, smsd.pace;"
      // As version 5 was.
      "DROP TABLE smsd.heartbeat;"
      // As version 4 was.
      "ALTER TABLE smsd.installation DROP COLUMN schema_version, DROP COLUMN oldest_version;"
      "ALTER TABLE smsd.supervisor DROP COLUMN knows, DROP COLUMN program;"
      // As version 3 was.
      "ALTER TABLE smsd.submission DROP COLUMN since, DROP COLUMN stamps;"
      "ALTER TABLE smsd.wait DROP COLUMN since, DROP COLUMN noted;"
      "ALTER TABLE smsd.held DROP COLUMN stamp; ALTER TABLE smsd.ignored DROP COLUMN stamp;"
      // As version 2 was: what is live stands in the submissions alone; the 41 before this one were purged.
      "DROP TABLE smsd.live; ALTER TABLE smsd.submission ALTER id ADD GENERATED BY DEFAULT AS IDENTITY "
      "(START 42);"
      "CREATE UNIQUE INDEX submission_one_live ON smsd.submission (recipient) WHERE ended IS NULL;"
      "CREATE INDEX submission_live_of ON smsd.submission (supervisor) WHERE ended IS NULL;"
      "INSERT INTO smsd.supervisor (id, name, host, pid, lease, lease_until, state)"
      "  OVERRIDING SYSTEM VALUE VALUES (1000, 'earlier', 'h', 1, '1s', now(), 'dead');"
      "INSERT INTO smsd.submission (recipient, supervisor, attempt, dispatcher, rounds, text, sent_ids)"
      "  VALUES ('2', 1000, 1, 'modem', 0, 'under way', '{7}');"
      "INSERT INTO smsd.submission (recipient, supervisor, attempt, dispatcher, rounds, ended)"
      "  VALUES ('3', 1000, 2, 'modem', 0, now());"
      // As version 1 was.
      "ALTER TABLE smsd.wait DROP COLUMN severity; DROP INDEX smsd.ignored_at;"
      "UPDATE smsd.installation SET version = 1");
  std::string what;
  EXPECT_EQ(start(store.connection("smsd"), &what), Kind::notInstalled);
  EXPECT_NE(what.find("is of version 1, this program needs 5 to 7: run `smsctl db install`"),
            std::string::npos)
      << what;
  EXPECT_EQ(installPostgresql(store.connection("postgres"), everything()).done,
            std::vector<std::string>{"the schema smsd, now version 7"});
  EXPECT_EQ(shape(store), fresh);
  EXPECT_TRUE(installPostgresql(store.connection("postgres"), everything()).done.empty());
  auto queue = openPostgresql(store.connection("smsd"));
  queue->enlist("here", longLease);
  auto claimed =
      queue->claim({.limit = 1, .dispatcher = "modem", .format = joined, .expireAfter = std::nullopt})
          .submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].rounds, 2);
  EXPECT_GT(claimed[0].id, 43) << "an id came again, and with it an idempotency key";
  auto adopted = queue->takeOver();
  ASSERT_EQ(adopted.size(), 1u);
  EXPECT_EQ(adopted[0].id, 42);
  EXPECT_EQ(adopted[0].recipient, "2");
}

TEST(PostgresqlInstall, VersionThreeAsItWasMadeBecomesTodaysWithItsRowsAndItsGrants) {
  PostgresqlStore today;
  const std::string fresh = shape(today);
  PostgresqlStore store(Scene::nav);
  std::ostringstream script;
  script << std::ifstream(SMSD_SCHEMA_BEFORE "/postgresql-3.sql").rdbuf();
  ASSERT_NE(script.str(), "");
  execute(store.connection("postgres"), script.str());
  store.sql("GRANT SELECT, INSERT, DELETE ON smsd.held TO smsd");
  const auto held = store.put({.phone = "1", .text = "held"});
  store.put({.phone = "2", .text = "waits"});
  store.sql(
      "INSERT INTO smsd.submission (id, recipient, supervisor, attempt, dispatcher, rounds, text, sent_ids, "
      "ended, fate)"
      " VALUES (4712, '1', 1, 1, 'modem', 0, 'held', ARRAY[" +
      std::to_string(held) + "]::bigint[], now(), 'held')");
  store.sql("INSERT INTO smsd.held VALUES (" + std::to_string(held) + ", 4712), (4711, 4712)");
  store.sql("INSERT INTO smsd.wait VALUES ('2', 2, now() - interval '1 minute', NULL, NULL)");
  EXPECT_EQ(installPostgresql(store.connection("postgres"), {}).done,
            std::vector<std::string>{"the schema smsd, now version 7"});
  EXPECT_EQ(shape(store), fresh);
  installAdvised(store.connection("postgres"));
  EXPECT_EQ(store.one("SELECT has_table_privilege('smsd', 'smsd.held', 'UPDATE')"), "t");
  auto queue = openPostgresql(store.connection("smsd"));
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->held(10).at(0).messages, std::vector<format::MessageId>{held});
  auto claimed =
      queue->claim({.limit = 9, .dispatcher = "modem", .format = joined, .expireAfter = std::nullopt})
          .submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].rounds, 2);
  EXPECT_EQ(queue->release(4712), 1u);
  EXPECT_EQ(queue->claim({.limit = 9, .dispatcher = "modem", .format = joined, .expireAfter = std::nullopt})
                .submissions.size(),
            1u);
}

TEST(PostgresqlInstall, AnotherVersionIsRefusedByBothSides) {
  PostgresqlStore store;
  store.sql("UPDATE smsd.installation SET version = 99, schema_version = 99, oldest_version = 99");
  std::string what;
  EXPECT_EQ(start(store.connection("smsd"), &what), Kind::notInstalled);
  EXPECT_NE(what.find("99"), std::string::npos) << what;
  EXPECT_EQ(refusal([&] { installPostgresql(store.connection("postgres"), everything()); }),
            Kind::notInstalled);
}

TEST(PostgresqlInstall, AMissingSchemaNamesTheCommandThatMakesIt) {
  PostgresqlStore store(Scene::nav);
  std::string what;
  EXPECT_EQ(start(store.connection("postgres"), &what), Kind::notInstalled);
  EXPECT_NE(what.find("smsctl db install"), std::string::npos) << what;
  expectOneLine(what);
}

TEST(PostgresqlInstall, AMissingQueueAsksForTheSearchPath) {
  PostgresqlStore store(Scene::empty);
  std::string what;
  EXPECT_EQ(refusal([&] { openPostgresql(store.connection("postgres"))->depth(1); }, &what),
            Kind::notInstalled);
  EXPECT_NE(what.find("search_path"), std::string::npos) << what;
  EXPECT_EQ(refusal([&] { installPostgresql(store.connection("postgres"), {}); }, &what), Kind::notInstalled);
  EXPECT_NE(what.find("search_path"), std::string::npos) << what;
  expectOneLine(what);
}

TEST(PostgresqlInstall, AMissingPrivilegeIsFoundAtTheStartAndNamed) {
  PostgresqlStore store;
  store.sql("REVOKE UPDATE (smsid) ON smsq FROM smsd");
  std::string what;
  EXPECT_EQ(start(store.connection("smsd"), &what), Kind::denied);
  EXPECT_NE(what.find("UPDATE of smsq.smsid"), std::string::npos) << what;
  store.sql("REVOKE ALL ON ALL TABLES IN SCHEMA smsd FROM smsd");
  EXPECT_EQ(start(store.connection("smsd"), &what), Kind::denied);
  EXPECT_NE(what.find("GRANT"), std::string::npos) << what;
  expectOneLine(what);
}

TEST(PostgresqlInstall, AnUnknownRoleOrDatabaseIsDeniedWithAWordOnWhatToDo) {
  PostgresqlStore store;
  std::string what;
  EXPECT_EQ(start(store.connection("nobody_of_that_name"), &what), Kind::denied);
  EXPECT_NE(what.find("user="), std::string::npos) << what;
  EXPECT_EQ(start(Cluster::shared().connection("no_such_database"), &what), Kind::denied);
  EXPECT_NE(what.find("dbname="), std::string::npos) << what;
  expectOneLine(what);
}

TEST(PostgresqlInstall, AServerThatIsAwayIsUnreachable) {
  std::string what;
  EXPECT_EQ(start("host=/nonexistent dbname=nav password=geheim", &what), Kind::unreachable);
  EXPECT_EQ(what.find("geheim"), std::string::npos) << what;
  expectOneLine(what);
}

TEST(PostgresqlInstall, ABadConnectionStringIsNotRepeated) {
  for (const char* bad : {"host=x password=my geheim", "password='geheim", "postgresql://u:geheim@[::1/x"}) {
    std::string what;
    EXPECT_EQ(start(bad, &what), Kind::failed) << bad;
    EXPECT_EQ(what.find("geheim"), std::string::npos) << what;
    EXPECT_NE(what.find("queue.postgresql.connection"), std::string::npos) << what;
  }
}

// smsctl passes a connection on that no configuration has checked.
TEST(PostgresqlInstall, AValueOfTheConnectionThatLibpqRefusesIsNotRepeated) {
  for (const char* bad : {"postgresql://u:geheim/x@[::1]/nav", "host=::1 sslmode=geheim",
                          "host=::1 port=geheim", "host=::1 connect_timeout=geheim"}) {
    std::string what;
    start(bad, &what);
    EXPECT_NE(what, "");
    EXPECT_EQ(what.find("geheim"), std::string::npos) << what;
    expectOneLine(what);
  }
}

TEST(PostgresqlInstall, AConnectionStringMayBeAUri) {
  PostgresqlStore store;
  auto socket = store.one("SELECT current_setting('unix_socket_directories')");
  std::string host;
  for (char c : socket) host += c == '/' ? std::string("%2F") : std::string(1, c);
  auto queue = openPostgresql("postgresql://smsd@" + host + "/" + store.one("SELECT current_database()"));
  EXPECT_EQ(queue->depth(1).unsent, 0u);
}

TEST(PostgresqlInstall, ADatabaseThatCannotHoldEveryTextIsRefused) {
  PostgresqlStore store(Scene::empty);
  auto admin = Cluster::shared().connection("postgres");
  execute(admin, "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'");
  std::string what;
  EXPECT_EQ(start(Cluster::shared().connection("latin"), &what), Kind::failed);
  EXPECT_NE(what.find("UTF8"), std::string::npos) << what;
  execute(admin, "DROP DATABASE latin WITH (FORCE)");
}

}  // namespace smsd::queue
