// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/config/yaml-tree.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "common/text/utf.h"

namespace smsd::config {
namespace {

TEST(QuotedScalar, ReadsAsTheValueAndHoldsNothingThatActs) {
  for (const std::string value :
       {"plain", "", "it's \"quoted\" \\ {x}: # no", "line\nend\r\t\x1B[2J\x07\x7F",
        "\u0085\u009B31m\u2028\u202E\u2066", "æøå 👍", "- *alias &anchor !tag %directive"}) {
    const std::string scalar = quotedScalar(value);
    EXPECT_EQ(text::printableLines(scalar), scalar) << value;
    EXPECT_EQ(scalar.find('\n'), scalar.npos);
    const auto read = parseYaml("key: " + scalar, Quoting::nothing);
    const auto* tree = std::get_if<Node>(&read);
    ASSERT_NE(tree, nullptr) << scalar;
    EXPECT_EQ(tree->entries.at(0).value.scalar, value) << scalar;
  }
}

}  // namespace
}  // namespace smsd::config
