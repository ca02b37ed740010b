// SPDX-License-Identifier: GPL-3.0-or-later
// Programs and schemas of different versions: which work together, and how a schema is upgraded while
// supervisors run.
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/postgresql/installed-schema.h"
#include "tests/queue/store-postgresql.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

using Kind = QueueError::Kind;
using Scene = PostgresqlStore::Scene;
using postgresql::InstalledSchema;
using postgresql::KnownSchemas;
using postgresql::leftBehind;
using postgresql::unusable;

constexpr int own = schema::version, before = schema::oldestUsable;

/// A database with a frozen version of the schema, in which the role smsd may do everything.
class Frozen : public PostgresqlStore {
 public:
  explicit Frozen(int version) : PostgresqlStore(Scene::nav), frozen_(version) {
    std::ostringstream script;
    script << std::ifstream(std::string(SMSD_SCHEMA_BEFORE "/postgresql-") + std::to_string(version) + ".sql")
                  .rdbuf();
    if (script.str().empty())
      throw std::runtime_error("there is no frozen version " + std::to_string(version));
    execute(connection("postgres"), script.str());
    sql("GRANT USAGE ON SCHEMA smsd TO smsd; GRANT ALL ON ALL TABLES IN SCHEMA smsd TO smsd;"
        "GRANT ALL ON ALL SEQUENCES IN SCHEMA smsd TO smsd; GRANT SELECT, UPDATE ON smsq TO smsd");
  }
  InstallReport upgrade() { return installPostgresql(connection("postgres"), {}); }
  std::string version(const std::string& column) {
    return one("SELECT " + column + " FROM smsd.installation");
  }
  /// A supervisor of a program that knows no version above the frozen one, as it enlists.
  void enlistOlder(const std::string& lease = "1 hour") {
    sql("INSERT INTO smsd.supervisor (name, host, pid, lease, lease_until) VALUES ('older', 'there', 77, '" +
        lease + "', now() + '" + lease + "')");
    if (frozen_ > schema::withoutKnowledge)
      sql("UPDATE smsd.supervisor SET knows = " + std::to_string(frozen_) + " WHERE name = 'older'");
  }

 private:
  const int frozen_;
};

std::unique_ptr<Queue> enlisted(PostgresqlStore& store, const std::string& name = "here") {
  auto queue = openPostgresql(store.connection("smsd"));
  queue->enlist(name, longLease);
  return queue;
}

Settlement accepted(const Submission& submission) {
  return {submission, Fate::sent, "accepted", "", "", std::nullopt};
}

ClaimRequest ten() {
  return {.limit = 10, .dispatcher = "modem", .format = joined, .expireAfter = std::nullopt};
}

}  // namespace

TEST(SchemaVersions, AProgramWorksWithItsOwnAndTheOneBefore) {
  const struct {
    InstalledSchema installed;
    KnownSchemas program;
    const char* says;  // empty: it works
  } cases[] = {
      {{5, 4}, {4, 5}, ""},
      {{4, 4}, {4, 5}, ""},
      {{3, 3}, {4, 5}, "is of version 3, this program needs 4 or 5: run `smsctl db install`"},
      {{6, 5}, {4, 5}, ""},
      {{6, 4}, {4, 5}, ""},
      {{6, 6}, {4, 5}, "needs programs that know version 6, this one knows 5: install the newer smsd"},
      {{9, 7}, {4, 5}, "needs programs that know version 7, this one knows 5: install the newer smsd"},
      {{1, 1}, {0, 5}, ""},
  };
  for (const auto& one : cases) {
    const auto says = unusable(one.installed, one.program);
    if (*one.says == '\0')
      EXPECT_EQ(says, "") << one.installed.version;
    else
      EXPECT_NE(says.find(one.says), std::string::npos) << says;
  }
}

TEST(SchemaVersions, AnUpgradeNamesWhomItWouldLeaveBehind) {
  const std::vector<LiveSupervisor> live{
      {"a", "here", 1, "", 4}, {"b", "there", 2, "0.1.0", 5}, {"c", "", 3, "", 3}};
  EXPECT_EQ(leftBehind(live, {5, 4}), "c (on , pid 3)");
  EXPECT_EQ(leftBehind(live, {6, 5}), "a (on here, pid 1), c (on , pid 3)");
  EXPECT_EQ(leftBehind(live, {4, 3}), "");
  EXPECT_EQ(leftBehind({}, {9, 9}), "");
}

TEST(PostgresqlVersions, OneSupervisorWorksBeforeWhileAndAfterTheSchemaIsUpgraded) {
  Frozen store(before);
  auto queue = enlisted(store);
  EXPECT_EQ(queue->schema(), (SchemaVersions{before, own, before}));
  store.put({.phone = "1"});
  auto claimed = queue->claim(ten()).submissions;
  ASSERT_EQ(claimed.size(), 1u);

  EXPECT_EQ(store.upgrade().done,
            std::vector<std::string>{"the schema smsd, now version " + std::to_string(own)});
  queue->settle({accepted(claimed[0])});
  queue->renew();
  EXPECT_TRUE(queue->takeOver().empty());
  EXPECT_EQ(queue->schema().installed, own);
  EXPECT_EQ(store.one("SELECT knows FROM smsd.supervisor WHERE state = 'alive'"), std::to_string(own))
      << "it introduces itself as soon as there is a column";
  EXPECT_EQ(queue->schema(), (SchemaVersions{own, own, own}));
  store.put({.phone = "2"});
  claimed = queue->claim(ten()).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  queue->settle({accepted(claimed[0])});
  EXPECT_EQ(store.one("SELECT count(*) FROM smsq WHERE sent = 'Y'"), "2");
  EXPECT_TRUE(store.upgrade().done.empty());
}

TEST(PostgresqlVersions, WhatAnOlderSupervisorDoesNotKnowIsNotReliedOn) {
  Frozen store(before);
  store.enlistOlder();
  store.upgrade();
  auto queue = enlisted(store);
  queue->takeOver();
  EXPECT_EQ(queue->schema(), (SchemaVersions{own, own, before}));
  const auto found = queue->installation();
  EXPECT_EQ(found.schema.used, before);
  ASSERT_EQ(found.supervisors.size(), 2u);
  EXPECT_EQ(found.supervisors[0].name, "older");
  EXPECT_EQ(found.supervisors[0].program, "");
  EXPECT_EQ(found.supervisors[0].knows, before);
  EXPECT_NE(found.supervisors[1].program, "");
  EXPECT_EQ(found.supervisors[1].knows, own);
  store.sql("UPDATE smsd.supervisor SET state = 'cleared' WHERE name = 'older'");
  queue->takeOver();
  EXPECT_EQ(queue->schema().used, own);
}

// A supervisor that does not know them would send the messages to their numbers as SMS, and knows no alert.
TEST(PostgresqlVersions, HeartbeatsAreWatchedOnceEverySupervisorKnowsThem) {
  using Offer = HeartbeatsSeen::Offer;
  Frozen store(before);
  store.enlistOlder();
  auto queue = enlisted(store);
  int judged = 0;
  const HeartbeatLook look{{{"nav", {"+4700"}}}, [&judged](const HeartbeatRecord&) {
                             ++judged;
                             return HeartbeatVerdict{};
                           }};
  const auto offer = [&] {
    queue->takeOver();
    return queue->lookAtHeartbeats(look).offer;
  };
  const auto message = store.put({.phone = "+4700"});
  EXPECT_EQ(offer(), Offer::notYet);
  EXPECT_EQ(store.sent(message), 'Y') << "no SMS to a number that no telephone has";
  EXPECT_FALSE(queue->beat("nav"));
  store.upgrade();
  EXPECT_EQ(offer(), Offer::notYet) << "the other supervisor does not know them";
  EXPECT_EQ(judged, 0);
  EXPECT_TRUE(queue->beat("nav")) << "with the rights that the upgrade has given to the role";
  store.sql("UPDATE smsd.supervisor SET state = 'cleared' WHERE name = 'older'");
  store.sql("REVOKE ALL ON smsq FROM smsd; GRANT SELECT, UPDATE ON smsq TO smsd");
  std::string what;
  EXPECT_EQ(refusal([&] { offer(); }, &what), Kind::denied) << "before an alert is due";
  EXPECT_NE(what.find("no privilege to insert an alert"), std::string::npos) << what;
  store.sql("GRANT INSERT ON smsq TO smsd; GRANT USAGE ON ALL SEQUENCES IN SCHEMA profiles TO smsd");
  EXPECT_EQ(offer(), Offer::watched);
  EXPECT_EQ(judged, 1);
}

// A supervisor that does not know them would send the beginning of a text, and what has expired.
TEST(PostgresqlVersions, AlertsAreTakenOnceEverySupervisorKnowsThem) {
  using Offer = Submitted::Offer;
  Frozen store(6);
  store.sql("GRANT INSERT ON smsq TO smsd; GRANT USAGE ON ALL SEQUENCES IN SCHEMA profiles TO smsd");
  store.enlistOlder();
  auto queue = enlisted(store);
  queue->takeOver();
  const std::string text(400, 'x');
  const std::vector<NewAlert> alerts{{.recipient = "+4711", .text = text, .caller = "one", .key = "key"}};
  EXPECT_EQ(refusal([&] { EXPECT_EQ(queue->submit(alerts, 1h).offer, Offer::notYet); }), std::nullopt);
  store.put({.phone = "+4722"});
  EXPECT_EQ(queue->claim(ten()).submissions.size(), 1u) << "without the table";
  EXPECT_FALSE(queue->explain(1)->alert);
  store.upgrade();
  EXPECT_EQ(queue->submit(alerts, 1h).offer, Offer::notYet) << "the other supervisor does not know them";
  store.sql("UPDATE smsd.supervisor SET state = 'cleared' WHERE name = 'older'");
  EXPECT_EQ(queue->submit(alerts, 1h).offer, Offer::taken) << "with the rights that the upgrade has given";
  queue->takeOver();
  EXPECT_EQ(queue->claim(ten()).submissions.at(0).sms.text, text);
  EXPECT_EQ(queue->submit(alerts, 1h).fates.at(0).result, AlertFate::Result::duplicate);
}

// A program that knows version 4 and none above compares this column with 4.
TEST(PostgresqlVersions, ProgramsOfTheVersionBeforeMayStartOnTheNewOne) {
  Frozen store(4);
  store.upgrade();
  PostgresqlStore fresh;
  for (PostgresqlStore* each : {static_cast<PostgresqlStore*>(&store), &fresh}) {
    EXPECT_EQ(each->one("SELECT version FROM smsd.installation"), "4");
    EXPECT_EQ(each->one("SELECT schema_version FROM smsd.installation"), std::to_string(own));
    EXPECT_EQ(each->one("SELECT oldest_version FROM smsd.installation"),
              std::to_string(schema::oldestProgram));
  }
}

TEST(PostgresqlVersions, AnUpgradeIsRefusedBeneathASupervisorThatCouldNotWorkAfterwards) {
  Frozen store(3);
  store.enlistOlder();
  std::string what;
  EXPECT_EQ(refusal([&] { store.upgrade(); }, &what), Kind::busy);
  EXPECT_NE(what.find("nothing was changed"), std::string::npos) << what;
  EXPECT_NE(what.find("older (on there, pid 77)"), std::string::npos) << what;
  EXPECT_EQ(store.version("version"), "3");
  EXPECT_EQ(store.one("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'smsd' AND "
                      "column_name = 'knows'"),
            "0");
  store.sql("UPDATE smsd.supervisor SET lease_until = now() - interval '1 second'");
  EXPECT_EQ(store.upgrade().done.size(), 1u);
  EXPECT_EQ(store.version("schema_version"), std::to_string(own));
  EXPECT_EQ(enlisted(store)->schema().installed, own);
}

TEST(PostgresqlVersions, AnUpgradeByAnotherThanTheOwnerNamesTheOwner) {
  Frozen store(before);
  std::string what;
  EXPECT_EQ(refusal([&] { installPostgresql(store.connection("smsd"), {}); }, &what), Kind::denied);
  EXPECT_NE(what.find("smsctl db install --as postgres"), std::string::npos) << what;
  EXPECT_EQ(store.version("schema_version"), std::to_string(before));
}

// An enlistment reads smsd.installation and then writes smsd.supervisor. An upgrade that waits holds up
// nobody for long, and takes place as soon as it can.
TEST(PostgresqlVersions, AnUpgradeAndAnEnlistmentAtTheSameTimeBothWork) {
  Frozen store(before);
  auto running = enlisted(store, "running");
  pqxx::connection connection(store.connection("smsd"));
  std::optional<pqxx::work> enlisting(std::in_place, connection);
  enlisting->exec("SELECT version FROM smsd.installation");
  std::thread upgrade([&] { EXPECT_EQ(store.upgrade().done.size(), 1u); });
  EXPECT_TRUE(eventually([&] {
    return store.one("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'") !=
           "0";
  }));
  running->renew();
  enlisting->exec("UPDATE smsd.supervisor SET state = 'dead' WHERE name = 'none'");
  enlisting->commit();
  enlisting.reset();
  upgrade.join();
  EXPECT_EQ(store.version("schema_version"), std::to_string(own));
  running->takeOver();
  EXPECT_EQ(running->schema().installed, own);
}

TEST(PostgresqlVersions, AnUpgradeThatDoesNotGetItsLocksReportsEachTry) {
  Frozen store(before);
  pqxx::connection connection(store.connection("smsd"));
  std::optional<pqxx::work> other(std::in_place, connection);
  other->exec("SELECT version FROM smsd.installation");
  std::vector<int> tries;
  InstallOptions options;
  options.onRepeat = [&](int tried, int most) {
    EXPECT_GT(most, tried);
    tries.push_back(tried);
    if (tried == 2) other.reset();
  };
  EXPECT_EQ(installPostgresql(store.connection("postgres"), options).done.size(), 1u);
  EXPECT_EQ(tries, (std::vector{1, 2}));
}

TEST(PostgresqlVersions, ANewerSchemaIsUsedIfItAllowsThisProgramAndLeftAsItIs) {
  PostgresqlStore store;
  store.sql("UPDATE smsd.installation SET version = 9, schema_version = 9, oldest_version = " +
            std::to_string(own));
  auto queue = enlisted(store);
  queue->takeOver();
  EXPECT_EQ(queue->schema(), (SchemaVersions{9, own, own}));
  EXPECT_TRUE(installPostgresql(store.connection("postgres"), {}).done.empty());
  store.sql("UPDATE smsd.installation SET oldest_version = 9");
  std::string what;
  EXPECT_EQ(refusal([&] { enlisted(store); }, &what), Kind::notInstalled);
  EXPECT_NE(what.find("install the newer smsd"), std::string::npos) << what;
  EXPECT_EQ(refusal([&] { installPostgresql(store.connection("postgres"), {}); }, &what), Kind::notInstalled);
  EXPECT_NE(what.find("install the newer smsd"), std::string::npos) << what;
}

}  // namespace smsd::queue
