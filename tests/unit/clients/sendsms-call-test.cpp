// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include "clients/sendsms/arguments.h"
#include "clients/sendsms/call.h"

namespace smsd::sendsms {
namespace {

using Words = std::vector<std::string>;

/// `NUMBER,NUMBER: TEXT`, or the problem.
std::string read(const Words& words, const std::string& input = "") {
  const auto made = alertsOf(callOf(words), input, "key");
  if (!made.problem.empty()) return made.problem;
  std::string numbers;
  for (const auto& alert : made.alerts) {
    EXPECT_EQ(alert.key, "key");
    EXPECT_EQ(alert.text, made.alerts.front().text);
    numbers += (numbers.empty() ? "" : ",") + alert.to.name;
  }
  return numbers + ": " + made.alerts.front().text;
}

TEST(SendsmsCall, HasEachFormOfSmstools3) {
  const struct {
    Words words;
    std::string input, expected;
  } rows[] = {
      {{"+4799887766", "disk full"}, "unused", "+4799887766: disk full"},
      {{"4799887766", "-- PROBLEM: --help"}, "", "+4799887766: -- PROBLEM: --help"},
      {{"4799887766", "4799887765", "disk full"}, "", "+4799887766,+4799887765: disk full"},
      {{"4799887766 4799887765", "disk full"}, "", "+4799887766,+4799887765: disk full"},
      {{"+4799887766"}, "disk full\n", "+4799887766: disk full"},
      {{"+4799887766", ""}, "two\nlines\n", "+4799887766: two\nlines"},
      {{}, "4799887766 4799887765\ndisk full\n", "+4799887766,+4799887765: disk full"},
      {{}, "4799887766\r\ndisk\r\nfull", "+4799887766: disk\nfull"},
      {{"", ""}, "4799887766\ndisk full\n", "+4799887766: disk full"},
      {{"ops", "disk full"}, "", "ops: disk full"},
      {{"+4799887766"}, "", "the text is empty"},
      {{"+4799887766"}, " \n", "the text is empty"},
      {{"4799887766", "4799887765", ""}, "no text", "the text is empty"},
      {{}, "", "expected a telephone number, found nothing"},
      {{}, "\ndisk full", "expected a telephone number, found nothing"},
      {{"", "disk full"}, "", "expected a telephone number, found nothing"},
  };
  for (const auto& row : rows) EXPECT_EQ(read(row.words, row.input), row.expected) << row.expected;
}

TEST(SendsmsCall, ReadsStandardInputOnlyForAMissingWord) {
  using Input = SendsmsCall::Input;
  EXPECT_EQ(callOf({"+47", "text"}).input, Input::unused);
  EXPECT_EQ(callOf({"+47", "+48", ""}).input, Input::unused);
  EXPECT_EQ(callOf({"", "text"}).input, Input::unused);
  EXPECT_EQ(callOf({"+47"}).input, Input::text);
  EXPECT_EQ(callOf({"+47", ""}).input, Input::text);
  EXPECT_EQ(callOf({}).input, Input::all);
}

Words wordsOf(Words arguments, int& status) {
  std::vector<char*> argv;
  for (auto& one : arguments) argv.push_back(one.data());
  SendsmsOptions options;
  if (!readArguments(static_cast<int>(argv.size()), argv.data(), options, status)) return {"(exits)"};
  options.words.insert(options.words.begin(), options.socket.string());
  return options.words;
}

TEST(SendsmsArguments, EndAtTheFirstWord) {
  int status = 0;
  const std::string usual = SendsmsOptions().socket;
  EXPECT_EQ(wordsOf({"sendsms", "+47", "-h"}, status), (Words{usual, "+47", "-h"}));
  EXPECT_EQ(wordsOf({"sendsms", "--socket", "/s", "+47", "--socket"}, status),
            (Words{"/s", "+47", "--socket"}));
  EXPECT_EQ(wordsOf({"sendsms", "--socket=/s", "+47"}, status), (Words{"/s", "+47"}));
  EXPECT_EQ(wordsOf({"sendsms", "--", "-47", "x"}, status), (Words{usual, "-47", "x"}));
  EXPECT_EQ(wordsOf({"sendsms"}, status), (Words{usual}));
  EXPECT_EQ(wordsOf({"sendsms", "--frobnicate", "+47"}, status), (Words{"(exits)"}));
  EXPECT_EQ(status, 1);
  EXPECT_EQ(wordsOf({"sendsms", "--socket"}, status), (Words{"(exits)"}));
  EXPECT_EQ(status, 1);
}

}  // namespace
}  // namespace smsd::sendsms
