// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/token.h"

#include <gtest/gtest.h>

#include "clients/intake/token-admission.h"

namespace smsd::webintake {
namespace {

using shapes::IncomingAlert;
using shapes::Target;
using shapes::WebFate;
using std::chrono::milliseconds;

IncomingAlert to(Target::Kind kind, std::string name, int severity = 0) {
  IncomingAlert alert;
  alert.to = {kind, std::move(name)};
  alert.text = "x";
  alert.severity = severity;
  return alert;
}

TEST(Token, IsFoundByItsWholeSecretAlone) {
  std::vector<Token> tokens(2);
  tokens[0].name = "a", tokens[0].secret = config::Secret("first-secret");
  tokens[1].name = "b", tokens[1].secret = config::Secret("second-secret");
  ASSERT_NE(findToken(tokens, "second-secret"), nullptr);
  EXPECT_EQ(findToken(tokens, "second-secret")->name, "b");
  for (const char* wrong : {"", "first-secre", "first-secrets", "First-secret", "first-secret "})
    EXPECT_EQ(findToken(tokens, wrong), nullptr) << wrong;
  tokens[0].secret = config::Secret();
  EXPECT_EQ(findToken(tokens, ""), nullptr) << "an empty secret opens nothing";
}

TEST(Token, AllowsRecipientsGroupsAndSeverities) {
  struct Row {
    std::vector<std::string> recipients, groups;
    std::vector<int> severities;
    IncomingAlert alert;
    bool allowed;
  };
  const auto number = [](const char* name, int severity = 0) {
    return to(Target::Kind::recipient, name, severity);
  };
  const auto group = [](const char* name) { return to(Target::Kind::group, name); };
  const Row rows[] = {{{"*"}, {}, {}, number("+4790"), true},
                      {{"*"}, {}, {}, number("kari"), true},  // smsd refuses that
                      {{"*"}, {}, {}, group("ops"), false},
                      {{}, {"*"}, {}, group("ops"), true},
                      {{}, {"*"}, {}, number("+4790"), false},
                      {{}, {"ops"}, {}, group("ops"), true},
                      {{}, {"ops"}, {}, group("op"), false},
                      {{"+47 90 00"}, {}, {}, number("00479000"), true},
                      {{"+479000"}, {}, {}, number("+4790001"), false},
                      {{"+47*"}, {}, {}, number("004790"), true},
                      {{"+47*"}, {}, {}, number("+46470"), false},
                      {{"+47*"}, {}, {}, number("kari"), false},
                      {{"+47*"}, {}, {}, number(""), false},
                      {{"*"}, {}, {1, 2}, number("1", 2), true},
                      {{"*"}, {}, {1, 2}, number("1", 3), false},
                      {{"*"}, {}, {1, 2}, number("1", 0), false}};
  for (const auto& row : rows) {
    Token token;
    token.recipients = row.recipients, token.groups = row.groups, token.severities = row.severities;
    EXPECT_EQ(!refusalBy(token, row.alert), row.allowed) << &row - rows;
  }
}

TEST(Token, HasARate) {
  TokenRate rate(60);
  EXPECT_FALSE(rate.take(59, milliseconds(0)));
  EXPECT_FALSE(rate.take(1, milliseconds(0)));
  EXPECT_EQ(rate.take(1, milliseconds(0)), std::chrono::seconds(2));
  EXPECT_FALSE(rate.take(1, milliseconds(1000)));
  EXPECT_TRUE(rate.take(2, milliseconds(2000)));
  EXPECT_FALSE(rate.take(60, milliseconds(1'000'000))) << "it fills up";
  EXPECT_TRUE(rate.take(1, milliseconds(1'000'000))) << "and no further";
  EXPECT_FALSE(rate.take(1000, milliseconds(2'000'000))) << "a large request passes when the bucket is full";
  EXPECT_TRUE(rate.take(1, milliseconds(2'060'000))) << "and is paid for afterwards";
  TokenRate none(0);
  EXPECT_FALSE(none.take(1'000'000, milliseconds(0)));
}

TEST(TokenAdmission, KeepsOutWhatWouldBreakTheContract) {
  using Refusal = WebFate::Refusal;
  const auto refusalOf = [](IncomingAlert alert) {
    const auto fate = refusalByBounds(alert);
    return fate ? fate->refusal : Refusal::none;
  };
  auto alert = to(Target::Kind::recipient, "1");
  EXPECT_EQ(refusalOf(alert), Refusal::none);
  std::string long_;
  for (std::size_t at = 0; at < shapes::maxText; ++at) long_ += "å";
  alert.text = long_;
  EXPECT_EQ(refusalOf(alert), Refusal::none) << "it counts characters";
  alert.text = long_ + "x";
  EXPECT_EQ(refusalOf(alert), Refusal::text);
  alert.text = "\xFF";
  EXPECT_EQ(refusalOf(alert), Refusal::text);
  alert.text = std::string("a\0b", 3);
  EXPECT_EQ(refusalOf(alert), Refusal::text);
  EXPECT_EQ(refusalOf(to(Target::Kind::group, std::string(201, 'x'))), Refusal::group);
}

TEST(TokenAdmission, PutsTheFatesInTheOrderOfTheRequest) {
  Token token;
  token.name = "t", token.recipients = {"*"};
  auto keyed = to(Target::Kind::recipient, "1");
  keyed.key = "k", keyed.cancels = "c";
  TokenAdmission admission({to(Target::Kind::group, "ops"), keyed, to(Target::Kind::group, "ops"),
                            to(Target::Kind::recipient, "2")},
                           token);
  ASSERT_EQ(admission.allowed(), 2U);
  const auto allowed = admission.takeAllowed();
  EXPECT_EQ(allowed[0].key, "t:k");
  EXPECT_EQ(allowed[0].cancels, "t:c");
  EXPECT_EQ(allowed[1].key, "");
  shapes::SubmissionResult result;
  result.fates = {{WebFate::Result::duplicate}, {WebFate::Result::queued}};
  std::vector<WebFate::Result> results;
  for (const auto& fate : admission.whole(result).fates) results.push_back(fate.result);
  using Result = WebFate::Result;
  EXPECT_EQ(results,
            (std::vector<Result>{Result::refused, Result::duplicate, Result::refused, Result::queued}));
}

}  // namespace
}  // namespace smsd::webintake
