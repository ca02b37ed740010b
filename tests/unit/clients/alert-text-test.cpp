// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/alert-text.h"

#include <gtest/gtest.h>

#include "clients/shapes/submission.h"
#include "common/text/utf.h"

namespace smsd::shapes {
namespace {

std::string filled(std::string_view form, const AlertFacts& alert) {
  std::string problem;
  const auto all = AlertTemplate::from(form, problem);
  return all ? all->fill(alert) : "problem: " + problem;
}

AlertFacts diskFull() {
  return {{{"severity", "critical"}, {"alertname", "Disk"}, {"instance", "db1"}, {"team", "ops"}},
          {{"summary", "disk is full"}, {"runbook", "R1"}},
          "2026-11-27T19:30:08.123Z",
          false};
}

TEST(AlertText, HasTheValuesOfThePlaceholders) {
  const AlertFacts alert = diskFull();
  const std::pair<const char*, const char*> rows[] = {
      {defaultTemplate, "FIRING critical: disk is full (db1) since 2026-11-27 19:30Z"},
      {"{what}", "disk is full"},
      {"{label:team}/{annotation:runbook}", "ops/R1"},
      {"[{label:none}] {what}", "disk is full"},
      {"{label:none}", "FIRING"},  // never without a text
      {"no placeholder", "no placeholder"}};
  for (const auto& [form, expected] : rows) EXPECT_EQ(filled(form, alert), expected) << form;
}

TEST(AlertText, LeavesNoTraceOfAMissingValue) {
  EXPECT_EQ(filled(defaultTemplate, {}), "FIRING:");
  EXPECT_EQ(filled(defaultTemplate, {{{"alertname", "Disk"}}, {}, "", true}), "RESOLVED: Disk");
  EXPECT_EQ(
      filled(defaultTemplate, {{{"alertname", "Disk"}, {"host", "h"}}, {}, "0001-01-01T00:00:00Z", false}),
      "FIRING: Disk (h)");
}

TEST(AlertText, TakesTheFirstWordsThatThereAre) {
  AlertFacts alert = diskFull();
  alert.annotations = {{"description", "long"}, {"message", "m"}};
  EXPECT_EQ(filled("{what}", alert), "long");
  alert.annotations.clear();
  EXPECT_EQ(filled("{what}", alert), "Disk");
}

TEST(AlertText, RefusesAnUnknownPlaceholder) {
  for (const char* wrong : {"{oops}", "{what", "{}", "{label:}", "{What}"})
    EXPECT_TRUE(filled(wrong, {}).starts_with("problem: found")) << wrong;
}

TEST(AlertText, IsBoundedAndValid) {
  AlertFacts alert;
  for (const std::string& summary :
       {std::string(100'000, ' '), std::string(100'000, '('), std::string(50'000, '\xFF')}) {
    alert.annotations["summary"] = summary;
    const std::string text = filled("{what}", alert);
    EXPECT_TRUE(text::isValid(text));
    EXPECT_LE(text::decode(text).size(), maxText);
  }
  EXPECT_EQ(text::decode(boundedText(std::string(5000, 'x'))).size(), maxText);
  EXPECT_TRUE(boundedText(std::string(5000, 'x')).ends_with("x..."));
}

TEST(AlertText, ShortensATime) {
  const std::pair<const char*, const char*> rows[] = {{"2026-11-27T19:30:08.123Z", "2026-11-27 19:30Z"},
                                                      {"2026-11-27T19:30:08+01:00", "2026-11-27 19:30+01:00"},
                                                      {"2026-11-27T19:30", "2026-11-27 19:30"},
                                                      {"0001-01-01T00:00:00Z", ""},
                                                      {"yesterday", ""},
                                                      {"2026-11-27 19:30:08Z", ""},
                                                      {"", ""}};
  for (const auto& [time, expected] : rows) EXPECT_EQ(shortTime(time), expected) << time;
}

}  // namespace
}  // namespace smsd::shapes
