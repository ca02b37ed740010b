// SPDX-License-Identifier: GPL-3.0-or-later
// The HTTP dispatcher against gateways as they really are: bodies, headers, logins, redirects, and answers
// whose body says what their status does not.
#include "tests/workers/http-gateways.h"

namespace smsd::http {
namespace {

std::string encoded(std::string_view text) { return net::escaped(text, net::Place::url); }

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
                " took too long after the request was sent");
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
