// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/required-lock.h"

#include <gtest/gtest.h>

namespace smsd::config {
namespace {

using Parts = std::vector<std::string>;

TEST(RequiredLock, IsComparedPartByPart) {
  const Parts whole = {"no_new_privs", "landlock:6", "seccomp", "rlimits"};
  struct Row {
    Parts required, reported, missing;
  };
  for (const auto& row : {
           Row{{}, {}, {}},
           Row{{"landlock:6", "seccomp", "rlimits", "no_new_privs"}, whole, {}},
           Row{{"landlock:5"}, whole, {}},
           Row{{"landlock"}, whole, {}},
           Row{{"landlock:7"}, whole, {"landlock:7"}},
           Row{{"landlock:10"}, {"landlock:9"}, {"landlock:10"}},
           Row{{"landlock:1"}, {"landlock"}, {"landlock:1"}},
           Row{{"seccomp", "landlock"}, {"no_new_privs"}, {"seccomp", "landlock"}},
           Row{{"seccomp"}, {}, {"seccomp"}},
           Row{{"seccomp"}, {"seccomp2", "", "landlock:x", "landlock:-1"}, {"seccomp"}},
           Row{{"namespaces"}, {"namespaces"}, {}},
       })
    EXPECT_EQ(missingParts(row.required, row.reported), row.missing);
}

TEST(RequiredLock, NamesWhatIsMissingAndWhatToDo) {
  EXPECT_EQ(lacksOfLock({"seccomp"}, {"seccomp"}), "");
  EXPECT_EQ(lacksOfLock({"landlock:6", "seccomp"}, {"no_new_privs", "landlock:4", "seccomp"}),
            "the lock of its worker lacks landlock:6, which require_lock demands (it has no_new_privs, "
            "landlock:4, seccomp): boot a newer kernel, or take it out of require_lock and reload smsd");
  EXPECT_EQ(lacksOfLock({"landlock", "seccomp"}, {}),
            "the lock of its worker lacks landlock, seccomp, which require_lock demands (it has no part): "
            "boot a newer kernel, or take them out of require_lock and reload smsd");
}

TEST(RequiredLock, IsRefusedIfNoWorkerCouldEverReportIt) {
  struct Row {
    const char* kind;
    Parts required;
    const char* problem;  // a part of it; empty: none
  };
  for (const auto& row : {
           Row{"http", {"landlock:6", "seccomp", "rlimits", "no_new_privs", "landlock"}, ""},
           Row{"http", {"landlok:6"}, "did you mean landlock?"},
           Row{"http", {"namespaces"}, "namespaces: expected no_new_privs"},
           Row{"http", {"seccomp:2"}, "a version with landlock only"},
           Row{"http", {"landlock:0"}, "of another form"},
           Row{"http", {"landlock:"}, "of another form"},
           Row{"http", {"landlock:6x"}, "of another form"},
           Row{"http", {""}, "of another form"},
           Row{"http", {"Seccomp"}, "of another form"},
           Row{"pager", {"namespaces", "pledge:2"}, ""},
           Row{"pager", {"my lock"}, "of another form"},
           Row{"http", Parts(17, "seccomp"), "at most 16"},
       }) {
    const auto problem = problemOfRequiredLock(row.kind, row.required);
    EXPECT_EQ(problem.has_value(), *row.problem != 0) << row.required.at(0);
    EXPECT_NE(problem.value_or("").find(row.problem), std::string::npos) << problem.value_or("");
  }
}

}  // namespace
}  // namespace smsd::config
