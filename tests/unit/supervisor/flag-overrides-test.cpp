// SPDX-License-Identifier: GPL-3.0-or-later
// NAV's flags in place of keys: what is taken, what is refused, and that they win.
#include "supervisor/config/flag-overrides.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "supervisor/config/config.h"

namespace smsd::config {
namespace {

using namespace std::chrono_literals;

Overrides with(const std::vector<std::pair<std::string, std::string>>& flags) {
  Overrides overrides;
  for (const auto& [flag, word] : flags) EXPECT_EQ(setOverride(overrides, flag, word), std::nullopt) << flag;
  return overrides;
}

std::string problemWith(const std::string& flag, const std::string& word) {
  Overrides overrides;
  return setOverride(overrides, flag, word).value_or("");
}

class OverridesFile : public testing::Test {
 protected:
  OverridesFile()
      : file_(std::filesystem::temp_directory_path() / ("overrides-" + std::to_string(getpid()) + ".yaml")) {}
  ~OverridesFile() override { std::filesystem::remove(file_); }
  ConfigRead read(const std::string& retry, const Overrides& overrides) {
    std::ofstream(file_) << "retry: {" << retry << "}\ndispatchers: [{name: a, kind: debug}]\n";
    return readConfig(file_, Reach::valuesOnly, overrides);
  }

 private:
  std::filesystem::path file_;
};

// C31: NAV took 0 for "not given". C32: its factor had to be a whole number. C30: its action was never the
// one that was asked for.
TEST_F(OverridesFile, EachFlagWinsOverItsKeyAndNoughtIsAValue) {
  const auto [config, problems, places] = read(
      "delay: 20s, factor: 3, max_delay: 2h, limit: 7, at_limit: shutdown",
      with({{"delay", "5"}, {"delayfactor", "1.5"}, {"maxdelay", "60"}, {"limit", "0"}, {"action", "0"}}));
  ASSERT_TRUE(problems.empty()) << problems[0].what;
  EXPECT_EQ(config.retry.delay, 5s);
  EXPECT_EQ(config.queue.pollInterval, 5s);  // NAV's delay is that, too
  EXPECT_EQ(config.retry.factor, 1.5);
  EXPECT_EQ(config.retry.maxDelay, 60s);
  EXPECT_EQ(config.retry.limit, 0);
  EXPECT_EQ(config.retry.atLimit, AtLimit::ignore);
}

// NAV gives up by rounds alone, so whoever names the rounds as NAV does has no time beside them.
TEST_F(OverridesFile, TheLimitAsAFlagLeavesTheRoundsAloneToDecide) {
  EXPECT_EQ(read("give_up_after: 9h", with({{"limit", "3"}})).config.retry.giveUpAfter, 0ms);
  EXPECT_EQ(read("give_up_after: 9h", with({{"delay", "3"}})).config.retry.giveUpAfter, 9h);
}

// C33: NAV forgot a flag at the first recovery. Here whoever reads the file says what flags there are.
TEST_F(OverridesFile, AFlagWinsAtEachReadingOfAFileThatChanged) {
  const Overrides overrides = with({{"delay", "5"}});
  for (const char* retry : {"delay: 20s", "delay: 40s", ""})
    EXPECT_EQ(read(retry, overrides).config.retry.delay, 5s) << retry;
  EXPECT_EQ(read("delay: 40s", overrides).config.retry.limit, 5);  // and changes nothing else
}

// C30, C35
TEST(Overrides, AnActionIsANumberAsNavsProgramHasItOrAWordAsNavsFileHasIt) {
  for (const char* word : {"0", "ignore"}) EXPECT_EQ(with({{"action", word}}).atLimit, AtLimit::ignore);
  for (const char* word : {"1", "shutdown"}) EXPECT_EQ(with({{"action", word}}).atLimit, AtLimit::shutdown);
  for (const char* word : {"2", "", "Ignore", "00", "-1"})
    EXPECT_NE(problemWith("action", word).find("expected 0 or ignore"), std::string::npos) << word;
}

TEST(Overrides, ADelayIsSecondsWithAFractionOrADurationWithItsUnit) {
  EXPECT_EQ(with({{"delay", "0.5"}}).delay, 500ms);
  EXPECT_EQ(with({{"delay", "90"}}).delay, 90s);
  EXPECT_EQ(with({{"delay", "5m"}}).delay, 5min);
  EXPECT_EQ(with({{"maxdelay", "604800"}}).maxDelay, 7 * 24h);
}

// C34: a delay of nought and a factor below one made NAV's loop spin. C35: nonsense ended in a traceback.
TEST(Overrides, WhatIsOutsideTheKeysBoundsIsRefusedWithThem) {
  for (const char* word :
       {"0", "0.09", "-5", "86401", "1e300", "nan", "inf", "soon", "", "5 ", "0x10", "1d1"})
    EXPECT_EQ(problemWith("delay", word), "expected 0.1 to 86400 seconds, or a duration like 30s or 5m")
        << word;
  for (const char* word : {"0", "0.1", "0.99", "10.5", "-2", "two", "", "nan", "1,5"})
    EXPECT_EQ(problemWith("delayfactor", word), "expected a number from 1 to 10") << word;
  for (const char* word : {"-1", "1001", "1.5", "many", "", "99999999999999999999", "+3"})
    EXPECT_EQ(problemWith("limit", word), "expected a whole number from 0 to 1000") << word;
  EXPECT_EQ(problemWith("maxdelay", "604801"),
            "expected 0.1 to 604800 seconds, or a duration like 30s or 5m");
}

// C34: such a pair made the first failure shorten the delay.
TEST_F(OverridesFile, AFlagThatDoesNotFitTheFileIsAProblemAtTheFlag) {
  auto problems = read("max_delay: 60s", with({{"delay", "61"}})).problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].where, "--delay");
  EXPECT_EQ(problems[0].what,
            "is 61s, expected at most retry.max_delay, which is 1m; --maxdelay can raise it");
  problems = read("delay: 60s", with({{"maxdelay", "30"}})).problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].where, "--maxdelay");
  problems = read("", with({{"delay", "60"}, {"maxdelay", "30"}})).problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].what, "is 30s, expected at least --delay, which is 1m");
  EXPECT_TRUE(read("max_delay: 60s", with({{"delay", "61"}, {"maxdelay", "61"}})).problems.empty());
}

}  // namespace
}  // namespace smsd::config
