// SPDX-License-Identifier: GPL-3.0-or-later
// The names that a kind can have, and the bounds of built-in and other kinds.
#include "supervisor/config/kinds.h"

#include <gtest/gtest.h>

namespace smsd::config {
namespace {

TEST(Kinds, HaveTheirOwnBoundsIfTheyAreBuiltIn) {
  const Kind expected[] = {{"gammu", 1, 1},    {"http", 256, 4096},   {"soap", 256, 4096},
                           {"mail", 16, 4096}, {"debug", 4096, 4096}, {"command", 256, 4096}};
  EXPECT_EQ(builtInKinds().size(), std::size(expected));
  for (const auto& kind : expected)
    for (std::optional<int> window : {std::optional<int>(), std::optional(7)}) {
      EXPECT_TRUE(isBuiltIn(kind.name)) << kind.name;
      EXPECT_EQ(kindNamed(kind.name, window).window, kind.window) << kind.name;
      EXPECT_EQ(kindNamed(kind.name, window).backlog, kind.backlog) << kind.name;
    }
}

TEST(Kinds, OfAnAdministratorHaveTheBoundsOfTheirEntry) {
  EXPECT_FALSE(isBuiltIn("pager"));
  EXPECT_EQ(kindNamed("pager").name, "pager");
  EXPECT_EQ(kindNamed("pager").window, 64u);
  EXPECT_EQ(kindNamed("pager", 1).window, 1u);
  EXPECT_EQ(kindNamed("pager", 1024).window, 1024u);
  EXPECT_EQ(kindNamed("pager", 1).backlog, 4096u);
}

TEST(Kinds, HaveNamesOfOneFormAndNoneOfSmsdsOwn) {
  for (const char* name : {"gammu", "http", "soap", "mail", "command", "debug", "pager", "p", "sms-2", "x-",
                           "controls", "abcdefghijklmnopqrstuvwxyz012345"})
    EXPECT_EQ(problemOfKind(name), std::nullopt) << name;
  for (const char* name : {"", "Pager", "2sms", "-x", "pa_ger", "pa ger", "../pager", "pager/",
                           "p\xc3\xa5ger", "abcdefghijklmnopqrstuvwxyz0123456"})
    EXPECT_TRUE(problemOfKind(name).value_or("").starts_with("is not the name of a kind")) << name;
  for (const char* name : {"control", "exporter", "groups", "intake", "status"})
    EXPECT_EQ(problemOfKind(name), "is " + std::string(name) +
                                       ", expected another name: smsd reserves smsd-worker-" + name +
                                       " for a program of its own");
}

TEST(Kinds, WithAWrongNameGetTheNearOneAsAdvice) {
  EXPECT_EQ(problemOfKind("HTTP"),
            "is not the name of a kind, expected a-z, 0-9 and -, starting with a letter, at most 32 "
            "characters: did "
            "you mean http?");
}

TEST(Kinds, TakeTheNamesOfTheirProgramsFromAllOthers) {
  EXPECT_EQ(takenNames(), (std::vector<std::string>{"gammu", "http", "soap", "mail", "debug", "command",
                                                    "control", "exporter", "groups", "intake", "status"}));
  EXPECT_EQ(programOf("pager"), "smsd-worker-pager");
}

}  // namespace
}  // namespace smsd::config
