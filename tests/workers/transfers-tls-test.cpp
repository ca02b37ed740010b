// SPDX-License-Identifier: GPL-3.0-or-later
// Requests over TLS: which gateway is trusted, and all of it behind the lock.
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "common/sandbox/sandbox.h"
#include "tests/workers/transfers-bench.h"

namespace smsd::net {
namespace {

class TlsTest : public TransfersTest {
 protected:
  static Certificates& certificates() {
    static Certificates made;
    return made;
  }
  void SetUp() override { settings.authorities = certificates().authority(); }
};

TEST_F(TlsTest, TrustAGatewayThatItsAuthoritySigned) {
  Gateway gateway({}, certificates().good());
  for (auto start : {"https://127.0.0.1", "https://localhost"})
    for (int i = 0; i < 3; ++i) EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/", start)), "accepted") << start;
  EXPECT_EQ(gateway.connections(), 2U) << "TLS connections are kept alive too";
}

TEST_F(TlsTest, SendNothingToAGatewayThatIsNotTrusted) {
  auto refuses = [&](const std::filesystem::path& certificate, const char* words) {
    Gateway gateway({}, certificate);
    Exchange exchange = get(url(gateway.port(), "/?password=secret", "https://127.0.0.1"));
    EXPECT_EQ(exchange.failure, Failure::security) << exchange.detail;
    EXPECT_EQ(nameOf(exchange), "broken");
    EXPECT_NE(exchange.detail.find(words), std::string::npos) << exchange.detail;
    EXPECT_TRUE(gateway.requests().empty());
  };
  refuses(certificates().expired(), "its certificate has expired, or this host's clock is wrong");
  refuses(certificates().elsewhere(), "its certificate is for another host name");
}

TEST_F(TlsTest, TrustNoAuthorityThatIsNotNamed) {
  settings.authorities.clear();  // the system's, which do not know ours
  Gateway gateway({}, certificates().good());
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/", "https://127.0.0.1")), "broken");
}

TEST_F(TlsTest, CallAuthoritiesThatCannotBeReadBroken) {
  settings.authorities = "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n";
  Gateway gateway({}, certificates().good());
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/", "https://127.0.0.1")), "broken");
}

TEST_F(TlsTest, DeferWhereNoTlsIsSpoken) {
  Gateway gateway;
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/", "https://127.0.0.1")), "deferred");
}

TEST_F(TlsTest, NeverSendARequestTwiceWhenAKeptConnectionIsCut) {
  Gateway gateway({"cut=reused"}, certificates().good());
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/?m=1", "https://127.0.0.1")), "accepted");
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/?m=2", "https://127.0.0.1")), "unknown");
  EXPECT_EQ(gateway.requests().size(), 2U);
}

// The whole of it behind the inner lock: names, certificates, TLS, threads.
TEST(LockedTransfers, WorkBehindTheInnerLock) {
  Certificates certificates;
  Gateway gateway({}, certificates.good());
  pid_t child = ::fork();
  if (child == 0) {
    int result = 1;
    try {
      sandbox::Policy policy;
      policy.readable = sandbox::resolverAndCertificates();
      policy.network = sandbox::Network::outbound;
      policy.connectPorts = {gateway.port()};
      std::string authority = certificates.authority();
      sandbox::lockIn(policy);
      auto io = kj::setupAsyncIo();
      Transfers transfers({.connections = 4, .connectTimeout = 5s, .authorities = authority}, io);
      Exchange trusted =
          transfers.run({url(gateway.port(), "/", "https://localhost"), {}, 10s}).wait(io.waitScope);
      Exchange elsewhere = transfers.run({"http://127.0.0.1:9/", {}, 10s}).wait(io.waitScope);
      Transfers others({.connections = 4, .connectTimeout = 5s, .authorities = ""}, io);
      Exchange untrusted =
          others.run({url(gateway.port(), "/", "https://localhost"), {}, 10s}).wait(io.waitScope);
      std::cerr << trusted.detail << "; " << elsewhere.detail << "; " << untrusted.detail << std::endl;
      bool readTheSystemsAuthorities = untrusted.detail.find("certificate") != std::string::npos;
      result = trusted.status == 200 && nameOf(elsewhere) == "deferred" && nameOf(untrusted) == "broken" &&
                       readTheSystemsAuthorities
                   ? 0
                   : 2;
    } catch (const std::exception& e) {
      std::cerr << e.what() << std::endl;
    }
    ::_exit(result);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace smsd::net
