// SPDX-License-Identifier: GPL-3.0-or-later
// The file that keeps the canaries' records over restarts.
#include "supervisor/watchkeeping/canary-records.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace smsd::watchkeeping {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class CanaryFile : public testing::Test {
 protected:
  CanaryFile() : folder_(fs::temp_directory_path() / ("canary-file-" + std::to_string(getpid()))) {
    fs::create_directory(folder_);
  }
  ~CanaryFile() override { fs::remove_all(folder_); }
  fs::path file() const { return folder_ / "canaries"; }
  void put(const std::string& text) { std::ofstream(file()) << text; }
  CanaryRecords read() const {
    CanaryRecords records(file());
    records.read();
    return records;
  }

 private:
  fs::path folder_;
};

constexpr WallTime noon{std::chrono::sys_days(std::chrono::days(20'000)) + 12h};

TEST_F(CanaryFile, WhatIsWrittenIsRead) {
  CanaryRecords records(file());
  records.read();
  EXPECT_EQ(records.find("modem"), nullptr);
  records.today = {20'000, 7};
  records["modem"] = {noon,
                      CanaryResult{noon + 1s, delivery::OutcomeKind::deferred, 1234ms, "a reason, in words"}};
  records["gateway"] = {std::nullopt, CanaryResult{noon, std::nullopt, 0ms, ""}};
  records["sent"] = {noon, std::nullopt};
  records.write({"modem", "gateway", "sent"}, noon);
  const auto again = read();
  EXPECT_EQ(again.today.day, 20'000);
  EXPECT_EQ(again.today.count, 7u);
  for (const char* name : {"modem", "gateway", "sent"}) {
    ASSERT_NE(again.find(name), nullptr) << name;
    EXPECT_EQ(again.find(name)->ran, records.find(name)->ran) << name;
    EXPECT_EQ(again.find(name)->last, records.find(name)->last) << name;
  }
}

TEST_F(CanaryFile, WordsOfAWorkerStayInTheirLineAndAreCut) {
  CanaryRecords records(file());
  records["a"] = {noon, CanaryResult{noon, delivery::OutcomeKind::broken, 1ms, "x\nb 1 accepted 1 1 forged"}};
  records["c"] = {noon, CanaryResult{noon, delivery::OutcomeKind::broken, 1ms, std::string(100'000, 'x')}};
  records.write({"a", "c"}, noon);
  EXPECT_LT(fs::file_size(file()), 1000u);
  EXPECT_EQ(read().find("b"), nullptr);
  EXPECT_EQ(read().find("a")->last->words, "x b 1 accepted 1 1 forged");
}

TEST_F(CanaryFile, AnOldRecordOfADispatcherThatIsGoneIsLeftOutAndALaterOneIsKept) {
  CanaryRecords records(file());
  records["old"] = {noon - 1s, std::nullopt};
  records["late"] = {noon, std::nullopt};
  records["here"] = {noon - 1s, std::nullopt};
  records.write({"here"}, noon);
  const auto again = read();
  EXPECT_EQ(again.find("old"), nullptr);
  EXPECT_NE(again.find("late"), nullptr);
  EXPECT_NE(again.find("here"), nullptr);
}

TEST_F(CanaryFile, LinesThatAreNoRecordsAreLeftOut) {
  for (const char* line : {"modem", "modem x -", "modem 1", "modem 1 oops 1 1", "modem 1 accepted",
                           "modem 1 accepted 1 -5 x", "\xff\xfe", ""}) {
    put(std::string("oops\n") + line + "\ngateway 1 -\n");
    const auto records = read();
    EXPECT_EQ(records.today.count, 0u) << line;
    EXPECT_EQ(records.find("modem"), nullptr) << line;
    EXPECT_NE(records.find("gateway"), nullptr) << line;
  }
}

TEST_F(CanaryFile, WhatIsNoFileIsAnError) {
  fs::create_directory(file());
  EXPECT_THROW(read(), std::system_error);
}

}  // namespace
}  // namespace smsd::watchkeeping
