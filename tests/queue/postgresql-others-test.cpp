// SPDX-License-Identifier: GPL-3.0-or-later
// Another program settles messages: NAV's own smsd is noticed; an operator, smsctl and other supervisors are
// not taken for it.
#include "tests/queue/postgresql-bench.h"

namespace smsd::queue {
namespace {

class PostgresqlOthers : public Postgresql {
 protected:
  PostgresqlOthers() { enlist(); }

  /// As NAV's smsd does it: one message, one transaction.
  void navSends(format::MessageId id) {
    store_.sql("UPDATE smsq SET sent = 'Y', smsid = 0, timesent = now() WHERE id = " + std::to_string(id));
  }
  Submission claimOne() { return queue_->claim(request()).submissions.at(0); }
};

TEST_F(PostgresqlOthers, NothingIsSaidOfAQueueThatIsOurs) {
  EXPECT_EQ(queue_->otherSettler(), "");
  for (int i = 0; i < 5; ++i) {
    store_.put({.phone = "1"});
    queue_->settle({accepted(claimOne())});
  }
  EXPECT_EQ(queue_->otherSettler(), "");
}

TEST_F(PostgresqlOthers, ASessionOfNavsSmsdIsNoticedAsLongAsItLasts) {
  {
    pqxx::connection nav(store_.connection("postgres") + " application_name='smsd (NAV legacy)'");
    EXPECT_NE(queue_->otherSettler().find("NAV's own smsd is connected"), std::string::npos);
  }
  EXPECT_TRUE(eventually([&] { return queue_->otherSettler().empty(); }));
}

TEST_F(PostgresqlOthers, MessagesThatNavsSmsdSendsAreNoticed) {
  for (int i = 0; i < 2; ++i) navSends(store_.put({.phone = "1"}));
  EXPECT_EQ(queue_->otherSettler(), "") << "two marks by hand";
  navSends(store_.put({.phone = "1"}));
  EXPECT_NE(queue_->otherSettler().find("another program marks messages as sent"), std::string::npos);
  EXPECT_NE(queue_->otherSettler(), "") << "it lasts";
}

TEST_F(PostgresqlOthers, MessagesOfOurOwnSubmissionsThatNavsSmsdSendsAreNoticedBesideOtherSupervisors) {
  auto second = store_.open();
  second->enlist("there", longLease);
  EXPECT_EQ(queue_->otherSettler(), "");
  std::vector<Settlement> settlements;
  for (const char* phone : {"1", "2", "3"}) {
    const auto id = store_.put({.phone = phone});
    settlements.push_back(accepted(claimOne()));
    navSends(id);
  }
  EXPECT_EQ(queue_->settle(settlements).sent, 0u);
  EXPECT_NE(queue_->otherSettler().find("another program marks messages as sent"), std::string::npos);
}

TEST_F(PostgresqlOthers, WhatAnotherSupervisorSendsIsNoSign) {
  auto second = store_.open();
  second->enlist("there", longLease);
  for (int i = 0; i < 5; ++i) {
    store_.put({.phone = "1"});
    second->settle({accepted(second->claim(request()).submissions.at(0))});
  }
  second->retire();
  EXPECT_EQ(queue_->otherSettler(), "");
}

TEST_F(PostgresqlOthers, AnOperatorsMarksAreNoSign) {
  for (int i = 0; i < 5; ++i) store_.put({.phone = "1"});
  store_.sql("UPDATE smsq SET sent = 'Y', smsid = 0, timesent = now()");  // all by one statement
  for (int i = 0; i < 5; ++i)
    store_.sql("UPDATE smsq SET sent = 'Y' WHERE id = " + std::to_string(store_.put({.phone = "1"})));
  for (int i = 0; i < 5; ++i) store_.put({.phone = "1"});
  queue_->cancel(std::chrono::seconds(0));
  EXPECT_EQ(queue_->otherSettler(), "");
}

TEST_F(PostgresqlOthers, WhatNavsSmsdSentBeforeTheMoveIsNoSign) {
  for (int i = 0; i < 5; ++i) navSends(store_.put({.phone = "1"}));
  queue_->enlist("here", longLease);
  EXPECT_EQ(queue_->otherSettler(), "");
}

}  // namespace
}  // namespace smsd::queue
