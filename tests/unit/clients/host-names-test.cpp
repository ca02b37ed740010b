// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/host-names.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>

namespace smsd::exporter {
namespace {

const std::vector<std::string> ours = {"noc.example.org", "noc"};

TEST(HostNames, AddressesAndOurOwnNamesAreMeantForUs) {
  for (const char* host :
       {"", "127.0.0.1", "127.0.0.1:9784", "192.0.2.7:80", "[::1]", "[::1]:9784", "[2001:db8::7]:80",
        "localhost", "LOCALHOST:9784", "noc", "noc:9784", "NOC.example.org", "noc.example.org:80", "noc:"})
    EXPECT_TRUE(isMeantForUs(host, ours)) << host;
}

TEST(HostNames, NamesOfOthersAreNot) {
  for (const char* host :
       {"evil.example", "evil.example:9784", "127.0.0.1.evil.example", "localhost.evil.example",
        "noc.evil.example", "noc.example.org.", "1.2.3", "127.1", "0x7f000001", "[::1", "[::1]x",
        "[evil.example]:80", "::1", ":80", "[]", "127.0.0.1:80x", "localhost:80:80", "noc example"})
    EXPECT_FALSE(isMeantForUs(host, ours)) << host;
}

TEST(HostNames, ThisHostHasAName) {
  char name[HOST_NAME_MAX + 1] = "";
  ASSERT_EQ(gethostname(name, sizeof name - 1), 0);
  EXPECT_TRUE(isMeantForUs(name, namesOfThisHost()));
}

}  // namespace
}  // namespace smsd::exporter
