// SPDX-License-Identifier: GPL-3.0-or-later
// What a reload would change, and what it must not.
#include "supervisor/config/config-diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace smsd::config {
namespace {

Config configWith(const std::vector<std::string>& names) {
  Config config;
  for (auto& name : names) {
    DispatcherConfig dispatcher;
    dispatcher.name = name;
    dispatcher.kind = "debug";
    config.dispatchers.push_back(dispatcher);
  }
  return config;
}

ConfigRead reading(Config config) {
  ConfigRead read;
  read.config = std::move(config);
  for (auto& [key, value] : valuesOf(read.config)) read.places.emplace(key, "smsd.yaml:7:3");
  return read;
}

TEST(Reload, FindsNothingWhereNothingChanged) {
  auto changes = compare(configWith({"a", "b"}), reading(configWith({"a", "b"})));
  EXPECT_TRUE(changes.none());
  EXPECT_TRUE(changes.forbidden.empty());
  EXPECT_EQ(changes.words(), "nothing has changed");
}

/// A key that nobody has thought about would be said to be in force, and would not be. Whoever adds one makes
/// Road::replace() or the reloader apply it and names it here, or puts it into keysOfARestart().
TEST(Reload, EachKeyIsAppliedOrRefused) {
  const std::set<std::string> applied = {"queue.poll_interval",
                                         "queue.mild_share",
                                         "queue.expire_after",
                                         "formatting.max_parts",
                                         "formatting.overflow",
                                         "formatting.transliterate",
                                         "pace.window",
                                         "pace.exempt",
                                         "pace.per_hour",
                                         "retry.delay",
                                         "retry.factor",
                                         "retry.max_delay",
                                         "retry.limit",
                                         "retry.give_up_after",
                                         "retry.at_limit",
                                         "retry.unknown",
                                         "retry.unknown_by_severity",
                                         "retry.all_broken",
                                         "heartbeats",
                                         "country",
                                         "groups_file",
                                         "intake.callers",
                                         "intake.dedupe",
                                         "log.recipient",
                                         "log.sent",
                                         "status.late",
                                         "stop_timeout",
                                         "workers_directory",
                                         "admin_mail.to",
                                         "admin_mail.level",
                                         "admin_mail.dispatcher",
                                         "admin_mail.kind",
                                         "admin_mail.activation",
                                         "admin_mail.socket",
                                         "admin_mail.timeout",
                                         "admin_mail.start_timeout",
                                         "admin_mail.config",
                                         "admin_mail.worker",
                                         "admin_mail.window",
                                         "admin_mail.require_lock",
                                         "admin_mail.delay",
                                         "admin_mail.interval",
                                         "admin_mail.lines",
                                         "canary.recipient",
                                         "canary.at",
                                         "canary.every",
                                         "canary.text",
                                         "canary.max_per_day",
                                         "dispatchers"};
  auto& refused = keysOfARestart();
  for (auto& [key, value] : valuesOf(Config()))
    EXPECT_NE(applied.contains(key), std::find(refused.begin(), refused.end(), key) != refused.end()) << key;
}

TEST(Reload, RefusesWhatOnlyARestartChangesWithItsPlaceAndBothValues) {
  Config next = configWith({"a"});
  next.queue.backend = "postgresql";
  next.queue.postgresql = "host=elsewhere dbname=nav";
  next.queue.sqlite = "/elsewhere/queue.db";
  next.queue.lease = 90s;
  next.queue.keepHistory = std::nullopt;
  next.controlSocket = "/elsewhere/control.sock";
  next.stateDirectory = "/elsewhere";
  auto changes = compare(configWith({"a"}), reading(next));
  ASSERT_EQ(changes.forbidden.size(), 7u);
  for (auto& problem : changes.forbidden) {
    EXPECT_EQ(problem.where, "smsd.yaml:7:3");
    EXPECT_NE(problem.what.find("only a restart changes it"), std::string::npos) << problem.what;
  }
  auto lease = std::find_if(changes.forbidden.begin(), changes.forbidden.end(),
                            [](auto& problem) { return problem.what.starts_with("queue.lease"); });
  ASSERT_NE(lease, changes.forbidden.end());
  EXPECT_EQ(lease->what, "queue.lease: 90s, expected 30s as it is now: only a restart changes it");
  EXPECT_TRUE(changes.none());
}

TEST(Reload, AppliesAnotherRequiredLockOfTheWorkerForMail) {
  Config next = configWith({"a"});
  next.adminMail.worker.requireLock = {"landlock:6", "seccomp"};
  const auto changes = compare(configWith({"a"}), reading(next));
  EXPECT_TRUE(changes.forbidden.empty());
  ASSERT_EQ(changes.values.size(), 1u);
  EXPECT_EQ(changes.values[0], "admin_mail.require_lock nothing to landlock:6, seccomp");
}

TEST(Reload, AnotherCanaryIsAppliedAndGivesTheDispatcherNoFreshWorker) {
  Config next = configWith({"a", "b"});
  next.canary.recipient = "+4799887766";
  next.dispatchers[1].canary.enabled = false;
  const auto changes = compare(configWith({"a", "b"}), reading(next));
  EXPECT_TRUE(changes.forbidden.empty());
  EXPECT_TRUE(changes.changed.empty());
  EXPECT_EQ(changes.words(), "canary.recipient; the canary of b");
}

TEST(Reload, NamesValuesWithWhatTheyWereAndAre) {
  Config next = configWith({"a"});
  next.retry.delay = 45s;
  next.queue.expireAfter = 1h;
  next.retry.unknownBySeverity.push_back({5, 9, UnknownPolicy::hold});
  next.heartbeats.emplace_back().name = "nav";
  auto changes = compare(configWith({"a"}), reading(next));
  EXPECT_FALSE(changes.none());
  EXPECT_EQ(changes.words(),
            "queue.expire_after never to 1h; retry.delay 30s to 45s; retry.unknown_by_severity; heartbeats");
}

TEST(Reload, NamesDispatchersThatCameWentChangedOrMoved) {
  Config before = configWith({"a", "b", "c", "d"});
  Config next = configWith({"e", "c", "b", "f"});
  next.dispatchers[2].timeout = 7s;
  auto changes = compare(before, reading(next));
  EXPECT_EQ(changes.added, (std::vector<std::string>{"e", "f"}));
  EXPECT_EQ(changes.removed, (std::vector<std::string>{"a", "d"}));
  EXPECT_EQ(changes.changed, (std::vector<std::string>{"b"}));
  EXPECT_TRUE(changes.reordered);
  EXPECT_EQ(changes.words(), "dispatchers: added e f, removed a d, changed b, in another order");
}

TEST(Reload, ComingAndGoingAloneIsNoOtherOrder) {
  auto changes = compare(configWith({"a", "b", "c"}), reading(configWith({"x", "a", "c", "y"})));
  EXPECT_FALSE(changes.reordered);
}

}  // namespace
}  // namespace smsd::config
