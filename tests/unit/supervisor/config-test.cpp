// SPDX-License-Identifier: GPL-3.0-or-later
// smsd.yaml: its defaults, its bounds, its rules, and the files it names.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/unit/supervisor/config-file.h"

namespace smsd::config {
namespace {

TEST_F(SupervisorConfig, NeedsNoMoreThanADispatcher) {
  const ConfigRead result = read(oneDispatcher);
  EXPECT_EQ(describe(result.problems), "");
  const Config& config = result.config;
  EXPECT_EQ(config.queue.backend, "sqlite");
  EXPECT_EQ(config.queue.sqlite, "/var/lib/smsd/queue.db");
  EXPECT_EQ(config.queue.pollInterval, 30s);
  EXPECT_FALSE(config.queue.expireAfter);
  EXPECT_EQ(config.formatting.maxParts, 1);
  EXPECT_EQ(config.retry.maxDelay, 1h);
  EXPECT_EQ(config.log.recipient, RecipientInLog::masked);
  ASSERT_EQ(config.dispatchers.size(), 1u);
  EXPECT_EQ(config.dispatchers[0].config, folder / "dispatchers/a.yaml");
  EXPECT_EQ(config.dispatchers[0].worker, "");
}

TEST_F(SupervisorConfig, GivesUpAfterHoursWhereNothingIsSaidAtOnceOrNeverWhenToldSo) {
  const auto given = [&](const std::string& retry) {
    const auto result = read("retry: {" + retry + "}\ndispatchers: [{name: a, kind: debug}]\n");
    return std::pair(result.problems.empty() ? result.config.retry.giveUpAfter : 1ms,
                     !result.problems.empty());
  };
  using Given = std::pair<std::optional<Milliseconds>, bool>;
  EXPECT_EQ(given(""), Given(4h, false));
  EXPECT_EQ(given("give_up_after: 0s"), Given(0ms, false));
  EXPECT_EQ(given("give_up_after: never"), Given(std::nullopt, false));
  EXPECT_EQ(given("give_up_after: 30d"), Given(std::chrono::days(30), false));
  for (const char* wrong : {"31d", "-1s", "ever", "5", "[4h]", "\"never\""})
    EXPECT_TRUE(given(std::string("give_up_after: ") + wrong).second) << wrong;
}

TEST_F(SupervisorConfig, ExpectsHeartbeatsWithNumbersThatAreNobodys) {
  const auto result = read(oneDispatcher + R"(
heartbeats:
  - {name: nav, every: 90s, recipient: "+4700000001", alert_to: "+4799887766"}
  - {name: backup, every: 1d, grace: 2h, alert_to: "+4799887766", severity: 3, all_clear: true}
)");
  EXPECT_EQ(describe(result.problems), "");
  ASSERT_EQ(result.config.heartbeats.size(), 2u);
  EXPECT_EQ(result.config.heartbeats[0],
            (HeartbeatConfig{"nav", 90s, 1min, "+4700000001", "+4799887766", 1, false}));
  EXPECT_EQ(result.config.heartbeats[1], (HeartbeatConfig{"backup", 24h, 2h, "", "+4799887766", 3, true}));
  const auto problemsOfTwo = [&](const std::string& first, const std::string& second) {
    return problemsOf(oneDispatcher + "heartbeats:\n  - {alert_to: \"+4799\", " + first +
                      "}\n  - {alert_to: \"+4798\", " + second + "}\n");
  };
  EXPECT_EQ(
      problemsOfTwo("name: a", "name: a"),
      "smsd.yaml:4:25: a second heartbeat named a, expected another name (the first is at smsd.yaml:3:25)\n");
  EXPECT_EQ(problemsOfTwo("name: a, recipient: \"+47 01\"", "name: b, recipient: \"004701\""),
            "smsd.yaml:4:34: heartbeats[1].recipient: is the number of the heartbeat a, too, expected a "
            "number of its own\n");
  for (const char* same : {"+4798", "004798", "47 98"})
    EXPECT_NE(problemsOfTwo(std::string("name: a, recipient: \"") + same + "\"", "name: b")
                  .find("is the number that gets the alerts about b: no SMS would leave to it"),
              std::string::npos)
        << same;
  for (const char* wrong :
       {"name: A", "name: -a", "name: \"\"", "name: a23456789012345678901234567890xy",
        "name: a, recipient: noc@example.org", "name: a, recipient: \"+479988776655443\"",
        "name: a, every: 0s", "name: a, every: 8d", "name: a, grace: 25h", "name: a, severity: 0"})
    EXPECT_NE(problemsOfTwo(wrong, "name: b"), "") << wrong;
  EXPECT_NE(problemsOf(oneDispatcher + "heartbeats: [{name: a}]\n"), "") << "nobody would get the alert";
}

TEST_F(SupervisorConfig, TakesTheConfigurationOfTheDesign) {
  const ConfigRead result = read(R"(
queue:
  backend: postgresql
  postgresql: {connection: "host=/run/postgresql dbname=nav user=smsd"}
  sqlite: {path: queue.db}
  poll_interval: 10s
  lease: 20s
  expire_after: 6h
formatting: {max_parts: 3, overflow: carry_over, transliterate: true}
retry: {delay: 5s, factor: 2, max_delay: 2h, limit: 7, give_up_after: 90m, at_limit: shutdown, unknown: hold}
log: {recipient: plain}
control: {socket: control.sock}
state_directory: ../state
stop_timeout: 40s
dispatchers:
  - {name: modem,   kind: gammu, activation: spawn, timeout: 60s}
  - {name: gateway, kind: http,  activation: spawn, timeout: 10s, start_timeout: 3s, worker: /bin/sh, config: dispatchers/b.yaml}
)");
  EXPECT_EQ(describe(result.problems), "");
  const Config& config = result.config;
  EXPECT_EQ(config.queue.backend, "postgresql");
  EXPECT_EQ(config.queue.postgresql, "host=/run/postgresql dbname=nav user=smsd");
  EXPECT_EQ(config.queue.sqlite, folder / "queue.db");
  EXPECT_EQ(config.queue.pollInterval, 10s);
  EXPECT_EQ(config.queue.lease, 20s);
  EXPECT_EQ(config.queue.expireAfter, Milliseconds(6h));
  EXPECT_EQ(config.formatting.maxParts, 3);
  EXPECT_EQ(config.formatting.overflow, format::Overflow::carry_over);
  EXPECT_EQ(config.formatting.transliterate, format::Transliteration::on);
  EXPECT_EQ(config.retry.delay, 5s);
  EXPECT_EQ(config.retry.factor, 2);
  EXPECT_EQ(config.retry.maxDelay, 2h);
  EXPECT_EQ(config.retry.limit, 7);
  EXPECT_EQ(config.retry.giveUpAfter, Milliseconds(90min));
  EXPECT_EQ(config.retry.atLimit, AtLimit::shutdown);
  EXPECT_EQ(config.retry.unknown, UnknownPolicy::hold);
  EXPECT_EQ(config.log.recipient, RecipientInLog::plain);
  EXPECT_EQ(config.controlSocket, folder / "control.sock");
  EXPECT_EQ(config.stateDirectory, folder.parent_path() / "state");
  EXPECT_EQ(config.stopTimeout, 40s);
  ASSERT_EQ(config.dispatchers.size(), 2u);
  EXPECT_EQ(config.dispatchers[0].kind, "gammu");
  EXPECT_EQ(config.dispatchers[0].activation, Activation::spawn);
  EXPECT_EQ(config.dispatchers[0].timeout, 60s);
  EXPECT_EQ(config.dispatchers[0].config, folder / "dispatchers/modem.yaml");
  EXPECT_EQ(config.dispatchers[1].startTimeout, 3s);
  EXPECT_EQ(config.dispatchers[1].worker, "/bin/sh");
  EXPECT_EQ(config.dispatchers[1].config, folder / "dispatchers/b.yaml");
}

TEST_F(SupervisorConfig, SettlesUnknownsBySeverityAndElseByDefault) {
  const ConfigRead result =
      read("retry:\n  unknown: hold\n  unknown_by_severity:\n    - {to: 2, policy: resend}\n" +
           std::string("    - {from: 5, to: 5, policy: resend}\n") + oneDispatcher);
  EXPECT_EQ(describe(result.problems), "");
  auto policy = [&](std::optional<int> severity) { return unknownPolicy(result.config, severity); };
  EXPECT_EQ(policy(1), UnknownPolicy::resend);
  EXPECT_EQ(policy(2), UnknownPolicy::resend);
  EXPECT_EQ(policy(3), UnknownPolicy::hold);
  EXPECT_EQ(policy(5), UnknownPolicy::resend);
  EXPECT_EQ(policy(6), UnknownPolicy::hold);
  EXPECT_EQ(policy(std::nullopt), UnknownPolicy::hold);
}

TEST_F(SupervisorConfig, LeavesTheFilesOfWorkersThatSystemdStartsToSystemd) {
  const ConfigRead result = read("dispatchers: [{name: nowhere, kind: debug, activation: socket}]");
  EXPECT_EQ(describe(result.problems), "");
  EXPECT_EQ(result.config.dispatchers[0].socket, "/run/smsd/nowhere.sock");
}

TEST_F(SupervisorConfig, ForSmsctlLooksAtNoDispatchersFile) {
  write(folder / "smsd.yaml", "dispatchers: [{name: nowhere, kind: debug}]");
  EXPECT_EQ(readConfig(folder / "smsd.yaml", Reach::dispatcherFiles).problems.size(), 1u);
  EXPECT_EQ(describe(readConfig(folder / "smsd.yaml", Reach::valuesOnly).problems), "");
}

TEST_F(SupervisorConfig, IsReadFromARelativePathAsWell) {
  read(oneDispatcher);
  const fs::path before = fs::current_path();
  fs::current_path(folder);
  const ConfigRead result = readConfig("smsd.yaml", Reach::dispatcherFiles);
  fs::current_path(before);
  EXPECT_EQ(describe(result.problems), "");
  EXPECT_EQ(result.config.dispatchers[0].config, folder / "dispatchers/a.yaml");
}

TEST_F(SupervisorConfig, NeedsADispatcher) {
  EXPECT_EQ(
      problemsOf(""),
      "smsd.yaml:1:1: dispatchers is missing, expected list (the dispatchers in the order of preference)\n");
  EXPECT_EQ(problemsOf("dispatchers: []"),
            "smsd.yaml:1:1: dispatchers: is an empty list, expected at least one dispatcher\n");
}

TEST_F(SupervisorConfig, RefusesASecondDispatcherOfTheSameName) {
  EXPECT_EQ(
      problemsOf(
          "dispatchers:\n- {name: a, kind: debug}\n- {name: b, kind: debug}\n- {kind: http, name: a}\n"),
      "smsd.yaml:4:16: a second dispatcher named a, expected another name (the first is at smsd.yaml:2:4)\n");
}

TEST_F(SupervisorConfig, RefusesNamesThatAreNotNames) {
  for (const char* name :
       {"A", "-a", "a_b", "a b", "../a", "a.b", "\"a\\n\"", "abcdefghijklmnopqrstuvwxyz0123456"}) {
    const std::string problem = problemsOf("dispatchers: [{name: " + std::string(name) + ", kind: debug}]");
    EXPECT_NE(problem.find("smsd.yaml:1:16: dispatchers[0].name: is not a name"), std::string::npos)
        << problem;
    EXPECT_EQ(std::count(problem.begin(), problem.end(), '\n'), 1) << problem;
  }
}

TEST_F(SupervisorConfig, RefusesANameThatIsTooLongForTheUserOfItsUnit) {
  auto with = [](const std::string& name, const std::string& more) {
    return "dispatchers: [{name: " + name + ", kind: debug, activation: " + more + "}]";
  };
  const std::string longest(26, 'a');
  EXPECT_EQ(problemsOf(with(longest, "socket")), "");
  const std::string problem = problemsOf(with(longest + "b", "socket"));
  EXPECT_NE(problem.find("smsd.yaml:1:16: dispatchers[0].name: is too long, expected at most 26 characters"),
            std::string::npos)
      << problem;
  // Only the units that smsd installs have such a user.
  for (const char* more : {"spawn", "socket, socket: /run/other.sock"})
    EXPECT_EQ(problemsOf(with(longest + "b", more)).find("is too long"), std::string::npos) << more;
}

TEST_F(SupervisorConfig, RefusesAKindThatIsNotThere) {
  const std::string problem = problemsOf("dispatchers: [{name: a, kind: htpp}]");
  EXPECT_TRUE(problem.starts_with(
      "smsd.yaml:1:25: dispatchers[0].kind: found no program smsd-worker-htpp for kind htpp"))
      << problem;
  EXPECT_NE(problem.find("did you mean http?"), std::string::npos) << problem;
}

TEST_F(SupervisorConfig, RefusesAMaxDelayBelowTheDelayC34) {
  EXPECT_EQ(problemsOf("retry:\n  delay: 60s\n  max_delay: 30s\n" + oneDispatcher),
            "smsd.yaml:3:3: retry.max_delay: is 30s, expected at least retry.delay, which is 1m\n");
  EXPECT_EQ(problemsOf("retry: {delay: 30s, max_delay: 30s}\n" + oneDispatcher), "");
}

// C40: an age that is none was found out by the database, and ended the daemon. C41: `0 days` cancelled
// everything at each start; no age that can be written means that here.
TEST_F(SupervisorConfig, TakesAnAgeOnlyWhereItIsOneC40C41) {
  for (const char* age : {"0", "0s", "0d", "0 days", "6 parsecs", "soon", "-1h", "500ms"}) {
    const std::string problems =
        problemsOf(std::string("queue: {expire_after: ") + age + "}\n" + oneDispatcher);
    EXPECT_NE(problems.find("smsd.yaml:1:23: queue.expire_after: found"), std::string::npos)
        << age << ": " << problems;
  }
  EXPECT_EQ(read("queue: {expire_after: never}\n" + oneDispatcher).config.queue.expireAfter, std::nullopt);
  EXPECT_EQ(read("queue: {expire_after: 1d}\n" + oneDispatcher).config.queue.expireAfter, Milliseconds(24h));
}

TEST_F(SupervisorConfig, KeepsTheHistoryForNinetyDaysUnlessToldOtherwise) {
  EXPECT_EQ(read(oneDispatcher).config.queue.keepHistory, Milliseconds(24h * 90));
  EXPECT_EQ(read("queue: {keep_history: never}\n" + oneDispatcher).config.queue.keepHistory, std::nullopt);
  EXPECT_EQ(read(oneDispatcher).config.retry.allBroken, WhenAllBroken::wait);
  EXPECT_EQ(read("retry: {all_broken: shutdown}\n" + oneDispatcher).config.retry.allBroken,
            WhenAllBroken::shutdown);
}

TEST_F(SupervisorConfig, RefusesAFactorThatShortensC34) {
  EXPECT_EQ(problemsOf("retry: {factor: 0.1}\n" + oneDispatcher),
            "smsd.yaml:1:17: retry.factor: found '0.1', expected a number 1..10\n");
}

TEST_F(SupervisorConfig, RefusesAReserveThatLeavesNothingOfTheDay) {
  auto with = [](const std::string& more) {
    return "dispatchers: [{name: gateway, kind: debug, " + more + "}]\n";
  };
  EXPECT_NE(problemsOf(with("per_day: 10, reserve: 10"))
                .find("reserve: is 10, expected less than per_day, which is 10"),
            std::string::npos);
  EXPECT_NE(problemsOf(with("reserve: 1")).find("expected less than per_day"), std::string::npos);
  EXPECT_EQ(problemsOf(with("per_day: 10, reserve: 9")).find("reserve"), std::string::npos);
}

TEST_F(SupervisorConfig, NeedsAConnectionForPostgresqlOnly) {
  EXPECT_EQ(problemsOf("queue: {backend: postgresql}\n" + oneDispatcher),
            "smsd.yaml:1:1: queue.postgresql.connection: is missing, expected because queue.backend is "
            "postgresql: for "
            "example \"host=/run/postgresql dbname=nav\"\n");
  EXPECT_EQ(problemsOf("queue: {backend: sqlite}\n" + oneDispatcher), "");
}

TEST_F(SupervisorConfig, RefusesAPasswordInTheConnectionAndDoesNotShowIt) {
  for (const char* connection :
       {"host=db password=hunter2", "password = hunter2 host=db", "host=db sslpassword=hunter2",
        "postgresql://smsd:hunter2@db/nav", "postgresql://db/nav?password=hunter2",
        "postgresql://smsd:hunter2/x@db/nav", "postgresql://smsd:/hunter2@db:5432/nav",
        "postgresql://smsd:hunter2?x@db/nav"}) {
    const std::string problem = problemsOf("queue: {postgresql: {connection: \"" + std::string(connection) +
                                           "\"}}\n" + oneDispatcher);
    EXPECT_NE(problem.find("holds a password, expected none: name a file with passfile="), std::string::npos)
        << problem;
    EXPECT_EQ(problem.find("hunter2"), std::string::npos);
  }
  for (const char* connection :
       {"host=db passfile=/etc/smsd/pgpass", "postgresql://smsd@db:5432/nav?application_name=a:b@c",
        "postgresql://[::1]:5432,other:,third/nav", "postgresql:///nav?host=/run/postgresql"})
    EXPECT_EQ(problemsOf("queue: {postgresql: {connection: \"" + std::string(connection) + "\"}}\n" +
                         oneDispatcher),
              "");
}

// libpq would take a part of a password for the port or the database, and quote it.
TEST_F(SupervisorConfig, RefusesAUriWhosePartsMayBeThoseOfAPasswordAndDoesNotShowIt) {
  for (const char* connection : {"smsd:hunter2", "smsd:9/hunter2@db", "[::1]:hunter2/nav",
                                 "db:1,other:hunter2/nav", "smsd/hunter2@db"}) {
    const std::string problem = problemsOf("queue: {postgresql: {connection: \"postgresql://" +
                                           std::string(connection) + "\"}}\n" + oneDispatcher);
    EXPECT_NE(problem.find("queue.postgresql.connection: "), std::string::npos) << connection;
    EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
  }
}

TEST_F(SupervisorConfig, TakesTheNameOfAQueueOfOnesOwnAndItsText) {
  const Config config =
      read("queue: {backend: gammu-outbox, directory: queues, connection: \"host=db dbname=smsd\"}\n" +
           oneDispatcher)
          .config;
  EXPECT_EQ(backendOf(config), Backend::loaded);
  EXPECT_EQ(config.queue.backend, "gammu-outbox");
  EXPECT_EQ(config.queue.directory, folder / "queues");
  EXPECT_EQ(config.queue.connection, "host=db dbname=smsd");
  EXPECT_EQ(
      read("queue: {backend: mine, connection_file: secret}\n" + oneDispatcher).config.queue.connectionFile,
      folder / "secret");
  for (const char* name : {"Mine", "../mine", "-mine", "9", "a b", "", "a234567890123456789012345678901x"})
    EXPECT_NE(problemsOf("queue: {backend: \"" + std::string(name) + "\"}\n" + oneDispatcher), "") << name;
}

TEST_F(SupervisorConfig, RefusesAPasswordOrTwoTextsForAQueueOfOnesOwn) {
  const std::string secret =
      problemsOf("queue: {backend: mine, connection: \"amqp://smsd:hunter2@mq/\"}\n" + oneDispatcher);
  EXPECT_NE(secret.find("queue.connection: holds a password"), std::string::npos) << secret;
  EXPECT_NE(secret.find("queue.connection_file"), std::string::npos) << secret;
  EXPECT_EQ(secret.find("hunter2"), std::string::npos);
  EXPECT_NE(problemsOf("queue: {backend: mine, connection: x, connection_file: y}\n" + oneDispatcher)
                .find("expected only one of it and queue.connection_file"),
            std::string::npos);
}

// C16
TEST_F(SupervisorConfig, SaysWhichDispatcherMissesItsFile) {
  EXPECT_EQ(
      problemsOf("dispatchers:\n- {name: c, kind: debug}\n- {name: a, kind: debug, config: x/y.yaml}\n"),
      "dispatchers/c.yaml: not found, expected a file of keys for dispatcher c, because smsd.yaml:2:3 "
      "names it\n"
      "x/y.yaml: not found, expected a file of keys for dispatcher a, because smsd.yaml:3:26 names it\n");
}

TEST_F(SupervisorConfig, RefusesADispatcherFileThatIsOpenToEverybody) {
  chmod((folder / "dispatchers/a.yaml").c_str(), 0644);
  EXPECT_EQ(problemsOf(oneDispatcher),
            "dispatchers/a.yaml: open to all users (mode 0644; it may hold credentials: chmod o= on it), "
            "expected a file "
            "of keys for dispatcher a, because smsd.yaml:1:15 names it\n");
}

TEST_F(SupervisorConfig, RefusesAWorkerThatIsNotThere) {
  EXPECT_EQ(problemsOf("dispatchers: [{name: a, kind: debug, worker: none}]"),
            "smsd.yaml:1:38: worker: none (No such file or directory), expected a program\n");
}

TEST_F(SupervisorConfig, SaysWhatToDoWithoutAFile) {
  const auto problems = readConfig(folder / "none.yaml", Reach::valuesOnly).problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].where, (folder / "none.yaml").string());
  EXPECT_NE(problems[0].what.find("not found"), std::string::npos);
  EXPECT_NE(problems[0].what.find("--config"), std::string::npos);
  ASSERT_EQ(readConfig(folder, Reach::valuesOnly).problems.size(), 1u);
  EXPECT_EQ(readConfig(folder, Reach::valuesOnly).problems[0].what, "is a folder, expected a file");
}

TEST_F(SupervisorConfig, RefusesAnEndlessFileAndWhatIsNone) {
  std::ofstream(folder / "long.yaml") << std::string(9 << 20, '#');
  auto problems = readConfig(folder / "long.yaml", Reach::valuesOnly).problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].what.find("longer than"), std::string::npos) << problems[0].what;
  ASSERT_EQ(mkfifo((folder / "fifo.yaml").c_str(), 0600), 0);
  for (fs::path wrong : {fs::path("/dev/zero"), folder / "fifo.yaml"}) {
    problems = readConfig(wrong, Reach::valuesOnly).problems;
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_NE(problems[0].what.find("not a regular file"), std::string::npos) << problems[0].what;
  }
}

TEST_F(SupervisorConfig, HasAnExampleWithEveryKeyAndItsDefault) {
  std::ifstream in(fs::path(SMSD_SOURCE_DIR) / "deploy/examples/smsd.yaml");
  std::stringstream text;
  text << in.rdbuf();
  const ConfigRead result = read(text.str());
  EXPECT_EQ(describe(result.problems), "");
  for (const auto& key : explainConfig()) {
    const std::string last = key.key.substr(key.key.find_last_of(".]") + 1);
    EXPECT_NE(text.str().find(last), std::string::npos) << key.key;
    if (key.key.find("[]") != std::string::npos || key.defaultValue.empty())
      continue;  // entries are examples
    const bool isThere = text.str().find(last + ": " + key.defaultValue) != std::string::npos ||
                         text.str().find(last + ": \"" + key.defaultValue + '"') != std::string::npos;
    EXPECT_TRUE(isThere) << key.key;
  }
}

TEST(SupervisorConfigKeys, AreExplainedOnceWithHelp) {
  std::set<std::string> seen;
  for (const auto& key : explainConfig()) {
    EXPECT_TRUE(seen.insert(key.key).second) << key.key;
    EXPECT_FALSE(key.help.empty()) << key.key;
    EXPECT_FALSE(key.type.empty()) << key.key;
  }
  EXPECT_TRUE(seen.contains("dispatchers[].name"));
  EXPECT_TRUE(seen.contains("queue.sqlite.path"));
}

}  // namespace
}  // namespace smsd::config
