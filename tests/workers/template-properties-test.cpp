// SPDX-License-Identifier: GPL-3.0-or-later
// The promises of templates, held by random values.
#include "tests/workers/template-properties.h"

#include <gtest/gtest.h>

#include <random>

namespace smsd::net {
namespace {

/// Made of what has a meaning somewhere.
std::string awkwardValue(std::mt19937& random) {
  static const std::vector<std::string> pieces = {"\"",
                                                  "'",
                                                  "\\",
                                                  "\\u00",
                                                  "</a>",
                                                  "]]>",
                                                  "&",
                                                  "&#60;",
                                                  "lt;",
                                                  "%",
                                                  "%41",
                                                  "41",
                                                  "+",
                                                  " ",
                                                  "\r\n",
                                                  "\n",
                                                  "\t",
                                                  "\x1F",
                                                  "\x01",
                                                  "\x7F",
                                                  "\xEF\xBF\xBF",
                                                  "{text}",
                                                  "..",
                                                  "/",
                                                  "?",
                                                  "#",
                                                  "=",
                                                  ";",
                                                  ":",
                                                  ",",
                                                  "}",
                                                  "]",
                                                  "\xF0\x9F\x94\xA5",
                                                  "bl\xC3\xA5",
                                                  "\xE2\x80\xA8",
                                                  "0047",
                                                  "x"};
  std::string value;
  for (auto n = random() % 6; n > 0; --n) value += pieces[random() % pieces.size()];
  return value;
}

TEST(Template, KeepsItsPromisesWhateverItsValuesAre) {
  const std::vector<std::pair<BodyType, std::string>> bodies = {
      {BodyType::json, R"({"{key}": ["{recipient}", "{digits}"], "m": "<{text}>{encoding}", "n": null})"},
      {BodyType::json, R"([" {text} \u0041\n{digits}\\", {"a": {}}, 1.5])"},
      {BodyType::xml, "<s to=\"{recipient}\" k='{key}'><t>{text}</t> {digits} &amp;{text}<e/><!-- c --></s>"},
      {BodyType::form, "To={recipient}&Body={text}&{key}=a%20b+c&d={digits}"}};
  const std::vector<std::string> urls = {"http://gw/{key}/send.{digits}?to={recipient}&m={text}&e={encoding}",
                                         "https://[::1]:8443/a%2Fb?x=%41{text}{recipient}"};
  std::mt19937 random(4711);
  for (int i = 0; i < 3000; ++i) {
    std::string recipient = awkwardValue(random), text = awkwardValue(random), key = awkwardValue(random);
    const Values values{recipient, text, key, "unicode"};
    for (auto& [type, body] : bodies) EXPECT_EQ(test::brokenBody(type, body, values), "") << body;
    for (auto& url : urls) EXPECT_EQ(test::brokenUrl(url, values), "") << url;
    EXPECT_EQ(test::brokenHeader("App {recipient} {text};k=\"{key}\"", values), "");
  }
}

}  // namespace
}  // namespace smsd::net
