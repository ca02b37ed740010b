// SPDX-License-Identifier: GPL-3.0-or-later
// Text that comes from outside stays text.
#include "clients/exporter/html.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace smsd::exporter {
namespace {

struct Case {
  const char* text;
  const char* expected;
};

TEST(Html, EscapesTextForElementsAndQuotedAttributes) {
  const Case table[] = {
      {"", ""},
      {"plain", "plain"},
      {"<script>", "&lt;script&gt;"},
      {"a & b", "a &amp; b"},
      {"&lt;", "&amp;lt;"},
      {"\" onclick='x'", "&quot; onclick=&#39;x&#39;"},
      {"</style><!-- -->", "&lt;/style&gt;&lt;!-- --&gt;"},
      {"two\nlines\tand\rmore", "two lines and more"},
      {"\x1b[31m", "?[31m"},
      {"\xff\xfe", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xE2\x80\xAEgnp", "?gnp"},  // RIGHT-TO-LEFT OVERRIDE
      {"\xC3\xA9", "\xC3\xA9"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(Html().text(text).string(), expected) << text;
}

TEST(Html, CutsATextBeforeItIsEscapedSoThatNoReferenceIsCut) {
  EXPECT_EQ(Html().text("<<<<<<<<", 6).string(), "&lt;&lt;&lt;...");
  EXPECT_EQ(Html().text(std::string(1000, '&')).string().size(), 5 * (Html::longestText - 3) + 3);
}

TEST(Html, TakesNoTextForMarkup) {
  static_assert(!std::is_constructible_v<Markup, std::string>);
  static_assert(!std::is_constructible_v<Markup, std::string_view>);
  static_assert(!std::is_constructible_v<Markup, const char*>);
  EXPECT_EQ((Html() << "<b>" << Html().text("<") << "</b>").string(), "<b>&lt;</b>");
}

}  // namespace
}  // namespace smsd::exporter
