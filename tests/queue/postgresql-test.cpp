// SPDX-License-Identifier: GPL-3.0-or-later
// The faults that only PostgreSQL has: lost connections, answers that never came, odd bytes, missing rights.
#include "supervisor/queue/built-in.h"
#include "tests/queue/postgresql-bench.h"

namespace smsd::queue {

TEST_F(Postgresql, AnInsertOfNavsIsNews) {
  enlist();
  while (queue_->takeNews()) {
  }
  EXPECT_FALSE(newsWithin(0ms));
  store_.put({.phone = "1"});
  EXPECT_TRUE(newsWithin(20s));
  EXPECT_TRUE(queue_->takeNews());
  EXPECT_FALSE(queue_->takeNews());
}

TEST_F(Postgresql, NewsThatComeInTheMiddleOfACallAreThereAfterIt) {
  enlist();
  store_.put({.phone = "1"});
  while (queue_->takeNews()) {
  }
  queue_->claim(request([&](const std::vector<format::Message>& messages) {
    store_.put({.phone = "2"});
    return joined(messages);
  }));
  EXPECT_TRUE(eventually([&] { return queue_->takeNews(); }));
}

TEST_F(Postgresql, ANewConnectionIsNewsBecauseSomeMayHaveBeenMissed) {
  enlist();
  while (queue_->takeNews()) {
  }
  cutConnections();
  EXPECT_TRUE(eventually([&] { return queue_->takeNews(); })) << "the loss itself";
  EXPECT_EQ(queue_->newsFd(), -1);
  queue_->renew();
  EXPECT_GE(queue_->newsFd(), 0);
  EXPECT_TRUE(queue_->takeNews());
  EXPECT_FALSE(queue_->takeNews());
}

// C27, C28: NAV's daemon ended when its connection did.
TEST_F(Postgresql, ALostConnectionIsSaidOnceAndTheNextCallHasANewOne) {
  enlist();
  auto id = store_.put({.phone = "1"});
  auto submission = queue_->claim(request()).submissions.at(0);
  cutConnections();
  EXPECT_EQ(refusal([&] { queue_->settle({accepted(submission)}); }), Kind::unreachable);
  EXPECT_EQ(store_.sent(id), 'N');
  EXPECT_EQ(queue_->settle({accepted(submission)}).sent, 1u) << "the lease is a row, not a connection";
  EXPECT_EQ(store_.sent(id), 'Y');
}

TEST_F(Postgresql, AClaimWhoseCommitWasNeverAnsweredIsFoundByTheNextOne) {
  enlist();
  store_.put({.phone = "1"});
  cutConnections();
  EXPECT_EQ(refusal([&] { queue_->claim(request()); }), Kind::unreachable);
  store_.sql(submit("1"));  // as if it had come to pass all the same
  auto found = queue_->claim(request()).submissions;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].sms.text, "text");
  EXPECT_TRUE(queue_->claim(request()).submissions.empty());
  EXPECT_EQ(queue_->settle({accepted(found[0])}).sent, 1u);
}

TEST_F(Postgresql, ATakeOverWhoseCommitWasNeverAnsweredIsFoundByTheNextTakeOverAndByNoClaim) {
  enlist();
  cutConnections();
  EXPECT_EQ(refusal([&] { queue_->claim(request()); }), Kind::unreachable);
  queue_->renew();
  cutConnections();
  EXPECT_EQ(refusal([&] { queue_->takeOver(); }), Kind::unreachable);
  store_.sql(submit("1"));
  EXPECT_TRUE(queue_->claim(request()).submissions.empty())
      << "it may have been sent: not to be sent as if it were new";
  EXPECT_EQ(queue_->takeOver().size(), 1u);
  EXPECT_TRUE(queue_->takeOver().empty());
}

// Plans are kept on the connection: a column that is altered meanwhile (an upgrade of NAV) is weather, not an
// end.
TEST_F(Postgresql, AQueueWhoseTableIsAlteredMeanwhileGoesOnOnANewConnection) {
  enlist();
  store_.put({.phone = "1"});
  auto first = queue_->claim(request()).submissions.at(0);
  store_.sql("ALTER TABLE smsq ALTER phone TYPE varchar(40)");
  store_.put({.phone = "2"});
  std::string what;
  EXPECT_EQ(refusal([&] { queue_->claim(request()); }, &what), Kind::unreachable);
  EXPECT_NE(what.find("the tables were changed"), std::string::npos) << what;
  EXPECT_EQ(queue_->claim(request()).submissions.size(), 1u);
  EXPECT_EQ(queue_->settle({accepted(first)}).sent, 1u);
}

/// SIGSTOP, or a suspended host: its locks would outlive its lease.
TEST_F(Postgresql, OneThatIsStoppedInTheMiddleOfATransactionHoldsUpNoTakeOver) {
  queue_ = store_.open();
  queue_->enlist("here", 100ms);
  store_.put({.phone = "1"});
  auto other = store_.open();
  other->enlist("there", longLease);
  bool taken = false;
  auto refused = refusal([&] {
    queue_->claim(request([&](const std::vector<format::Message>& messages) {
      EXPECT_TRUE(eventually([&] {
        return store_.one(
                   "SELECT count(*) FROM smsd.supervisor WHERE name = 'here' AND lease_until < now()") == "1";
      }));
      other->takeOver();  // while the claim stands still
      taken = true;
      return joined(messages);
    }));
  });
  EXPECT_TRUE(taken) << "the take-over did not wait for ever";
  EXPECT_EQ(refused, Kind::unreachable) << "and the claim left nothing behind";
  EXPECT_EQ(other->claim(request()).submissions.size(), 1u);
}

TEST_F(Postgresql, ARecipientCannotHaveTwoLiveSubmissionsWhoeverAsks) {
  enlist();
  store_.sql(submit("1"));
  EXPECT_THROW(store_.sql(submit("1")), pqxx::unique_violation);
  store_.sql("UPDATE smsd.submission SET ended = now(); DELETE FROM smsd.live");
  store_.sql(submit("1"));
}

// C25: a mark that fails must not end a submission, nor the other way round.
TEST_F(Postgresql, AMarkThatFailsLeavesTheSubmissionLive) {
  enlist();
  auto id = store_.put({.phone = "1"});
  auto submission = queue_->claim(request()).submissions.at(0);
  store_.sql("ALTER TABLE smsq ADD CONSTRAINT broken CHECK (sent <> 'Y')");
  std::string what;
  EXPECT_EQ(refusal([&] { queue_->settle({accepted(submission)}); }, &what), Kind::invalid);
  EXPECT_EQ(what.find("text"), std::string::npos) << what;
  EXPECT_EQ(store_.one("SELECT count(*) FROM smsd.live"), "1");
  store_.sql("ALTER TABLE smsq DROP CONSTRAINT broken");
  EXPECT_EQ(queue_->settle({accepted(submission)}).sent, 1u);
  EXPECT_EQ(store_.sent(id), 'Y');
}

TEST_F(Postgresql, OddRowsAreClaimedLikeOthers) {
  store_.sql("ALTER TABLE smsq ALTER msg DROP NOT NULL, ALTER msg TYPE text");
  store_.sql(
      "INSERT INTO smsq (time, phone, msg, severity) VALUES ('infinity', '', 'a', 1), ('-infinity', '2', "
      "NULL, 1), "
      "('4000-01-01 BC', '3', repeat('x', 3000000), -5), ('2026-01-01', '4', E'\\x01\\n\\t', 2147483647)");
  enlist();
  std::vector<std::string> recipients;
  std::size_t longest = 0;
  for (bool atEnd = false; !atEnd;) {
    auto wanted = request();
    wanted.limit = 1;
    auto result = queue_->claim(wanted);
    for (const auto& submission : result.submissions) {
      recipients.push_back(submission.recipient);
      longest = std::max(longest, submission.sms.text.size());
    }
    atEnd = result.atEnd;
  }
  EXPECT_EQ(recipients, (std::vector<std::string>{"3", "2", "", "4"}));
  EXPECT_EQ(longest, 4000u) << "more than fits any SMS, less than fills the memory";
  EXPECT_TRUE(queue_->depth(10).oldest.has_value());
  EXPECT_EQ(queue_->messages(SentStatus::unsent, 10).size(), 4u);
}

TEST_F(Postgresql, ATextOrReasonThatIsNoUtf8IsStoredRepaired) {
  enlist();
  store_.put({.phone = "1"});
  auto submission = queue_
                        ->claim(request([](const std::vector<format::Message>& messages) {
                          auto sms = joined(messages);
                          sms.text = std::string("bad \xff\0 bytes", 12);
                          return sms;
                        }))
                        .submissions.at(0);
  auto settlement = accepted(submission);
  settlement.reference = "r\xc3";
  EXPECT_EQ(queue_->settle({settlement}).sent, 1u);
  EXPECT_EQ(store_.one("SELECT text FROM smsd.submission"), "bad \xef\xbf\xbd bytes");
  EXPECT_EQ(store_.one("SELECT reference FROM smsd.submission"), "r\xef\xbf\xbd");
}

TEST_F(Postgresql, ATextWithANulIsRefusedInsteadOfBeingCut) {
  enlist();
  EXPECT_EQ(refusal([&] { queue_->insert({{1, "1", std::string("a\0b", 3), 1}}); }), Kind::invalid);
  EXPECT_EQ(refusal([&] { queue_->insert({{1, "1", "\xff", 1}}); }), Kind::invalid);
}

TEST_F(Postgresql, OldWaitsOfRecipientsThatAreGoneAreForgotten) {
  store_.sql(
      "INSERT INTO smsd.wait (recipient, rounds, due) VALUES ('old', 3, now() - interval '2 days'), ('due', "
      "3, now())");
  enlist();
  EXPECT_EQ(store_.one("SELECT recipient FROM smsd.wait"), "due");
}

TEST_F(Postgresql, WhyAMessageIsIgnoredIsRecordedWhereNoSubmissionSaysIt) {
  enlist();
  store_.put({.phone = "1", .age = 2h});
  auto wanted = request();
  wanted.expireAfter = 1h;
  EXPECT_EQ(queue_->claim(wanted).expired, 1u);
  store_.put({.phone = "2"});
  EXPECT_EQ(queue_->cancel(0ms), 1u);
  EXPECT_EQ(store_.sql("SELECT reason FROM smsd.ignored ORDER BY message"),
            (std::vector<std::vector<std::string>>{{"expired"}, {"cancelled"}}));
}

class PostgresqlSqlAscii : public Postgresql {
 protected:
  PostgresqlSqlAscii() : Postgresql(Scene::sqlAscii) {}
};

TEST_F(PostgresqlSqlAscii, BytesThatAreNoTextAreClaimedSettledAndListed) {
  store_.sql("SET client_encoding TO SQL_ASCII");
  store_.sql("INSERT INTO smsq (time, phone, msg) VALUES (now(), E'4\\xff7', E'\\xe6\\xf8\\xe5 \"')");
  enlist();
  auto claimed = queue_->claim(request()).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].recipient, "4\xff\x37");
  EXPECT_EQ(claimed[0].sms.text, "\xe6\xf8\xe5 \"");
  auto back = Settlement{claimed[0], Fate::returned, "deferred", "", "", Duration(1ms), 1};
  queue_->settle({back});
  ClaimResult again;
  EXPECT_TRUE(eventually([&] { return !(again = queue_->claim(request())).submissions.empty(); }));
  EXPECT_EQ(again.submissions[0].rounds, 1) << "the wait was found by the same bytes";
  EXPECT_EQ(queue_->settle({accepted(again.submissions[0])}).sent, 1u);
  EXPECT_EQ(queue_->recipients(SentStatus::sent), std::vector<std::string>{"4\xff\x37"});
}

TEST_F(Postgresql, ATriggerThatIsOffOrMissingIsReportedWithTheCommandThatCreatesIt) {
  enlist();
  EXPECT_EQ(queue_->ringBell()->unannounced, "");
  ASSERT_TRUE(store_.silenceInserts());
  EXPECT_NE(queue_->ringBell()->unannounced.find("smsctl db install --notify"), std::string::npos);
  store_.sql("DROP TRIGGER smsd_notify ON profiles.smsq");
  EXPECT_NE(queue_->ringBell()->unannounced, "");
}

// C42: smsq.time has no zone. It is that of whoever wrote the row: where NAV's is not the database's own, the
// connection says it.
TEST_F(Postgresql, AgesAreOfTheTimeZoneThatTheConnectionNames) {
  auto queue = openPostgresql(store_.connection("smsd") + " options='-c TimeZone=Asia/Tokyo'");
  queue->enlist("here", longLease);
  auto written = [&](const char* phone, const char* age) {
    store_.sql(
        std::string(
            "INSERT INTO smsq (time, phone, msg) VALUES ((now() AT TIME ZONE 'Asia/Tokyo') - interval '") +
        age + "', '" + phone + "', 'text')");
  };
  written("young", "10 minutes");
  EXPECT_GT(queue->depth(1).oldest.value_or(0ms), 9min);
  EXPECT_LT(queue->depth(1).oldest.value_or(0ms), 11min);
  written("old", "2 hours");
  auto wanted = request();
  wanted.expireAfter = 1h;
  auto result = queue->claim(wanted);
  EXPECT_EQ(result.expired, 1u);
  ASSERT_EQ(result.submissions.size(), 1u);
  EXPECT_EQ(result.submissions[0].recipient, "young");
}

/// The errors of a database that is there but cannot work now (PostgreSQL's appendix A): to be tried again,
/// nothing half done.
TEST_F(Postgresql, WeatherInsideATransactionIsUnreachableAndLeavesNothingBehind) {
  enlist();
  auto id = store_.put({.phone = "1"});
  store_.sql(
      "CREATE TABLE weather (code text); GRANT SELECT ON weather TO PUBLIC;"
      "CREATE FUNCTION storm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      "  RAISE EXCEPTION 'storm' USING ERRCODE = (SELECT code FROM weather); END $$;");
  const std::vector<std::pair<std::string, std::string>> storms = {
      {"57014", "statement timeout"},   {"55P03", "lock timeout"},      {"40P01", "deadlock"},
      {"40001", "serialization"},       {"25006", "read-only standby"}, {"53100", "disk full"},
      {"53300", "too many connections"}};
  for (const auto& [code, what] : storms) {
    store_.sql("DELETE FROM weather; INSERT INTO weather VALUES ('" + code +
               "');"
               "CREATE TRIGGER storm BEFORE INSERT ON smsd.submission FOR EACH ROW EXECUTE FUNCTION storm()");
    try {
      queue_->claim(request());
      ADD_FAILURE() << what << ": the claim went through";
    } catch (const QueueError& error) {
      EXPECT_EQ(error.kind(), Kind::unreachable) << what << ": " << error.what();
    }
    store_.sql("DROP TRIGGER storm ON smsd.submission");
    EXPECT_EQ(store_.one("SELECT count(*) FROM smsd.live"), "0") << what;
  }
  // And when it is over the same claim works, and the settlement in the next storm is not lost.
  auto claimed = queue_->claim(request()).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  store_.sql("CREATE TRIGGER storm BEFORE UPDATE ON smsd.submission FOR EACH ROW EXECUTE FUNCTION storm()");
  EXPECT_THROW(queue_->settle({accepted(claimed[0])}), QueueError);
  EXPECT_EQ(store_.sent(id), 'N');
  store_.sql("DROP TRIGGER storm ON smsd.submission");
  EXPECT_EQ(queue_->settle({accepted(claimed[0])}).sent, 1u);
  EXPECT_EQ(store_.sent(id), 'Y');
}

}  // namespace smsd::queue
