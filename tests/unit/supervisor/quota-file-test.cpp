// SPDX-License-Identifier: GPL-3.0-or-later
// The file that keeps the count of a day over restarts.
#include "supervisor/keeper/quota-file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace smsd::keeper {
namespace {

TEST(DayCount, HoldsWhatWasWrittenLastAndNothingWhereTheFileIsSomethingElse) {
  char name[] = "/tmp/smsd-day-XXXXXX";
  std::filesystem::path folder = ::mkdtemp(name);
  auto file = folder / "today-gateway";
  EXPECT_EQ(DayCount(file).read().count, 0U);
  EXPECT_FALSE(std::filesystem::exists(file));
  DayCount written(file);
  for (std::size_t count : {1UL, 999'999UL, 7UL}) {
    written.write({741'426, count});
    EXPECT_EQ(DayCount(file).read().day, 741'426);
    EXPECT_EQ(DayCount(file).read().count, count);
  }
  for (std::string text :
       {"", "1 2\n", "00000741426 -0000000007\n", "00000741426-00000000007\n", "x0000741426 00000000007\n",
        "00000741426 00000000007 ", "00000741426 00000000007\nand more"}) {
    std::ofstream(file, std::ios::trunc) << text;
    EXPECT_EQ(DayCount(file).read().day, 0) << text;
    EXPECT_EQ(DayCount(file).read().count, 0U) << text;
  }
  std::filesystem::create_symlink(file, folder / "link");
  EXPECT_THROW(DayCount(folder / "link").read(), std::system_error);
  EXPECT_THROW(DayCount(folder / "link").write({1, 1}), std::system_error);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace smsd::keeper
