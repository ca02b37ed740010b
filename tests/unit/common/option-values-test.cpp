// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/option-values.h"

#include <gtest/gtest.h>

#include <limits>

namespace smsd::io {
namespace {

/// Parses `--n WORD`. Returns the number, or the words of the refusal.
std::string parsed(const std::string& word, std::int64_t least, std::int64_t most) {
  CLI::App app("", "program");
  std::int64_t value = -1;
  app.add_option("--n", value)->transform(wholeNumber(least, most));
  try {
    app.parse(std::vector<std::string>{"--n=" + word});
  } catch (const CLI::ValidationError& e) {
    return e.what();
  }
  return std::to_string(value);
}

TEST(OptionValues, AWholeNumberIsDecimal) {
  for (const auto& [word, number] : {std::pair{"1", "1"},
                                     {"10", "10"},
                                     {"010", "10"},
                                     {"0008", "8"},
                                     {"9223372036854775807", "9223372036854775807"}})
    EXPECT_EQ(parsed(word, 1, std::numeric_limits<std::int64_t>::max()), number) << word;
}

TEST(OptionValues, AnotherWordIsRefusedWithWhatWasExpected) {
  for (const char* word : {"0", "9", "-1", "+1", "0x1", "0b1", "1.0", "1e0", "x", " 1", "1 ", "1'0",
                           "99999999999999999999", "18446744073709551617"})
    EXPECT_EQ(parsed(word, 1, 8), std::string("--n: '") + word + "': expected a whole number from 1 to 8");
  EXPECT_EQ(parsed("1\n2", 1, 8), "--n: '1 2': expected a whole number from 1 to 8");
}

TEST(OptionValues, AWordIsOneOfTheList) {
  auto list = oneOf({"red", "green"});
  std::string word = "green";
  EXPECT_EQ(list(word), "");
  EXPECT_EQ(word, "green");
  word = "Green";
  EXPECT_EQ(list(word), "'Green': expected one of red, green");
}

TEST(OptionValues, AnEmptyValueIsFoundAlsoInACommand) {
  for (const auto& [words, name] : {std::pair<std::vector<std::string>, const char*>{{"go"}, ""},
                                    {{"go", "--to", "x", "--fast"}, ""},
                                    {{"go", "--to", ""}, "--to"},
                                    {{"--file", "", "go"}, "--file"}}) {
    CLI::App app;
    std::string file, to;
    bool fast = false;
    app.add_option("--file", file);
    auto* command = app.add_subcommand("go");
    command->add_option("--to", to);
    command->add_flag("--fast", fast);
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    EXPECT_EQ(emptyOption(app), name) << words.size();
  }
}

}  // namespace
}  // namespace smsd::io
