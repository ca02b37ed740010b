// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/advice.h"

#include <gtest/gtest.h>

namespace smsd::smsctl {
namespace {

TEST(Advice, NamesTheConfigurationThatTheCommandWasGiven) {
  EXPECT_EQ(optionOf("/etc/smsd/smsd.yaml"), "");
  EXPECT_EQ(optionOf("/srv/a b.yaml"), " --config '/srv/a b.yaml'");
  const std::string words = "decide: `smsctl queue release 1` sends it, `smsctl queue discard 1` does not";
  EXPECT_EQ(advised(words, ""), words);
  EXPECT_EQ(
      advised(words, " --config x.yaml"),
      "decide: `smsctl --config x.yaml queue release 1` sends it, `smsctl --config x.yaml queue discard 1` "
      "does not");
  EXPECT_EQ(advised("`smsctl --config y.yaml db check`", " --config x.yaml"),
            "`smsctl --config y.yaml db check`");
  EXPECT_EQ(advised("smsctl did not find nav; `smsd --check`", " --config x.yaml"),
            "smsctl did not find nav; `smsd --check`");
  EXPECT_EQ(advised("", " --config x.yaml"), "");
}

}  // namespace
}  // namespace smsd::smsctl
