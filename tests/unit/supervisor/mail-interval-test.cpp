// SPDX-License-Identifier: GPL-3.0-or-later
// When the next mail to the administrators may go.
#include "supervisor/admin-mail/mail-interval.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace smsd::admin_mail {
namespace {

using namespace std::chrono_literals;

class PaceTest : public testing::Test {
 protected:
  ~PaceTest() noexcept override { std::filesystem::remove(file); }
  void age(int seconds) {
    timespec times[2] = {{std::time(nullptr) - seconds, 0}, {std::time(nullptr) - seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  }
  const kj::TimePoint now = kj::origin<kj::TimePoint>() + 1000 * kj::SECONDS;
  std::filesystem::path file = "/tmp/smsd-pace-" + std::to_string(getpid());
};

TEST_F(PaceTest, TheFirstMailGoesAtOnceTheNextAfterTheInterval) {
  Pace pace(10min, file, now);
  EXPECT_EQ(pace.next(), now);
  pace.sent(Pace::Kind::usual, now);
  EXPECT_EQ(pace.next(), now + 10 * kj::MINUTES);
}

TEST_F(PaceTest, AnotherRunKeepsTheInterval) {
  Pace(10min, file, now).sent(Pace::Kind::usual, now);
  age(240);
  Pace pace(10min, file, now);
  EXPECT_GE(pace.next(), now + 359 * kj::SECONDS);
  EXPECT_LE(pace.next(), now + 360 * kj::SECONDS);
  age(700);
  EXPECT_EQ(Pace(10min, file, now).next(), now);
}

TEST_F(PaceTest, AReloadAppliesAnotherIntervalToTheLastMail) {
  Pace(10min, file, now).sent(Pace::Kind::usual, now);
  age(700);
  Pace pace(10min, file, now);
  EXPECT_EQ(pace.next(), now);
  const auto ago = now - KJ_ASSERT_NONNULL(pace.last());
  EXPECT_GE(ago, 700 * kj::SECONDS);
  EXPECT_LE(ago, 701 * kj::SECONDS);
  pace.use(15min);
  EXPECT_EQ(pace.next(), now + 15 * kj::MINUTES - ago);
  pace.use(1min);
  EXPECT_EQ(pace.next(), now);
}

TEST_F(PaceTest, AClockThatWasSetBackSilencesNobody) {
  Pace(10min, file, now).sent(Pace::Kind::usual, now);
  age(-100'000);
  EXPECT_EQ(Pace(10min, file, now).next(), now);
}

TEST_F(PaceTest, WritesToNoFileThatALinkInItsPlaceNames) {
  const auto other = file.string() + "-other";
  std::ofstream(other) << "somebody's";
  std::filesystem::create_symlink(other, file);
  Pace(10min, file, now).sent(Pace::Kind::usual, now);
  std::ifstream in(other);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "somebody's");
  std::filesystem::remove(other);
}

TEST_F(PaceTest, ADaemonThatKeepsFailingHasOneLastWordAnInterval) {
  Pace first(10min, file, now);
  first.sent(Pace::Kind::usual, now);
  EXPECT_TRUE(first.mayHaveLastWord(now));
  first.sent(Pace::Kind::lastWord, now);
  Pace second(10min, file, now);
  EXPECT_FALSE(second.mayHaveLastWord(now));
  EXPECT_TRUE(second.mayHaveLastWord(now + 11 * kj::MINUTES));
}

TEST_F(PaceTest, AFileOfTheNextSecondCountsAndOneOfALaterTimeDoesNot) {
  for (auto [ahead, next] : {std::pair(1, now + 10 * kj::MINUTES), {60, now}}) {
    Pace(10min, file, now).sent(Pace::Kind::usual, now);
    const timespec at[2] = {{std::time(nullptr) + ahead, 0}, {std::time(nullptr) + ahead, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), at, 0), 0);
    EXPECT_EQ(Pace(10min, file, now).next(), next) << ahead;
  }
}

TEST_F(PaceTest, AFileThatCannotBeWrittenCostsNoMail) {
  Pace pace(10min, "/nonexistent/admin-mail", now);
  pace.sent(Pace::Kind::usual, now);
  EXPECT_EQ(pace.next(), now + 10 * kj::MINUTES);
}

}  // namespace
}  // namespace smsd::admin_mail
