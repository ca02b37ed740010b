// SPDX-License-Identifier: GPL-3.0-or-later
// What an operator says that answers mean, row by row, and answers made to break it.
#include "workers/net/rules.h"

#include <gtest/gtest.h>

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

constexpr const char* origin = "https://gw:443";

Rules rulesOf(const std::string& yaml) {
  config::Keys keys;
  Rules rules;
  rules.declare(keys);
  auto problems = keys.read(yaml, "gateway.yaml");
  EXPECT_EQ(config::describe(problems), "");
  return rules;
}

Exchange answer(int status, std::string body, Exchange::Body whole = Exchange::Body::whole) {
  Exchange exchange;
  exchange.status = status;
  exchange.sent = Sent::something;
  exchange.body = std::move(body);
  exchange.whole = whole;
  return exchange;
}

/// "accepted:reference", "deferred+30:reason", "refused:reason", "not understood:reason", ...
std::string said(const kit::Outcome& outcome) {
  if (auto* o = std::get_if<kit::Accepted>(&outcome)) return "accepted:" + o->reference;
  if (auto* o = std::get_if<kit::Refused>(&outcome)) return "refused:" + o->reason;
  if (auto* o = std::get_if<kit::Broken>(&outcome)) return "broken:" + o->reason;
  if (auto* o = std::get_if<kit::Unknown>(&outcome))
    return (o->reply == kit::Reply::notUnderstood ? "not understood:" : "unknown:") + o->reason;
  auto& deferred = std::get<kit::Deferred>(outcome);
  return "deferred+" + std::to_string(deferred.after / 1s) + ":" + deferred.reason;
}
std::string said(const Rules& rules, const Exchange& exchange) {
  return said(rules.outcomeOf(exchange, origin));
}

TEST(Rules, CallNo200AcceptedThatSaysErrorC64) {
  auto rules = rulesOf(R"(
answers:
  - {status: 200, body: "^ERROR: out of credits", is: broken, reason: out of credits}
  - {status: 200, body: "^ERROR", is: refused}
)");
  EXPECT_EQ(said(rules, answer(200, "ERROR: out of credits\n")), "broken:https://gw:443: out of credits");
  EXPECT_EQ(said(rules, answer(200, "ERROR: no such number")),
            "refused:https://gw:443 gave an answer that matches rule 2 of `answers` (200)");
  EXPECT_EQ(said(rules, answer(200, "OK 17")), "accepted:") << "what no rule fits is for the table";
  EXPECT_TRUE(said(rules, answer(503, "ERROR")).starts_with("deferred"));
}

TEST(Rules, FindNoYesInJsonThatHasANameTwice) {
  auto rules = rulesOf(R"(
answers:
  - {json: /status, equals: ok, is: accepted}
  - {json: /status, equals: error, is: refused}
)");
  for (auto body : {R"({"status":"error","text":"x","status":"ok","y":"z"})",
                    R"({"status":"ok","text":"x","status":"error","y":"z"})"})
    EXPECT_TRUE(said(rules, answer(200, body)).starts_with("not understood:")) << body;
}

TEST(Rules, ThatSayWhatAYesIsLeaveNoOtherYesC64) {
  auto rules = rulesOf(R"(
answers:
  - {status: 200, body: "^OK", is: accepted}
  - {status: 200, body: "no such number", is: refused}
)");
  EXPECT_EQ(said(rules, answer(200, "OK 17")), "accepted:");
  EXPECT_TRUE(said(rules, answer(200, "no such number")).starts_with("refused"));
  for (auto body : {"ERROR: out of credits", "", "<html>Service unavailable</html>"})
    EXPECT_EQ(said(rules, answer(200, body)),
              "not understood:https://gw:443 gave an answer that no rule covers (200)");
  EXPECT_EQ(said(rules, answer(202, "")),
            "not understood:https://gw:443 gave an answer that no rule covers (202)");
  EXPECT_TRUE(said(rules, answer(503, "")).starts_with("deferred")) << "what is no 2xx is for the table";
  EXPECT_TRUE(said(rules, answer(404, "")).starts_with("broken"));

  auto any = rulesOf("answers: [{json: /id, is: accepted}]");
  EXPECT_TRUE(said(any, answer(201, "{}")).starts_with("not understood"));
  auto other =
      rulesOf("answers: [{status: \"199, 300, 409\", is: accepted}, {status: 2xx, body: ^E, is: broken}]");
  EXPECT_EQ(said(other, answer(200, "")), "accepted:") << "a yes under another status says nothing of 200";
  for (auto statuses : {"2xx", "100-200", "299-400", "409, 204"}) {
    auto for2xx = rulesOf("answers: [{status: \"" + std::string(statuses) + "\", body: ^OK, is: accepted}]");
    EXPECT_TRUE(said(for2xx, answer(250, "x")).starts_with("not understood")) << statuses;
  }
}

TEST(Rules, AreTriedInTheirOrderAndAllConditionsOfOneHaveToHold) {
  auto rules = rulesOf(R"(
answers:
  - {status: "200-299, 404", json: /status, equals: "0", is: accepted}
  - {status: 2xx, json: /status, matches: "^(1|5)$", is: deferred, after: 30s, reason: busy}
  - {json: /error/code, is: refused, reason: says no}
  - {status: 2xx, is: unknown, reason: says nothing}
reference: {json: /id}
)");
  EXPECT_EQ(said(rules, answer(200, R"({"status": "0", "id": 4711})")), "accepted:4711");
  EXPECT_EQ(said(rules, answer(404, R"({"status": 0, "id": "a-1"})")), "accepted:a-1");
  EXPECT_EQ(said(rules, answer(200, R"({"status": "1"})")), "deferred+30:https://gw:443: busy");
  EXPECT_EQ(said(rules, answer(200, R"({"status": 15})")), "unknown:https://gw:443: says nothing");
  EXPECT_EQ(said(rules, answer(500, R"({"error": {"code": false}})")), "refused:https://gw:443: says no");
  EXPECT_EQ(said(rules, answer(500, R"({"error": {"code": null}})")),
            "deferred+0:https://gw:443 reports an internal error (500)");
  EXPECT_EQ(said(rules, answer(299, "not json")), "unknown:https://gw:443: says nothing");
}

TEST(Rules, MayMakeEachOutcomeOfAnAnswer) {
  for (std::string is : {"accepted", "refused", "deferred", "broken", "unknown"})
    EXPECT_TRUE(said(rulesOf("answers: [{status: 418, is: " + is + "}]"), answer(418, "")).starts_with(is))
        << is;
}

TEST(Rules, ObeyRetryAfterBeforeTheirOwnAfterC66) {
  auto rules = rulesOf("answers: [{status: 429, is: deferred, after: 30s}]");
  auto exchange = answer(429, "");
  EXPECT_TRUE(said(rules, exchange).starts_with("deferred+30:"));
  exchange.retryAfter = 7s;
  EXPECT_TRUE(said(rules, exchange).starts_with("deferred+7:"));
  exchange.retryAfter = 48h;
  EXPECT_TRUE(said(rules, exchange).starts_with("deferred+3600:"));
}

TEST(Rules, TakeTheReferenceFromBodyJsonOrHeader) {
  auto body = rulesOf(R"(reference: {body: 'id: (\S+)'})");
  EXPECT_EQ(said(body, answer(200, "OK\nid: q-17 more")), "accepted:q-17");
  EXPECT_EQ(said(body, answer(200, "OK")), "accepted:");
  EXPECT_EQ(said(rulesOf(R"(reference: {body: '[0-9]+'})"), answer(200, "sent 17")), "accepted:17");
  EXPECT_EQ(said(rulesOf(R"(reference: {body: 'x(y)?'})"), answer(200, "x")), "accepted:");
  EXPECT_EQ(said(rulesOf("reference: {json: /0/id}"), answer(200, R"([{"id": "a/b"}])")), "accepted:a/b");
  auto header = rulesOf("reference: {header: X-Id}");
  EXPECT_EQ(header.wanted().header, "X-Id");
  EXPECT_EQ(header.wanted().body, AnswerParts::Body::dropped);
  auto exchange = answer(201, "");
  exchange.header = "h-1";
  EXPECT_EQ(said(header, exchange), "accepted:h-1");
}

TEST(Rules, KeepAReferenceShort) {
  auto outcome = rulesOf("reference: {body: '.*'}").outcomeOf(answer(200, std::string(60'000, 'x')), origin);
  EXPECT_EQ(std::get<kit::Accepted>(outcome).reference.size(), 128U);
}

TEST(Rules, KnowNothingOfAnAnswerThatDidNotComeWhole) {
  auto rules = rulesOf(R"(
answers:
  - {status: 2xx, body: "ERROR", is: broken}
  - {status: 2xx, is: accepted}
)");
  EXPECT_EQ(said(rules, answer(200, "OK, but", Exchange::Body::partial)),
            "not understood:https://gw:443 gave an answer that did not arrive completely (200)");
  EXPECT_TRUE(said(rulesOf("answers: [{status: 5xx, body: x, is: refused}]"),
                   answer(502, "", Exchange::Body::partial))
                  .starts_with("unknown"))
      << "that was no success";
  EXPECT_TRUE(said(rules, answer(200, "ERROR", Exchange::Body::partial)).starts_with("broken"))
      << "what it looks for was there";
  EXPECT_TRUE(said(rules, answer(503, "", Exchange::Body::partial)).starts_with("deferred"))
      << "no rule reads the body of that status";
}

TEST(Rules, MatchTheTextOfAnAnswerInWhateverCharset) {
  auto rules = rulesOf(R"(
answers:
  - {status: 2xx, body: "^FEHLER.*ung.ltige Nummer", is: refused}
  - {status: 2xx, body: "^gültig", is: accepted}
reference: {body: 'id=(\S+)'}
)");
  auto of = [](std::string body, std::string type) {
    auto exchange = answer(200, std::move(body));
    exchange.contentType = std::move(type);
    return exchange;
  };
  for (auto type : {"", "text/plain", "text/plain; charset=ISO-8859-1", "text/plain; charset=UTF-8"})
    EXPECT_TRUE(said(rules, of("FEHLER: ung\xFCltige Nummer", type)).starts_with("refused")) << type;
  EXPECT_TRUE(said(rules, of("FEHLER: ungültige Nummer", "")).starts_with("refused"));
  EXPECT_EQ(said(rules, of("g\xFCltig id=k\xE5-1", "text/plain; charset=iso-8859-1")), "accepted:kå-1");
  std::string wide("\xFF\xFE");
  for (char c : std::string("FEHLER: ungyltige Nummer")) wide += {c, '\0'};
  EXPECT_TRUE(said(rules, of(wide, "")).starts_with("refused"));
  EXPECT_EQ(
      said(rulesOf("reference: {body: '.*'}"), of(std::string(100, 'x') + std::string(100, '\xE5'), "")),
      "accepted:" + std::string(100, 'x') + "åååååååååååååå")
      << "cut between two characters";
}

TEST(Rules, DecideOnWhatIsNearlyJson) {
  auto rules = rulesOf(R"(
answers:
  - {status: 2xx, json: /status, equals: "ok", is: accepted}
  - {status: 2xx, json: /status, equals: "error", is: refused}
reference: {json: /id}
)");
  for (std::string body : {"{\"status\":\"ok\",\"id\":\"7\",\"info\":\"gesendet f\xFCr morgen\"}",
                           "{\"status\":\"ok\",\"id\":\"7\",\"text\":\"core-gw1 is down\nsince 03:00\"}",
                           "{\"text\":\"interface \"uplink\" is down\",\"status\":\"ok\",\"id\":7}",
                           "<br />\nNotice: x\n{\"status\":\"ok\",\"id\":\"7\"}",
                           "\xEF\xBB\xBF{\"status\":\"ok\",\"id\":\"7\",\"cost\":NaN,}"})
    EXPECT_EQ(said(rules, answer(200, body)), "accepted:7") << body;
  EXPECT_TRUE(said(rules, answer(200, "{\"status\":\"error\",\"left\":NaN}")).starts_with("refused"));
}

// A portal's login page, or another version of the gateway: no rule for a no could have fitted it.
TEST(Rules, ThatReadJsonTakeNoAnswerWithoutAnyForAYes) {
  auto rules = rulesOf("answers: [{status: 2xx, json: /error, is: refused}]");
  EXPECT_EQ(said(rules, answer(200, "<html>please log in</html>")),
            "not understood:https://gw:443 gave an answer that is no JSON, but its rules read JSON (200)");
  EXPECT_EQ(said(rules, answer(200, "{\"id\":1}")), "accepted:");
  EXPECT_EQ(said(rules, answer(202, "")), "accepted:") << "a 2xx without a body is what the status says";
  EXPECT_EQ(said(rulesOf("answers: [{status: 201, json: /error, is: refused}]"), answer(200, "OK")),
            "accepted:")
      << "those rules are for another status";
}

TEST(Rules, LeaveATransferThatFailedToTheTable) {
  auto rules = rulesOf("answers: [{is: accepted}]");
  Exchange cut;
  cut.failure = Failure::cut;
  cut.sent = Sent::something;
  EXPECT_TRUE(said(rules, cut).starts_with("unknown"));
  cut.sent = Sent::nothing;
  EXPECT_TRUE(said(rules, cut).starts_with("deferred"));
}

TEST(Rules, SurviveAnswersThatAreMadeToBreakThem) {
  auto rules = rulesOf(R"(
answers:
  - {json: /a/0/b, equals: "1", is: accepted}
  - {body: "(a*)*(b|a)*c$", is: refused}
  - {json: /-, is: refused}
  - {json: /01, is: refused}
  - {status: 2xx, is: deferred}
reference: {json: /a/0/b}
)");
  std::vector<std::string> bodies = {std::string(65'536, '['),
                                     std::string(65'536, 'a'),
                                     std::string("\0\0\0", 3),
                                     "\xFF\xFE{",
                                     "{\"a\": 1e999}",
                                     "[1,2,3]",
                                     "\"",
                                     "",
                                     "{\"a\":[{\"b\":[1]}]}"};
  std::string nested;
  for (int i = 0; i < 8'000; ++i) nested += "{\"a\":[";
  bodies.push_back(nested);
  for (auto& body : bodies) {
    auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(said(rules, answer(200, body)).starts_with("deferred")) << body.substr(0, 20);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s) << "an expression took more than linear time";
  }
}

TEST(Rules, TakeNoExpressionThatNeedsMuchMemory) {
  Expression expression;
  EXPECT_EQ(expression.compile("\\pL{10}"), std::nullopt);
  auto problem = expression.compile("\\pL{200}");
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find("too large"), std::string::npos) << *problem;
}

TEST(Rules, ReadStatuses) {
  using Ranges = std::vector<std::pair<int, int>>;
  EXPECT_EQ(parseStatuses("200"), (Ranges{{200, 200}}));
  EXPECT_EQ(parseStatuses("4xx, 200-204 ,503"), (Ranges{{400, 499}, {200, 204}, {503, 503}}));
  for (auto wrong : {"", "20", "2xy", "xx", "300-200", "200,", "200-", "1000", "200 300", "-1", "0xx"})
    EXPECT_EQ(parseStatuses(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace smsd::net
