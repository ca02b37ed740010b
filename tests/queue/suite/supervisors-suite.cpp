// SPDX-License-Identifier: GPL-3.0-or-later
// Supervisors: leases, deaths, take-overs, and what the dead may not do any more.
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

class Supervisors : public QueueSuite {};
SMSD_FOR_EACH_BACKEND(Supervisors);

}  // namespace

TEST_P(Supervisors, EachRunHasANumberOfItsOwn) {
  auto before = me();
  crashAndComeBack();
  EXPECT_GT(me(), before);
}

TEST_P(Supervisors, ALeaseCanBeRenewed) {
  queue().renew();
  queue().renew();
  EXPECT_TRUE(queue().takeOver().empty());
}

TEST_P(Supervisors, NobodyTakesOverFromItself) {
  store().put({.phone = "1"});
  ASSERT_EQ(claim().submissions.size(), 1u);
  EXPECT_TRUE(queue().takeOver().empty());
}

TEST_P(Supervisors, ACrashedRunsSubmissionsAreTakenOverAsTheyWere) {
  store().put({.phone = "1", .text = "a, \"b\" {c} \\ ø", .severity = 2});
  store().put({.phone = "1", .text = "d", .severity = 3});
  store().put({.phone = "2", .text = "e"});
  auto wanted = request();
  wanted.format = firstAndIgnore;
  auto before = queue().claim(wanted).submissions;
  ASSERT_EQ(before.size(), 2u);
  before[1].attempt = queue().recordAttempts({{before[1].id, "unknown", "cut off", "gateway"}}).at(0);
  before[1].dispatcher = "gateway";
  crashAndComeBack();
  EXPECT_TRUE(claim().submissions.empty()) << "nobody sends again what may be under way";
  auto adopted = queue().takeOver();
  ASSERT_EQ(adopted.size(), 2u);
  for (std::size_t i = 0; i < adopted.size(); ++i) {
    EXPECT_EQ(adopted[i].id, before[i].id);
    EXPECT_EQ(adopted[i].attempt, before[i].attempt);
    EXPECT_EQ(adopted[i].dispatcher, before[i].dispatcher);
    EXPECT_EQ(adopted[i].key, before[i].key);
    EXPECT_EQ(adopted[i].recipient, before[i].recipient);
    EXPECT_EQ(adopted[i].sms.text, before[i].sms.text);
    EXPECT_EQ(adopted[i].sms.encoding, before[i].sms.encoding);
    EXPECT_EQ(adopted[i].sms.units, before[i].sms.units);
    EXPECT_EQ(adopted[i].sms.parts, before[i].sms.parts);
    EXPECT_EQ(adopted[i].sms.sent, before[i].sms.sent);
    EXPECT_EQ(adopted[i].sms.ignored, before[i].sms.ignored);
    EXPECT_EQ(adopted[i].severity, before[i].severity);
    EXPECT_EQ(adopted[i].first, before[i].first);
    EXPECT_EQ(adopted[i].rounds, before[i].rounds);
  }
  EXPECT_TRUE(queue().takeOver().empty()) << "once";
}

// C23, C24: NAV's row stayed unsent and went out again.
TEST_P(Supervisors, WhatWasTakenOverCanBeSettledAndNothingIsClaimedTwice) {
  auto id = store().put({.phone = "1"});
  ASSERT_EQ(claim().submissions.size(), 1u);
  crashAndComeBack();
  auto adopted = queue().takeOver();
  ASSERT_EQ(adopted.size(), 1u);
  store().put({.phone = "1", .text = "came later"});
  EXPECT_TRUE(claim().submissions.empty());
  auto result = queue().settle({accepted(adopted[0])});
  EXPECT_EQ(result.sent, 1u);
  EXPECT_TRUE(result.lookAgain);
  EXPECT_EQ(store().sent(id), 'Y');
  EXPECT_EQ(claim().submissions.at(0).sms.text, "came later");
}

TEST_P(Supervisors, RoundsSurviveATakeOver) {
  store().put({.phone = "1"});
  queue().settle({returned(claim().submissions.at(0), 1ms)});
  ASSERT_TRUE(eventually([&] { return !claim().submissions.empty(); }));
  crashAndComeBack();
  EXPECT_EQ(queue().takeOver().at(0).rounds, 1);
}

// The repetition of such an SMS must not be repeated again and again by one supervisor after the other.
TEST_P(Supervisors, AttemptsWhoseAnswerWasNotUnderstoodAreCountedInATakeOver) {
  store().put({.phone = "1", .severity = 1});
  store().put({.phone = "2", .severity = 2});
  auto claimed = claim().submissions;
  queue().recordAttempts({{claimed.at(0).id, std::string(notUnderstood), "no rule knows it", "gateway"},
                          {claimed.at(1).id, "unknown", "cut off", "gateway"}});
  for (int i = 0; i < 2; ++i) {
    crashAndComeBack();
    auto adopted = queue().takeOver();
    ASSERT_EQ(adopted.size(), 2u);
    EXPECT_EQ(adopted[0].notUnderstood, 1);
    EXPECT_EQ(adopted[1].notUnderstood, 0);
  }
}

TEST_P(Supervisors, ARetiredSupervisorLeavesItsLiveSubmissionsBehind) {
  store().put({.phone = "1", .severity = 1});
  store().put({.phone = "2", .severity = 2});
  auto claimed = claim().submissions;
  queue().settle({accepted(claimed.at(0))});
  queue().retire();
  EXPECT_EQ(refusal([&] { queue().settle({accepted(claimed.at(1))}); }), QueueError::Kind::fenced);
  crashAndComeBack();
  EXPECT_EQ(recipients(queue().takeOver()), std::vector<std::string>{"2"});
}

TEST_P(Supervisors, AnotherIsNotTakenOverFromWhileItsLeaseRuns) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  store().put({.phone = "1"});
  ASSERT_EQ(claim().submissions.size(), 1u);
  auto other = store().open();
  other->enlist("there", longLease);
  EXPECT_TRUE(other->takeOver().empty());
  EXPECT_TRUE(other->claim(request()).submissions.empty());
}

TEST_P(Supervisors, ASilentSupervisorIsTakenOverFromAndFencedOff) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  auto id = store().put({.phone = "1"});
  auto silent = store().open();
  silent->enlist("there", 1ms);
  auto lost = silent->claim(request()).submissions;
  ASSERT_EQ(lost.size(), 1u);
  std::vector<Submission> adopted;
  ASSERT_TRUE(eventually([&] { return !(adopted = queue().takeOver()).empty(); }));
  EXPECT_EQ(adopted.at(0).key, lost[0].key);

  store().put({.phone = "2"});
  EXPECT_EQ(refusal([&] { silent->settle({accepted(lost[0])}); }), QueueError::Kind::fenced);
  EXPECT_EQ(refusal([&] {
              silent->recordAttempts({{lost[0].id, "deferred", "", "x"}});
            }),
            QueueError::Kind::fenced);
  EXPECT_EQ(refusal([&] { silent->renew(); }), QueueError::Kind::fenced);
  EXPECT_EQ(refusal([&] { silent->claim(request()); }), QueueError::Kind::fenced);
  EXPECT_EQ(refusal([&] { silent->takeOver(); }), QueueError::Kind::fenced);
  EXPECT_EQ(store().sent(id), 'N');
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("attempt")), "0");
  EXPECT_EQ(queue().settle({accepted(adopted[0])}).sent, 1u);
}

TEST_P(Supervisors, AFencedSupervisorMayEnlistAgainAndStartFromNothing) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  store().put({.phone = "1"});
  auto silent = store().open();
  silent->enlist("there", 1ms);
  ASSERT_EQ(silent->claim(request()).submissions.size(), 1u);
  std::vector<Submission> adopted;
  ASSERT_TRUE(eventually([&] { return !(adopted = queue().takeOver()).empty(); }));
  queue().settle({returned(adopted.at(0))});
  silent->enlist("there", longLease);
  EXPECT_EQ(silent->claim(request()).submissions.size(), 1u)
      << "what it held in memory is not its own any more";
}

TEST_P(Supervisors, ALateSupervisorKeepsItsLeaseWhenNobodyTookOver) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  store().put({.phone = "1"});
  auto late = store().open();
  late->enlist("there", 1ms);
  auto claimed = late->claim(request()).submissions;
  late->renew();
  EXPECT_EQ(late->settle({accepted(claimed.at(0))}).sent, 1u);
}

// C46: NAV had no lock at all.
TEST_P(Supervisors, TwoSupervisorsClaimEverybodyOnceBetweenThem) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  constexpr int many = 400;
  for (int i = 0; i < many; ++i) store().put({.phone = std::to_string(i), .severity = i % 3});
  std::mutex lock;
  std::multiset<std::string> sent;
  auto work = [&](const char* name) {
    auto mine = store().open();
    mine->enlist(name, longLease);
    for (int ends = 0; ends < 2;) {
      auto result = mine->claim(request(16));
      std::vector<Settlement> done;
      for (const auto& submission : result.submissions) {
        std::lock_guard hold(lock);
        sent.insert(submission.recipient);
        done.push_back(accepted(submission));
      }
      mine->settle(done);
      if (result.atEnd) ++ends;
    }
  };
  std::thread one(work, "one"), two(work, "two");
  one.join();
  two.join();
  EXPECT_EQ(sent.size(), std::size_t(many));
  EXPECT_EQ(std::set<std::string>(sent.begin(), sent.end()).size(), std::size_t(many));
  EXPECT_EQ(store().one("SELECT count(*) FROM smsq WHERE sent <> 'Y'"), "0");
}

TEST_P(Supervisors, AWaitHoldsForEverySupervisor) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  store().put({.phone = "1"});
  queue().settle({returned(claim().submissions.at(0), 1h)});
  auto other = store().open();
  other->enlist("there", longLease);
  auto result = other->claim(request());
  EXPECT_TRUE(result.submissions.empty());
  EXPECT_TRUE(result.nextDue.has_value());
}

TEST_P(Supervisors, ConcurrentTakeOversAdoptEachSubmissionOnce) {
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  constexpr int many = 50;
  for (int i = 0; i < many; ++i) store().put({.phone = std::to_string(i)});
  auto dead = store().open();
  dead->enlist("dead", 1ms);
  ASSERT_EQ(dead->claim(request()).submissions.size(), std::size_t(many));
  std::atomic<int> adopted = 0;
  auto work = [&](const std::string& name) {
    auto mine = store().open();
    mine->enlist(name, longLease);
    for (auto until = std::chrono::steady_clock::now() + 20s;
         adopted < many && std::chrono::steady_clock::now() < until;)
      adopted += static_cast<int>(mine->takeOver().size());
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work, "heir" + std::to_string(i));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(adopted, many);
}

}  // namespace smsd::queue
