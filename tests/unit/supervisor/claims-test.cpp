// SPDX-License-Identifier: GPL-3.0-or-later
// What a worker may claim, what it is given of it, and until when it has to begin.
#include "supervisor/keeper/claims.h"

#include <gtest/gtest.h>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

struct Case {
  const char* name;
  Claim claim;
  unsigned window, backlog;
  Milliseconds beginWithin;
};

// The timeout is 30 s.
const Case granted[] = {
    {"a modem", {"gammu", 1, 1}, 1, 1, 66s},
    {"a gateway as configured by default", {"http", 64, 64}, 64, 64, 66s},
    {"no backlog", {"http", 1, 0}, 1, 0, 33s},
    {"more ahead than a window needs", {"http", 64, 4096}, 64, 256, 165s},
    {"a small window", {"mail", 1, 4096}, 1, 8, 297s},
    {"the most of all", {"debug", 4096, 4096}, 4096, 4096, 66s},
    {"a pace that one timeout has room for", {"http", 64, 64, 100ms}, 64, 64, 99s},
    {"a slow pace", {"http", 64, 64, 5s}, 6, 0, 66s},
    {"a pace of which the window has room", {"http", 4, 64, 3s}, 4, 6, 132s},
    {"a pace slower than the timeout", {"http", 64, 64, 60s}, 1, 0, 66s},
};

TEST(Claims, AreGivenWhatCanBeginInTime) {
  for (auto& one : granted) {
    auto result = grant(one.claim, config::kindNamed(one.claim.kind), 30s);
    ASSERT_TRUE(std::holds_alternative<Granted>(result)) << one.name << ": " << std::get<std::string>(result);
    auto& [window, backlog, beginWithin] = std::get<Granted>(result);
    EXPECT_EQ(window, one.window) << one.name;
    EXPECT_EQ(backlog, one.backlog) << one.name;
    EXPECT_EQ(beginWithin, one.beginWithin) << one.name;
  }
}

TEST(Claims, BeyondWhatAKindCanHaveAreABreach) {
  const Claim beyond[] = {
      {"gammu", 2, 0}, {"gammu", 1, 2},    {"http", 257, 0}, {"soap", 64, 4097},
      {"mail", 17, 0}, {"debug", 4097, 0}, {"http", 0, 0},   {"http", 4294967295, 4294967295}};
  for (auto& claim : beyond) {
    auto result = grant(claim, config::kindNamed(claim.kind), 30s);
    ASSERT_TRUE(std::holds_alternative<std::string>(result)) << claim.kind << claim.window;
    EXPECT_NE(std::get<std::string>(result).find("a window beyond all bounds"), std::string::npos);
  }
}

TEST(Claims, ToBeOfAnotherKindAreABreach) {
  for (const char* kind : {"debug", "", "Http"})
    EXPECT_TRUE(std::holds_alternative<std::string>(grant({kind, 1, 0}, config::kindNamed("http"), 30s)))
        << kind;
}

TEST(Claims, OfAKindThatIsNotBuiltInAreBoundedByItsEntry) {
  for (const auto& [bound, window, backlog, good] : {std::tuple(std::optional<int>(), 64u, 4096u, true),
                                                     {std::optional<int>(), 65u, 0u, false},
                                                     {std::optional<int>(), 1u, 4097u, false},
                                                     {std::optional(1), 1u, 0u, true},
                                                     {std::optional(1), 2u, 0u, false},
                                                     {std::optional(1024), 1024u, 4096u, true},
                                                     {std::optional(1024), 1025u, 0u, false}}) {
    const auto result = grant({"own", window, backlog}, config::kindNamed("own", bound), 30s);
    EXPECT_EQ(std::holds_alternative<Granted>(result), good) << window << " + " << backlog;
  }
  EXPECT_TRUE(std::holds_alternative<std::string>(grant({"other", 1, 0}, config::kindNamed("own"), 30s)));
}

}  // namespace
}  // namespace smsd::keeper
