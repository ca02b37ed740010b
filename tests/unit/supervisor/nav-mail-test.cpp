// SPDX-License-Identifier: GPL-3.0-or-later
// NAV's keys for mail to its administrator: the table of smsd.yaml(5).
#include "supervisor/admin-mail/nav-mail.h"

#include <gtest/gtest.h>

namespace smsd::admin_mail {
namespace {

TEST(NavMail, BecomesASectionAndAFile) {
  OurMail ours = adminMailOfNav({"noc@example.org", "WARNING", "mail.example.org", "nav@example.org"});
  EXPECT_EQ(ours.section, "admin_mail:\n  to: \"noc@example.org\"\n  level: warning\n  dispatcher: mail\n");
  EXPECT_EQ(ours.file,
            "server: \"smtp://mail.example.org:25\"\ntls: never\nfrom: \"nav@example.org\"\nto: "
            "\"{recipient}\"\nsubject: \"smsd\"\n");
  EXPECT_EQ(ours.remarks.size(), 1U);  // that it is not encrypted
}

TEST(NavMail, HasNavsDefaults) {
  OurMail ours = adminMailOfNav({"noc@example.org", "", "", "nav@example.org"});
  EXPECT_NE(ours.section.find("level: error"), std::string::npos);
  EXPECT_NE(ours.file.find("smtp://localhost:25"), std::string::npos);
  EXPECT_EQ(ours.file.find("tls"), std::string::npos);
  EXPECT_TRUE(ours.remarks.empty());
}

TEST(NavMail, KnowsPythonsLevels) {
  const std::pair<std::string, std::string> rows[] = {
      {"ERROR", "error"}, {"WARNING", "warning"}, {"warn", "warning"}, {"CRITICAL", "error"},
      {"FATAL", "error"}, {"INFO", "notice"},     {"DEBUG", "notice"}, {"LOUD", "error"}};
  for (auto& [theirs, ours] : rows)
    EXPECT_NE(adminMailOfNav({"a@x", theirs, "", "b@x"}).section.find("level: " + ours + "\n"),
              std::string::npos)
        << theirs;
  // Wart C50: NAV's smsd ended with such a level.
  EXPECT_EQ(adminMailOfNav({"a@x", "LOUD", "", "b@x"}).remarks.size(), 1U);
}

TEST(NavMail, MailsNothingWithoutAnAddress) {
  OurMail ours = adminMailOfNav({});
  EXPECT_EQ(ours.section + ours.file, "");
  EXPECT_EQ(ours.remarks.size(), 1U);
}

TEST(NavMail, NoValueLeavesItsQuotes) {
  OurMail ours = adminMailOfNav({"a\"\nlevel: notice\\@x", "", "", ""});
  EXPECT_EQ(ours.section.find("\nlevel"), std::string::npos) << ours.section;
  EXPECT_NE(ours.section.find("to: \"a\\\"\\x0alevel: notice\\\\@x\"\n"), std::string::npos) << ours.section;
}

}  // namespace
}  // namespace smsd::admin_mail
