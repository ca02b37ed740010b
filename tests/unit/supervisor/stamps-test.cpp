// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/stamps.h"

#include <gtest/gtest.h>

#include "supervisor/queue/sqlite/stamp.h"

namespace smsd::queue {
namespace {

using sqlite::stampOf;

TEST(Stamps, AreThoseOfAFileThatIsOpenedByALaterProgram) {
  EXPECT_EQ(stampOf("2026-01-31 23:59:59.123", "+4790000001", "router down"), -825232026414426516);
}

TEST(Stamps, DifferWhereAnyPartDoesAndWhereTheSameBytesAreSplitElsewhere) {
  const auto one = stampOf("a", "b", "c");
  EXPECT_EQ(one, stampOf("a", "b", "c"));
  for (auto other :
       {stampOf("x", "b", "c"), stampOf("a", "x", "c"), stampOf("a", "b", "x"), stampOf("ab", "", "c"),
        stampOf("", "ab", "c"), stampOf("a", "bc", ""), stampOf("", "", "")})
    EXPECT_NE(one, other);
}

TEST(Stamps, StandInTheOrderOfTheSms) {
  const std::vector<format::Message> messages = {{5, "a", 1}, {3, "b", 1}, {9, "c", 2}, {1, "d", 2}};
  format::FormattedSms sms;
  sms.sent = {5, 9};
  sms.ignored = {3};
  sms.carried = {1};
  EXPECT_EQ(stampsOf(sms, messages, {50, 30, 90, 10}), (std::vector<std::int64_t>{50, 90, 30}));
  EXPECT_EQ(stampsOf({.text = "a", .sent = {5}, .ignored = {}, .carried = {}}, {{5, "a", 1}}, {50}),
            std::vector<std::int64_t>{50});
}

}  // namespace
}  // namespace smsd::queue
