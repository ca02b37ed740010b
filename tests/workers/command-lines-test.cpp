// SPDX-License-Identifier: GPL-3.0-or-later
// The lines between the worker and a program, the meaning of a program's end, and the lines on stderr.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/workers/outcome-words.h"
#include "workers/command/lines.h"
#include "workers/command/output-lines.h"
#include "workers/command/program-end.h"
#include "workers/command/remarks.h"
#include "workers/command/starter-messages.h"

namespace smsd::command {
namespace {

using namespace std::chrono_literals;

template <typename T>
std::string misfitOf(const T& read) {
  auto* misfit = std::get_if<Misfit>(&read);
  return misfit != nullptr ? misfit->reason : "";
}

TEST(CommandLines, WriteAnSmsAsTheManualSays) {
  const kit::Job job{.attempt = 17,
                     .recipient = "+4799887766",
                     .text = "core \"gw1\"\nis down \xc3\xa5",
                     .key = "364e-1",
                     .deadline = 10s,
                     .encoding = kit::SmsEncoding::ucs2,
                     .parts = 2};
  EXPECT_EQ(smsLine(job),
            "{\"smsd\":1,\"type\":\"sms\",\"id\":\"17\",\"key\":\"364e-1\",\"recipient\":\"+4799887766\","
            "\"text\":\"core \\\"gw1\\\"\\nis down "
            "\xc3\xa5\",\"encoding\":\"ucs2\",\"parts\":2,\"deadline_ms\":10000}\n");
  EXPECT_EQ(environmentOf(job),
            (std::vector<std::string>{"SMSD_ID=17", "SMSD_KEY=364e-1", "SMSD_RECIPIENT=+4799887766",
                                      "SMSD_TEXT=core \"gw1\"\nis down \xc3\xa5", "SMSD_PARTS=2",
                                      "SMSD_DEADLINE_MS=10000"}));
}

TEST(CommandLines, WriteOneLineWhateverTheTextIs) {
  for (const std::string text : {"a\nb", "\x01\x7f", "\xff\xfe", "{\"id\":\"1\"}", ""}) {
    const std::string line = smsLine({.attempt = 1, .recipient = "1", .text = text, .key = "k"});
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

TEST(CommandLines, ReadTheGreetingWithItsDefaults) {
  struct Case {
    const char* line;
    unsigned window;
    bool knowsKeys;
  };
  for (auto& [line, window, knowsKeys] : std::vector<Case>{
           {"{\"smsd\":1}", 1, false},
           {"{\"smsd\":1,\"window\":8,\"knows_keys\":true}", 8, true},
           {" {\"window\":65536, \"name\":[{\"smsd\":2}], \"smsd\":1} ", 65536, false},
       }) {
    auto read = readGreeting(line);
    ASSERT_TRUE(std::holds_alternative<Greeting>(read)) << line << ": " << misfitOf(read);
    EXPECT_EQ(std::get<Greeting>(read).window, window) << line;
    EXPECT_EQ(std::get<Greeting>(read).knowsKeys, knowsKeys) << line;
  }
}

TEST(CommandLines, RefuseAGreetingThatDoesNotFit) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "is not one JSON object"},
      {"hello", "is not one JSON object"},
      {"[]", "is not one JSON object"},
      {"1", "is not one JSON object"},
      {"{\"smsd\":1}{}", "is not one JSON object"},
      {"{}", "does not have \"smsd\":1, the version of the lines"},
      {"{\"smsd\":2}", "does not have \"smsd\":1, the version of the lines"},
      {"{\"smsd\":\"1\"}", "has a `smsd` that is not a number without a fraction"},
      {"{\"smsd\":1,\"window\":0}", "has a `window` that is not 1 to 65536"},
      {"{\"smsd\":1,\"window\":65537}", "has a `window` that is not 1 to 65536"},
      {"{\"smsd\":1,\"window\":-1}", "has a `window` below 0"},
      {"{\"smsd\":1,\"window\":1.5}", "has a `window` that is not a number without a fraction"},
      {"{\"smsd\":1,\"knows_keys\":1}", "has a `knows_keys` that is not true or false"},
      {"{\"smsd\":1,\"smsd\":1}", "has a field twice"},
  };
  for (auto& [line, reason] : table) EXPECT_EQ(misfitOf(readGreeting(line)), reason) << line;
}

TEST(CommandLines, ReadEachOutcome) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"{\"id\":\"7\",\"outcome\":\"accepted\",\"reference\":\"r1\"}", "accepted: r1"},
      {"{\"id\":\"7\",\"outcome\":\"accepted\"}", "accepted"},
      {"{\"id\":\"7\",\"outcome\":\"refused\",\"reason\":\"no\"}", "refused: no"},
      {"{\"id\":\"7\",\"outcome\":\"refused\"}", "refused: the program gave no reason"},
      {"{\"id\":\"7\",\"outcome\":\"broken\",\"reason\":\"no\"}", "broken: no"},
      {"{\"id\":\"7\",\"outcome\":\"unknown\",\"reason\":\"no\"}", "unknown: no"},
      {"{\"outcome\":\"deferred\",\"reason\":\"no\",\"id\":\"7\",\"more\":{\"id\":[1,{}]}}", "deferred: no"},
  };
  for (auto& [line, outcome] : table) {
    auto read = readLine(line);
    ASSERT_TRUE(std::holds_alternative<OutcomeLine>(read)) << line << ": " << misfitOf(read);
    EXPECT_EQ(std::get<OutcomeLine>(read).id, "7");
    EXPECT_EQ(test::said(std::get<OutcomeLine>(read).outcome), outcome) << line;
  }
  auto deferred = std::get<kit::Deferred>(
      std::get<OutcomeLine>(
          readLine("{\"id\":\"7\",\"outcome\":\"deferred\",\"after_ms\":1500,\"not_reached\":true}"))
          .outcome);
  EXPECT_EQ(deferred.after, 1500ms);
  EXPECT_EQ(deferred.reached, kit::Reached::no);
}

TEST(CommandLines, ReadHealth) {
  EXPECT_EQ(std::get<HealthLine>(readLine("{\"health\":\"ready\"}")).broken, "");
  EXPECT_EQ(std::get<HealthLine>(readLine("{\"health\":\"broken\",\"reason\":\"no SIM\"}")).broken, "no SIM");
  EXPECT_EQ(std::get<HealthLine>(readLine("{\"health\":\"broken\"}")).broken, "the program gave no reason");
}

TEST(CommandLines, RefuseALineThatDoesNotFitAndQuoteNothingOfIt) {
  std::string nested = "{\"id\":";
  for (int i = 0; i < mostDepth; ++i) nested += '[';
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "is not one JSON object"},
      {"canary", "is not one JSON object"},
      {"{\"id\":\"7\",\"outcome\":\"accepted\"", "is not one JSON object"},
      {"{\"id\":\"\xff\",\"outcome\":\"accepted\"}", "is not one JSON object"},
      {nested, "is not one JSON object"},
      {"{\"canary\":1}", "has neither an `outcome` nor a `health`"},
      {"{\"id\":\"7\",\"outcome\":\"canary\"}",
       "has an `outcome` that is none of accepted, refused, deferred, broken and unknown"},
      {"{\"id\":\"7\",\"outcome\":true}", "has a `outcome` that is not a text"},
      {"{\"id\":7,\"outcome\":\"accepted\"}", "has a `id` that is not a text"},
      {"{\"outcome\":\"accepted\"}", "has an outcome without an `id`"},
      {"{\"id\":\"7\",\"outcome\":\"refused\",\"reason\":[\"canary\"]}", "has a `reason` that is not a text"},
      {"{\"id\":\"7\",\"outcome\":\"deferred\",\"after_ms\":-1}", "has a `after_ms` below 0"},
      {"{\"id\":\"7\",\"outcome\":\"deferred\",\"not_reached\":\"canary\"}",
       "has a `not_reached` that is not true or false"},
      {"{\"id\":\"7\",\"outcome\":\"refused\",\"outcome\":\"accepted\"}", "has a field twice"},
      {"{\"health\":\"canary\"}", "has a `health` that is neither ready nor broken"},
      {"{\"x\":\"" + std::string(mostLine, 'x') + "\"}", "has 16392 bytes, expected at most 16384"},
  };
  for (auto& [line, reason] : table) {
    EXPECT_EQ(misfitOf(readLine(line)), reason) << line.substr(0, 80);
    EXPECT_EQ(misfitOf(readLine(line)).find("canary"), std::string::npos);
  }
}

TEST(ProgramEnds, MeanTheOutcomesOfTheManual) {
  using How = ProgramEnd::How;
  struct Case {
    ProgramEnd end;
    const char* firstLine;
    const char* outcome;
  };
  const std::vector<Case> table = {
      {{How::exited, 0}, "ref 1", "accepted: ref 1"},
      {{How::exited, 0}, "", "accepted"},
      {{How::exited, 65}, "bad number", "refused: bad number"},
      {{How::exited, 65}, "", "refused: the program ended with status 65"},
      {{How::exited, 75}, "later", "deferred: later"},
      {{How::exited, 69}, "", "broken: the program ended with status 69"},
      {{How::exited, 78}, "no key", "broken: no key"},
      {{How::exited, 1}, "oops", "unknown: the program ended with status 1: oops"},
      {{How::exited, 127}, "", "unknown: the program ended with status 127"},
      {{How::exited, 255}, "", "unknown: the program ended with status 255"},
      {{How::signalled, 9}, "ref", "unknown: the program was ended by signal 9 (Killed)"},
      {{How::signalled, 15}, "", "unknown: the program was ended by signal 15 (Terminated)"},
      {{How::lost, 0}, "ref", "unknown: the program's end is not known"},
      {{How::notExecuted, ENOEXEC}, "", "broken: the program cannot be executed: Exec format error"},
      {{How::notStarted, EAGAIN},
       "",
       "deferred: the program was not started: Resource temporarily unavailable"},
  };
  for (auto& [end, firstLine, outcome] : table)
    EXPECT_EQ(test::said(outcomeOf(end, firstLine)), outcome) << outcome;
  for (int status = 0; status < 256; ++status) {
    const bool known = status == 0 || status == 65 || status == 69 || status == 75 || status == 78;
    EXPECT_EQ(std::holds_alternative<kit::Unknown>(outcomeOf({How::exited, status}, "")), !known) << status;
  }
}

TEST(OutputLines, CutTheOutputWhereverItsPiecesEnd) {
  const std::string text = "one\n\ntwo\nrest";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    OutputLines lines(8, TooLong::refused);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < text.size(); at += piece)
      EXPECT_TRUE(lines.feed(text.substr(at, piece), [&](std::string&& line) { found.push_back(line); }));
    EXPECT_EQ(found, (std::vector<std::string>{"one", "", "two"})) << piece;
    EXPECT_EQ(lines.rest(), "rest");
  }
}

TEST(OutputLines, RefuseOrCutALineThatIsTooLong) {
  for (const std::string text : {"12345\n", "12345", "x\n123456789"}) {
    OutputLines lines(4, TooLong::refused);
    EXPECT_FALSE(lines.feed(text, [](std::string&&) {})) << text;
  }
  OutputLines lines(4, TooLong::cut);
  std::vector<std::string> found;
  for (const std::string text : {"123", "456", "789\nab\n123456", "7"})
    EXPECT_TRUE(lines.feed(text, [&](std::string&& line) { found.push_back(line); }));
  EXPECT_EQ(found, (std::vector<std::string>{"1234", "ab"}));
  EXPECT_EQ(lines.rest(), "1234");
}

TEST(Remarks, HaveTheLevelOfTheirPrefix) {
  using journal::Level;
  struct Case {
    const char* line;
    Level level;
    const char* text;
  };
  const std::vector<Case> table = {
      {"plain", Level::info, "plain"}, {"<0>a", Level::error, "a"},
      {"<3>a", Level::error, "a"},     {"<4> a", Level::warning, " a"},
      {"<5>a", Level::notice, "a"},    {"<6>a", Level::info, "a"},
      {"<7>a", Level::debug, "a"},     {"<8>a", Level::info, "<8>a"},
      {"<3", Level::info, "<3"},       {"E! a", Level::error, "a"},
      {"W! a", Level::warning, "a"},   {"I! a", Level::info, "a"},
      {"D! a", Level::debug, "a"},     {"E!a", Level::info, "E!a"},
      {"", Level::info, ""},           {"W! a\x1b[2J", Level::warning, "a?[2J"},
  };
  for (auto& [line, level, text] : table) {
    EXPECT_EQ(readRemark(line).level, level) << line;
    EXPECT_EQ(readRemark(line).text, text) << line;
  }
  EXPECT_LE(readRemark(std::string(5000, 'x')).text.size(), mostRemark);
}

TEST(Remarks, AreAHundredAtOnceAndTwentyASecondAfterwards) {
  RemarkBudget budget(0ms);
  int written = 0;
  for (int i = 0; i < 500; ++i) written += budget.admits(0ms);
  EXPECT_EQ(written, 100);
  EXPECT_EQ(budget.takeLeftOut(), 400U);
  EXPECT_EQ(budget.takeLeftOut(), 0U);
  for (int i = 0; i < 10000; ++i) written += budget.admits(std::chrono::milliseconds(i));
  EXPECT_NEAR(written, 300, 1);
}

TEST(StarterMessages, AreReadAsTheyWereWritten) {
  std::string bytes = packed(StarterOrder{StarterOrder::What::start, 4711}, std::string_view("A=1\0B=\0", 7));
  std::string_view rest = bytes;
  auto order = unpack<StarterOrder>(rest);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->what, StarterOrder::What::start);
  EXPECT_EQ(order->id, 4711U);
  EXPECT_EQ(textsIn(rest), (std::vector<std::string>{"A=1", "B="}));
  std::string_view little = "abc";
  EXPECT_FALSE(unpack<StarterOrder>(little));
}

}  // namespace
}  // namespace smsd::command
