// SPDX-License-Identifier: GPL-3.0-or-later
// The HTTP dispatcher as the kit sees it: from the text of its file to the outcome of an SMS.
#include "workers/http/http.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"

namespace smsd::http {
namespace {

using namespace std::chrono_literals;
using test::Gateway;

std::vector<config::Problem> problemsOf(const std::string& yaml) {
  HttpDispatcher dispatcher;
  config::Keys keys;
  dispatcher.declare(keys);
  return keys.read(yaml, "gateway.yaml");
}

class HttpTest : public testing::Test {
 protected:
  ~HttpTest() noexcept override = default;
  void configure(const std::string& yaml) {
    config::Keys keys;
    dispatcher.declare(keys);
    auto problems = keys.read(yaml, "gateway.yaml");
    ASSERT_EQ(config::describe(problems), "");
  }
  void serve(const Gateway& gateway, const std::string& path, const std::string& more = "") {
    configure("url: \"http://127.0.0.1:" + std::to_string(gateway.port()) + path +
              "?secret=hunter2&to={recipient}&m={text}\"\n" + more);
    dispatcher.start(io).wait(io.waitScope);
  }
  kit::Outcome send(const std::string& recipient, const std::string& text) {
    return dispatcher
        .send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = 5s})
        .wait(io.waitScope);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  HttpDispatcher dispatcher;
};

TEST_F(HttpTest, SendsOneGetWithTheNumberTheTextAndTheKey) {
  Gateway gateway;
  serve(gateway, "/send");
  EXPECT_TRUE(std::holds_alternative<kit::Accepted>(send("+4799999999", "a & b\n100% \xF0\x9F\x94\xA5")));
  auto requests = gateway.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0]["path"], "/send");
  EXPECT_EQ(requests[0]["query"], "secret=hunter2&to=%2B4799999999&m=a%20%26%20b%0A100%25%20%F0%9F%94%A5");
  EXPECT_EQ(requests[0]["headers"]["idempotency-key"], "q-17");
  EXPECT_TRUE(requests[0]["headers"]["user-agent"].get<std::string>().starts_with("smsd/"));
  EXPECT_FALSE(requests[0]["headers"].contains("authorization"));
}

TEST_F(HttpTest, SendsTheKeyInTheHeaderThatIsConfigured) {
  Gateway gateway;
  serve(gateway, "/", "idempotency_header: X-Message-Id\n");
  send("1", "x");
  auto headers = gateway.requests().at(0)["headers"];
  EXPECT_EQ(headers["x-message-id"], "q-17");
  EXPECT_FALSE(headers.contains("idempotency-key"));
}

TEST_F(HttpTest, SaysWhoAsksUnlessTheConfigurationDoes) {
  Gateway gateway;
  serve(gateway, "/", "headers:\n  - {name: user-agent, value: noc/7}\n");
  send("1", "x");
  EXPECT_EQ(gateway.requests().at(0)["headers"]["user-agent"], "noc/7");
}

TEST_F(HttpTest, NeverShowsItsUrlC62) {
  Gateway gateway;
  for (std::string behaviour :
       {"status=400", "status=401", "status=302", "status=503", "status=504", "cut=before", "garbage"}) {
    HttpDispatcher one;
    config::Keys keys;
    one.declare(keys);
    ASSERT_TRUE(keys.read("url: http://127.0.0.1:" + std::to_string(gateway.port()) + "/-/" + behaviour +
                              "/hunter2?hunter2&to={recipient}&m={text}",
                          "gateway.yaml")
                    .empty());
    one.start(io).wait(io.waitScope);
    auto outcome =
        one.send({.attempt = 1, .recipient = "555", .text = "secret text", .key = "k", .deadline = 5s})
            .wait(io.waitScope);
    std::string reason = test::wordsOf(outcome);
    for (auto& [name, value] : one.condition().details) reason += value;
    EXPECT_NE(reason.find("http://127.0.0.1:" + std::to_string(gateway.port())), std::string::npos) << reason;
    for (auto hidden : {"hunter2", "555", "secret"})
      EXPECT_EQ(reason.find(hidden), std::string::npos) << reason;
  }
}

TEST_F(HttpTest, RefusesATextThatWouldClimbOutOfThePath) {
  Gateway gateway;
  configure("url: http://127.0.0.1:" + std::to_string(gateway.port()) + "/send/{text}?to={recipient}");
  dispatcher.start(io).wait(io.waitScope);
  EXPECT_TRUE(std::holds_alternative<kit::Refused>(send("1", "../admin")));
  EXPECT_TRUE(gateway.requests().empty());
}

TEST_F(HttpTest, TellsTheKitWhatItsFileSays) {
  configure("url: https://gw/{recipient}/{text}\nwindow: 7\nbacklog: 9\nknows_keys: true\n");
  auto traits = dispatcher.traits();
  EXPECT_EQ(traits.kind, "http");
  EXPECT_EQ(traits.window, 7U);
  EXPECT_EQ(traits.backlog, 9U);
  EXPECT_TRUE(traits.knowsKeys);
  EXPECT_EQ(dispatcher.policy().connectPorts, (std::vector<std::uint16_t>{443, 53}));
}

TEST_F(HttpTest, HasDefaultsForAllButTheUrl) {
  configure("url: http://gw:8080/{recipient}/{text}\n");
  EXPECT_EQ(dispatcher.traits().window, 64U);
  EXPECT_EQ(dispatcher.traits().backlog, 64U);
  EXPECT_FALSE(dispatcher.traits().knowsKeys);
  EXPECT_EQ(dispatcher.policy().connectPorts.at(0), 8080);
}

TEST(HttpConfig, SaysWhereAndWhatIsWrong) {
  test::Folder folder;
  std::ofstream(folder.path / "empty") << "";
  const std::string secret = folder.path / "secret";
  std::ofstream(secret) << "hunter2";
  std::filesystem::permissions(secret, std::filesystem::perms::owner_read);
  const std::string url = "url: http://gw/{recipient}/{text}\n";
  const std::pair<std::string, std::string> rows[] = {
      {"window: 3", "url"},
      {"url: http://gw/{recipient}", "expected {text} in url, headers or body"},
      {"url: http://gw/{text}", "expected {recipient} or {digits}"},
      {"url: http://gw/{recipient}/{texxt}", "character 23"},
      {url + "method: PATCH", "method"},
      {"url: 'http://me:hunter2@gw/?{recipient}{text}'", "expected `auth` with username and password_file"},
      {"url: 'http://me@gw/?{recipient}{text}'", "expected `auth` with username and password_file"},
      {"secrets: [{name: pw, file: " + secret + "}]\nurl: 'https://me:{pw}@gw/?{recipient}{text}'",
       "expected `auth` with username and password_file"},
      {url + "body: x", "a GET has no body"},
      {url + "method: POST\nbody: '{\"t\": {text}}'\nbody_type: json", "within strings"},
      {url + "headers: [{name: 'X Y', value: z}]", "name of a header"},
      {url + "headers: [{name: Content-Length, value: '3'}]", "a header that the worker itself sets"},
      {url + "headers: [{name: HOST, value: x}]", "HOST: is a header that the worker itself sets"},
      {url + "headers: [{name: authorization, value: x}]\nauth: {type: bearer, token_file: " + secret + "}",
       "one of the two"},
      {url + "idempotency_header: content-LENGTH", "a header that the worker itself sets"},
      {url + "headers: [{name: X, value: \"a\\r\\nY: z\"}]", "does not belong in a header"},
      {"url: http://gw/{recipient}\nheaders: [{name: X, value: '{text} {texxt}'}]", "the value of header 1"},
      {"url: http://gw/\nheaders: [{name: A, value: b}, {name: HOST, value: '{recipient}{text}'}]", "HOST: "},
      {"url: http://gw/{recipient}\nheaders: {X: '{text}'}", "headers"},
      {"url: http://gw/{recipient}\nbody: '{text} {texxt}'\nmethod: POST", "does not belong in a form"},
      {"url: http://gw/{recipient}\nbody: ['{text}']\nmethod: POST", "body"},
      {url + "auth: {type: basic, username: me}", "auth.password_file"},
      {url + "auth: {username: me}", "only with the types basic and digest"},
      {url + "auth: {type: bearer}", "auth.token_file"},
      {url + "certificate_file: /a.pem", "key_file"},
      {url + "key_file: /a.pem", "certificate_file"},
      {url + "proxy: {url: 'http://me:hunter2@p:1'}", "http://host:port"},
      {url + "proxy: {url: 'socks5://p:1'}", "http://host:port"},
      {url + "proxy: {username: me}", "proxy.url"},
      {url + "tls_min_version: '1.1'", "1.2"},
      {url + "answers: [{status: 20x, is: accepted}]", "4xx"},
      {url + "answers: [{body: '(', is: accepted}]", "regular expression"},
      {url + "answers: [{json: 'a/b', is: accepted}]", "JSON pointer"},
      {url + "answers: [{equals: '1', is: accepted}]", "`json` beside it"},
      {url + "answers: [{status: '200'}]", "is missing"},
      {url + "reference: {body: '('}", "regular expression"},
      {url + "reference: {header: 'a b'}", "name of a header"},
      {url + "secrets: [{name: token, file: /x}]", "no such file"},
      {url + "secrets: [{name: text, file: " + secret + "}]", "not one of the placeholders"},
      {url + "secrets: [{name: a, file: " + secret + "}, {name: a, file: " + secret + "}]", "each name once"},
      {url + "window: 257", "window"},
      {url + "idempotency_header: \"X Y\"", "name of a header"},
      {url + "idempotency_header: \"X: y\\r\\nZ\"", "name of a header"},
      {url + "ca_file: ca.pem", "cannot be read"},
      {url + "ca_file: /no/such/file", "cannot be read"},
      {url + "ca_file: " + (folder.path / "empty").string(), "PEM"},
      {url + "tls_verify: false", "unknown key"}};
  for (auto& [yaml, words] : rows) {
    auto problems = problemsOf(yaml);
    ASSERT_EQ(problems.size(), 1U) << yaml << config::describe(problems);
    EXPECT_NE(config::describe(problems).find(words), std::string::npos) << config::describe(problems);
    EXPECT_TRUE(problems[0].where.starts_with("gateway.yaml")) << problems[0].where;
  }
}

TEST(HttpConfig, ShowsNoSecretOfAUrlThatIsWrong) {
  for (auto yaml : {"url: http://me:hunter2@gw/{recipient}", "url: \"http://gw/hunter2 x?{recipient}{text}\"",
                    "url: hunter2", "url: [hunter2]", "url: {a: hunter2}"}) {
    auto problems = problemsOf(yaml);
    EXPECT_FALSE(problems.empty()) << yaml;
    EXPECT_EQ(config::describe(problems).find("hunter2"), std::string::npos) << config::describe(problems);
  }
}

}  // namespace
}  // namespace smsd::http
