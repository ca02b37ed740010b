// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/query.h"

#include <gtest/gtest.h>

#include "clients/shapes/numbers.h"

namespace smsd::shapes {
namespace {

TEST(Query, HasThePathAndTheParametersDecoded) {
  const auto target = readTarget("/a%20b/c+d?to=%2B47&text=a+b%26c&empty&=x&to=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b/c+d");
  EXPECT_EQ(target->query.get("to"), "+47");
  EXPECT_EQ(target->query.get("text"), "a b&c");
  EXPECT_EQ(target->query.get("empty"), "");
  EXPECT_EQ(target->query.all("to").size(), 2U);
  EXPECT_FALSE(target->query.find("missing"));
}

TEST(Query, RefusesWhatCannotBeOne) {
  for (const std::string_view wrong : {"", "a", "?x=1", "/%", "/%2", "/%zz", "/a%00", "/a?x=%00", "/a?x=%4"})
    EXPECT_FALSE(readTarget(wrong)) << wrong;
  EXPECT_FALSE(readTarget("/" + std::string(maxTarget, 'x')));
  std::string many = "/?";
  for (std::size_t at = 0; at < maxParameters; ++at) many += "a=1&";
  EXPECT_TRUE(readTarget(many));
  EXPECT_FALSE(readTarget(many + "a=1"));
}

using Names = std::vector<std::string>;

TEST(Query, SeparatesParts) {
  EXPECT_EQ(partsOf("a, b;;c ,", ",;"), (Names{"a", "b", "c"}));
  EXPECT_EQ(partsOf("", ","), Names{});
  EXPECT_EQ(partsOf("+47 900", ","), Names{"+47 900"});
}

TEST(Query, KnowsANumberFromAGroup) {
  using Kind = Target::Kind;
  const auto target = readTarget("/?to=%2B47%20900,ops&to=+4790&group=7&recipient=kari");
  const std::vector<Target> expected = {{Kind::recipient, "+47 900"},
                                        {Kind::group, "ops"},
                                        {Kind::recipient, "+4790"},  // its plus was not encoded
                                        {Kind::recipient, "kari"},
                                        {Kind::group, "7"}};
  EXPECT_EQ(recipientsIn(target->query), expected);
}

}  // namespace
}  // namespace smsd::shapes
