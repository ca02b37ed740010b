// SPDX-License-Identifier: GPL-3.0-or-later
// The SOAP dispatcher against PHP's SoapServer, and against answers that are made to break it.
#include "workers/soap/soap.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/workers/outcome-words.h"
#include "tests/workers/peers.h"
#include "tests/workers/soap-answer.h"

namespace smsd::soap {
namespace {

using namespace std::chrono_literals;
using test::enveloped;
using test::Gateway;
using test::SoapServer;

std::string said(const kit::Outcome& outcome) {
  if (auto* unknown = std::get_if<kit::Unknown>(&outcome);
      unknown && unknown->reply == kit::Reply::notUnderstood)
    return "not understood: " + unknown->reason;
  return test::said(outcome);
}

class SoapTest : public testing::Test {
 protected:
  ~SoapTest() noexcept override = default;
  std::string file(const std::string& name, const std::string& content) {
    auto path = folder.path / name;
    std::ofstream(path) << content;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }
  std::string boost(std::uint16_t port, const std::string& path = "/",
                    const std::string& password = "hunter2") {
    return "preset: boost\nurl: http://127.0.0.1:" + std::to_string(port) + path +
           "\nusername: me\npassword_file: " + file("p" + std::to_string(++files), password) +
           "\nsender: \"+4712345678\"\n";
  }
  void serve(const std::string& yaml) {
    dispatcher = std::make_unique<SoapDispatcher>();
    config::Keys keys;
    dispatcher->declare(keys);
    ASSERT_EQ(config::describe(keys.read(yaml, "gateway.yaml")), "");
    dispatcher->start(io).wait(io.waitScope);
  }
  std::string send(const std::string& text = "router down", const std::string& recipient = "+4799999999") {
    return said(
        dispatcher->send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = 20s})
            .wait(io.waitScope));
  }
  std::string call(std::uint16_t port) {
    return "url: http://127.0.0.1:" + std::to_string(port) +
           "\nmethod: send\nparameters:\n  - {name: to, value: \"{recipient}\"}\n  - {name: text, value: "
           "\"{password}{text}\"}\nsecrets: [{name: password, file: " +
           file("p" + std::to_string(++files), "hunter2") + "}]\n";
  }
  std::string answeredToBoost(const std::string& body, const std::string& more = "") {
    return answered(body, more, "200", &SoapTest::boostAt);
  }
  std::string boostAt(std::uint16_t port) { return boost(port); }
  std::string answered(const std::string& body, const std::string& more = "",
                       const std::string& status = "200",
                       std::string (SoapTest::*keys)(std::uint16_t) = &SoapTest::call) {
    Gateway gateway({"type=text/xml,status=" + status + ",body=" + net::escaped(body, net::Place::url)});
    serve((this->*keys)(gateway.port()) + more);
    std::string outcome = send();
    std::string origin = "http://127.0.0.1:" + std::to_string(gateway.port());
    if (auto at = outcome.find(origin); at != std::string::npos) outcome.replace(at, origin.size(), "gw");
    return outcome;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  test::Folder folder;
  int files = 0;
  std::unique_ptr<SoapDispatcher> dispatcher;
};

TEST_F(SoapTest, CallsTheServiceOfNavsPluginC67) {
  if (!SoapServer::isInstalled()) GTEST_SKIP() << "no PHP with SOAP here";
  SoapServer server;
  serve(boost(server.port()));
  EXPECT_EQ(send(), "accepted: 1000");
  EXPECT_EQ(send("again"), "accepted: 1001");
  auto calls = server.calls();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0]["arguments"],
            (nlohmann::json{"me", "hunter2", "+4712345678", "+4799999999", "router down"}));
  EXPECT_EQ(calls[0]["action"], "\"\"");
  EXPECT_TRUE(calls[0]["agent"].get<std::string>().starts_with("smsd/"));
  EXPECT_EQ(calls[0]["key"], "q-17");
  EXPECT_EQ(calls[0]["type"], "text/xml; charset=utf-8");
}

TEST_F(SoapTest, BringsEveryTextThroughUnharmed) {
  if (!SoapServer::isInstalled()) GTEST_SKIP() << "no PHP with SOAP here";
  SoapServer server;
  serve(boost(server.port()));
  std::string printable;
  for (char c = ' '; c <= '~'; ++c) printable += c;
  std::vector<std::string> texts = {
      printable,       "\"quoted\" 'text'",           "two\nlines",  "</sms></sendMessage>]]>", "&amp; &#10;",
      "x\r\nBcc: a@b", "\xF0\x9F\x94\xA5 bl\xC3\xA5", " both ends ", "{text} {preset_password}"};
  for (auto& text : texts) EXPECT_TRUE(send(text).starts_with("accepted")) << text;
  auto calls = server.calls();
  ASSERT_EQ(calls.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(calls[i]["arguments"][4].get<std::string>(), texts[i]);
}

TEST_F(SoapTest, MakesAnOutcomeOfEveryResultAndFaultC67) {
  if (!SoapServer::isInstalled()) GTEST_SKIP() << "no PHP with SOAP here";
  SoapServer server;
  serve(boost(server.port()));
  std::string at = "http://127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(send("x", "+4700"), "deferred: " + at + " refuses without a reason");
  EXPECT_EQ(send("x", "+4701"), "deferred: " + at + " reports a fault of its own");
  EXPECT_EQ(send("x", "+4702"), "deferred: " + at + " reports a fault of the call");
  EXPECT_EQ(send("x", "+4703"), "accepted");
  EXPECT_EQ(send("x", "+4704"), "deferred: " + at + " refuses without a reason");
  serve(boost(server.port(), "/", "wrong"));
  EXPECT_EQ(send(), "deferred: " + at + " reports a fault of the call")
      << "and nothing of what the fault quotes";
}

TEST_F(SoapTest, HasRulesForResultsAndFaults) {
  if (!SoapServer::isInstalled()) GTEST_SKIP() << "no PHP with SOAP here";
  SoapServer server;
  const std::string rules = R"(
answers:
  - {json: /fault/code, matches: "^Client.Auth", is: broken, reason: credentials}
  - {json: /fault/text, matches: "no such number", is: refused}
  - {json: /result, equals: "false", is: refused, reason: no}
)";
  serve(boost(server.port()) + rules);
  EXPECT_TRUE(send("x", "+4700").starts_with("refused"));
  EXPECT_TRUE(send("x", "+4702").starts_with("refused"));
  EXPECT_TRUE(send("x", "+4701").starts_with("deferred"));
  EXPECT_EQ(send("x", "+4711"), "accepted: 1003");
  serve(boost(server.port(), "/", "wrong") + rules);
  EXPECT_TRUE(send().starts_with("broken"));
}

TEST_F(SoapTest, TakesNoOtherYesThanTheOneThatARuleSays) {
  const std::string rules = R"(
answers:
  - {json: /result, matches: "^9", is: accepted}
reference: {json: /result}
)";
  EXPECT_EQ(answered(enveloped("<r><a>917</a></r>"), rules), "accepted: 917");
  EXPECT_EQ(answered(enveloped("<r><a>17</a></r>"), rules),
            "not understood: gw gave an answer that no rule covers (200)");
  EXPECT_EQ(answered(enveloped("<r><a>false</a></r>"), rules), "deferred: gw refuses without a reason");
}

TEST_F(SoapTest, CallsAnyMethodWithNamedParameters) {
  if (!SoapServer::isInstalled()) GTEST_SKIP() << "no PHP with SOAP here";
  SoapServer server;
  // PHP gives a map back as items of key and value.
  serve("url: http://127.0.0.1:" + std::to_string(server.port()) + R"(/
method: submit
namespace: urn:ExternalSender
action: urn:ExternalSender#submit
parameters:
  - {name: to, value: "{recipient}"}
  - {name: message, value: "<b> & {text}"}
  - {name: priority, type: int, value: "3"}
answers:
  - {json: /result/item/0/value, equals: NOCREDIT, is: broken, reason: out of credits}
  - {json: /result/item/0/value, equals: OK, is: accepted}
reference: {json: /result/item/1/value}
)");
  EXPECT_EQ(send(), "accepted: T-1000");
  EXPECT_TRUE(send("x", "+4700").starts_with("broken")) << "out of credits";
  auto call = server.calls().at(0);
  EXPECT_EQ(call["arguments"], (nlohmann::json{"+4799999999", "<b> & router down", 3}));
  EXPECT_EQ(call["action"], "\"urn:ExternalSender#submit\"");
}

TEST_F(SoapTest, CallsNobodyWithTheDigitsOfWhatIsNoNumber) {
  Gateway gateway({"type=text/xml,body=" + net::escaped(enveloped("<r><a>17</a></r>"), net::Place::url)});
  serve("url: http://127.0.0.1:" + std::to_string(gateway.port()) +
        "/\nmethod: send\nparameters: [{name: to, value: '{digits}'}, {name: m, value: '{text}'}]\n");
  EXPECT_EQ(send("x", "+4799o99999"), std::string("refused: ") + net::noDigits);
  EXPECT_TRUE(gateway.requests().empty());
  EXPECT_EQ(send("x", "+47 99"), "accepted: 17");
}

TEST_F(SoapTest, ReadsResultsWhereTheyStand) {
  EXPECT_EQ(answered(enveloped("<r><a>17</a><b>18</b></r>")), "accepted: 17");
  EXPECT_EQ(answered(enveloped("<r><a>17</a><x:b xmlns:x='urn:x'>18</x:b></r>"), "result: b\n"),
            "accepted: 18");
  EXPECT_EQ(answered(enveloped("<r><a href='#i0'/></r><multiRef id='i0'>19</multiRef>")), "accepted: 19");
  EXPECT_EQ(answered(enveloped("<r/>")), "accepted") << "a method without a result";
  EXPECT_EQ(answered(enveloped("<r><a xsi:nil='true'/></r>")), "deferred: gw refuses without a reason");
  EXPECT_EQ(answered(enveloped("<r><a href='#none'/></r>")), "deferred: gw refuses without a reason");
  EXPECT_EQ(answered(enveloped("<r><a href='#i'/></r><m id='i' href='#i'>x</m>")), "accepted: x")
      << "no loop";
  EXPECT_EQ(answered(enveloped("<r><a>17</a></r>"), "reference: {json: /values/a}\n"), "accepted: 17");
}

TEST_F(SoapTest, TakesNoAnswerWithoutItsResultForAYes) {
  const std::string without = "not understood: gw gave an answer without the result (200)";
  EXPECT_EQ(answered(enveloped("<r><x>ERROR</x></r>"), "result: ticket\n"), without);
  EXPECT_EQ(answered(enveloped("<r/>"), "result: ticket\n"), without);
  EXPECT_EQ(answered(enveloped("<r><ticket>T-1</ticket></r>"), "result: ticket\n"), "accepted: T-1");
  EXPECT_EQ(answeredToBoost(enveloped("<r/>")), without);
}

TEST_F(SoapTest, TakesAResultOfPartsAsItsRulesSay) {
  const std::string bad = enveloped("<r><ret><code>7</code><msg>bad login</msg></ret></r>");
  const std::string good = enveloped("<r><ret><code>0</code><id>T-1</id></ret></r>");
  const std::string unruled = "not understood: gw gave a result of several parts that no rule covers (200)";
  const std::string rules =
      "answers:\n  - {json: /values/ret/code, equals: \"0\", is: accepted}\n"
      "  - {json: /result/code, equals: \"7\", is: broken, reason: login}\n"
      "reference: {json: /result/id}\n";
  for (auto& answer : {bad, good, enveloped("<r><a>1</a><a>2</a></r>")}) EXPECT_EQ(answered(answer), unruled);
  EXPECT_EQ(answered(bad, "reference: {json: /result/id}\n"), unruled);
  EXPECT_EQ(answered(bad, rules), "broken: gw: login");
  EXPECT_EQ(answered(good, rules), "accepted: T-1");
}

// NAV's plugin took whatever is true for a yes, "ERROR: out of credits" and -1 among it.
TEST_F(SoapTest, BelievesAnExternalSenderAYesOrTheNumberOfAnSmsC67) {
  auto result = [&](const std::string& text) {
    return answeredToBoost(enveloped("<r><x>" + text + "</x></r>"));
  };
  const std::string odd =
      "not understood: gw gave a result that is neither a yes nor the number of an SMS (200)";
  const std::string no = "deferred: gw refuses without a reason";
  for (std::string text : {"ERROR: out of credits", "-1", "1.5", "1e3", "0x10", "00", "+5", "17 x", "T-17",
                           "OK", "123456789012345678901", "\xD9\xA1"})
    EXPECT_EQ(result(text), odd) << text;
  for (std::string text : {"", "0", "false", "False", " 0\n"}) EXPECT_EQ(result(text), no) << text;
  for (std::string text : {"2", "17", "12345678901234567890", "0017"})
    EXPECT_EQ(result(text), "accepted: " + text);
  EXPECT_EQ(result("\n 17 \n"), "accepted: 17");
  for (std::string text : {"1", "true", "True"}) EXPECT_EQ(result(text), "accepted");
  EXPECT_EQ(answeredToBoost(enveloped("<r><x><y>17</y></x></r>")),
            "not understood: gw gave a result of several parts that no rule covers (200)");
  EXPECT_EQ(answeredToBoost(enveloped("<r><x>OK</x></r>"),
                            "answers: [{json: /result, equals: OK, is: accepted}]\n"),
            "accepted");
}

TEST_F(SoapTest, ReadsFaults) {
  auto fault = [&](const std::string& code) {
    return answered(
        enveloped("<e:Fault><faultcode>" + code + "</faultcode><faultstring>hunter2</faultstring></e:Fault>"),
        "", "500");
  };
  EXPECT_EQ(fault("e:Server"), "deferred: gw reports a fault of its own");
  EXPECT_EQ(fault("e:Client.Number"), "deferred: gw reports a fault of the call");
  EXPECT_EQ(fault("e:VersionMismatch"), "broken: gw does not accept this form of SOAP (VersionMismatch)");
  EXPECT_EQ(fault("e:MustUnderstand"), "broken: gw does not accept this form of SOAP (MustUnderstand)");
  EXPECT_EQ(fault(""), "deferred: gw reports a fault of its own");
}

TEST_F(SoapTest, ShowsNoPasswordAndNoMoreThanItsBoundOfAResultC62) {
  EXPECT_EQ(answered(enveloped("<r><a>id of hunter2</a></r>")), "accepted: id of (hidden)");
  EXPECT_EQ(answered(enveloped("<r><a>" + std::string(300, 'x') + "</a></r>")),
            "accepted: " + std::string(128, 'x'));
}

TEST_F(SoapTest, KnowsNothingOfAnAnswerThatIsNoSoap) {
  const std::string no = " does not answer in SOAP (200)";
  for (std::string body :
       {"", "OK", "<html><body>17</body></html>", "<Envelope><Body><r><a>17</a></r></Body></Envelope>",
        "{\"result\": 17}", "\xFF\xFE<\0a"})
    EXPECT_EQ(answered(body), "not understood: gw" + no) << body;
  EXPECT_EQ(answered("<html/>", "", "500"), "deferred: gw reports an internal error (500)");
  EXPECT_TRUE(answered("<html/>", "", "401").starts_with("broken"));
  EXPECT_TRUE(answered("<html/>", "", "503").starts_with("deferred"));
  EXPECT_TRUE(answered("<html/>", "", "504").starts_with("unknown"));
}

TEST_F(SoapTest, ReadsAnswersOfSoap12AndItsFaultsUnder400) {
  auto enveloped12 = [](const std::string& content) {
    return "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body>" + content +
           "</e:Body></e:Envelope>";
  };
  auto fault = [&](const std::string& code) {
    return enveloped12("<e:Fault><e:Code><e:Value>e:" + code +
                       "</e:Value></e:Code><e:Reason><e:Text>hunter2</e:Text></e:Reason></e:Fault>");
  };
  EXPECT_EQ(answered(enveloped12("<r><a>17</a></r>")), "accepted: 17");
  EXPECT_EQ(answered(fault("Sender"), "", "400"), "deferred: gw reports a fault of the call")
      << "nobody knows whether it means this SMS, so that it is not given up";
  EXPECT_EQ(answered(fault("Receiver"), "", "500"), "deferred: gw reports a fault of its own");
  EXPECT_EQ(answered(fault("DataEncodingUnknown"), "", "500"),
            "broken: gw does not accept this form of SOAP (DataEncodingUnknown)");
  EXPECT_TRUE(answered("bad number", "", "400").starts_with("refused")) << "no fault: the status says it";
  EXPECT_EQ(answered(fault("Sender"),
                     "answers: [{json: /fault/code, equals: Sender, is: refused, reason: no}]\n", "400"),
            "refused: gw: no");
}

TEST_F(SoapTest, FindsTheEnvelopeInAnMtomAnswerAndReadsItsCharset) {
  const std::string latin1 =
      "<?xml version='1.0' encoding='ISO-8859-1'?>" + enveloped("<r><a>T-\xE5</a></r>");
  EXPECT_EQ(answered(latin1), "accepted: T-å");
  EXPECT_EQ(answered("--b\r\nContent-Type: application/xop+xml; charset=ISO-8859-1\r\n\r\n" +
                     enveloped("<r><a>T-\xE5</a></r>") + "\r\n--b\r\n\r\nattached <b &\r\n--b--\r\n"),
            "accepted: T-å");
}

TEST_F(SoapTest, TakesAnEmpty202ForAnAnswerWithoutAResult) {
  EXPECT_EQ(answered("", "", "202"), "accepted");
  EXPECT_EQ(answered("", "", "204"), "accepted");
  EXPECT_EQ(answered("", "result: ticket\n", "202"),
            "not understood: gw gave an answer without the result (202)");
  EXPECT_EQ(answered("", "answers: [{json: /result, equals: OK, is: accepted}]\n", "202"),
            "not understood: gw gave an answer that no rule covers (202)");
  EXPECT_EQ(answered("", "answers: [{status: 202, is: accepted}]\n", "202"), "accepted");
}

TEST_F(SoapTest, ExpandsNoEntityAndOpensNoFile) {
  // A billion laughs, and a file of this host: with a document type it is no SOAP, whatever stands in it.
  std::string laughs = "<!DOCTYPE l [<!ENTITY a \"ha\">";
  for (char c = 'b'; c < 'l'; ++c) {
    laughs += std::string("<!ENTITY ") + c + " \"";
    for (int i = 0; i < 10; ++i) laughs += std::string("&") + static_cast<char>(c - 1) + ";";
    laughs += "\">";
  }
  std::string secret = file("secret", "swordfish");
  for (std::string doctype : {laughs + "]>", "<!DOCTYPE r [<!ENTITY k SYSTEM \"file://" + secret + "\">]>",
                              std::string("<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\">")}) {
    std::string outcome = answered(doctype + enveloped("<r><a>&k;</a></r>"));
    EXPECT_EQ(outcome, "not understood: gw does not answer in SOAP (200)");
  }
  EXPECT_EQ(answered(enveloped("<r><a>&k;</a></r>")), "accepted: &k;")
      << "an entity that nobody knows is text";
}

TEST_F(SoapTest, KnowsNothingOfAnAnswerThatDoesNotEndOrIsCut) {
  Gateway gateway;
  serve(boost(gateway.port(), "/-/endless/"));
  EXPECT_TRUE(send().starts_with("not understood"));
  serve(boost(gateway.port(), "/-/cut=body/"));
  EXPECT_TRUE(send().starts_with("not understood"));
  // All of the envelope, and no telling what else was to come.
  Gateway other({"missing=10,body=" + net::escaped(enveloped("<r><a>17</a></r>"), net::Place::url)});
  serve(boost(other.port()));
  EXPECT_EQ(send(), "not understood: http://127.0.0.1:" + std::to_string(other.port()) +
                        " does not answer in SOAP (200)");
}

TEST(SoapConfig, SaysWhereAndWhatIsWrong) {
  test::Folder folder;
  std::string password = folder.path / "password";
  std::ofstream(password) << "hunter2";
  std::filesystem::permissions(password, std::filesystem::perms::owner_read);
  const std::string url = "url: http://gw/\n";
  const std::string boost = url + "preset: boost\nusername: me\nsender: x\npassword_file: " + password + "\n";
  const std::string call =
      url + "method: m\nparameters: [{name: to, value: '{recipient}'}, {name: t, value: '{text}'}]\n";
  const std::pair<std::string, const char*> rows[] = {
      {boost, ""},
      {call, ""},
      // C70: what is left out is missed, not taken from elsewhere.
      {url + "preset: boost\nsender: x\npassword_file: " + password, "expected username"},
      {url + "preset: boost\nusername: me\npassword_file: " + password,
       "expected username, password_file and sender"},
      {url + "preset: boost\nusername: me\nsender: x", "expected username, password_file and sender"},
      {boost + "method: other", "which sets them"},
      {"url: http://gw/{api_key}\nmethod: m", "only in a parameter's value"},
      {url + "method: 'a b'", "a name without a prefix"},
      {call + "username: me", "only with a preset"},
      {url + "method: m\nparameters: [{name: to, value: '{recipient}'}]", "expected {text}"},
      {url + "method: m\nparameters: [{name: t, value: '{text}'}]", "expected {recipient}"},
      {url + "method: m\nparameters: [{name: t, value: '{texxt}'}]", "not a placeholder"},
      {url + "method: m\nparameters: [{name: 'x:y', value: '{text}{recipient}'}]", "without a prefix"},
      {url + "method: m\nparameters: [{name: y, type: 'a b', value: '{text}{recipient}'}]", "XML Schema"},
      {boost + "action: 'a\"b'", "quotation marks"},
      {call + "tls_verify: false", "unknown key"}};
  for (auto& [yaml, words] : rows) {
    SoapDispatcher dispatcher;
    config::Keys keys;
    dispatcher.declare(keys);
    auto said = config::describe(keys.read(yaml, "gateway.yaml"));
    EXPECT_EQ(said.empty(), *words == '\0') << yaml << said;
    EXPECT_NE(said.find(words), std::string::npos) << yaml << said;
    EXPECT_EQ(said.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace smsd::soap
