// SPDX-License-Identifier: GPL-3.0-or-later
// Requests over real connections, to http-gateway.py and nginx on loopback.
#include <arpa/inet.h>
#include <kj/vector.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <numeric>

#include "tests/workers/transfers-bench.h"

namespace smsd::net {
namespace {

/// A port that is bound, so that nobody else has it; it answers as its backlog says.
class Port {
 public:
  enum class As { closed, mute };  // refuses; or takes connections, and never a byte
  explicit Port(As as) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        (as == As::mute && ::listen(fd_, 8) != 0) ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no port");
    number = ntohs(address.sin_port);
  }
  ~Port() { ::close(fd_); }
  std::uint16_t number = 0;

 private:
  int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST_F(TransfersTest, SendTheUrlAsItStandsAndTheHeadersGiven) {
  Gateway gateway;
  std::string path = "/a%20b/./..%2F;x?to=%2B47&m=a%0Ab%25&m=";
  Exchange exchange = transfers()
                          .run({url(gateway.port(), path), {"Idempotency-Key: k-1", "X-Two: 2"}, 10s})
                          .wait(io.waitScope);
  EXPECT_EQ(exchange.status, 200);
  auto request = gateway.requests().at(0);
  EXPECT_EQ(request["method"], "GET");
  EXPECT_EQ(request["path"].get<std::string>() + "?" + request["query"].get<std::string>(), path);
  EXPECT_EQ(request["headers"]["idempotency-key"], "k-1");
  EXPECT_EQ(request["headers"]["x-two"], "2");
  EXPECT_FALSE(request["headers"].contains("authorization"));
}

// What is asked for is set apart from where: neither may stay from an earlier request.
TEST_F(TransfersTest, AskEachGatewayForWhatItsUrlNames) {
  Gateway one, other;
  settings.connections = 1;
  for (auto* gateway : {&one, &other, &one}) {
    EXPECT_EQ(get(url(gateway->port(), "?m=1")).status, 200) << "a query without a path";
    EXPECT_EQ(get(url(gateway->port(), "")).status, 200);
    EXPECT_EQ(get(url(gateway->port(), "/b/c?m=2?/")).status, 200);
  }
  for (auto [gateway, rounds] : {std::pair(&one, 2u), std::pair(&other, 1u)}) {
    auto requests = gateway->requests();
    ASSERT_EQ(requests.size(), 3 * rounds);
    const std::pair<const char*, const char*> expected[] = {{"/", "m=1"}, {"/", ""}, {"/b/c", "m=2?/"}};
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(requests[i]["path"], expected[i % 3].first) << i;
      EXPECT_EQ(requests[i]["query"], expected[i % 3].second) << i;
      EXPECT_EQ(requests[i]["headers"]["host"], "127.0.0.1:" + std::to_string(gateway->port())) << i;
    }
  }
}

TEST_F(TransfersTest, AskNobodyForWhatIsNoUrlOfHttp) {
  Gateway gateway;
  for (std::string wrong : {"ftp://127.0.0.1:", "gopher://127.0.0.1:"}) {
    EXPECT_EQ(get(url(gateway.port(), "/before")).status, 200);
    auto exchange = get(wrong + std::to_string(gateway.port()) + "/wrong");
    EXPECT_EQ(exchange.status, 0) << wrong;
    EXPECT_EQ(exchange.sent, Sent::nothing) << wrong;
  }
  EXPECT_EQ(get(url(gateway.port(), "/after")).status, 200);
  auto requests = gateway.requests();
  ASSERT_EQ(requests.size(), 3U);
  for (auto& request : requests) EXPECT_NE(request["path"], "/wrong");
}

TEST_F(TransfersTest, SendNoHeaderOfAnEarlierRequest) {
  Gateway gateway;
  transfers().run({url(gateway.port()), {"Idempotency-Key: k-1"}, 10s}).wait(io.waitScope);
  get(url(gateway.port()));
  EXPECT_FALSE(gateway.requests().at(1)["headers"].contains("idempotency-key"));
}

TEST_F(TransfersTest, TellEachStatusApartC66) {
  Gateway gateway;
  for (auto [status, outcome] : std::initializer_list<std::pair<int, const char*>>{{200, "accepted"},
                                                                                   {202, "accepted"},
                                                                                   {204, "accepted"},
                                                                                   {400, "refused"},
                                                                                   {404, "broken"},
                                                                                   {422, "refused"},
                                                                                   {401, "broken"},
                                                                                   {403, "broken"},
                                                                                   {407, "broken"},
                                                                                   {418, "deferred"},
                                                                                   {429, "deferred"},
                                                                                   {500, "deferred"},
                                                                                   {503, "deferred"},
                                                                                   {502, "unknown"},
                                                                                   {504, "unknown"}}) {
    Exchange exchange = get(url(gateway.port(), "/-/status=" + std::to_string(status) + "/"));
    EXPECT_EQ(exchange.status, status);
    EXPECT_EQ(nameOf(exchange), outcome) << status;
  }
}

TEST_F(TransfersTest, ReadRetryAfterAsSecondsAndAsADateC66) {
  Gateway gateway;
  EXPECT_EQ(get(url(gateway.port(), "/-/status=503,retry-after=7/")).retryAfter, 7s);
  EXPECT_EQ(get(url(gateway.port(), "/-/status=503/")).retryAfter, 0s);
  EXPECT_EQ(get(url(gateway.port(), "/-/status=503,retry-after=soon/")).retryAfter, 0s);
  EXPECT_EQ(get(url(gateway.port(), "/-/status=503,retry-after=999999999/")).retryAfter, longestRetryAfter);
  EXPECT_EQ(get(url(gateway.port(), "/-/status=503,retry-after=Fri%2C%2031%20Dec%201999%2023:59:59%20GMT/"))
                .retryAfter,
            0s);
  time_t then = time(nullptr) + 300;
  char date[64];
  strftime(date, sizeof date, "%a%%2C%%20%d%%20%b%%20%Y%%20%H:%M:%S%%20GMT", gmtime(&then));
  Milliseconds after =
      get(url(gateway.port(), std::string("/-/status=503,retry-after=") + date + "/")).retryAfter;
  EXPECT_LE(after, 300s);
  EXPECT_GE(after, 240s);
}

TEST_F(TransfersTest, FollowNoRedirectC66) {
  Gateway gateway;
  Gateway other;
  std::string target = "http%3A%2F%2F127.0.0.1%3A" + std::to_string(other.port()) + "%2F";
  for (auto status : {"301", "302", "303", "307", "308"})
    EXPECT_EQ(
        outcomeOfGet(url(gateway.port(), std::string("/-/status=") + status + ",location=" + target + "/")),
        "broken");
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(TransfersTest, UseNoProxyOfTheEnvironment) {
  Gateway gateway;
  Port closed(Port::As::closed);
  for (auto name : {"http_proxy", "all_proxy"}) ::setenv(name, url(closed.number).c_str(), 1);
  EXPECT_EQ(outcomeOfGet(url(gateway.port())), "accepted");
  for (auto name : {"http_proxy", "all_proxy"}) ::unsetenv(name);
}

TEST_F(TransfersTest, DeferWhatWasRefusedAConnectionC61) {
  Port port(Port::As::closed);
  Exchange exchange = get(url(port.number));
  EXPECT_EQ(exchange.sent, Sent::nothing);
  EXPECT_EQ(exchange.failure, Failure::unreachable);
  EXPECT_EQ(exchange.detail, "Connection refused");
  EXPECT_EQ(nameOf(exchange), "deferred");
}

TEST_F(TransfersTest, DeferWhatHasNoAddressC61) {
  EXPECT_EQ(outcomeOfGet("http://no-such-gateway.invalid/"), "deferred");
}

TEST_F(TransfersTest, DeferWhatGotNoConnectionInTime) {
  settings.connectTimeout = 200ms;
  Port port(Port::As::mute);
  // TCP is there, TLS never: the request stays here
  Exchange exchange = get(url(port.number, "/", "https://127.0.0.1"));
  EXPECT_EQ(exchange.failure, Failure::timeout);
  EXPECT_EQ(nameOf(exchange), "deferred");
}

TEST_F(TransfersTest, KnowNothingAfterSilenceUntilTheDeadlineC60) {
  Gateway gateway;
  auto before = std::chrono::steady_clock::now();
  Exchange exchange = get(url(gateway.port(), "/-/silent/"), 300ms);
  auto taken = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(exchange.failure, Failure::timeout);
  EXPECT_EQ(nameOf(exchange), "unknown");
  EXPECT_GE(taken, 290ms);
  EXPECT_LT(taken, 5s);
}

TEST_F(TransfersTest, KnowNothingAfterACutBeforeTheEndOfTheHeaders) {
  Gateway gateway;
  for (auto behaviour : {"cut=before", "cut=headers", "reset", "garbage"})
    EXPECT_EQ(outcomeOfGet(url(gateway.port(), std::string("/-/") + behaviour + "/")), "unknown")
        << behaviour;
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/slow=0.05/"), 300ms), "unknown") << "headers that trickle";
  EXPECT_EQ(gateway.requests().size(), 5U);
}

TEST_F(TransfersTest, BelieveTheStatusOfAnAnswerWhoseBodyIsCut) {
  Gateway gateway;
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/cut=body/")), "accepted");
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/cut=body,status=503/")), "deferred");
}

TEST_F(TransfersTest, ReadNoEndlessBodyToTheEnd) {
  Gateway gateway;
  auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/endless/"), 20s), "accepted");
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/endless,status=400/"), 20s), "refused");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/trickle=0.02/"), 300ms), "accepted")
      << "the deadline ends it";
}

TEST_F(TransfersTest, ReuseAConnection) {
  Gateway gateway;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(outcomeOfGet(url(gateway.port())), "accepted");
  EXPECT_EQ(gateway.requests().size(), 20U);
  EXPECT_EQ(gateway.connections(), 1U);
}

TEST_F(TransfersTest, NeverSendARequestTwiceWhenAKeptConnectionIsCut) {
  Gateway gateway({"cut=reused"});
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/?m=1")), "accepted");
  Exchange exchange = get(url(gateway.port(), "/?m=2"));
  EXPECT_EQ(exchange.failure, Failure::resend);
  EXPECT_EQ(nameOf(exchange), "unknown");
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/?m=3")), "accepted");
  std::vector<std::string> queries;
  for (auto& request : gateway.requests()) queries.push_back(request["query"]);
  EXPECT_EQ(queries, (std::vector<std::string>{"m=1", "m=2", "m=3"}));
}

TEST_F(TransfersTest, LetASlowAnswerDelayNoOther) {
  Gateway gateway;
  auto slow = transfers().run({url(gateway.port(), "/-/silent/"), {}, 1h});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(outcomeOfGet(url(gateway.port())), "accepted");
}

TEST_F(TransfersTest, EndAtOnceWhatIsUnderWayWhenTheyGo) {
  Gateway gateway;
  auto pending = transfers().run({url(gateway.port(), "/-/silent/"), {}, 1h});
  get(url(gateway.port()));
  transfers_.reset();
  EXPECT_THROW(pending.wait(io.waitScope), kj::Exception);
}

TEST_F(TransfersTest, TakeAPromiseThatNobodyWaitsForAnyMore) {
  Gateway gateway;
  { auto dropped = transfers().run({url(gateway.port(), "/-/delay=0.05/"), {}, 10s}); }
  EXPECT_EQ(outcomeOfGet(url(gateway.port(), "/-/delay=0.1/")), "accepted");
}

TEST_F(TransfersTest, CarryManyAtOnceOverFewConnections) {
  if (!Nginx::isInstalled()) GTEST_SKIP() << "no nginx here";
  constexpr std::size_t total = 4000, window = 32;
  settings.connections = window;
  Nginx nginx(100);  // a connection ends, politely, after a hundred
  std::size_t begun = 0, accepted = 0;
  std::function<kj::Promise<void>()> next = [&]() -> kj::Promise<void> {
    if (begun++ >= total) return kj::READY_NOW;
    return transfers().run({url(nginx.port()), {}, 30s}).then([&](Exchange exchange) {
      accepted += nameOf(exchange) == "accepted";
      return next();
    });
  };
  kj::Vector<kj::Promise<void>> lines;
  for (std::size_t i = 0; i < window; ++i) lines.add(next());
  kj::joinPromises(lines.releaseAsArray()).wait(io.waitScope);
  EXPECT_EQ(accepted, total);
  auto counts = nginx.requestsOfConnections();
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t(0)), total);
  EXPECT_LE(counts.size(), total / 100 + window) << "connections were not reused";
}

}  // namespace
}  // namespace smsd::net
