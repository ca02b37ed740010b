// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/destinations.h"

#include <gtest/gtest.h>

namespace smsd::shapes {
namespace {

/// `+47..` for a number, `=ops` for a group, or the problem.
std::string shown(std::string_view written, LongNumber longNumber = LongNumber::international) {
  const auto read = destinationsIn(written, longNumber);
  if (!read.problem.empty()) return read.problem;
  std::string all;
  for (const auto& target : read.targets)
    all +=
        (all.empty() ? "" : " ") + std::string(target.kind == Target::Kind::group ? "=" : "") + target.name;
  return all;
}

TEST(Destinations, AreNumbersAndGroupsAsPeopleWriteThem) {
  const std::string nothing = "expected a telephone number, found nothing";
  const auto ambiguous = [](const std::string& words) {
    return words + " may be one number or several: write each number without blanks";
  };
  const struct {
    const char* written;
    std::string expected;
  } rows[] = {
      {"+4799887766", "+4799887766"},
      {" +4799887766\n", "+4799887766"},
      {"4799887766", "+4799887766"},      // as smstools3 has it
      {"491721234567", "+491721234567"},  // from the manual of smstools3
      {"99887766", "99887766"},           // for smsd to read, by `country`
      {"0172123456789", "0172123456789"},
      {"004799887766", "004799887766"},
      {"s12345", "12345"},
      {"112", "112"},
      {"+47 99 88 77 66", "+4799887766"},
      {"0047 99887766", "004799887766"},
      {"+47 (99) 887766", "+47(99)887766"},
      {"358 12 345 6789", "+358123456789"},
      {"99 88 77 66", "99887766"},
      {"+4799887766 +4799887765", "+4799887766 +4799887765"},
      {"4799887766 4799887765", "+4799887766 +4799887765"},
      {"99887766,99887765", "99887766 99887765"},
      {"+47 99887766, +47 99887765", "+4799887766 +4799887765"},
      {"4799887766 4799887766", "+4799887766"},
      {"ops", "=ops"},
      {"ops 4799887766 night-shift", "=ops +4799887766 =night-shift"},
      {"s12345 ops", "12345 =ops"},
      {"s12a", "=s12a"},
      {"", nothing},
      {" , ,", nothing},
      {"+4799887766 112", ambiguous("+4799887766 112")},
      {"112 113", ambiguous("112 113")},
      {"+47 99887766 +4799887765", ambiguous("+47 99887766 +4799887765")},
      {"ops 112", ambiguous("ops 112")},
  };
  for (const auto& row : rows) EXPECT_EQ(shown(row.written), row.expected) << row.written;
}

TEST(Destinations, OfAMailAreReadBySmsd) {
  EXPECT_EQ(shown("4799887766", LongNumber::asWritten), "4799887766");
  EXPECT_EQ(shown("+47 99 88 77 66", LongNumber::asWritten), "+4799887766");
}

TEST(Destinations, AreBounded) {
  std::string many;
  for (int n = 0; n < 101; ++n) many += std::to_string(100'000 + n) + " ";
  EXPECT_EQ(shown(many), "more than 100 numbers");
  EXPECT_EQ(shown("\x1b[2J 1").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace smsd::shapes
