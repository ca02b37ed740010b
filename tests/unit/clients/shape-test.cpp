// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/shape.h"

#include <gtest/gtest.h>

#include "clients/shapes/dedupe-key.h"
#include "clients/shapes/json.h"

namespace smsd::shapes {
namespace {

AlertmanagerRules defaultRules() {
  std::string problem;
  const auto text = AlertTemplate::from(defaultTemplate, problem);
  return {*text, *text, SeverityWords(), "severity", 0, true};
}

/// The alerts of a request as one line, or the problem after its status.
std::string readAs(const char* target, const std::string& body = "") {
  auto read = readTarget(target);
  WebRequest request{routeOf(read->path), std::move(read->query), body};
  if (request.route.shape == RequestShape::smseagleJsonRpc) request.call = readSmseagleJsonRpc(body);
  const auto reading = readRequest(request, defaultRules());
  if (!reading.problem.empty()) return std::to_string(reading.status);
  std::string line;
  for (const auto& alert : reading.alerts)
    line += (line.empty() ? "" : " ") + std::string(alert.to.kind == Target::Kind::group ? "#" : "") +
            alert.to.name + "=" + alert.text + "/" + std::to_string(alert.severity) +
            (alert.key.empty() ? "" : "/" + alert.key);
  return line;
}

struct Row {
  const char* target;
  const char* body;
  const char* expected;
};

TEST(Shapes, AreReadAsTheirClientsWriteThem) {
  const Row rows[] = {
      // Uptime Kuma, smseagle.js
      {"/api/v2/messages/sms", R"({"text":"up","encoding":"unicode","priority":0,"to":["+47","48"]})",
       "+47=up/0 48=up/0"},
      {"/api/v2/messages/sms", R"({"text":"up","contacts":[3],"groups":[7,"ops"],"priority":9})",
       "#3=up/1 #7=up/1 #ops=up/1"},
      {"/api/v2/messages/sms", R"({"text":"up"})", "400"},
      {"/api/v2/messages/sms", R"({"text":"","to":["1"]})", "400"},
      {"/api/v2/messages/sms", R"({"text":"up","to":[[1]]})", "400"},
      {"/api/v2/messages/sms", R"({"text":"up","to":["1"],"send_after":"2027"})", "400"},
      {"/api/v2/messages/sms", R"(["text"])", "400"},
      // ElastAlert 2, smseagle.py
      {"/api/v2/messages/sms", R"({"text":"up","to":["+47"],"contacts":["kari"],"groups":["ops"]})",
       "+47=up/0 #kari=up/0 #ops=up/0"},
      // LibreNMS, Smseagle.php
      {"/index.php/http_api/send_sms?login=a&pass=b&to=%2B47,48&message=a+b", "", "+47=a b/0 48=a b/0"},
      {"/http_api/send_togroup?groupname=ops&message=x&highpriority=1", "", "#ops=x/1"},
      {"/http_api/send_tocontact?contactname=kari&message=x", "", "#kari=x/0"},
      {"/http_api/send_sms?to=1&message=x&test=1", "", ""},
      {"/http_api/send_sms?to=1&message=x&date=202712312359", "", "400"},
      {"/http_api/send_mms?to=1&message=x", "", "404"},
      // Apprise, NotifySMSEagle.py
      {"/jsonrpc/sms",
       R"({"method":"sms.send_sms","params":{"to":"+47,+48","access_token":"t","message":"m","highpriority":0,"unicode":1,"message_type":"sms","responsetype":"extended","flash":0,"test":0}})",
       "+47=m/0 +48=m/0"},
      {"/jsonrpc/sms",
       R"({"method":"sms.send_togroup","params":{"groupname":"ops","message":"m","highpriority":1}})",
       "#ops=m/1"},
      {"/jsonrpc/sms", R"({"method":"sms.send_fax","params":{}})", "404"},
      {"/jsonrpc/sms", R"({"method":"sms.send_sms","params":[]})", "400"},
      {"/jsonrpc/sms", R"({"method":["x"],"params":{}})", "404"},
      {"/cgi-bin/sendsms?username=a&password=b&to=%2B47+%2B48&text=x&priority=3", "", "+47=x/1 +48=x/1"},
      {"/cgi-bin/sendsms?to=1&text=bl%E5", "", "1=blå/0"},
      {"/cgi-bin/sendsms?to=1", "", "400"},
      {"/cgi-bin/sendsms?text=x", "", "400"},
      {"/alerts", R"({"to":"+47","text":"x","severity":"warning","key":"k"})", "+47=x/3/k"},
      {"/alerts?to=ops", R"([{"text":"x","severity":1},{"group":["a"],"message":"y"}])", "#ops=x/1 #a=y/0"},
      {"/alerts", R"({"to":"1","text":"x","severity":7})", "400"},
      {"/alerts", R"({"to":"1","text":"x","severity":true})", "400"},
      {"/alerts", "to=%2B47&to=48&text=a+b%26c&severity=critical&key=k", "+47=a b&c/1/k 48=a b&c/1/k"},
      {"/alerts?to=ops", "text=%C3%A5", "#ops=å/0"},
      {"/alerts", "to=1&text=%FF", "400"},
      {"/alerts", "to=1&txet=x", "400"},
      {"/alerts", "", "400"},
      {"/alertmanager/ops", R"({"alerts":[]})", ""},
      {"/nowhere", "", "404"}};
  for (const auto& row : rows)
    EXPECT_EQ(readAs(row.target, row.body), row.expected) << row.target << " " << row.body;
}

TEST(Shapes, HaveTheirTokensInTheirOwnPlaces) {
  Parameters all;
  all.add("access_token", "a");
  all.add("password", "p");
  all.add("pass", "q");
  EXPECT_EQ(tokenIn(RequestShape::smseagleV1, all), "a");
  EXPECT_EQ(tokenIn(RequestShape::kannel, all), "p");
  for (const auto shape : {RequestShape::alerts, RequestShape::alertmanager, RequestShape::smseagleV2,
                           RequestShape::none, RequestShape::metrics})
    EXPECT_EQ(tokenIn(shape, all), "");
  EXPECT_EQ(readSmseagleJsonRpc(R"({"params":{"access_token":"t"}})").token, "t");
  EXPECT_EQ(readSmseagleJsonRpc(R"({"params":{"pass":"t"},"method":7})").token, "t");
  EXPECT_EQ(readSmseagleJsonRpc(R"({"access_token":"t"})").token, "");
}

SubmissionResult result(WebFate::Result what, WebFate::Refusal why = WebFate::Refusal::none) {
  WebFate fate{what, why, what == WebFate::Result::refused ? "because" : ""};
  if (what != WebFate::Result::refused) fate.messages = {7}, fate.recipients = {"+47"};
  return {{}, 0, {fate}};
}

TEST(Shapes, AnswerAsTheirClientsJudge) {
  using Result = WebFate::Result;
  using Refusal = WebFate::Refusal;
  struct Judged {
    RequestShape shape;
    SubmissionResult result;
    unsigned status;
    const char* body;
  };
  const Judged rows[] = {
      {RequestShape::alerts, result(Result::queued), 200,
       "{\"fates\":[{\"result\":\"queued\",\"messages\":[7],\"recipients\":[\"+47\"]}]}\n"},
      {RequestShape::alerts, result(Result::refused, Refusal::rate), 429,
       "{\"error\":\"because\",\"fates\":[{\"result\":\"refused\",\"why\":\"because\"}]}\n"},
      {RequestShape::alerts, {"away", 3, {}}, 503, "{\"error\":\"away\"}\n"},
      {RequestShape::alertmanager, result(Result::duplicate), 200, "accepted\n"},
      {RequestShape::alertmanager, result(Result::refused, Refusal::group), 403, "because\n"},
      {RequestShape::smseagleV2, result(Result::queued), 200,
       "[{\"status\":\"queued\",\"message\":\"OK\",\"number\":\"+47\",\"id\":7}]\n"},
      {RequestShape::smseagleV2, result(Result::refused, Refusal::recipient), 400,
       "[{\"status\":\"error\",\"message\":\"because\",\"number\":\"\",\"id\":0}]\n"},
      {RequestShape::smseagleV2, {"away", 3, {}}, 503, "[{\"status\":\"error\",\"message\":\"away\"}]\n"},
      {RequestShape::smseagleV1, result(Result::queued), 200, "OK; ID=7\n"},
      {RequestShape::smseagleV1, result(Result::refused, Refusal::notAllowed), 403, "Error: because\n"},
      {RequestShape::smseagleJsonRpc, result(Result::queued), 200, "{\"result\":\"OK; ID=7\"}\n"},
      {RequestShape::smseagleJsonRpc, result(Result::refused, Refusal::text), 400,
       "{\"result\":\"because\"}\n"},
      {RequestShape::kannel, result(Result::queued), 202, "0: Accepted for delivery"},
      {RequestShape::kannel, {"away", 3, {}}, 503, "away"}};
  for (const auto& row : rows) {
    WebRequest request;
    request.route.shape = row.shape;
    const auto answer = answerTo(request, row.result);
    EXPECT_EQ(answer.status, row.status) << nameOf(row.shape);
    EXPECT_EQ(answer.body, row.body) << nameOf(row.shape);
    EXPECT_EQ(answer.retryAfter > 0, row.status == 503 || row.status == 429);
  }
}

TEST(Shapes, RefuseInTheirOwnForm) {
  EXPECT_EQ(refusalIn(RequestShape::smseagleJsonRpc, 400, "no").body,
            "{\"result\":[{\"error_text\":\"no\",\"status\":\"error\"}]}\n");
  EXPECT_EQ(refusalIn(RequestShape::smseagleV2, 400, "no").body,
            "[{\"status\":\"error\",\"message\":\"no\"}]\n");
  EXPECT_EQ(refusalIn(RequestShape::alerts, 400, "n\"o").body, "{\"error\":\"n\\\"o\"}\n");
  EXPECT_EQ(refusalIn(RequestShape::kannel, 400, "no").body, "no\n");
}

TEST(Shapes, BoundJsonBeforeItIsRead) {
  EXPECT_TRUE(isWithin(R"({"a":["[[[[[",",,,,","\""]})", 2, 5));
  EXPECT_FALSE(isWithin("[[[", 2, 10));
  EXPECT_FALSE(isWithin("[1,2,3]", 2, 3));
  EXPECT_FALSE(readJson(std::string(1'000'000, '[')));
  EXPECT_FALSE(readJson("[" + std::string(1'000'000, ',') + "]"));
  EXPECT_FALSE(readJson("\"\xFF\""));
}

TEST(Shapes, MakeKeysThatAreApart) {
  EXPECT_EQ(keyOf("", {""}).size(), 32U);
  EXPECT_NE(keyOf("", {"a", "b"}), keyOf("", {"ab", ""}));
  EXPECT_NE(keyOf("", {"a", "b"}), keyOf("", {"b", "a"}));
  EXPECT_EQ(keyOfToken("t", ""), "");
  EXPECT_EQ(keyOfToken("t", "k"), "t:k");
  EXPECT_EQ(ownKey(""), "");
  EXPECT_EQ(ownKey(std::string(maxOwnKey, 'k')), std::string(maxOwnKey, 'k'));
  for (const std::string& wrong :
       {std::string("a b"), std::string("a\n"), std::string("\xC3\xA5"), std::string(maxOwnKey + 1, 'k')})
    EXPECT_EQ(ownKey(wrong).size(), 36U);
}

}  // namespace
}  // namespace smsd::shapes
