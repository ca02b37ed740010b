// SPDX-License-Identifier: GPL-3.0-or-later
// The HTTP dispatcher against far ends as they really are: logins, client certificates, HTTP/2, proxies,
// redirects, and answers whose body says what their status does not.
#include <gtest/gtest.h>
#include <kj/vector.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"
#include "workers/http/http.h"

namespace smsd::http {
namespace {

using namespace std::chrono_literals;
using test::Certificates;
using test::Gateway;
using test::HttpProxy;
using test::Nginx;
using test::said;

std::string encoded(std::string_view text) { return net::escaped(text, net::Place::url); }

class Gateways : public testing::Test {
 protected:
  ~Gateways() noexcept override = default;

  /// A file that only we may read.
  std::string file(const std::string& name, const std::string& content) {
    auto path = folder.path / name;
    std::ofstream(path) << content;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }
  void serve(std::uint16_t port, const std::string& more, const std::string& path = "/",
             const std::string& start = "http://127.0.0.1") {
    dispatcher = std::make_unique<HttpDispatcher>();
    config::Keys keys;
    dispatcher->declare(keys);
    auto problems = keys.read(
        "url: \"" + start + ":" + std::to_string(port) + path + "?to={recipient}&m={text}\"\n" + more,
        "gateway.yaml");
    ASSERT_EQ(config::describe(problems), "");
    dispatcher->start(io).wait(io.waitScope);
  }
  std::string send(const std::string& text = "router down", const std::string& recipient = "+4799999999",
                   kit::Milliseconds deadline = 20s) {
    return said(
        dispatcher
            ->send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = deadline})
            .wait(io.waitScope));
  }
  /// So many SMS, some at once: how many had which outcome.
  std::map<std::string, int> sendMany(int total, int atOnce) {
    std::map<std::string, int> told;
    int left = total;
    std::vector<std::string> keys(total + 1);
    for (int i = 0; i <= total; ++i) keys[i] = "k-" + std::to_string(i);
    std::function<kj::Promise<void>()> line = [&]() -> kj::Promise<void> {
      if (left-- <= 0) return kj::READY_NOW;
      return dispatcher
          ->send({.attempt = 1, .recipient = "1", .text = "x", .key = keys[left + 1], .deadline = 50s})
          .then([&](kit::Outcome outcome) {
            auto words = said(outcome);
            ++told[words.substr(0, words.find(':'))];
            return line();
          });
    };
    kj::Vector<kj::Promise<void>> lines;
    for (int i = 0; i < atOnce; ++i) lines.add(line());
    kj::joinPromises(lines.releaseAsArray()).wait(io.waitScope);
    return told;
  }
  static Certificates& certificates() {
    static Certificates made;
    return made;
  }
  std::string withAuthority() { return "ca_file: " + certificates().authorityFile().string() + "\n"; }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  test::Folder folder;
  std::unique_ptr<HttpDispatcher> dispatcher;
};

TEST_F(Gateways, GetABodyOfJsonFormOrXmlByPostOrPut) {
  Gateway gateway;
  serve(
      gateway.port(),
      "method: POST\nbody_type: json\nbody: '{\"to\": \"{digits}\", \"m\": \"{text}\", \"k\": \"{key}\"}'\n");
  EXPECT_EQ(send("a \"b\"\n\\"), "accepted");
  serve(gateway.port(), "method: PUT\nbody_type: xml\nbody: '<sms to=\"{recipient}\">{text}</sms>'\n");
  EXPECT_EQ(send("</sms>&"), "accepted");
  serve(gateway.port(),
        "method: POST\nbody: 'To={recipient}&Body={text}'\nheaders: [{name: content-type, value: "
        "text/x-own}]\n");
  EXPECT_EQ(send("1+1=2&x"), "accepted");
  auto requests = gateway.requests();
  EXPECT_EQ(requests[0]["method"], "POST");
  EXPECT_EQ(requests[0]["headers"]["content-type"], "application/json");
  EXPECT_EQ(nlohmann::json::parse(requests[0]["body"].get<std::string>()),
            (nlohmann::json{{"to", "4799999999"}, {"m", "a \"b\"\n\\"}, {"k", "q-17"}}));
  EXPECT_EQ(requests[1]["method"], "PUT");
  EXPECT_EQ(requests[1]["headers"]["content-type"], "text/xml; charset=utf-8");
  EXPECT_EQ(requests[1]["body"], "<sms to=\"+4799999999\">&lt;/sms&gt;&amp;</sms>");
  EXPECT_EQ(requests[2]["body"], "To=%2B4799999999&Body=1%2B1%3D2%26x");
  EXPECT_EQ(requests[2]["headers"]["content-type"], "text/x-own");
}

TEST_F(Gateways, GetHeadersThatNoTextCanBreakOutOf) {
  Gateway gateway;
  serve(gateway.port(),
        "headers:\n  - {name: X-Text, value: 'sms {text}'}\n  - {name: X-Fixed, value: 'a;b'}\n");
  EXPECT_EQ(send("x\r\nBcc: a@b\r\n\r\n"), "accepted");
  auto headers = gateway.requests().at(0)["headers"];
  EXPECT_EQ(headers["x-text"], "sms x%0D%0ABcc: a@b%0D%0A%0D%0A");
  EXPECT_EQ(headers["x-fixed"], "a;b");
  EXPECT_FALSE(headers.contains("bcc"));
}

TEST_F(Gateways, GetTheirOwnWordForTheAlphabet) {
  Gateway gateway;
  serve(gateway.port(), "method: POST\nbody: 'type={encoding}'\nencodings: {gsm7: text, ucs2: unicode}\n");
  send("plain {} \xE2\x82\xAC");
  send("\xF0\x9F\x94\xA5");
  EXPECT_EQ(gateway.requests().at(0)["body"], "type=text");
  EXPECT_EQ(gateway.requests().at(1)["body"], "type=unicode");
}

TEST_F(Gateways, AreNotAskedToSendToTheDigitsOfWhatIsNoNumber) {
  Gateway gateway;
  const std::string inBody = "method: POST\nbody: 'to={digits}'\n";
  const std::string inHeader = "headers: [{name: X-To, value: '{digits}'}]\n";
  for (auto& keys : {inBody, inHeader}) {
    serve(gateway.port(), keys);
    for (auto recipient : {"+4799o99999", "ring 4712", "abc", ""})
      EXPECT_EQ(send("x", recipient), std::string("refused: ") + net::noDigits) << recipient;
  }
  serve(gateway.port(), "", "/{digits}");
  EXPECT_TRUE(send("x", "abc").starts_with("refused"));
  EXPECT_TRUE(gateway.requests().empty());
  EXPECT_EQ(send("x", "+47 99 99"), "accepted");
  EXPECT_EQ(gateway.requests().at(0)["path"], "/479999");
  serve(gateway.port(), "");
  EXPECT_EQ(send("x", "abc"), "accepted") << "{recipient} is as it is: a name may be what the gateway wants";
}

TEST_F(Gateways, GetSecretsFromTheirFiles) {
  Gateway gateway;
  serve(gateway.port(), "secrets: [{name: api_key, file: " + file("key", "hunter2&x\n") +
                            "}]\nmethod: POST\nbody: 'k={api_key}'\nheaders: [{name: Authorization, value: "
                            "'App {api_key}'}]\n");
  EXPECT_EQ(send(), "accepted");
  EXPECT_EQ(gateway.requests().at(0)["headers"]["authorization"], "App hunter2&x");
  EXPECT_EQ(gateway.requests().at(0)["body"], "k=hunter2%26x");
}

TEST_F(Gateways, MayAskForBasicCredentials) {
  Nginx nginx(Nginx::Settings{.user = "noc:hunter2"});
  auto login = [&](const std::string& password) {
    return "auth: {type: basic, username: noc, password_file: " + file("p" + password, password) + "}\n";
  };
  serve(nginx.port(), login("hunter2"));
  EXPECT_EQ(send(), "accepted");
  serve(nginx.port(), login("wrong"));
  EXPECT_TRUE(send().starts_with("broken: http://127.0.0.1:")) << send();
}

TEST_F(Gateways, MayAskForDigestCredentials) {
  Gateway gateway({"digest=noc:hunter2"});
  auto login = [&](const std::string& password) {
    return "method: POST\nbody: 'm={text}'\nauth: {type: digest, username: noc, password_file: " +
           file("p" + password, password) + "}\n";
  };
  serve(gateway.port(), login("hunter2"));
  EXPECT_EQ(send(), "accepted");
  EXPECT_EQ(send(), "accepted");
  auto requests = gateway.requests();
  ASSERT_EQ(requests.size(), 3U) << "one question, for both";
  EXPECT_EQ(requests[0]["body"], "") << "the SMS waits for the question";
  EXPECT_EQ(requests[2]["body"], "m=router%20down");
  serve(gateway.port(), login("wrong"));
  EXPECT_TRUE(send().starts_with("broken")) << "asked once more, and no further";
}

TEST_F(Gateways, MayAskForAToken) {
  Gateway gateway;
  serve(gateway.port(), "auth: {type: bearer, token_file: " + file("token", "abc.def-9==\n") + "}\n");
  EXPECT_EQ(send(), "accepted");
  EXPECT_EQ(gateway.requests().at(0)["headers"]["authorization"], "Bearer abc.def-9==");
}

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
  EXPECT_TRUE(send().ends_with(" wants a certificate of ours (400)")) << "nginx answers 400 without one";
  serve(nginx.port(), "", "/", "http://localhost");
  EXPECT_TRUE(send().ends_with(" wants https (400)")) << "an s that is missing loses no SMS";
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

TEST_F(Gateways, MayRedirectWithinThemselvesWhenAskedForC66) {
  Gateway gateway;
  std::string here = "http://127.0.0.1:" + std::to_string(gateway.port());
  auto to = [&](int status, const std::string& where) {
    return "/-/status=" + std::to_string(status) + ",location=" + encoded(encoded(where)) + "/";
  };
  // The place is escaped twice: the gateway decodes it once, and what it says is a URL.
  auto followed = [&](int status, const std::string& more) {
    serve(gateway.port(), "redirects: 3\n" + more,
          "/-/status=" + std::to_string(status) + ",location=%2Fthere%3Fx=1/");
    return send();
  };
  (void)to;
  for (int status : {301, 302, 303, 307, 308}) EXPECT_EQ(followed(status, ""), "accepted") << status;
  const std::string post = "method: POST\nbody: 'm={text}'\n";
  for (int status : {307, 308}) EXPECT_EQ(followed(status, post), "accepted") << status;
  for (int status : {301, 302, 303}) EXPECT_TRUE(followed(status, post).starts_with("broken")) << status;
  EXPECT_EQ(gateway.requests().at(1)["path"], "/there");
  EXPECT_EQ(gateway.requests().at(11)["body"], "m=router%20down");
  serve(gateway.port(), "", "/-/status=302,location=%2Fthere/");
  EXPECT_TRUE(send().starts_with("broken")) << "not asked for";
}

TEST_F(Gateways, CannotRedirectForEverOrElsewhere) {
  Gateway gateway;
  Gateway other;
  serve(gateway.port(), "redirects: 3\n",
        "/-/status=302,location=%2F-%2Fstatus=302%2Clocation=%252F-%252Fstatus=302/");
  EXPECT_TRUE(send().starts_with("broken")) << send();
  EXPECT_LE(gateway.requests().size(), 4U);

  auto before = gateway.requests().size();
  Gateway loop({"status=302,location=%2Fagain"});
  serve(loop.port(), "redirects: 3\n");
  EXPECT_TRUE(send().starts_with("broken"));
  EXPECT_EQ(loop.requests().size(), 4U);

  for (std::string there : {"http%3A%2F%2F127.0.0.1%3A" + std::to_string(other.port()) + "%2F",
                            "http%3A%2F%2Flocalhost%3A" + std::to_string(gateway.port()) + "%2F"}) {
    serve(gateway.port(),
          "redirects: 3\nauth: {type: basic, username: noc, password_file: " +
              file("p" + there.substr(22), "hunter2") + "}\n",
          "/-/status=307,location=" + there + "/");
    EXPECT_TRUE(send().starts_with("broken")) << "credentials, number and text are for the gateway alone";
  }
  EXPECT_TRUE(other.requests().empty());
  EXPECT_EQ(gateway.requests().size(), before + 2);
}

TEST_F(Gateways, SayInTheirBodyWhatTheirStatusDoesNotC64) {
  Gateway gateway({"body=ERROR: out of credits", "body=OK id=17"});
  serve(gateway.port(),
        "answers: [{status: 200, body: '^ERROR', is: broken, reason: out of credits}]\nreference: {body: "
        "'id=(.*)'}\n");
  EXPECT_EQ(send(), "broken: http://127.0.0.1:" + std::to_string(gateway.port()) + ": out of credits");
  EXPECT_EQ(send(), "accepted: 17");
}

TEST_F(Gateways, SayTheirReferenceInAHeader) {
  Gateway gateway({"status=201,header=X-Message-Id:  m-17 "});
  serve(gateway.port(), "reference: {header: x-message-id}\n");
  EXPECT_EQ(send(), "accepted: m-17");
}

TEST_F(Gateways, AreReadNoFurtherThanABound) {
  Gateway gateway;
  const std::string rule = "answers: [{status: 200, body: 'ERROR', is: broken}]\n";
  auto sends = [&](const std::string& behaviour) {
    serve(gateway.port(), rule, "/-/" + behaviour + "/");
    return send();
  };
  EXPECT_TRUE(sends("endless").starts_with("unknown")) << "what is beyond the bound may say ERROR";
  EXPECT_TRUE(sends("cut=body").starts_with("unknown"));
  EXPECT_TRUE(sends("manyheaders").starts_with("unknown"));
  serve(gateway.port(), rule + "timeout: 300ms\n", "/-/trickle=0.02/");
  EXPECT_TRUE(send().starts_with("unknown"));
}

TEST_F(Gateways, GetNoAnswerFasterThanTheirOwnTimeoutC60) {
  Gateway gateway;
  serve(gateway.port(), "timeout: 200ms\n", "/-/silent/");
  auto answered =
      dispatcher->send({.attempt = 1, .recipient = "+47", .text = "x", .key = "q-17", .deadline = 1h})
          .then([](kit::Outcome outcome) { return said(outcome); });
  auto tooLate =
      io.provider->getTimer().afterDelay(30 * kj::SECONDS).then([]() { return std::string("nothing"); });
  EXPECT_EQ(answered.exclusiveJoin(kj::mv(tooLate)).wait(io.waitScope),
            "unknown: http://127.0.0.1:" + std::to_string(gateway.port()) +
                " took too long after the request had gone out");
}

TEST_F(Gateways, ThatEchoASecretAsTheirReferenceShowNothingC62) {
  Gateway gateway({"echo"});
  serve(
      gateway.port(),
      "secrets: [{name: api_key, file: " + file("key", "hunter2&x") +
          "}]\nmethod: POST\nbody: 'k={api_key}'\n"
          "headers: [{name: X-Key, value: '{api_key}'}]\nauth: {type: basic, username: noc, password_file: " +
          file("password", "swordfish") +
          "}\n"
          "reference: {body: '(?s)\"headers.*'}\n");
  for (auto& reference :
       {"(?s).*", "\"authorization\": \"Basic ([^\"]*)", "\"x-key\": \"([^\"]*)", "\"body\": \"([^\"]*)"}) {
    serve(gateway.port(), "secrets: [{name: api_key, file: " + (folder.path / "key").string() +
                              "}]\nmethod: POST\nbody: 'k={api_key}'\n"
                              "headers: [{name: X-Key, value: '{api_key}'}]\nauth: {type: basic, username: "
                              "noc, password_file: " +
                              (folder.path / "password").string() + "}\nreference: {body: '" + reference +
                              "'}\n");
    std::string outcome = send();
    EXPECT_TRUE(outcome.starts_with("accepted: ")) << outcome;
    for (auto hidden : {"hunter2", "swordfish", "bm9jOnN3b3JkZmlzaA"})
      EXPECT_EQ(outcome.find(hidden), std::string::npos) << outcome;
  }
}

}  // namespace
}  // namespace smsd::http
