// SPDX-License-Identifier: GPL-3.0-or-later
// Values that a configuration names in a form of their own: durations, and secrets in files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "common/config/keys.h"
#include "common/config/yaml-tree.h"
#include "common/text/utf.h"

namespace smsd::config {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST(Duration, IsANumberAndOneUnit) {
  EXPECT_EQ(parseDuration("500ms"), 500ms);
  EXPECT_EQ(parseDuration("30s"), 30s);
  EXPECT_EQ(parseDuration("5m"), 5min);
  EXPECT_EQ(parseDuration("1h"), 1h);
  EXPECT_EQ(parseDuration("2d"), 48h);
  EXPECT_EQ(parseDuration("0"), 0ms);
  for (const char* text : {"", "s", "30", "1h30m", "1.5s", "-1s", "+1s", " 1s", "1s ", "1 s", "1S", "1w",
                           "0x1s", "99999999999999999999s", "9223372036854775807d"})
    EXPECT_EQ(parseDuration(text), std::nullopt) << text;
}

TEST(Duration, IsReadBackAsItWasPrinted) {
  for (const Milliseconds value :
       {0ms, 1ms, 999ms, Milliseconds(1s), 1001ms, Milliseconds(90s), Milliseconds(24h), Milliseconds(25h),
        Milliseconds(std::numeric_limits<std::int64_t>::max())})
    EXPECT_EQ(parseDuration(printDuration(value)), value) << printDuration(value);
}

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
    EXPECT_NE(problem.find("is open to everybody (mode 06"), std::string::npos) << problem;
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

TEST(QuotedScalar, ReadsAsTheValueAndHoldsNothingThatActs) {
  for (const std::string value :
       {"plain", "", "it's \"quoted\" \\ {x}: # no", "line\nend\r\t\x1B[2J\x07\x7F",
        "\u0085\u009B31m\u2028\u202E\u2066", "æøå 👍", "- *alias &anchor !tag %directive"}) {
    const std::string scalar = quotedScalar(value);
    EXPECT_EQ(text::printableLines(scalar), scalar) << value;
    EXPECT_EQ(scalar.find('\n'), scalar.npos);
    const auto read = parseYaml("key: " + scalar, Quoting::nothing);
    const auto* tree = std::get_if<Node>(&read);
    ASSERT_NE(tree, nullptr) << scalar;
    EXPECT_EQ(tree->entries.at(0).value.scalar, value) << scalar;
  }
}

}  // namespace
}  // namespace smsd::config
