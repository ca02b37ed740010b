// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/report-watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "clients/dispatcher-check/checks.h"

namespace smsd::check {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds deadline{1000};
const Reported accepted{.kind = outcome::OutcomeKind::accepted, .words = "17"};

/// A worker with a window of 1 that was given attempt 1 (granted), 2 (held) and 3 (withheld).
struct Scene {
  Findings findings;
  ReportWatch watch{findings};

  Scene() {
    watch.described(1, milliseconds(8000));
    watch.handedOver(1, BegunAnswer::grant, deadline, milliseconds(0));
    watch.handedOver(2, BegunAnswer::hold, deadline, milliseconds(0));
    watch.handedOver(3, BegunAnswer::withhold, deadline, milliseconds(0));
  }
  void begin(AttemptId id, int at) {
    watch.begun(id, milliseconds(at));
    watch.answered(id, milliseconds(at));
  }
};

struct Case {
  const char* fault;
  std::string check;  // empty: none
  std::string words;
  std::function<void(Scene&)> reports;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"none: begun, then an outcome", "", "",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.outcome(1, accepted, milliseconds(10));
       }},
      {"none: withheld, then given back", "", "",
       [](Scene& s) {
         s.begin(3, 0);
         s.watch.notBegun(3, milliseconds(1));
       }},
      {"none: given back without a begin", "", "", [](Scene& s) { s.watch.notBegun(1, milliseconds(1)); }},
      {"none: as late as is allowed", "", "",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.outcome(1, accepted, milliseconds(4000));
       }},
      {"an outcome of a stranger", "own-attempts", "attempt 9, which it was not given",
       [](Scene& s) { s.watch.outcome(9, accepted, milliseconds(1)); }},
      {"a begin of a stranger", "own-attempts", "begun for attempt 9",
       [](Scene& s) { s.watch.begun(9, milliseconds(1)); }},
      {"two outcomes", "one-outcome", "accepted (17) for attempt 1, which already was accepted (17)",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.outcome(1, accepted, milliseconds(1));
         s.watch.outcome(1, accepted, milliseconds(2));
       }},
      {"an outcome after notBegun", "one-outcome", "which already was not begun",
       [](Scene& s) {
         s.watch.notBegun(1, milliseconds(1));
         s.watch.outcome(1, accepted, milliseconds(2));
       }},
      {"a begin after the outcome", "one-outcome", "after the end of that attempt",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.outcome(1, accepted, milliseconds(1));
         s.watch.begun(1, milliseconds(2));
       }},
      {"two begins", "begun-first", "begun twice for attempt 1",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.begun(1, milliseconds(1));
       }},
      {"an outcome without a begin", "begun-first", "without begun before it",
       [](Scene& s) { s.watch.outcome(1, accepted, milliseconds(1)); }},
      {"an outcome before the answer to begun", "begun-first",
       "300 ms after begun, while the report of begun",
       [](Scene& s) {
         s.watch.begun(2, milliseconds(0));
         s.watch.outcome(2, accepted, milliseconds(300));
       }},
      {"an outcome of what was withheld", "withheld", "attempt 3, which was withheld",
       [](Scene& s) {
         s.begin(3, 0);
         s.watch.outcome(3, accepted, milliseconds(1));
       }},
      {"more begun than the window", "window", "2 SMS begun at the same time",
       [](Scene& s) {
         s.begin(1, 0);
         s.begin(2, 0);
       }},
      {"an outcome after the deadline and 3 s", "deadline",
       "4001 ms after it was begun, expected at most 4000 ms",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.outcome(1, accepted, milliseconds(4001));
       }},
      {"a report after drain()", "drain", "after drain() or quit() had returned",
       [](Scene& s) {
         s.watch.drained();
         s.watch.notBegun(1, milliseconds(1));
       }},
      {"a begin of a batch above the limits", "limits", "which is of a batch above its limits",
       [](Scene& s) {
         s.watch.overfull(7);
         s.watch.begun(7, milliseconds(1));
       }},
      {"an empty report", "messages", "without any report", [](Scene& s) { s.watch.emptyReport(); }},
      {"no outcome", "one-outcome", "no outcome for attempt 1 within 6001 ms",
       [](Scene& s) {
         s.begin(1, 0);
         s.watch.notBegun(2, milliseconds(1));
         s.watch.notBegun(3, milliseconds(1));
         EXPECT_TRUE(s.watch.overdue(milliseconds(6001)));
         s.watch.noteMissing(milliseconds(6001));
       }},
      {"neither begun nor given back", "one-outcome",
       "neither began attempt 1 nor gave it back within 8001 ms",
       [](Scene& s) {
         s.watch.notBegun(2, milliseconds(1));
         s.watch.notBegun(3, milliseconds(1));
         EXPECT_FALSE(s.watch.overdue(milliseconds(8000)));
         EXPECT_TRUE(s.watch.overdue(milliseconds(8001)));
         s.watch.noteMissing(milliseconds(8001));
       }},
      {"withheld and never given back", "withheld", "did not report notBegun for it",
       [](Scene& s) {
         s.begin(3, 0);
         s.watch.notBegun(1, milliseconds(1));
         s.watch.notBegun(2, milliseconds(1));
         s.watch.noteMissing(milliseconds(2001));
       }},
  };
  return all;
}

TEST(DispatcherCheckWatch, NotesEachFaultOnceUnderTheCheckWhoseRuleItBreaks) {
  for (const auto& one : cases()) {
    SCOPED_TRACE(one.fault);
    Scene scene;
    one.reports(scene);
    EXPECT_EQ(scene.findings.any(), !one.check.empty());
    for (const auto& check : checks()) {
      const auto& happened = scene.findings.happened(check.name);
      ASSERT_EQ(happened.size(), check.name == one.check ? 1U : 0U) << check.name;
      for (const auto& words : happened) EXPECT_NE(words.find(one.words), std::string::npos) << words;
    }
  }
}

TEST(DispatcherCheckTable, HasForEachCheckARuleAPlaceAndAdviceInFullSentences) {
  for (const auto& check : checks()) {
    SCOPED_TRACE(check.name);
    EXPECT_EQ(findCheck(check.name), &check);
    EXPECT_TRUE(check.required.ends_with('.'));
    EXPECT_TRUE(check.change.ends_with('.'));
    EXPECT_FALSE(check.place.empty());
    EXPECT_NE(check.run, nullptr);
  }
  EXPECT_EQ(findCheck("nothing"), nullptr);
}

TEST(DispatcherCheckFindings, KeepAFewFaultsOfACheckAndCountTheOthers) {
  Findings findings;
  for (int i = 0; i < 100; ++i) findings.note("recall", "fault " + std::to_string(i));
  EXPECT_EQ(findings.happened("recall").size(), 3U);
  EXPECT_EQ(findings.count("recall"), 100U);
  EXPECT_FALSE(findings.has("drain"));
}

}  // namespace
}  // namespace smsd::check
