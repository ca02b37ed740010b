// SPDX-License-Identifier: GPL-3.0-or-later
// An smsd.yaml in a folder of its own, with the files of its dispatchers, that the tests of its keys read.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "supervisor/config/config.h"

namespace smsd::config {

namespace fs = std::filesystem;

class SupervisorConfig : public testing::Test {
 protected:
  fs::path folder = fs::path(testing::TempDir()) / ("smsd-config-" + std::to_string(getpid()));
  const std::string oneDispatcher = "dispatchers: [{name: a, kind: debug}]\n";

  void SetUp() override {
    fs::create_directories(folder / "dispatchers");
    for (const char* name : {"a", "b", "modem", "gateway", "fallback"})
      write(folder / "dispatchers" / (name + std::string(".yaml")));
  }
  void TearDown() override { fs::remove_all(folder); }

  static void write(const fs::path& file, const std::string& text = "", mode_t mode = 0640) {
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
  }
  ConfigRead read(const std::string& yaml) {
    write(folder / "smsd.yaml", yaml);
    return readConfig(folder / "smsd.yaml", Reach::dispatcherFiles);
  }
  // without the folder, which is another one in each run
  std::string problemsOf(const std::string& yaml) {
    std::string text = describe(read(yaml).problems);
    for (std::size_t at; (at = text.find(folder.string() + "/")) != std::string::npos;)
      text.erase(at, folder.string().size() + 1);
    return text;
  }
};

}  // namespace smsd::config
