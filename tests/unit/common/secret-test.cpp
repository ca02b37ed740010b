// SPDX-License-Identifier: GPL-3.0-or-later
// A secret leaves nothing behind where it was.
#include "common/config/secret.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>

namespace smsd::config {
namespace {

/// The memory of a Secret, which outlives it. A short value lies in the object itself.
struct Place {
  alignas(Secret) unsigned char bytes[sizeof(Secret)] = {};
  Secret* secret = nullptr;

  Secret& make(const std::string& value) { return *(secret = new (bytes) Secret(value)); }
  void end() { std::destroy_at(secret); }
  bool holds(const std::string& text) const {
    return ::memmem(bytes, sizeof bytes, text.data(), text.size()) != nullptr;
  }
};

TEST(Secrets, AreWipedWhereTheyEnd) {
  Place place;
  place.make("hunter2-9876");
  ASSERT_TRUE(place.holds("hunter2"));
  place.end();
  EXPECT_FALSE(place.holds("unter2"));
}

TEST(Secrets, AreWipedWhereTheyAreMovedFrom) {
  Place from, to;
  Secret& moved = to.make("former-secret");
  moved = std::move(from.make("hunter2-9876"));
  EXPECT_EQ(moved.reveal(), "hunter2-9876");
  EXPECT_FALSE(from.holds("unter2"));
  EXPECT_FALSE(to.holds("former"));
  Secret other(std::move(moved));
  EXPECT_EQ(other.reveal(), "hunter2-9876");
  EXPECT_FALSE(to.holds("unter2"));
  from.end();
  to.end();
}

TEST(Secrets, AreWipedWhereAnotherTakesTheirPlace) {
  Place place;
  Secret& secret = place.make("hunter2-9876");
  const Secret other(std::string("x"));
  secret = other;
  EXPECT_EQ(secret.reveal(), "x");
  EXPECT_EQ(other.reveal(), "x");
  EXPECT_FALSE(place.holds("unter2"));
  secret = *&secret;
  EXPECT_EQ(secret.reveal(), "x");
  place.end();
}

TEST(Secrets, AreWipedInATextToTheEndOfItsMemory) {
  std::string text(100, 'x');
  char* memory = text.data();
  text.resize(3);
  ASSERT_EQ(memory[50], 'x');
  wipe(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), memory);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(memory[i], '\0') << i;
}

}  // namespace
}  // namespace smsd::config
