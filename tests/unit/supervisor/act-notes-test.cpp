// SPDX-License-Identifier: GPL-3.0-or-later
// The journal entries about reads: each has one, a flood has few, and none is uncounted.
#include "supervisor/control/act-notes.h"

#include <gtest/gtest.h>

namespace smsd::control {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kari = 1000;

TEST(ActNotes, AFloodHasFewEntriesAndTheNextOneCountsTheOthers) {
  ActNotes notes;
  unsigned entries = 0;
  for (int i = 0; i < 1000; ++i) entries += notes.words(kari, "list", 1s).has_value();
  EXPECT_EQ(entries, 61U);  // the last one overdraws the budget
  EXPECT_EQ(notes.words(kari, "list", 1500ms), std::nullopt);
  EXPECT_EQ(notes.words(kari, "list", 10s), "list (and 940 reads without an entry before it)");
  EXPECT_EQ(notes.words(kari, "list", 11s), "list");
}

TEST(ActNotes, AFloodHidesNoOtherUsersReads) {
  ActNotes notes;
  for (int i = 0; i < 1000; ++i) notes.words(kari, "list", 1s);
  EXPECT_EQ(notes.words(kari, "list", 1s), std::nullopt);
  EXPECT_EQ(notes.words(1001, "explain", 1s), "explain");
  EXPECT_EQ(notes.words(std::nullopt, "explain", 1s), "explain");
}

}  // namespace
}  // namespace smsd::control
