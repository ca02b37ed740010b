// SPDX-License-Identifier: GPL-3.0-or-later
// The connections of the HTTP dispatcher to its gateway: client certificates, HTTP/2, TLS and proxies.
#include <sstream>

#include "tests/workers/http-gateways.h"

namespace smsd::http {
namespace {

TEST_F(Gateways, MayAskForACertificateOverHttp2) {
  Nginx nginx(Nginx::Settings{.certificate = certificates().good(),
                              .clientAuthority = certificates().authorityFile()});
  std::string identity = "certificate_file: " + certificates().client().string() + "\nkey_file: " +
                         file("client.key",
                              [] {
                                std::ostringstream text;
                                text << std::ifstream(certificates().client()).rdbuf();
                                return text.str();
                              }()) +
                         "\nreference: {body: '.*'}\n";
  serve(nginx.port(), withAuthority() + identity + "http_version: 2\n", "/", "https://localhost");
  EXPECT_EQ(send(), "accepted: CN=client HTTP/2.0 TLSv1.3");
  serve(nginx.port(), withAuthority() + identity, "/", "https://localhost");
  EXPECT_EQ(send(), "accepted: CN=client HTTP/1.1 TLSv1.3");
  serve(nginx.port(), withAuthority(), "/", "https://localhost");
  EXPECT_TRUE(send().ends_with(" requires a client certificate (400)")) << "nginx answers 400 without one";
  serve(nginx.port(), "", "/", "http://localhost");
  EXPECT_TRUE(send().ends_with(" requires https (400)")) << "an s that is missing loses no SMS";
}

TEST_F(Gateways, ThatEndConnectionsWithoutAWordMayBeSpokenToOnOneForEachRequest) {
  Gateway gateway({"cut=reused"});
  serve(gateway.port(), "keep_alive: false\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(), "accepted");
  EXPECT_EQ(gateway.connections(), 3U);
  serve(gateway.port(), "");
  EXPECT_EQ(send(), "accepted");
  EXPECT_TRUE(send().starts_with("unknown"));
}

TEST_F(Gateways, GetManyRequestsAtOnceOverOneConnectionOfHttp2) {
  Nginx nginx(Nginx::Settings{.certificate = certificates().good()});
  serve(nginx.port(), withAuthority() + "http_version: 2\nwindow: 100\n", "/", "https://localhost");
  ASSERT_EQ(send(), "accepted");
  kj::Vector<kj::Promise<void>> all;
  int accepted = 0;
  for (int i = 0; i < 100; ++i)
    all.add(dispatcher->send({.attempt = 1, .recipient = "1", .text = "x", .key = "k", .deadline = 20s})
                .then([&](kit::Outcome outcome) { accepted += said(outcome) == "accepted"; }));
  kj::joinPromises(all.releaseAsArray()).wait(io.waitScope);
  EXPECT_EQ(accepted, 100);
  EXPECT_LE(nginx.requestsOfConnections().size(), 3U);
}

// What is on a connection of HTTP/2 when it ends may have been looked at or not, and libcurl does not say
// which.
TEST_F(Gateways, ThatEndConnectionsOfHttp2GetNoRequestTwice) {
  for (auto [keepalive, total] : {std::pair(0, 3000), std::pair(10, 300)}) {
    Nginx nginx(Nginx::Settings{.keepalive = keepalive, .certificate = certificates().good()});
    serve(nginx.port(), withAuthority() + "http_version: 2\nmethod: POST\nbody: 'm={text}'\n", "/",
          "https://localhost");
    auto told = sendMany(total, 64);
    EXPECT_EQ(told["accepted"] + told["unknown"], total) << keepalive;
    auto requests = nginx.requestsOfKeys();
    EXPECT_GE(requests.size(), std::size_t(told["accepted"]));
    for (auto count : requests) EXPECT_EQ(count, 1U) << keepalive;
  }
}

TEST_F(Gateways, ThatBreakAConnectionOfHttp2GetNoRequestTwice) {
  Nginx nginx(Nginx::Settings{.certificate = certificates().good()});
  HttpProxy proxy("", 2500);
  serve(nginx.port(),
        withAuthority() + "http_version: 2\nproxy: {url: 'http://127.0.0.1:" + std::to_string(proxy.port()) +
            "'}\n",
        "/", "https://localhost");
  auto told = sendMany(300, 32);
  EXPECT_GT(told["unknown"], 0);
  auto requests = nginx.requestsOfKeys();
  EXPECT_GE(requests.size(), std::size_t(told["accepted"]));
  for (auto count : requests) EXPECT_EQ(count, 1U);
}

TEST_F(Gateways, ThatSpeakOnlyHttp11GetNoRequestTwiceForIt) {
  Gateway gateway({"cut=reused"}, certificates().good());
  serve(gateway.port(), withAuthority() + "http_version: 2\n", "/", "https://localhost");
  EXPECT_EQ(send(), "accepted");
  EXPECT_TRUE(send().starts_with("unknown"));
  EXPECT_EQ(gateway.requests().size(), 2U);
}

TEST_F(Gateways, ThatSpeakOnlyAnOldTlsGetNothing) {
  Nginx nginx(Nginx::Settings{.certificate = certificates().good(), .tls = "TLSv1.2"});
  serve(nginx.port(), withAuthority() + "tls_min_version: 1.3\n", "/", "https://localhost");
  EXPECT_TRUE(send().starts_with("deferred")) << send();
  serve(nginx.port(), withAuthority(), "/", "https://localhost");
  EXPECT_EQ(send(), "accepted");
  EXPECT_EQ(nginx.requestsOfConnections().size(), 1U);
}

TEST_F(Gateways, AreReachedThroughAProxy) {
  Gateway gateway;
  HttpProxy proxy("me:hunter2");
  auto through = [&](const std::string& password) {
    return "proxy: {url: 'http://127.0.0.1:" + std::to_string(proxy.port()) +
           "', username: me, password_file: " + file("proxy" + password, password) + "}\n";
  };
  serve(gateway.port(), through("hunter2"));
  EXPECT_EQ(send("x"), "accepted");
  EXPECT_EQ(proxy.asked().at(0),
            "GET http://127.0.0.1:" + std::to_string(gateway.port()) + "/?to=%2B4799999999&m=x");
  EXPECT_FALSE(gateway.requests().at(0)["headers"].contains("proxy-authorization"));
  EXPECT_EQ(dispatcher->policy().connectPorts, (std::vector<std::uint16_t>{proxy.port(), 53}));

  Gateway encrypted({}, certificates().good());
  serve(encrypted.port(), withAuthority() + through("hunter2"), "/", "https://127.0.0.1");
  EXPECT_EQ(send(), "accepted");
  EXPECT_EQ(proxy.asked().at(1), "CONNECT 127.0.0.1:" + std::to_string(encrypted.port()));
  EXPECT_FALSE(encrypted.requests().at(0)["headers"].contains("proxy-authorization"));

  serve(encrypted.port(), withAuthority() + through("wrong"), "/", "https://127.0.0.1");
  EXPECT_TRUE(send().starts_with("broken")) << send();
  serve(gateway.port(), through("wrong"));
  EXPECT_TRUE(send().starts_with("broken")) << send();
}

TEST_F(Gateways, AreDeferredWhereTheirProxyReachesNobodyOrIsNotThere) {
  HttpProxy proxy;
  serve(1, withAuthority() + "proxy: {url: 'http://127.0.0.1:" + std::to_string(proxy.port()) + "'}\n", "/",
        "https://127.0.0.1");
  EXPECT_EQ(send(), "deferred: https://127.0.0.1:1 cannot be reached: the proxy answers CONNECT with 502");
  serve(1, "proxy: {url: 'http://127.0.0.1:1'}\n");
  EXPECT_TRUE(send().starts_with("deferred")) << send();
  EXPECT_EQ(send().find("CONNECT"), std::string::npos);
}

}  // namespace
}  // namespace smsd::http
