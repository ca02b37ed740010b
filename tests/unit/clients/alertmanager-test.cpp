// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/alertmanager.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace smsd::shapes {
namespace {

const std::vector<Target> ops = {{Target::Kind::group, "ops"}};

AlertmanagerRules rules(bool sendResolved = true) {
  std::string problem;
  return {*AlertTemplate::from("{status} {what}", problem),
          *AlertTemplate::from("{status} {what}", problem),
          SeverityWords({{"loud", 1}}),
          "severity",
          4,
          sendResolved};
}

std::string alert(const std::string& name, const std::string& status,
                  const std::string& severity = "critical",
                  const std::string& startsAt = "2026-11-27T19:30:00Z") {
  return fmt::format(
      R"({{"status":"{}","labels":{{"alertname":"{}","severity":"{}"}},"annotations":{{}},"startsAt":"{}",
      "fingerprint":"f-{}","values":{{"A":1}},"generatorURL":""}})",
      status, name, severity, startsAt, name);
}

std::string webhook(const std::string& alerts, const std::string& receiver = "sms",
                    const std::string& group = "g") {
  return fmt::format(R"({{"receiver":"{}","status":"firing","alerts":[{}],"groupLabels":{{"alerts":[{{}}]}},
      "commonAnnotations":{{}},"version":"4","groupKey":"{}","truncatedAlerts":0}})",
                     receiver, alerts, group);
}

IncomingAlert only(const std::string& body) {
  const auto read = readAlertmanager(body, ops, rules());
  EXPECT_EQ(read.problem, "");
  EXPECT_EQ(read.alerts.size(), 1U);
  return read.alerts.empty() ? IncomingAlert{} : read.alerts[0];
}

TEST(Alertmanager, ReadsAnAlert) {
  const auto one = only(webhook(alert("Disk", "firing")));
  EXPECT_EQ(one.text, "FIRING Disk");
  EXPECT_EQ(one.severity, 1);
  EXPECT_EQ(one.to, ops[0]);
  EXPECT_EQ(one.key.size(), 35U);
  EXPECT_EQ(one.cancels, "");
}

TEST(Alertmanager, MapsTheSeverity) {
  const std::pair<const char*, int> rows[] = {{"critical", 1},   {"Warning", 3}, {"LOUD", 1},
                                              {"unheard-of", 4}, {"2", 2},       {"", 4}};
  for (const auto& [word, severity] : rows)
    EXPECT_EQ(only(webhook(alert("D", "firing", word))).severity, severity) << word;
}

TEST(Alertmanager, HasTheSameKeyForARepetitionAlone) {
  const std::string one = only(webhook(alert("Disk", "firing"))).key;
  EXPECT_EQ(only(webhook(alert("Disk", "firing"))).key, one);
  std::set<std::string> keys = {
      one,
      only(webhook(alert("Fan", "firing"))).key,
      only(webhook(alert("Disk", "resolved"))).key,
      only(webhook(alert("Disk", "firing"), "other")).key,
      only(webhook(alert("Disk", "firing"), "sms", "other")).key,
      only(webhook(alert("Disk", "firing"), "smsg", "")).key,
      only(webhook(alert("Disk", "firing", "critical", "2026-11-27T19:31:00Z"))).key};
  EXPECT_EQ(keys.size(), 7U);
}

TEST(Alertmanager, CancelsTheFiringAlertOfAResolvedOne) {
  const auto resolved = only(webhook(alert("Disk", "resolved")));
  EXPECT_EQ(resolved.cancels, only(webhook(alert("Disk", "firing"))).key);
  EXPECT_EQ(resolved.text, "RESOLVED Disk");
  const auto silent = readAlertmanager(webhook(alert("Disk", "resolved")), ops, rules(false));
  EXPECT_EQ(silent.alerts.at(0).text, "");
  EXPECT_EQ(silent.alerts.at(0).cancels, resolved.cancels);
}

TEST(Alertmanager, NamesAnAlertWithoutAFingerprintByItsLabels) {
  const auto keyWith = [](const std::string& labels) {
    return only(webhook(R"({"status":"firing","labels":{)" + labels + "}}")).key;
  };
  EXPECT_NE(keyWith(R"("a":"1")"), keyWith(R"("a":"2")"));
  EXPECT_EQ(keyWith(R"("a":"1","b":"2")"), keyWith(R"("b":"2","a":"1")"));
}

TEST(Alertmanager, GoesToEachRecipient) {
  const std::vector<Target> both = {ops[0], {Target::Kind::recipient, "+47"}};
  const auto read =
      readAlertmanager(webhook(alert("A", "firing") + "," + alert("B", "firing")), both, rules());
  ASSERT_EQ(read.alerts.size(), 4U);
  EXPECT_EQ(read.alerts[0].key, read.alerts[1].key);
  EXPECT_NE(read.alerts[0].to, read.alerts[1].to);
  EXPECT_NE(read.alerts[0].key, read.alerts[2].key);
}

TEST(Alertmanager, ReadsAWebhookOfGrafana) {
  // The members are those of Grafana's manual, "Configure the webhook notifier" (version 11).
  const auto one = only(R"({"receiver":"sms","status":"firing","orgId":1,"alerts":[{"status":"firing",
      "labels":{"alertname":"Memory","severity":"warning"},"annotations":{"summary":"memory is low"},
      "startsAt":"2026-11-27T09:51:03.157076+02:00","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://g/1",
      "fingerprint":"c6eadffa33fcdf37","silenceURL":"https://g/2","dashboardURL":"","panelURL":"",
      "values":{"B":44.2,"C":1}}],"groupLabels":{},"commonLabels":{},"commonAnnotations":{},
      "externalURL":"https://g/","version":"1","groupKey":"{}:{}","truncatedAlerts":0,"title":"[FIRING:1]",
      "state":"alerting","message":"**Firing**"})");
  EXPECT_EQ(one.text, "FIRING memory is low");
  EXPECT_EQ(one.severity, 3);
}

TEST(Alertmanager, NamesTheAlertsThatTheSenderLeftOut) {
  std::string body = webhook(alert("Disk", "firing", "warning") + "," + alert("Fan", "firing", "error"));
  body.replace(body.find("\"truncatedAlerts\":0"), 19, "\"truncatedAlerts\":7");
  const auto read = readAlertmanager(body, ops, rules());
  ASSERT_EQ(read.alerts.size(), 3U);
  EXPECT_EQ(read.alerts[2].text, "7 more alerts were left out of a group (max_alerts)");
  EXPECT_EQ(read.alerts[2].severity, 2);
  EXPECT_NE(read.alerts[2].key, "");
}

TEST(Alertmanager, IsAnEmptyListWithoutAlerts) {
  const auto read = readAlertmanager(webhook(""), ops, rules());
  EXPECT_EQ(read.problem, "");
  EXPECT_TRUE(read.alerts.empty());
}

TEST(Alertmanager, RefusesAnythingElse) {
  for (const std::string& wrong :
       {std::string(""), std::string("{}"), std::string("[]"), std::string("7"),
        std::string(R"({"alerts":{}})"), std::string(R"({"alerts":"x"})"), std::string(R"({"x":[]})"),
        webhook("x"), std::string(R"([{"alerts":[]}])"),
        R"({"alerts":[],"x":)" + std::string(20, '[') + std::string(20, ']') + "}",
        std::string("{\"alerts\":[]}}"), std::string("{\"alerts\":[\"\xFF\"]}")})
    EXPECT_NE(readAlertmanager(wrong, ops, rules()).problem, "") << wrong;
  EXPECT_NE(readAlertmanager(webhook(""), {}, rules()).problem, "");
}

TEST(Alertmanager, TakesNoSenseFromTheWrongPlace) {
  // Lists of lists, an alert that is no object, labels that are no texts.
  for (const char* odd :
       {"[[]]", "null", R"("firing")", R"({"labels":{"a":{"b":"c"}},"status":["resolved"]})",
        R"({"labels":["x"],"annotations":null})"}) {
    const auto read = readAlertmanager(webhook(odd), ops, rules());
    for (const auto& one : read.alerts) EXPECT_EQ(one.cancels, "") << odd;
  }
}

TEST(Alertmanager, AnswersAUsedUpRateWithAStatusThatIsRepeated) {
  WebFate fate{WebFate::Result::refused, WebFate::Refusal::rate, "too many"};
  fate.retryAfter = 9;
  const auto answer = answerAlertmanager({{}, 0, {fate}});
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.retryAfter, 9U);
}

}  // namespace
}  // namespace smsd::shapes
