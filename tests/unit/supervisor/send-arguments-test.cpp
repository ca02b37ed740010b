// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl send`: which word of the command line is the text.
#include "supervisor/smsctl/send-arguments.h"

#include <gtest/gtest.h>

namespace smsd::smsctl {
namespace {

using Words = std::vector<std::string>;

TEST(SendArguments, ATextThatBeginsWithADashIsTheWordAfterTheNumber) {
  const struct {
    Words given, parsed;
  } cases[] = {
      {{"send", "+47", "-- PROBLEM: down"}, {"send", "--", "+47", "-- PROBLEM: down"}},
      {{"send", "+47", "--PROBLEM--"}, {"send", "--", "+47", "--PROBLEM--"}},
      {{"send", "+47", "-5 degrees", "--severity", "1"},
       {"send", "--severity", "1", "--", "+47", "-5 degrees"}},
      {{"send", "--severity=1", "+47", "-5", "--json"},
       {"send", "--severity=1", "--json", "--", "+47", "-5"}},
      {{"send", "+47", "--severity", "2", "-x"}, {"send", "--severity", "2", "--", "+47", "-x"}},
      {{"--config", "f.yaml", "send", "+47", "-x"}, {"--config", "f.yaml", "send", "--", "+47", "-x"}},
      {{"--config=f.yaml", "send", "+47", "-"}, {"--config=f.yaml", "send", "--", "+47", "-"}},
      {{"send", "--", "+47", "-5 degrees"}, {"send", "--", "+47", "-5 degrees"}},
      {{"send", "+47", "--", "--json"}, {"send", "--", "+47", "--json"}},
      {{"send", "+47", "--", "--"}, {"send", "--", "+47", "--"}},
      {{"send", "+47", "--severities are mild"}, {"send", "--", "+47", "--severities are mild"}},
      {{"send", "+47", "-x", "too much"}, {"send", "--", "+47", "-x", "too much"}},
  };
  for (const auto& [given, parsed] : cases) EXPECT_EQ(withDashedText(given), parsed) << given.back();
}

TEST(SendArguments, EverythingElseStaysAsItIs) {
  const Words cases[] = {{},
                         {"--version"},
                         {"send"},
                         {"send", "+47"},
                         {"send", "+47", "text"},
                         {"send", "+47", "text", "--severity", "1"},
                         {"send", "+47", "--severity", "1", "text"},
                         {"send", "+47", "text", "--sverity", "1"},
                         {"send", "--sverity", "1", "+47"},
                         {"send", "+47", "--json"},
                         {"send", "--help"},
                         {"send", "--severity"},
                         {"--config", "send", "status"},
                         {"test", "+47", "--via", "send"},
                         {"queue", "list", "--recipient", "-x"}};
  for (const auto& given : cases) EXPECT_EQ(withDashedText(given), given);
}

}  // namespace
}  // namespace smsd::smsctl
