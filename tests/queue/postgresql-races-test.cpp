// SPDX-License-Identifier: GPL-3.0-or-later
// A second session that is in the way: inside a claim, a settlement or a take-over.
#include <thread>

#include "tests/queue/postgresql-bench.h"

namespace smsd::queue {
namespace {

/// A second session that waits to be waited for.
class Rival {
 public:
  explicit Rival(const PostgresqlStore& store)
      : connection_(store.connection("postgres")), work_(connection_) {}
  void exec(const std::string& statement) { work_.exec(statement); }
  void abort() { work_.abort(); }
  void commit() { work_.commit(); }

 private:
  pqxx::connection connection_;
  pqxx::work work_;
};

}  // namespace

// C6: NAV sent an empty SMS to whom it found nothing to say any more.
TEST_F(Postgresql, ARecipientWhoseMessagesVanishWhileItIsClaimedIsLeftOut) {
  enlist();
  store_.put({.phone = "vanishes", .severity = 1});
  store_.put({.phone = "stays", .severity = 2});
  Rival rival(store_);
  rival.exec(submit("vanishes"));  // the claim has to wait for what becomes of this one
  ClaimResult result;
  std::thread claiming([&] { result = queue_->claim(request()); });
  EXPECT_TRUE(somebodyWaits());
  store_.sql("DELETE FROM smsq WHERE phone = 'vanishes'");
  rival.abort();
  claiming.join();
  ASSERT_EQ(result.submissions.size(), 1u);
  EXPECT_EQ(result.submissions[0].recipient, "stays");
  store_.put({.phone = "vanishes"});
  EXPECT_EQ(queue_->claim(request()).submissions.size(), 1u) << "free again";
}

// Otherwise the SMS would leave, and the one that resolves it would not.
TEST_F(Postgresql, AnAlertIsNotResolvedWhileAnotherSupervisorClaimsIt) {
  enlist();
  queue_->takeOver();
  const auto alert = [](const std::string& key, const std::string& cancels) {
    return std::vector<NewAlert>{
        {.recipient = "1", .text = "text", .caller = "one", .key = key, .cancels = cancels}};
  };
  const auto firing = queue_->submit(alert("firing", ""), std::chrono::hours(1)).fates.at(0);
  Rival rival(store_);
  rival.exec(submit("1"));
  AlertFate fate;
  std::thread resolving(
      [&] { fate = queue_->submit(alert("resolved", "firing"), std::chrono::hours(1)).fates.at(0); });
  EXPECT_TRUE(somebodyWaits());
  rival.commit();
  resolving.join();
  EXPECT_EQ(fate.result, AlertFate::Result::queued);
  EXPECT_NE(fate.message, firing.message);
  EXPECT_EQ(store_.sent(firing.message), 'N') << "it is in the SMS of the other supervisor";
  EXPECT_EQ(store_.one("SELECT count(*) FROM smsd.live"), "1") << "that of the other supervisor";
}

TEST_F(Postgresql, ASupervisorDoesNotClaimAnAlertWhileAnotherOneResolvesIt) {
  enlist();
  queue_->takeOver();
  const auto firing = queue_
                          ->submit({{.recipient = "1", .text = "text", .caller = "one", .key = "firing"}},
                                   std::chrono::hours(1))
                          .fates.at(0);
  Rival rival(store_);
  rival.exec("INSERT INTO smsd.live (recipient, supervisor) VALUES ('1', 0)");
  ClaimResult claimed;
  std::thread claiming([&] { claimed = queue_->claim(request()); });
  EXPECT_TRUE(somebodyWaits());
  rival.exec("UPDATE smsq SET sent = 'I' WHERE id = " + std::to_string(firing.message));
  rival.exec("DELETE FROM smsd.live WHERE recipient = '1'");
  rival.commit();
  claiming.join();
  EXPECT_TRUE(claimed.submissions.empty());
  EXPECT_EQ(store_.one("SELECT count(*) FROM smsd.live"), "0");
}

TEST_F(Postgresql, AWaitThatAnotherSupervisorSetsWhileARecipientIsClaimedIsKept) {
  enlist();
  store_.put({.phone = "1"});
  Rival rival(store_);
  rival.exec(submit("1"));
  ClaimResult result;
  std::thread claiming([&] { result = queue_->claim(request()); });
  EXPECT_TRUE(somebodyWaits());
  rival.exec("UPDATE smsd.submission SET ended = now()");
  rival.exec("DELETE FROM smsd.live");
  rival.exec("INSERT INTO smsd.wait (recipient, rounds, due) VALUES ('1', 3, now() + interval '1 hour')");
  rival.commit();
  claiming.join();
  EXPECT_TRUE(result.submissions.empty());
  store_.sql("UPDATE smsd.wait SET due = now()");
  EXPECT_EQ(queue_->claim(request()).submissions.at(0).rounds, 3);
}

TEST_F(Postgresql, AMessageThatAnotherSupervisorHoldsWhileItsRecipientIsClaimedIsLeftOut) {
  enlist();
  auto id = store_.put({.phone = "1"});
  Rival rival(store_);
  rival.exec(submit("1"));
  ClaimResult result;
  std::thread claiming([&] { result = queue_->claim(request()); });
  EXPECT_TRUE(somebodyWaits());
  rival.exec("UPDATE smsd.submission SET ended = now(), fate = 'held'");
  rival.exec("DELETE FROM smsd.live");
  rival.exec("INSERT INTO smsd.held (message, submission) SELECT " + std::to_string(id) +
             ", id FROM smsd.submission");
  rival.commit();
  claiming.join();
  EXPECT_TRUE(result.submissions.empty()) << "it may have been sent";
  EXPECT_EQ(queue_->held(10).size(), 1u);
}

TEST_F(Postgresql, ASettlementThatMeetsItsOwnDeathSentenceWaitsForItAndIsRefused) {
  enlist();
  auto id = store_.put({.phone = "1"});
  auto submission = queue_->claim(request()).submissions.at(0);
  Rival rival(store_);
  rival.exec("UPDATE smsd.supervisor SET state = 'dead'");
  std::optional<Kind> refused;
  std::thread settling([&] { refused = refusal([&] { queue_->settle({accepted(submission)}); }); });
  EXPECT_TRUE(somebodyWaits());
  rival.commit();
  settling.join();
  EXPECT_EQ(refused, Kind::fenced);
  EXPECT_EQ(store_.sent(id), 'N');
}

TEST_F(Postgresql, AHeartbeatWhoseMessageIsLockedIsTakenLaterAndHoldsUpNoOther) {
  enlist();
  queue_->takeOver();
  const auto locked = store_.put({.phone = "+4700"});
  const auto other = store_.put({.phone = "+4711"});
  const HeartbeatLook look{{{"nav", {"+4700"}}, {"snmp", {"+4711"}}},
                           [](const HeartbeatRecord&) { return HeartbeatVerdict{}; }};
  Rival rival(store_);
  rival.exec("SELECT FROM smsq WHERE id = " + std::to_string(locked) + " FOR UPDATE");
  const auto seen = queue_->lookAtHeartbeats(look);
  ASSERT_EQ(seen.seen.size(), 2u);
  EXPECT_EQ(seen.taken, 1u);
  EXPECT_EQ(store_.sent(other), 'Y');
  rival.abort();
  EXPECT_EQ(queue_->lookAtHeartbeats(look).taken, 1u);
  EXPECT_EQ(store_.sent(locked), 'Y');
}

// The years are beyond those of SQLite.
TEST_F(Postgresql, AHeartbeatCountsIfTheTimeOfItsMessageIsTheLastThatATimestampHolds) {
  enlist();
  queue_->takeOver();
  const HeartbeatLook look{{{"nav", {"+4700"}}}, [](const HeartbeatRecord&) { return HeartbeatVerdict{}; }};
  for (const char* time :
       {"294276-12-31 23:59:59.999999", "4713-01-01 00:00:00 BC", "infinity", "-infinity"}) {
    const auto id = store_.put({.phone = "+4700"});
    store_.sql("UPDATE smsq SET time = '" + std::string(time) + "' WHERE id = " + std::to_string(id));
    const auto record = queue_->lookAtHeartbeats(look).seen.at(0).before;
    EXPECT_EQ(record.came, 1u) << time;
    EXPECT_GE(record.sinceBeat.value_or(-1s), 0s) << time;
    EXPECT_NO_THROW(queue_->explain(id, 1h)) << time;
  }
}

}  // namespace smsd::queue
