// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of the canaries: who has one, when, and what cannot be.
#include "supervisor/config/canary-keys.h"

#include <fmt/format.h>

#include "tests/unit/supervisor/config-file.h"

namespace smsd::config {
namespace {

TEST_F(SupervisorConfig, HasACanaryForAllDispatchersOrForOne) {
  const auto canaries = [this](const std::string& all, const std::string& own) {
    const auto result =
        read("canary: {" + all + "}\ndispatchers: [{name: a, kind: debug}, {name: b, kind: debug" +
             (own.empty() ? "" : ", canary: {" + own + "}") + "}]\n");
    EXPECT_EQ(describe(result.problems), "");
    std::string text;
    for (const auto& dispatcher : result.config.dispatchers)
      if (const auto order = canaryOf(result.config, dispatcher))
        text += fmt::format("{} to {} at {}, every {} s: {}\n", dispatcher.name, order->recipient,
                            order->at.count(), order->every.count(), order->text);
    return text;
  };
  EXPECT_EQ(canaries("", ""), "");
  EXPECT_EQ(canaries("recipient: +4711", ""),
            "a to +4711 at 450, every 86400 s: canary of smsd through a\n"
            "b to +4711 at 450, every 86400 s: canary of smsd through b\n");
  EXPECT_EQ(canaries("recipient: +4711, at: \"00:00\", every: 12h, text: hello", "enabled: false"),
            "a to +4711 at 0, every 43200 s: hello\n");
  EXPECT_EQ(canaries("", "recipient: +4712, at: \"23:59\", every: 7d"),
            "b to +4712 at 1439, every 604800 s: canary of smsd through b\n");
  EXPECT_EQ(
      canaries("recipient: +4711, text: \"{dispatcher} {dispatcher}\"", "every: default"),
      "a to +4711 at 450, every 86400 s: a {dispatcher}\nb to +4711 at 450, every 86400 s: b {dispatcher}\n");
}

TEST_F(SupervisorConfig, RefusesACanaryThatCannotBe) {
  struct Row {
    const char* all;
    const char* own;
    const char* problem;
  };
  const Row rows[] = {
      {"at: \"7:30\"", "", "canary.at: is no time of day, expected HH:MM in quotes"},
      {"at: \"24:00\"", "", "canary.at: is no time of day"},
      {"at: \"07:60\"", "", "canary.at: is no time of day"},
      {"at: \"\"", "", "canary.at: is empty"},
      {"every: 7h", "", "canary.every: is 7h, expected whole days, or a part of a day"},
      {"every: 36h", "", "canary.every: is 36h, expected whole days"},
      {"every: 11s", "", "canary.every: is 11s, expected whole days"},
      {"every: 9s", "", "canary.every: found '9s', expected a duration 10s..30d"},
      {"text: \"\"", "", "canary.text: is 0 bytes long, expected 1 to 160"},
      {"recipient: \"+47\\n11\"", "", "canary.recipient: is no recipient"},
      {"", "at: noon", "canary.at: is no time of day"},
      {"", "every: 7h", "canary.every: is 7h, expected whole days"},
      {"recipient: +4711, every: 1h", "",
       "canary.max_per_day: is 20, expected at least 50: the number of canaries that"},
      {"recipient: +4711, max_per_day: 1", "", "canary.max_per_day: is 1, expected at least 2"},
      {"recipient: +4711, max_per_day: 1", "enabled: false", ""},
      {"recipient: +4711, every: 1h, max_per_day: 50", "", ""},
  };
  for (const auto& row : rows) {
    const std::string found = problemsOf(
        std::string("canary: {") + row.all +
        "}\ndispatchers: [{name: a, kind: debug}, {name: b, kind: debug, canary: {" + row.own + "}}]\n");
    if (*row.problem == '\0')
      EXPECT_EQ(found, "") << row.all;
    else
      EXPECT_NE(found.find(row.problem), std::string::npos) << row.all << row.own << ": " << found;
  }
}

}  // namespace
}  // namespace smsd::config
