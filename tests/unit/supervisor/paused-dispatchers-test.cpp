// SPDX-License-Identifier: GPL-3.0-or-later
// The file that keeps an operator's pauses over restarts.
#include "supervisor/control/paused-dispatchers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace smsd::control {
namespace {

namespace fs = std::filesystem;

class PausesFile : public testing::Test {
 protected:
  PausesFile() : folder_(fs::temp_directory_path() / ("pauses-" + std::to_string(getpid()))) {
    fs::create_directory(folder_);
  }
  ~PausesFile() override { fs::remove_all(folder_); }
  fs::path file() const { return folder_ / "paused"; }
  std::string content() const {
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  fs::path folder_;
};

TEST_F(PausesFile, APauseOutlivesWhoWroteItAndAResumeEndsIt) {
  EXPECT_FALSE(Pauses(file()).has("modem"));
  {
    Pauses pauses(file());
    pauses.add("modem");
    pauses.add("gateway");
  }
  EXPECT_TRUE(Pauses(file()).has("modem"));
  Pauses(file()).remove("modem");
  EXPECT_FALSE(Pauses(file()).has("modem"));
  EXPECT_TRUE(Pauses(file()).has("gateway"));
  EXPECT_EQ(content(), "gateway\n");
}

TEST_F(PausesFile, WhatAKillLeftHalfWrittenIsNotRead) {
  Pauses(file()).add("modem");
  std::ofstream(file().string() + ".new") << "gate";
  Pauses pauses(file());
  EXPECT_TRUE(pauses.has("modem"));
  EXPECT_FALSE(pauses.has("gate"));
  pauses.add("gateway");
  EXPECT_EQ(content(), "gateway\nmodem\n");
}

TEST_F(PausesFile, WhatCouldNotBeWrittenIsWrittenWhenItIsSaidAgain) {
  Pauses pauses(file());
  fs::create_directory(file().string() + ".new");  // in its way, as a full disk is
  EXPECT_THROW(pauses.add("modem"), std::system_error);
  EXPECT_THROW(pauses.add("modem"), std::system_error);
  fs::remove(file().string() + ".new");
  pauses.add("modem");
  EXPECT_EQ(content(), "modem\n");
  pauses.add("modem");
  EXPECT_EQ(content(), "modem\n");
}

TEST_F(PausesFile, AFileThatCannotBeReadOrWrittenIsSaid) {
  fs::create_directory(file());
  EXPECT_THROW(Pauses{file()}, std::system_error);
  fs::remove(file());
  Pauses pauses(file());
  fs::create_directory(file().string() + ".new");
  EXPECT_THROW(pauses.add("modem"), std::system_error);
}

}  // namespace
}  // namespace smsd::control
