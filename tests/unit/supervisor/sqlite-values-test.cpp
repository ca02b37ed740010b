// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/sqlite/values.h"

#include <gtest/gtest.h>

namespace smsd::queue::sqlite {
namespace {

TEST(SqliteValues, TellTheAgeOfAMessageFromTheTextOfItsTime) {
  constexpr std::int64_t now = 1'700'000'000'000;  // 2023-11-14 22:13:20
  const std::pair<const char*, std::optional<std::int64_t>> rows[] = {
      {"2023-11-14 22:13:20", 0},
      {"2023-11-14 22:13:19.250", 750},
      {"2023-11-14 22:13:20.5", -500},
      {"2023-11-13 22:13:20", 86'400'000},
      {"2023-11-14T22:13:20", {}},
      {"2023-11-14", {}},
      {"2023-13-14 22:13:20", {}},
      {"2023-02-30 22:13:20", {}},
      {"", {}},
      {"infinity infinity 1", {}},
      {"20a3-11-14 22:13:20", {}},
      {"2023-11-14 22:13:19.2567891", 744},
  };
  for (const auto& [time, age] : rows) {
    const auto found = ageOf(time, now);
    EXPECT_EQ(found.has_value(), age.has_value()) << time;
    EXPECT_EQ(found.value_or(Duration(0)).count(), age.value_or(0)) << time;
  }
}

}  // namespace
}  // namespace smsd::queue::sqlite
