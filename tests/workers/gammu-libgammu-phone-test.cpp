// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/libgammu-phone.h"

#include <gtest/gtest.h>

#include <utility>

namespace smsd::gammu {
namespace {

TEST(GammuPhone, SaysAPeriodInTheNetworksSteps) {
  using std::chrono::minutes;
  const std::pair<int, int> rows[] = {{1, 0},
                                      {5, 0},
                                      {6, 1},
                                      {60, 11},
                                      {12 * 60, 143},
                                      {12 * 60 + 1, 144},
                                      {24 * 60, 167},
                                      {24 * 60 + 1, 168},
                                      {48 * 60, 168},
                                      {30 * 24 * 60, 196},
                                      {35 * 24 * 60, 197},
                                      {441 * 24 * 60, 255}};
  for (auto& [period, code] : rows) EXPECT_EQ(relativeValidity(minutes(period)), code) << period;
}

}  // namespace
}  // namespace smsd::gammu
