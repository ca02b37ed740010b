// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/parse-exit.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include "common/io/option-values.h"

namespace smsd::io {
namespace {

struct Program {
  CLI::App app{"", "/usr/bin/program"};
  int count = 0, number = 0;
  std::string name, file, other;

  Program() {
    app.option_defaults()->disable_flag_override();
    app.add_option("--number", number);
    auto* group = app.add_subcommand("group", "")->require_subcommand(1);
    auto* one = group->add_subcommand("one", "");
    one->add_option("NAME", name)->required();
    one->add_option("-c,--count", count)->transform(wholeNumber(1, 3));
    one->add_flag("--json");
    auto* otherOption = one->add_option("--other", other);
    auto* fileOption = one->add_option("--file", file)->excludes(otherOption);
    one->add_flag("--deep")->needs(fileOption);
    group->add_subcommand("two", "");
  }

  int parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());
    try {
      app.parse(std::move(words));
    } catch (const CLI::ParseError& e) {
      return exitStatusOf(app, e);
    }
    return -1;
  }
};

struct Wrong {
  std::vector<std::string> words;
  std::string said;
};

TEST(ParseExit, OneLineNamesTheProgramTheCommandAndTheOption) {
  const std::vector<Wrong> table = {
      {{"group"}, "group: expected a command: one of one, two; see `program group --help`"},
      {{"group", "one"}, "group one: expected NAME; see `program group one --help`"},
      {{"group", "two", "x"}, "group two: did not expect 'x'; see `program group two --help`"},
      {{"group", "two", "--x", "y\n"},
       "group two: did not expect '--x', 'y '; see `program group two --help`"},
      {{"--nonsense"}, "did not expect '--nonsense'; see `program --help`"},
      {{"--number"}, "--number: expected a value; see `program --help`"},
      {{"--number", "three"}, "--number: 'three': expected another value; see `program --help`"},
      {{"--number", "1", "--number", "2"},
       "--number: expected it once, found it more than once; see `program --help`"},
      {{"group", "one", "n", "-c", "4"},
       "group one: --count: '4': expected a whole number from 1 to 3; see `program group one --help`"},
      {{"group", "one", "n", "--json=2"},
       "group one: --json: takes no value; see `program group one --help`"},
      {{"group", "one", "n", "--file", "a", "--other", "b"},
       "group one: --other: cannot be used together with --file; see `program group one --help`"},
      {{"group", "one", "n", "--deep"}, "group one: --deep: needs --file; see `program group one --help`"},
  };
  for (const auto& [words, said] : table) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(Program().parse(words), EX_USAGE);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "program: " + said + "\n");
  }
}

TEST(ParseExit, TheHelpIsNoError) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Program().parse({"group", "one", "--help"}), EX_OK);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("--count"), std::string::npos);
}

}  // namespace
}  // namespace smsd::io
