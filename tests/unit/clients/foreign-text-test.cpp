// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/foreign-text.h"

#include <gtest/gtest.h>

#include "common/text/utf.h"

namespace smsd::shapes {
namespace {

using std::string_literals::operator""s;

TEST(ForeignText, IsTextWhateverItsEncoding) {
  const struct {
    std::string bytes, expected;
  } rows[] = {
      {"disk full", "disk full"},
      {"Störung på Bø €", "Störung på Bø €"},
      {"St\xF6rung p\xE5 B\xF8", "Störung på Bø"},  // ISO 8859-1
      {"a\x80z", "a?z"},
      {"dør stå\xC3", "dør stå"},  // cut by bytes
      {"dør \xE2\x82", "dør"},
      {"B\xF8, stå\xC3", "Bø, ståÃ"},  // both encodings: nothing is left out
      {"one\r\ntwo\rthree\n\n", "one\ntwo\nthree"},
      {"a\0b"s, "ab"},
      {"kept \xEF\xBF\xBD", "kept \xEF\xBF\xBD"},
      {" \n\t", ""},
      {"", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(foreignText(row.bytes), row.expected) << row.bytes;
}

TEST(ForeignText, IsBounded) {
  std::string expected;
  for (int n = 0; n < 4093; ++n) expected += "ø";
  EXPECT_EQ(foreignText(expected + "øøøø"), expected + "...");
  EXPECT_EQ(foreignText(std::string(70'000, '\xF8')), expected + "...");
  EXPECT_EQ(foreignText(std::string(4096, 'x')), std::string(4096, 'x'));
}

}  // namespace
}  // namespace smsd::shapes
