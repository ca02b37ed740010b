// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/metrics.h"

#include <gtest/gtest.h>

namespace smsd::control {
namespace {

TEST(Metrics, TakeAWorkersSignalOnlyIfItIsOne) {
  const std::pair<const char*, std::optional<int>> rows[] = {
      {"-71 dBm", -71},
      {"0 dBm", 0},
      {"-200 dBm", -200},
      {"-201 dBm", {}},
      {"1 dBm", {}},
      {"-71", {}},
      {"-71dBm", {}},
      {"not known", {}},
      {"", {}},
      {" dBm", {}},
      {"-7x dBm", {}},
      {"-71 dBm dBm", {}},
      {"+4799887766 dBm", {}},
      {"-99999999999999 dBm", {}},
  };
  for (const auto& [detail, signal] : rows) EXPECT_EQ(signalOf(detail), signal) << detail;
}

}  // namespace
}  // namespace smsd::control
