// SPDX-License-Identifier: GPL-3.0-or-later
// What of an operator's description of a far end needs no far end: secrets that are hidden, times, the lock.
#include "workers/net/endpoint.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/workers/peers.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

class EndpointTest : public testing::Test {
 protected:
  ~EndpointTest() noexcept override = default;
  std::string file(const std::string& name, const std::string& secret) {
    auto path = folder.path / name;
    std::ofstream(path) << secret;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }
  Endpoint endpointOf(const std::string& yaml) {
    Endpoint endpoint;
    config::Keys keys;
    endpoint.declare(keys);
    EXPECT_EQ(config::describe(keys.read(yaml, "gateway.yaml")), "");
    return endpoint;
  }
  static std::string shown(const Endpoint& endpoint, std::string said) {
    endpoint.hideSecrets(said);
    return said;
  }
  test::Folder folder;
};

TEST_F(EndpointTest, HidesASecretInEachFormItMayComeBackInC62) {
  auto endpoint = endpointOf("secrets: [{name: token, file: " + file("token", "a\"b<c d&\\") + "}]\n");
  for (std::string form :
       {"a\"b<c d&\\", "a%22b%3Cc%20d%26%5C", "a\\\"b<c d&\\\\", "a&quot;b&lt;c d&amp;\\", "YSJiPGMgZCZc"})
    EXPECT_EQ(shown(endpoint, "<" + form + "> and <" + form + ">"), "<(hidden)> and <(hidden)>") << form;
  EXPECT_EQ(shown(endpoint, "an id of theirs"), "an id of theirs");
}

TEST_F(EndpointTest, HidesTokenPasswordsAndTheWholeOfALoginC62) {
  auto bearer = endpointOf("auth: {type: bearer, token_file: " + file("token", "hunter2") + "}\n");
  EXPECT_EQ(shown(bearer, "id hunter2"), "id (hidden)");
  auto basic = endpointOf(
      "auth: {type: basic, username: noc, password_file: " + file("password", "swordfish") +
      "}\nproxy: {url: 'http://p:1', username: me, password_file: " + file("proxy", "marlin") + "}\n");
  EXPECT_EQ(shown(basic, "swordfish marlin bm9jOnN3b3JkZmlzaA=="), "(hidden) (hidden) (hidden)");
}

TEST_F(EndpointTest, LeavesNothingOfASecretThatHoldsAnother) {
  auto endpoint = endpointOf("secrets: [{name: short, file: " + file("short", "sword") +
                             "}, {name: long, file: " + file("long", "swordfish") + "}]\n");
  EXPECT_EQ(shown(endpoint, "swordfish sword"), "(hidden) (hidden)");
  auto other = endpointOf("secrets: [{name: long, file: " + (folder.path / "long").string() +
                          "}, {name: short, file: " + (folder.path / "short").string() + "}]\n");
  EXPECT_EQ(shown(other, "swordfish sword"), "(hidden) (hidden)") << "in whatever order they stand";
}

// A gateway may send such a text on purpose.
TEST_F(EndpointTest, HidesSecretsThatOccurInTheMarkOrMeetInTheText) {
  const std::tuple<std::vector<std::string>, std::string, std::string> rows[] = {
      {{"hidden"}, "id hidden 7", "id (hidden) 7"},
      {{"(hidden)"}, "a(hidden)b", "a(hidden)b"},
      {{"dden"}, "dden dden", "(hidden) (hidden)"},
      {{"swordfish", "hidden"}, "swordfish hidden", "(hidden) (hidden)"},
      {{"swordfish", "id(hid"}, "idswordfish", "id(hidden)"},
      {{"abcdef", "defghi"}, "<abcdefghi>", "<(hidden)>"},
      {{"aaaa"}, "<aaaaaa>", "<(hidden)>"},
      {{"abcd"}, "abcdabcd", "(hidden)(hidden)"}};
  for (auto& [secrets, said, expected] : rows) {
    std::string yaml = "secrets:\n";
    for (std::size_t i = 0; i < secrets.size(); ++i) {
      const std::string name = "s" + std::to_string(i);
      std::filesystem::remove(folder.path / name);
      yaml += "  - {name: " + name + ", file: " + file(name, secrets[i]) + "}\n";
    }
    EXPECT_EQ(shown(endpointOf(yaml), said), expected) << said;
  }
}

TEST_F(EndpointTest, EndsWaitingAtTheEarlierOfTheTwoTimeouts) {
  EXPECT_EQ(endpointOf("timeout: 2s\n").deadline(20s), 2s);
  EXPECT_EQ(endpointOf("timeout: 30s\n").deadline(20s), 20s);
  EXPECT_EQ(endpointOf("").deadline(20s), 20s);
}

TEST_F(EndpointTest, LetsTheLockThroughToTheGatewayOrItsProxyAndNoFurther) {
  using Ports = std::vector<std::uint16_t>;
  EXPECT_EQ(endpointOf("").policy(8443).connectPorts, (Ports{8443, 53}));
  EXPECT_EQ(endpointOf("proxy: {url: 'http://p:3128'}\n").policy(8443).connectPorts, (Ports{3128, 53}));
  EXPECT_TRUE(endpointOf("").policy(8443).writable.empty());
}

}  // namespace
}  // namespace smsd::net
