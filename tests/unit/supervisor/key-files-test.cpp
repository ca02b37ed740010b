// SPDX-License-Identifier: GPL-3.0-or-later
// How `smsctl config explain` finds a key, and what it prints about it.
#include "supervisor/smsctl/config-keys/key-files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "supervisor/smsctl/config-keys/key-text.h"

namespace smsd::smsctl {
namespace {

using config::KeyForm;

/// smsd.yaml as it is, and the file of a kind with a few keys.
std::vector<KeyFile> files() {
  KeyFile pager{.kind = "pager"};
  pager.keys = {{"url", "text", "", true, "where it is", {KeyForm::Type::text}, "https://example.org"},
                {"auth.user", "text", "", false, "who", {KeyForm::Type::text}, "noc"},
                {"timeout",
                 "duration 1s..1m",
                 "10s",
                 false,
                 "how long",
                 {KeyForm::Type::duration, 1000, 60000},
                 "10s"}};
  return {mainFile(), pager};
}

std::string found(const std::string& name) {
  const auto all = files();
  std::vector<std::string> words;
  for (const auto& [file, key] : findKeys(all, name))
    words.push_back(file->isMain() ? key->key : file->kind + ":" + key->key);
  return fmt::format("{}", fmt::join(words, " "));
}

TEST(KeyFiles, FindsAKeyAsPeopleNameIt) {
  const std::pair<const char*, const char*> cases[] = {
      {"retry.delay", "retry.delay"},
      {"retry.limit", "retry.limit"},
      {"give_up_after", "retry.give_up_after"},
      {"sqlite.path", "queue.sqlite.path"},
      {"dispatchers[].per_day", "dispatchers[].per_day"},
      {"dispatchers[0].per_day", "dispatchers[].per_day"},
      {"dispatchers.per_day", "dispatchers[].per_day"},
      {"url", "pager:url"},
      {"user", "intake.callers[].user pager:auth.user"},
      {"timeout", "admin_mail.timeout dispatchers[].timeout pager:timeout"},
      {"log", "log.recipient log.sent"},
      {"auth", "pager:auth.user"},
      {"dispatchers", "dispatchers"},
      {"etry.delay", ""},
      {"retry.", ""},
      {"", ""},
  };
  for (const auto& [name, keys] : cases) EXPECT_EQ(found(name), keys) << name;
}

TEST(KeyFiles, NamesKeysThatAreNear) {
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"retry.dealy", {"retry.delay"}},
      {"queue.max_delay", {"retry.max_delay"}},
      {"give_up", {}},
      {"transliterat", {"formatting.transliterate"}},
      {"urll", {"url"}},
      {"zzzzzzzzzzzz", {}},
      {std::string(100, 'x'), {}},
  };
  for (const auto& [name, near] : cases) {
    const auto all = files();
    const auto names = nearKeys(all, name);
    EXPECT_LE(names.size(), 3u) << name;
    if (near.empty())
      EXPECT_TRUE(names.empty()) << name;
    else
      EXPECT_EQ(names.front(), near.front()) << name;
  }
}

TEST(KeyFiles, ShowsWhereAnExampleStands) {
  const auto all = files();
  const auto example = [&](const std::string& name) {
    const auto keys = findKeys(all, name);
    return exampleText(*keys.at(0).file, *keys.at(0).key);
  };
  EXPECT_EQ(example("stop_timeout"), "stop_timeout: 40s\n");
  EXPECT_EQ(example("queue.sqlite.path"), "queue:\n  sqlite:\n    path: /var/lib/smsd/queue.db\n");
  EXPECT_EQ(example("dispatchers.per_day"), "dispatchers:\n  - per_day: 500\n");
  EXPECT_EQ(example("dispatchers"), "dispatchers:\n  - {name: gateway, kind: http}\n");
  EXPECT_EQ(example("retry.unknown_by_severity"), "retry:\n  unknown_by_severity:\n    - {policy: resend}\n");
  EXPECT_EQ(example("retry.unknown_by_severity.policy"),
            "retry:\n  unknown_by_severity:\n    - policy: resend\n");
}

TEST(KeyFiles, ExplainsAKeyInFull) {
  const auto all = files();
  EXPECT_EQ(explained(findKeys(all, "formatting.transliterate").at(0)),
            "formatting.transliterate\n"
            "  replace characters by their GSM look-alikes, so that an SMS holds 160\n"
            "  characters instead of 70; auto: only where that saves a message from being\n"
            "  left out, a text from being cut, or a part\n"
            "  type      one of off|on|auto\n"
            "            also read, as in older versions: false, true\n"
            "  default   auto\n"
            "  file      smsd.yaml\n"
            "  place     in the section `formatting`\n"
            "  change    a reload applies a changed value (`smsctl reload`)\n"
            "  example   formatting:\n"
            "              transliterate: off\n");
  EXPECT_EQ(explained(findKeys(all, "url").at(0)),
            "url\n"
            "  where it is\n"
            "  type      text\n"
            "  default   none, the key is required\n"
            "  file      dispatchers/NAME.yaml, the file of a dispatcher of kind pager\n"
            "  place     at the top level\n"
            "  change    a reload replaces the worker if smsd starts it (`activation:\n"
            "            spawn`); if systemd does, `smsctl dispatcher restart NAME` applies\n"
            "            it\n"
            "  example   url: https://example.org\n");
}

TEST(KeyFiles, KnowsWhetherAReloadAppliesAKey) {
  const auto all = files();
  const auto applied = [&](const char* name) {
    const auto key = findKeys(all, name).at(0);
    return appliedBy(*key.file, *key.key);
  };
  EXPECT_EQ(applied("queue.lease"), Applied::restart);
  EXPECT_EQ(applied("retry.delay"), Applied::reload);
  EXPECT_EQ(applied("dispatchers.kind"), Applied::reload);
  EXPECT_EQ(applied("url"), Applied::worker);
}

TEST(KeyFiles, HasAnExampleForEachKeyOfTheMainFile) {
  const KeyFile file = mainFile();
  for (const auto& key : file.keys) EXPECT_NE(exampleText(file, key), "") << key.key;
}

TEST(KeyFiles, ListsALineForEachKeyBelowItsFile) {
  const auto all = files();
  EXPECT_EQ(listed(findKeys(all, "timeout")),
            "smsd.yaml\n"
            "  admin_mail.timeout     duration 100ms..10m, default 1m\n"
            "  dispatchers[].timeout  duration 100ms..10m, default 30s\n"
            "\n"
            "dispatchers/NAME.yaml, the file of a dispatcher of kind pager\n"
            "  timeout                duration 1s..1m, default 10s\n");
}

}  // namespace
}  // namespace smsd::smsctl
