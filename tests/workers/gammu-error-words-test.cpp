// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/error-words.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace smsd::gammu {
namespace {

TEST(GammuErrorWords, AreEachOnceAndOfNumbersInTheTable) {
  for (auto& row : errorWords()) {
    EXPECT_EQ(numberOfWords(row.source, row.words), row.number) << row.words << " is there twice";
    EXPECT_TRUE(std::any_of(table().begin(), table().end(), [&](const OutcomeRow& entry) {
      return entry.source == row.source && entry.number == row.number;
    })) << row.words;
  }
  EXPECT_EQ(numberOfWords(ErrorSource::cms, ""), std::nullopt);
  EXPECT_EQ(numberOfWords(ErrorSource::cms, "..."), std::nullopt);
}

}  // namespace
}  // namespace smsd::gammu
