// SPDX-License-Identifier: GPL-3.0-or-later
// NAV's list of daemons, without its smsd and with it again.
#include "supervisor/smsctl/nav-move/daemons-yml.h"

#include <gtest/gtest.h>

namespace smsd::smsctl::move {
namespace {

// As NAV ships it, shortened.
const std::string shipped = R"(# NAV daemons
daemons:
    alertengine:
        description: Dispatches alerts according to individual alert profiles.
        command: alertengine

    smsd:
        description: Dispatches queued SMS alerts.
        command: smsd

    snmptrapd:
        command: snmptrapd
        privileged: true
)";

using Names = std::vector<std::string>;

TEST(DaemonsYml, NavsOwnListsItsSmsd) { EXPECT_EQ(listedSmsd(shipped), Names{"smsd"}); }

TEST(DaemonsYml, TheEntryBecomesACommentAndAllElseStays) {
  const auto edited = withoutSmsd(shipped);
  ASSERT_TRUE(edited);
  EXPECT_EQ(listedSmsd(*edited), Names{});
  EXPECT_NE(
      edited->find(
          "\n#    smsd:\n#        description: Dispatches queued SMS alerts.\n#        command: smsd\n"),
      std::string::npos)
      << *edited;
  EXPECT_EQ(edited->substr(0, shipped.find("    smsd:")), shipped.substr(0, shipped.find("    smsd:")));
  EXPECT_TRUE(edited->ends_with(shipped.substr(shipped.find("\n    snmptrapd:"))));
  EXPECT_FALSE(withoutSmsd(*edited)) << "there is nothing to take out";
}

TEST(DaemonsYml, TheWayBackIsExact) {
  const std::string cases[] = {
      shipped,
      "daemons:\n  smsd: {command: smsd.py, privileged: true}\n  pping: {command: pping}\n",
      "daemons:\n  pping:\n    command: pping\n  'smsd':\n    # ours\n\n    command: /opt/nav/bin/smsd "
      "--delay 5\n",
      "daemons:\n  texts:\n    command: smsd\n  smsd:\n    command: smsd\n  pping:\n    command: pping\n",
  };
  for (const auto& text : cases) {
    const auto edited = withoutSmsd(text);
    ASSERT_TRUE(edited) << text;
    EXPECT_EQ(listedSmsd(*edited), Names{}) << *edited;
    EXPECT_EQ(withSmsdAgain(*edited), text);
  }
}

TEST(DaemonsYml, TheWayBackKeepsWhatWasChangedMeanwhile) {
  std::string edited = *withoutSmsd(shipped);
  edited += "    mine:\n        command: mine\n";
  EXPECT_EQ(withSmsdAgain(edited), shipped + "    mine:\n        command: mine\n");
}

TEST(DaemonsYml, WhatCannotBeEditedSafelyIsLeftToAPerson) {
  const char* cases[] = {
      "daemons: {smsd: {command: smsd}, pping: {command: pping}}\n",  // one line
      "daemons:\n  smsd:\n    command: smsd\n",                       // NAV fails on an empty list
      "daemons:\n  ? smsd\n  : {command: smsd}\n  pping: {command: pping}\n",
  };
  for (const char* text : cases) {
    EXPECT_EQ(listedSmsd(text), Names{"smsd"}) << text;
    EXPECT_FALSE(withoutSmsd(text)) << text;
  }
}

TEST(DaemonsYml, AnotherFileIsNoList) {
  for (const char* text : {"", "smsd:\n  command: smsd\n", "daemons: [smsd]\n", "daemons: {\n", "- a\n"}) {
    EXPECT_FALSE(listedSmsd(text)) << text;
    EXPECT_FALSE(withoutSmsd(text)) << text;
    EXPECT_FALSE(withSmsdAgain(text)) << text;
  }
}

TEST(DaemonsYml, AnotherDaemonIsNotTakenForSmsd) {
  EXPECT_EQ(
      listedSmsd("daemons:\n  smsd-exporter:\n    command: smsd-exporter\n  smsd:\n    command: other\n"),
      Names{});
}

}  // namespace
}  // namespace smsd::smsctl::move
