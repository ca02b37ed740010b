// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/intake/admission.h"

#include <gtest/gtest.h>

namespace smsd::intake {
namespace {

config::Config configuration() {
  config::Config config;
  config.country = "47";
  config.groups = {{"noc", {"+4790000001", "+4790000002"}}, {"boss", {"+4790000003"}}};
  return config;
}

config::IntakeCaller caller() {
  config::IntakeCaller caller;
  caller.user = "alerter";
  caller.recipients = {"+4799*", "+4790000001"};
  caller.groups = {"noc", "gone"};
  caller.severities = {1, 2};
  return caller;
}

Alert alert(const std::string& recipient = "+4799887766") {
  return {.recipient = recipient, .text = "core-gw1 is down", .severity = 1};
}

TEST(Admission, MakesOneMessageForANumberInOneForm) {
  Alert one = alert("99 88 77 66");
  one.key = "key";
  one.cancels = "earlier";
  one.expiresIn = 60;
  one.label = "grafana-1.x_@";
  const auto admitted = admit(one, caller(), configuration());
  EXPECT_EQ(admitted.refusal, Refusal::none) << admitted.why;
  ASSERT_EQ(admitted.targets.size(), 1u);
  const auto& target = admitted.targets[0];
  EXPECT_EQ(target.recipient, "+4799887766");
  EXPECT_EQ(target.text, "core-gw1 is down");
  EXPECT_EQ(target.severity, 1);
  EXPECT_EQ(target.caller, "alerter");
  EXPECT_EQ(target.label, "grafana-1.x_@");
  EXPECT_EQ(target.group, "");
  EXPECT_EQ(target.key, "key");
  EXPECT_EQ(target.cancels, "earlier");
  EXPECT_EQ(target.expiresIn, std::chrono::seconds(60));
}

TEST(Admission, MakesOneMessageForEachNumberOfAGroup) {
  Alert one = alert("");
  one.group = "noc";
  const auto admitted = admit(one, caller(), configuration());
  ASSERT_EQ(admitted.targets.size(), 2u) << admitted.why;
  EXPECT_EQ(admitted.targets[0].recipient, "+4790000001");
  EXPECT_EQ(admitted.targets[1].recipient, "+4790000002") << "the group's, not the caller's own";
  EXPECT_EQ(admitted.targets[1].group, "noc");
}

TEST(Admission, OfAStarIsForAnyNumberAndGroup) {
  auto any = caller();
  any.recipients = {"*"};
  any.groups = {"*"};
  any.severities = {};
  Alert one = alert("1881");
  one.severity = 0;
  EXPECT_EQ(admit(one, any, configuration()).targets.size(), 1u);
  EXPECT_FALSE(admit(one, any, configuration()).targets[0].severity);
  one.group = "boss";
  EXPECT_EQ(admit(one, any, configuration()).targets.size(), 1u);
}

TEST(Admission, RefusesWithTheReason) {
  const auto changed = [](auto change) {
    Alert one = alert();
    change(one);
    return one;
  };
  const std::string long4096(4096, 'x'), longer = long4096 + "x", key256(256, 'k');
  const struct {
    Alert alert;
    Refusal refusal;
    const char* why;
  } rows[] = {
      {alert("kari"), Refusal::recipient, "kari cannot be a telephone number"},
      {alert("+4780000000"), Refusal::notAllowed, "the user alerter may not submit to this number"},
      {alert("+479"), Refusal::notAllowed, "may not submit to this number"},
      {alert("+47900000011"), Refusal::notAllowed, "may not submit to this number"},
      {changed([](Alert& a) { a.group = "boss"; }), Refusal::notAllowed, "may not submit to the group boss"},
      {changed([](Alert& a) { a.group = "gone"; }), Refusal::group, "there is no group gone"},
      {changed([](Alert& a) { a.group = ""; }), Refusal::notAllowed, "may not submit to the group"},
      {changed([](Alert& a) { a.text = ""; }), Refusal::text, "empty"},
      {changed([](Alert& a) { a.text = "\xff"; }), Refusal::text, "not UTF-8"},
      {changed([](Alert& a) { a.text = std::string("a\0b", 3); }), Refusal::text, "NUL"},
      {changed([&](Alert& a) { a.text = longer; }), Refusal::text, "more than 4096 characters"},
      {changed([&](Alert& a) { a.key = key256; }), Refusal::key, "`key`"},
      {changed([](Alert& a) { a.cancels = "\xff"; }), Refusal::key, "`cancels`"},
      {changed([](Alert& a) { a.label = "a b"; }), Refusal::key, "label"},
      {changed([](Alert& a) { a.label = std::string(65, 'a'); }), Refusal::key, "label"},
      {changed([](Alert& a) { a.severity = 6; }), Refusal::severity, "severity is 6"},
      {changed([](Alert& a) { a.severity = -1; }), Refusal::severity, "severity is -1"},
      {changed([](Alert& a) { a.severity = 3; }), Refusal::notAllowed, "may not submit the severity 3"},
      {changed([](Alert& a) { a.severity = 0; }), Refusal::notAllowed, "may not submit the severity 0"},
  };
  for (const auto& row : rows) {
    const auto admitted = admit(row.alert, caller(), configuration());
    EXPECT_EQ(admitted.refusal, row.refusal) << row.why << ": " << admitted.why;
    EXPECT_NE(admitted.why.find(row.why), std::string::npos) << admitted.why;
    EXPECT_TRUE(admitted.targets.empty());
  }
  Alert longest = alert();
  longest.text = long4096;
  EXPECT_EQ(admit(longest, caller(), configuration()).targets.size(), 1u);
  longest.text.clear();
  for (int n = 0; n < 4096; ++n) longest.text += "\xc3\xa6";
  EXPECT_EQ(admit(longest, caller(), configuration()).targets.size(), 1u) << "characters, not bytes";
}

TEST(Admission, WithoutATextIsOnlyForOneThatResolves) {
  Alert one = alert();
  one.text.clear();
  one.cancels = "earlier";
  EXPECT_EQ(admit(one, caller(), configuration()).targets.size(), 1u);
}

}  // namespace
}  // namespace smsd::intake
