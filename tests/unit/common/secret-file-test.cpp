// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets in files that a configuration names.
#include "common/config/secret-file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/config/keys.h"

namespace smsd::config {
namespace {

namespace fs = std::filesystem;

class SecretFile : public testing::Test {
 protected:
  fs::path folder = fs::path(testing::TempDir()) / ("smsd-secret-" + std::to_string(getpid()));
  void SetUp() override { fs::create_directory(folder); }
  void TearDown() override { fs::remove_all(folder); }

  void write(const std::string& content, mode_t mode) {
    std::ofstream(folder / "pin") << content;
    ASSERT_EQ(chmod((folder / "pin").c_str(), mode), 0);
  }
  std::string read(std::string_view yaml) {
    Keys keys;
    keys.secretFile("pin_file", secret, "the PIN");
    return describe(keys.read(yaml, (folder / "f.yaml").string()));
  }
  Secret secret;
};

TEST_F(SecretFile, GivesTheFirstLineOfAFileBesideTheConfiguration) {
  for (const char* content : {"1234", "1234\n", "1234\r\n", "1234\nmore\n"}) {
    write(content, 0640);
    EXPECT_EQ(read("pin_file: pin"), "");
    EXPECT_EQ(secret.reveal(), "1234");
  }
  write("5678\n", 0400);
  EXPECT_EQ(read("pin_file: " + (folder / "pin").string()), "");
  EXPECT_EQ(secret.reveal(), "5678");
}

TEST_F(SecretFile, IsRefusedWhenOthersCanReadOrWriteIt) {
  for (const mode_t mode : {0644, 0642, 0604}) {
    write("hunter2\n", mode);
    const std::string problem = read("pin_file: pin");
    EXPECT_NE(problem.find("is open to all users (mode 06"), std::string::npos) << problem;
    EXPECT_EQ(problem.find("hunter2"), std::string::npos);
    EXPECT_TRUE(secret.empty());
  }
}

TEST_F(SecretFile, IsRefusedWhenItHoldsNoSecret) {
  write("\nhunter2\n", 0600);
  EXPECT_NE(read("pin_file: pin").find("has an empty first line"), std::string::npos);
  // A regular file whose first page cannot be read.
  EXPECT_NE(read("pin_file: /proc/self/mem").find("/proc/self/mem cannot be read (Input/output error)"),
            std::string::npos);
  write(std::string(100000, 'x'), 0600);
  EXPECT_NE(read("pin_file: pin").find("does not look like a secret"), std::string::npos);
  EXPECT_NE(read("pin_file: .").find("is not a regular file"), std::string::npos);
  EXPECT_TRUE(secret.empty());
}

TEST_F(SecretFile, NeverShowsWhatSomebodyWroteInsteadOfItsPath) {
  const std::string problem = read("pin_file: hunter2");
  EXPECT_EQ(problem,
            (folder / "f.yaml").string() +
                ":1:11: pin_file: found no such file, expected the path of a file whose first line is the "
                "secret\n");
}

TEST_F(SecretFile, DoesNotWaitForAFifo) {
  ASSERT_EQ(mkfifo((folder / "pin").c_str(), 0600), 0);
  EXPECT_NE(read("pin_file: pin").find("is not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace smsd::config
