// SPDX-License-Identifier: GPL-3.0-or-later
// Files of certificates and keys: what is read, and what is refused before anything waits for it.
#include "workers/net/pem.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/workers/peers.h"

namespace smsd::net {
namespace {

constexpr const char* certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
constexpr const char* key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";

class Pem : public testing::Test {
 protected:
  ~Pem() noexcept override = default;
  std::filesystem::path file(const std::string& content, mode_t mode = 0644) {
    auto path = folder.path / std::to_string(++files);
    std::ofstream(path) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string problemOf(const std::filesystem::path& path, PemOf what) {
    auto read = readPem(path, what);
    EXPECT_EQ(read.text.empty(), !read.problem.empty());
    return read.problem;
  }
  test::Folder folder;
  int files = 0;
};

TEST_F(Pem, GivesTheWholeText) {
  std::string text = std::string("a comment\n") + certificate + std::string(200'000, '\n') + certificate;
  EXPECT_EQ(readPem(file(text), PemOf::authority).text, text);
  EXPECT_EQ(readPem(file(key, 0640), PemOf::key).text, key);
  for (std::string kind : {"RSA ", "EC ", "ENCRYPTED "})
    EXPECT_EQ(problemOf(file("-----BEGIN " + kind + "PRIVATE KEY-----\n", 0400), PemOf::key), "");
}

TEST_F(Pem, TakesNoKeyThatEverybodyMayReadOrWrite) {
  for (mode_t mode : {0604, 0602, 0601, 0644, 0666})
    EXPECT_NE(problemOf(file(key, mode), PemOf::key).find("chmod o="), std::string::npos) << mode;
  EXPECT_EQ(problemOf(file(certificate, 0644), PemOf::certificate), "");
}

TEST_F(Pem, TakesNothingElse) {
  EXPECT_EQ(problemOf(file(certificate, 0600), PemOf::key), "holds no private key in PEM form");
  EXPECT_EQ(problemOf(file("MIIB", 0600), PemOf::authority), "holds no certificate in PEM form");
  EXPECT_EQ(problemOf(file("", 0600), PemOf::certificate), "holds no certificate in PEM form");
  EXPECT_EQ(problemOf(file(certificate + std::string(9 << 20, '\n')), PemOf::authority), "too long");
  EXPECT_EQ(problemOf(folder.path / "none", PemOf::authority), "cannot be read (No such file or directory)");
  EXPECT_EQ(problemOf(folder.path, PemOf::authority), "not a regular file");
  EXPECT_EQ(problemOf("/dev/zero", PemOf::authority), "not a regular file");
  // A regular file whose first page cannot be read.
  EXPECT_EQ(problemOf("/proc/self/mem", PemOf::authority), "cannot be read (Input/output error)");
}

// As the credentials that systemd hands over beside the configuration.
TEST_F(Pem, IsFoundBesideTheConfigurationThatNamesItOrWhereAnAbsolutePathSays) {
  std::filesystem::path beside = file(certificate), elsewhere = "/etc/ssl/ca.pem";
  std::filesystem::path named;
  config::Keys keys;
  keys.path("ca_file", named, "a file");
  ASSERT_TRUE(keys.read("ca_file: " + beside.filename().string(), folder.path / "gateway.yaml").empty());
  EXPECT_EQ(fileOf(keys, named), beside);
  EXPECT_EQ(fileOf(keys, elsewhere), elsewhere);
}

TEST_F(Pem, DoesNotWaitForAFifo) {
  auto fifo = folder.path / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(problemOf(fifo, PemOf::authority), "not a regular file");
}

}  // namespace
}  // namespace smsd::net
