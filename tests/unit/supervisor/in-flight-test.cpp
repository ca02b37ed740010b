// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/in-flight.h"

#include <gtest/gtest.h>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Time = InFlight::Time;

constexpr int severe = 1, middle = 3, mild = 5;

InFlight with(std::initializer_list<int> ranks, Time since = 0s) {
  InFlight out;
  queue::AttemptId attempt = 0;
  for (int rank : ranks) out.add(++attempt, {.since = since, .rank = rank, .recipient = {}});
  return out;
}

TEST(InFlight, KeepsPlacesForTheSevereWhileTheFarEndIsSlow) {
  struct Row {
    const char* what;
    std::size_t window, backlog;
    std::initializer_list<int> out;
    Time now;
    std::size_t forSevere, forMild;
  };
  for (auto& row : {
           Row{"idle", 4, 2, {}, 0s, 6, 6},
           Row{"quick: window and backlog", 4, 2, {mild, mild, mild}, 999ms, 3, 3},
           Row{"slow: no backlog, and one place is kept", 4, 2, {mild, mild}, 1s, 2, 1},
           Row{"slow and full but for that", 4, 2, {mild, mild, mild}, 1s, 1, 0},
           Row{"slow and full", 4, 2, {mild, mild, mild, mild}, 1s, 0, 0},
           Row{"a window of 1 has no place to keep", 1, 1, {}, 1s, 2, 2},
           Row{"but takes nothing ahead", 1, 1, {mild}, 1s, 0, 0},
           Row{"nothing is milder than the severe", 4, 0, {severe, severe, severe}, 1s, 0, 0},
           Row{"one that is milder is enough", 4, 0, {severe, severe, middle}, 1s, 1, 0},
       }) {
    InFlight out = with(row.out);
    Places places = out.places(row.window, row.backlog, row.out.size(), row.now);
    EXPECT_EQ(places.of(severe), row.forSevere) << row.what;
    EXPECT_EQ(places.of(mild), row.forMild) << row.what;
  }
}

TEST(InFlight, KeepsASixteenthOfAWindowAndAtLeastOnePlaceOfMoreThanOne) {
  const std::pair<std::size_t, std::size_t> rows[] = {{1, 0},  {2, 1},  {16, 1},    {31, 1},
                                                      {32, 2}, {64, 4}, {4096, 256}};
  for (auto [window, kept] : rows) EXPECT_EQ(InFlight::reserve(window), kept) << window;
}

TEST(InFlight, IsSlowAfterAnAttemptThatTookASecondUntilAWholeWindowDidNot) {
  InFlight out;
  EXPECT_FALSE(out.slow(4, 100s));
  out.took(1s);
  EXPECT_EQ(out.places(4, 2, 0, 100s).of(mild), 3u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(out.slow(4, 100s)) << i;
    out.took(999ms);
  }
  EXPECT_FALSE(out.slow(4, 100s));
  EXPECT_EQ(out.places(4, 2, 0, 100s).of(mild), 6u);
}

TEST(InFlight, GoesByTheOldestThatIsOutWhateverOrderTheyEndIn) {
  InFlight out;
  for (queue::AttemptId attempt = 1; attempt <= 3; ++attempt)
    out.add(attempt,
            {.since = std::chrono::seconds(attempt), .rank = static_cast<int>(attempt), .recipient = {}});
  EXPECT_TRUE(out.slow(4, 2s));
  EXPECT_TRUE(out.remove(2, 4, 0s));
  EXPECT_FALSE(out.remove(2, 4, 0s));
  EXPECT_TRUE(out.slow(4, 2s));
  EXPECT_EQ(out.remove(1, 4, 0s)->rank, 1);
  EXPECT_FALSE(out.slow(4, 3999ms));
  EXPECT_TRUE(out.slow(4, 4s));
  out.remove(3, 4, 0s);
  EXPECT_FALSE(out.slow(4, 100s));
}

TEST(InFlight, HandsAheadWhatTheLastTwoSecondsJustify) {
  struct Row {
    const char* what;
    std::size_t begun;
    Time at, now;
    std::size_t unbegun, places;
  };
  for (auto& row : {
           Row{"at first", 0, 0s, 0s, 0, 32},
           Row{"it holds some", 0, 0s, 0s, 30, 2},
           Row{"it holds all that it may", 0, 0s, 0s, 32, 0},
           Row{"a few begins do not justify more", 16, 0s, 0s, 0, 32},
           Row{"each further one justifies two", 17, 0s, 0s, 0, 34},
           Row{"less what it holds", 100, 0s, 0s, 50, 150},
           Row{"the former second counts", 100, 0s, 1999ms, 0, 200},
           Row{"the one before it does not", 100, 0s, 2s, 0, 32},
           Row{"the whole backlog", 5000, 0s, 0s, 0, 8192},
       }) {
    InFlight out;
    for (queue::AttemptId attempt = 1; attempt <= row.begun; ++attempt) {
      out.add(attempt, {.since = row.at, .recipient = {}});
      out.begin(attempt, row.at);
      out.remove(attempt, 4096, row.at);
    }
    for (queue::AttemptId attempt = 1; attempt <= row.unbegun; ++attempt)
      out.add(10'000 + attempt, {.since = row.now, .recipient = {}});
    EXPECT_EQ(out.unbegun(), row.unbegun);
    EXPECT_EQ(out.places(4096, 4096, 0, row.now).of(mild), row.places) << row.what;
  }
}

TEST(InFlight, CountsAnAttemptAsBegunOnce) {
  InFlight out = with({mild, mild});
  out.begin(1, 0s);
  out.begin(1, 0s);
  out.begin(3, 0s);
  EXPECT_EQ(out.unbegun(), 1u);
  out.remove(2, 4, 0s);
  EXPECT_EQ(out.unbegun(), 0u);
  out.remove(1, 4, 0s);
  EXPECT_EQ(out.unbegun(), 0u);
}

TEST(InFlight, StallsWhileTheOldestIsNotBegunThoughTheWindowHasRoom) {
  InFlight out = with({mild, middle}, 1s);
  auto unbegunFor = [&](std::size_t window, Time now, Time spacing = 0s) {
    return out.unbegunFor(window, spacing, now);
  };
  EXPECT_EQ(unbegunFor(1, 3s), 2s);
  EXPECT_TRUE(out.stalls(severe, 1s));
  EXPECT_FALSE(out.stalls(severe, 999ms));
  EXPECT_FALSE(out.stalls(mild, 2999ms)) << "it is not more severe than the mildest in flight";
  EXPECT_TRUE(out.stalls(mild, 3s));
  out.begin(1, 3s);
  EXPECT_EQ(unbegunFor(1, 9s), 0s) << "the window is full";
  EXPECT_EQ(unbegunFor(2, 9s), 8s) << "the window has room";
  EXPECT_EQ(unbegunFor(2, 9s, 2s), 4s) << "it may begin one in two seconds";
  out.remove(1, 1, 9s);
  EXPECT_EQ(unbegunFor(1, 10s), 1s) << "since the window has room";
  out.remove(2, 1, 10s);
  EXPECT_EQ(unbegunFor(1, 20s), 0s) << "it holds none";
}

TEST(InFlight, CountsProbes) {
  InFlight out;
  EXPECT_FALSE(out.probing());
  out.add(1, {.recipient = {}, .kind = InFlight::Kind::probe});
  out.add(2, {});
  EXPECT_TRUE(out.probing());
  EXPECT_TRUE(out.isProbe(1));
  EXPECT_FALSE(out.isProbe(2));
  EXPECT_FALSE(out.isProbe(3));
  out.remove(1, 4, 0s);
  EXPECT_FALSE(out.probing());
}

TEST(Places, AreTakenOneByOneAndWhatTakesThemCounts) {
  Places places{.all = 2, .others = 1};
  places.take(mild);
  EXPECT_EQ(places.of(mild), 0u);
  EXPECT_EQ(places.of(severe), 1u);
  places.take(severe);
  EXPECT_EQ(places.of(severe), 0u);
}

}  // namespace
}  // namespace smsd::keeper
