// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/distribution.h"

#include <gtest/gtest.h>

#include <array>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;

TEST(Distribution, CountsADurationAtTheFirstBoundThatIsNotBelowIt) {
  static constexpr std::array<Distribution::Time, 2> bounds = {10us, 20us};
  Distribution times(bounds);
  for (auto value : {-5us, 10us, 11us, 20us, 21us, 1000us}) times.add(value);
  EXPECT_EQ(times.counts(), (std::vector<std::uint64_t>{2, 2, 2}));
  EXPECT_EQ(times.sum(), 1062us);
}

}  // namespace
}  // namespace smsd::road
