// SPDX-License-Identifier: GPL-3.0-or-later
// The workers' kit: what it remembers of attempts, and what a supervisor that asks is told.
#include <gtest/gtest.h>
#include <malloc.h>

#include <set>

#include "tests/workers/kit-bench.h"
#include "workers/kit/recall.h"

namespace smsd::kit {
namespace {

TEST_F(Kit, RecallsOutcomesSaysBegunOfWhatIsUnderWayAndNothingOfTheRest) {
  serve(2, 2);
  start();
  give({1, 2, 3, 4});
  kind->say(1, Refused{"no such number"});
  quiet();  // 2 and 3 are under way, 4 waits
  for (int again = 0; again < 2; ++again) {
    auto said = recall({4, 3, 99, 1, 2});
    ASSERT_EQ(said.size(), 3u);
    EXPECT_EQ(said[0].attempt, 3u);
    EXPECT_EQ(said[0].what, "begun");
    EXPECT_EQ(said[1].attempt, 1u);
    EXPECT_EQ(said[1].what, "refused");
    EXPECT_EQ(said[1].words, "no such number");
    EXPECT_EQ(said[2].attempt, 2u);
    EXPECT_EQ(said[2].what, "begun");
  }
}

TEST_F(Kit, RemembersOfAnOutcomeNoMoreThanItReports) {
  constexpr std::uint64_t many = 2000;
  constexpr std::size_t words = 20'000;
  serve(1, 1);
  start();
  const auto before = ::mallinfo2().uordblks;
  for (std::uint64_t i = 1; i <= many; ++i) {
    give({i});
    kind->say(i, Accepted{std::string(words, 'r')});
    quiet();
  }
  EXPECT_LT(::mallinfo2().uordblks, before + many * words / 4);
  EXPECT_EQ(recall({many})[0].words.size(), proto::MAX_REASON);
}

TEST_F(Kit, RecallsWhatItGaveBackUnbegun) {
  serve(1, 1);
  start();
  give({1, 2});
  auto drained = KJ_ASSERT_NONNULL(client).drainRequest().send();
  quiet();
  auto said = recall({2});
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].what, "given back");
}

std::set<std::uint64_t> known(const Recall& recall, const std::vector<std::uint64_t>& attempts) {
  std::set<std::uint64_t> known;
  for (auto& [attempt, word] : recall.find(attempts)) known.insert(attempt);
  return known;
}

TEST(Recall, KnowsTheLastTenThousandAtLeastAndForgetsTheOldest) {
  Recall recall;
  constexpr std::uint64_t count = 100'000;
  for (std::uint64_t attempt = 1; attempt <= count; ++attempt)
    recall.remember(attempt, Accepted{std::to_string(attempt)});
  std::vector<std::uint64_t> last;
  for (std::uint64_t attempt = count - 9'999; attempt <= count; ++attempt) last.push_back(attempt);
  auto found = recall.find(last);
  for (auto attempt : last) {
    ASSERT_TRUE(found.contains(attempt)) << attempt;
    ASSERT_EQ(std::get<Accepted>(**found.at(attempt)).reference, std::to_string(attempt));
  }
  EXPECT_TRUE(known(recall, {1, count + 1}).empty());
}

TEST(Recall, HoldsNoMoreThanItsBound) {
  Recall recall(3);
  for (std::uint64_t attempt = 1; attempt <= 5; ++attempt) recall.remember(attempt, Accepted{});
  EXPECT_EQ(known(recall, {1, 2, 3, 4, 5}), (std::set<std::uint64_t>{3, 4, 5}));
}

TEST(Recall, KeepsTheLastWordOnAnAttempt) {
  Recall recall(3);
  recall.remember(1, Unknown{"at first"});
  recall.remember(1, Accepted{"then"});
  recall.remember(2, std::nullopt);
  auto found = recall.find({1, 2, 2});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Accepted>(**found.at(1)));
  EXPECT_FALSE(found.at(2)->has_value());
}

}  // namespace
}  // namespace smsd::kit
