// SPDX-License-Identifier: GPL-3.0-or-later
// Heartbeats of other programs: what the queue records of them, and what a look changes. A queue that keeps
// none skips these cases.
#include <algorithm>
#include <stdexcept>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

using Offer = HeartbeatsSeen::Offer;
using Change = HeartbeatVerdict::Change;

#define SMSD_NEEDS_HEARTBEATS()                                                            \
  if (!store().complete() && !offered()) GTEST_SKIP() << "this queue keeps no heartbeats"; \
  ASSERT_TRUE(offered())

class ExpectedHeartbeats : public QueueSuite {
 protected:
  ExpectedHeartbeats() { queue().takeOver(); }  // learns which version of the schema all supervisors know

  bool offered() { return queue().lookAtHeartbeats({}).offer != Offer::notOffered; }

  static HeartbeatLook lookFor(std::vector<std::string> numbers, const HeartbeatVerdict& verdict) {
    return {{{"nav", std::move(numbers)}}, [verdict](const HeartbeatRecord&) { return verdict; }};
  }
  HeartbeatRecord look(const HeartbeatVerdict& verdict = {}, std::vector<std::string> numbers = {"+4700"}) {
    return queue().lookAtHeartbeats(lookFor(std::move(numbers), verdict)).seen.at(0).before;
  }
  static HeartbeatVerdict missing() {
    return {.change = Change::missing,
            .waited = 7s,
            .message = NewMessage{std::nullopt, "+4799", "no heartbeat", 1}};
  }
  std::string count(const std::string& condition) {
    return store().one("SELECT count(*) FROM smsq WHERE " + condition);
  }
};
SMSD_FOR_EACH_BACKEND(ExpectedHeartbeats);

}  // namespace

TEST_P(ExpectedHeartbeats, AreRecordedAtTheFirstLook) {
  SMSD_NEEDS_HEARTBEATS();
  const auto first = look({.waited = 5s});
  EXPECT_EQ(first.name, "nav");
  EXPECT_EQ(first.looks, 0);
  EXPECT_EQ(first.waited, 0s);
  EXPECT_EQ(first.came, 0u);
  EXPECT_FALSE(first.last || first.missing || first.otherWatches);
  const auto second = look();
  EXPECT_EQ(second.looks, 1);
  EXPECT_EQ(second.waited, 5s);
  EXPECT_GE(second.sinceLook, 0s);
  EXPECT_LT(second.sinceLook, 60s);
}

TEST_P(ExpectedHeartbeats, AreCountedOnceAndTheTimeOfTheLastOneStays) {
  SMSD_NEEDS_HEARTBEATS();
  EXPECT_TRUE(queue().beat("nav"));
  EXPECT_TRUE(queue().beat("nav"));
  const auto first = look();
  EXPECT_EQ(first.came, 2u);
  ASSERT_TRUE(first.sinceBeat && first.last);
  EXPECT_LT(*first.sinceBeat, 60s);
  const auto second = look();
  EXPECT_EQ(second.came, 0u);
  EXPECT_FALSE(second.sinceBeat);
  EXPECT_EQ(second.last, first.last);
}

TEST_P(ExpectedHeartbeats, AreTakenFromAQueueThatWasNeverEnlisted) {
  SMSD_NEEDS_HEARTBEATS();
  if (!store().shared()) GTEST_SKIP() << "another process opens the file";
  EXPECT_TRUE(store().open()->beat("nav"));
  EXPECT_EQ(look().came, 1u);
}

TEST_P(ExpectedHeartbeats, MayBeMessagesToTheirNumberAndNoSmsLeaves) {
  SMSD_NEEDS_HEARTBEATS();
  const auto old = store().put({.phone = "+4700", .age = 30s});
  const auto latest = store().put({.phone = "0047 00", .severity = 1, .age = 10s});
  const auto other = store().put({.phone = "+4799"});
  const auto record = look({}, {"+4700", "0047 00"});
  EXPECT_EQ(record.came, 2u);
  ASSERT_TRUE(record.sinceBeat);
  EXPECT_GE(*record.sinceBeat, 9s);
  EXPECT_LT(*record.sinceBeat, 29s);
  for (const auto id : {old, latest}) {
    EXPECT_EQ(store().sent(id), 'Y');
    EXPECT_TRUE(store().row(id).stamped);
    EXPECT_EQ(store().row(id).smsid, std::nullopt);
  }
  EXPECT_EQ(store().sent(other), 'N');
  EXPECT_EQ(recipients(claim().submissions), std::vector<std::string>{"+4799"});
  EXPECT_EQ(look().came, 0u);
}

// Other programs write the time of a message.
TEST_P(ExpectedHeartbeats, CountWhateverTheTimeOfTheirMessageIs) {
  SMSD_NEEDS_HEARTBEATS();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  for (const std::string time : {"9999-01-01 00:00:00", "0001-01-01 00:00:00"}) {
    const auto id = store().put({.phone = "+4700"});
    store().sql("UPDATE smsq SET time = '" + time + "' WHERE phone = '+4700'");
    const auto record = look();
    EXPECT_EQ(record.came, 1u) << time;
    ASSERT_TRUE(record.sinceBeat) << time;
    EXPECT_GE(*record.sinceBeat, 0s) << time;
    EXPECT_LE(*record.sinceBeat, std::chrono::hours(10 * 365 * 24)) << time;
    EXPECT_EQ(store().sent(id), 'Y') << time;
    const auto last = look().last;
    ASSERT_TRUE(last) << time;
    EXPECT_LE(std::chrono::milliseconds(*last), now + 1min) << time;
  }
}

TEST_P(ExpectedHeartbeats, LeaveHeldMessagesAndThoseInProgressAlone) {
  SMSD_NEEDS_HEARTBEATS();
  const auto held = store().put({.phone = "+4700"});
  queue().settle({QueueSuite::held(claim().submissions.at(0))});
  EXPECT_EQ(look().came, 0u);
  EXPECT_EQ(store().sent(held), 'N');
  store().put({.phone = "+4700"});
  const auto claimed = claim().submissions.at(0);
  EXPECT_EQ(look().came, 0u);
  queue().settle({returned(claimed)});
  EXPECT_EQ(look().came, 1u);
}

TEST_P(ExpectedHeartbeats, AreInNoClaimAndHoldUpNoOther) {
  SMSD_NEEDS_HEARTBEATS();
  store().put({.phone = "+47 00", .severity = 1});
  store().put({.phone = "+47 00", .severity = 2});
  store().put({.phone = "+4799", .severity = 3});
  auto wanted = request(1);
  wanted.leaveOut = [](const std::string& recipient) { return recipient == "+47 00"; };
  for (auto view : {Look::head, Look::onward}) {
    wanted.look = view;
    const auto result = queue().claim(wanted);
    EXPECT_EQ(result.leftOut, std::vector<std::string>{"+47 00"});
    const auto claimed = view == Look::head ? std::vector<std::string>{"+4799"} : std::vector<std::string>{};
    EXPECT_EQ(recipients(result.submissions), claimed);
  }
  EXPECT_EQ(count("sent = 'N'"), "3");
}

TEST_P(ExpectedHeartbeats, HaveTheirAlertWrittenInTheSameTransactionAsTheirState) {
  SMSD_NEEDS_HEARTBEATS();
  look(missing());
  EXPECT_EQ(count("phone = '+4799' AND msg = 'no heartbeat' AND severity = 1 AND sent = 'N'"), "1");
  const auto after = look();
  EXPECT_TRUE(after.missing);
  EXPECT_EQ(after.waited, 7s);
  EXPECT_TRUE(look().missing) << "until it is said to be back";
  look({.change = Change::back});
  EXPECT_FALSE(look().missing);
  EXPECT_EQ(count("phone = '+4799'"), "1");
}

TEST_P(ExpectedHeartbeats, StayAsTheyWereIfALookFails) {
  SMSD_NEEDS_HEARTBEATS();
  look({.waited = 3s});
  const auto id = store().put({.phone = "+4700"});
  auto broken = missing();
  if (store().longestText() < 1000)
    broken.message->text = std::string(1000, 'x');  // no column holds it
  else
    broken.message->account = 4711;  // there is none
  EXPECT_TRUE(refusal([&] { look(broken); }));
  EXPECT_EQ(store().sent(id), 'N');
  const auto after = look();
  EXPECT_EQ(after.looks, 1);
  EXPECT_EQ(after.waited, 3s);
  EXPECT_EQ(after.came, 1u);
  EXPECT_FALSE(after.missing);
}

TEST_P(ExpectedHeartbeats, ShowAStepOfTheClockAndNothingElseChanges) {
  SMSD_NEEDS_HEARTBEATS();
  look({.waited = 3s});
  for (const auto step : {7200s, -14400s}) {
    store().step(step);
    const auto record = look({.waited = 3s});
    EXPECT_EQ(record.waited, 3s);
    EXPECT_NEAR(static_cast<double>(record.sinceLook.count()), static_cast<double>(step.count()) * 1000,
                60'000);
  }
}

TEST_P(ExpectedHeartbeats, AreSharedByAllSupervisors) {
  SMSD_NEEDS_HEARTBEATS();
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  look({.waited = 3s});
  auto other = store().open();
  other->enlist("there", longLease);
  other->takeOver();
  const auto seen = other->lookAtHeartbeats(lookFor({}, missing())).seen.at(0).before;
  EXPECT_EQ(seen.waited, 3s);
  EXPECT_TRUE(seen.otherWatches);
  const auto mine = look();
  EXPECT_EQ(mine.looks, 2);
  EXPECT_TRUE(mine.missing);
  EXPECT_TRUE(mine.otherWatches);
  EXPECT_FALSE(look().otherWatches);
  other->lookAtHeartbeats(lookFor({}, {}));
  other->retire();
  EXPECT_FALSE(look().otherWatches) << "it is gone";
}

TEST_P(ExpectedHeartbeats, AreBehindTheFence) {
  SMSD_NEEDS_HEARTBEATS();
  SMSD_NEEDS_SEVERAL_SUPERVISORS();
  look({.waited = 3s});
  const auto id = store().put({.phone = "+4700"});
  auto successor = store().open();
  successor->enlist("here", longLease);
  successor->takeOver();
  EXPECT_EQ(refusal([&] { look(missing()); }), QueueError::Kind::fenced);
  EXPECT_EQ(store().sent(id), 'N');
  EXPECT_EQ(count("phone = '+4799'"), "0");
  EXPECT_EQ(successor->lookAtHeartbeats(lookFor({}, {})).seen.at(0).before.looks, 1);
}

}  // namespace smsd::queue
