// SPDX-License-Identifier: GPL-3.0-or-later
// What the suite does not know: gammu-smsd's columns, what its programs write, and where its rows end.
#include <gtest/gtest.h>

#include <smsd/queue/cluster.h>
#include <smsd/queue/suite/queue-suite.h>
#include "gammu-store.h"
#include "outbox-queue.h"

namespace gammu_outbox {
namespace {

using namespace std::chrono_literals;
using smsd::queue::Cluster;
using smsd::queue::eventually;
using Kind = QueueError::Kind;
using Texts = std::vector<std::string>;

class Outbox : public testing::Test {
 protected:
  Outbox() : queue_(store_.open()) { queue_->enlist("here", 1h); }

  /// As a program injects: returns the id.
  MessageId inject(const std::string& columns, const std::string& values) {
    return std::stoll(store_.one("INSERT INTO outbox (" + columns + ", \"CreatorID\") VALUES (" + values +
                                 ", 'test') RETURNING \"ID\""));
  }
  MessageId inject(const std::string& phone, const std::string& text, const std::string& columns,
                   const std::string& values) {
    return inject(R"("DestinationNumber", "TextDecoded")" + (columns.empty() ? "" : ", " + columns),
                  "'" + phone + "', '" + text + "'" + (values.empty() ? "" : ", " + values));
  }
  ClaimResult claim() {
    ClaimRequest request;
    request.limit = 100;
    request.dispatcher = "modem";
    request.format = smsd::queue::joined;
    return queue_->claim(request);
  }
  Texts texts() {
    Texts found;
    for (const auto& submission : claim().submissions) found.push_back(submission.sms.text);
    return found;
  }
  static Settlement ended(const Submission& submission, Fate fate, const std::string& outcome,
                          const std::string& reference = "") {
    return {.submission = submission, .fate = fate, .outcome = outcome, .reference = reference};
  }
  std::string where(MessageId id) {
    const std::string is = " WHERE \"ID\" = " + std::to_string(id);
    return store_.one("SELECT (SELECT count(*) FROM outbox" + is + ") || '/' || (SELECT count(*) FROM " +
                      "outbox_multipart" + is + ") || '/' || (SELECT count(*) FROM sentitems" + is + ")");
  }
  std::string timeOut(MessageId id) {
    return store_.one("SELECT \"SendingTimeOut\" = 'infinity' FROM outbox WHERE \"ID\" = " +
                      std::to_string(id));
  }

  GammuStore store_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(Outbox, ASentSmsMovesToSentitemsAsGammuLeavesIt) {
  const auto id = inject("+4790", "router down", R"("Class", "RelativeValidity")", "1, 255");
  const auto submission = claim().submissions.at(0);
  EXPECT_EQ(submission.sms.text, "router down");
  EXPECT_EQ(where(id), "1/0/0");
  EXPECT_EQ(queue_->settle({ended(submission, Fate::sent, "accepted", "27")}).sent, 1u);
  EXPECT_EQ(where(id), "0/0/1");
  EXPECT_EQ(store_
                .sql(R"(SELECT "DestinationNumber", "TextDecoded", "Class", "RelativeValidity", "SenderID",
                                 "SequencePosition", "Status", "TPMR", "CreatorID" FROM sentitems)")
                .at(0),
            (Texts{"+4790", "router down", "1", "255", "smsd", "1", "SendingOKNoReport", "27", "test"}));
}

TEST_F(Outbox, AnSmsThatIsGivenUpMovesToSentitemsAsAnError) {
  const auto id = inject("+4790", "text", "", "");
  queue_->settle({ended(claim().submissions.at(0), Fate::ignored, "refused")});
  EXPECT_EQ(where(id), "0/0/1");
  EXPECT_EQ(store_.one("SELECT \"Status\" FROM sentitems"), "SendingError");
  inject("+4791", "cancelled", "", "");
  EXPECT_EQ(queue_->cancel(0ms), 1u);
  EXPECT_EQ(store_.one("SELECT count(*) FROM sentitems WHERE \"Status\" = 'SendingError'"), "2");
}

TEST_F(Outbox, AnSmsThatIsMarkedUnsentByHandMovesBackWithAllItsParts) {
  const auto id = inject("+4790", "one ", R"("MultiPart", "UDH")", "true, '050003D30201'");
  store_.sql(R"(INSERT INTO outbox_multipart ("ID", "SequencePosition", "TextDecoded", "UDH")
                VALUES ()" +
             std::to_string(id) + ", 2, 'two', '050003D30202')");
  queue_->settle({ended(claim().submissions.at(0), Fate::sent, "accepted")});
  EXPECT_EQ(where(id), "0/0/2");
  EXPECT_EQ(queue_->setStatus(id, SentStatus::unsent, 0), 1u);
  EXPECT_EQ(where(id), "1/1/0");
  EXPECT_EQ(texts(), Texts{"one two"});
}

TEST_F(Outbox, APartedSmsIsOneTextAndWaitsForAllOfItsParts) {
  const auto id = inject("+4790", "one ", R"("MultiPart", "UDH")", "true, '050003D30301'");
  const auto add = [&](int part, const std::string& text) {
    store_.sql(R"(INSERT INTO outbox_multipart ("ID", "SequencePosition", "TextDecoded") VALUES ()" +
               std::to_string(id) + ", " + std::to_string(part) + ", '" + text + "')");
  };
  EXPECT_TRUE(texts().empty());
  add(3, "three");
  EXPECT_TRUE(texts().empty());
  add(2, "two ");
  EXPECT_EQ(texts(), Texts{"one two three"});
  inject("+4791", "not yet ", R"("MultiPart", "UDH")", "true, '0608040001' || '0201'");
  EXPECT_TRUE(texts().empty()) << "a header of sixteen bits";
}

TEST_F(Outbox, ATextInHexadecimalAloneIsDecoded) {
  inject(R"("DestinationNumber", "Text", "Coding")",
         "'+4790', '0052006F00F8D83DDE00', 'Unicode_No_Compression'");
  EXPECT_EQ(texts(), Texts{"Roø😀"});
}

TEST_F(Outbox, WhatSmsdCannotSendIsLeftToOthers) {
  const auto binary = inject("+4790", "", R"("Text", "Coding")", "'0605040B8423F0', '8bit'");
  const auto ussd = inject("*100#", "*100#", "\"Class\"", "127");
  EXPECT_TRUE(texts().empty());
  EXPECT_EQ(queue_->depth(10).unsent, 0u);
  EXPECT_EQ(where(binary), "1/0/0");
  EXPECT_EQ(where(ussd), "1/0/0");
}

TEST_F(Outbox, APriorityIsASeverityAndNoneComesLast) {
  inject("+1", "none", "", "");
  inject("+2", "low", "\"Priority\"", "1");
  inject("+3", "high", "\"Priority\"", "9");
  inject("+4", "highest", "\"Priority\"", "100");
  inject("+5", "below", "\"Priority\"", "-5");
  const auto claimed = claim().submissions;
  std::vector<std::optional<int>> severities;
  for (const auto& submission : claimed) severities.push_back(submission.severity);
  EXPECT_EQ(severities, (std::vector<std::optional<int>>{1, 1, 9, std::nullopt, std::nullopt}));
}

TEST_F(Outbox, AnSmsOfLaterWaitsForItsTimeAndItsHours) {
  inject("+1", "later", "\"SendingDateTime\"", "localtimestamp + interval '1 hour'");
  auto result = claim();
  EXPECT_TRUE(result.submissions.empty());
  EXPECT_TRUE(result.atEnd);
  ASSERT_TRUE(result.nextDue.has_value());
  EXPECT_LE(*result.nextDue, Duration(1h));
  EXPECT_GT(*result.nextDue, Duration(59min));
  EXPECT_EQ(queue_->depth(10).late, std::nullopt) << "nothing delays it";
  store_.sql("UPDATE outbox SET \"SendingDateTime\" = localtimestamp");
  EXPECT_EQ(texts(), Texts{"later"});
  // Hours that do not contain now, whatever the time is.
  inject("+2", "hours", R"("SendAfter", "SendBefore")",
         "CASE WHEN localtime < '12:00' THEN time '13:00' ELSE time '01:00' END, "
         "CASE WHEN localtime < '12:00' THEN time '14:00' ELSE time '02:00' END");
  result = claim();
  EXPECT_TRUE(result.submissions.empty());
  ASSERT_TRUE(result.nextDue.has_value());
  EXPECT_LE(*result.nextDue, Duration(24h));
}

TEST_F(Outbox, ARowThatGammuSmsdSendsIsLeftAloneAndOursAreLockedForIt) {
  const auto theirs = inject("+1", "theirs", "\"SendingTimeOut\"", "localtimestamp + interval '1 minute'");
  const auto ours = inject("+2", "ours", "", "");
  const auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].sms.text, "ours");
  EXPECT_EQ(timeOut(ours), "t");
  EXPECT_EQ(timeOut(theirs), "f");
  queue_->settle({ended(claimed[0], Fate::returned, "deferred")});
  EXPECT_EQ(timeOut(ours), "f") << "another program may send it now";
  EXPECT_EQ(texts(), Texts{"ours"});
}

TEST_F(Outbox, AnSmsThatIsCarriedOverIsNotLocked) {
  const auto first = inject("+1", "first", "\"Priority\"", "9"), next = inject("+1", "next", "", "");
  ClaimRequest request;
  request.limit = 1;
  request.dispatcher = "modem";
  request.format = smsd::queue::firstAndCarry;
  ASSERT_EQ(queue_->claim(request).submissions.size(), 1u);
  EXPECT_EQ(timeOut(first), "t");
  EXPECT_EQ(timeOut(next), "f");
}

TEST_F(Outbox, AHeldSmsStaysLockedUntilItIsReleased) {
  const auto id = inject("+1", "text", "", "");
  queue_->settle({ended(claim().submissions.at(0), Fate::held, "unknown")});
  EXPECT_EQ(timeOut(id), "t");
  EXPECT_EQ(queue_->release(queue_->held(1).at(0).id), 1u);
  EXPECT_EQ(timeOut(id), "f");
}

TEST_F(Outbox, AnSmsThatItsProgramWithdrawsOrChangesIsNotSentAsItWas) {
  const auto withdrawn = inject("+1", "withdrawn", "", "");
  const auto changed = inject("+2", "before", "", "");
  store_.sql("DELETE FROM outbox WHERE \"ID\" = " + std::to_string(withdrawn));
  store_.sql("UPDATE outbox SET \"TextDecoded\" = 'after' WHERE \"ID\" = " + std::to_string(changed));
  EXPECT_EQ(texts(), Texts{"after"});
  store_.sql("DELETE FROM outbox");
  EXPECT_EQ(queue_->explain(changed), std::nullopt);
}

TEST_F(Outbox, ADeletedRowOfSentitemsIsForgotten) {
  const auto id = inject("+1", "text", "", "");
  queue_->settle({ended(claim().submissions.at(0), Fate::sent, "accepted")});
  EXPECT_TRUE(queue_->explain(id).has_value());
  store_.sql("DELETE FROM sentitems");
  EXPECT_EQ(queue_->explain(id), std::nullopt);
}

TEST_F(Outbox, TheNameOfAProgramIsThatOfItsAccountOrItsCreatorId) {
  store_.sql("INSERT INTO smsd_outbox.account (id, creator, name) VALUES (7, 'test', 'The test')");
  inject("+1", "known", "", "");
  store_.sql(
      R"(INSERT INTO outbox ("DestinationNumber", "TextDecoded", "CreatorID") VALUES ('+2', 'x', 'Kalkun 0.8'))");
  const auto listed = queue_->messages(SentStatus::unsent, 10);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].user, "The test");
  EXPECT_EQ(listed[1].user, "Kalkun 0.8");
}

TEST_F(Outbox, AnInsertRingsTheBell) {
  while (queue_->takeNews()) {
  }
  inject("+1", "text", "", "");
  EXPECT_TRUE(eventually([&] { return queue_->takeNews(); }));
}

TEST_F(Outbox, ALostConnectionIsUnreachableOnceAndTheNextCallConnectsAgain) {
  inject("+1", "text", "", "");
  store_.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'smsd' AND datname = "
      "current_database()");
  EXPECT_EQ(smsd::queue::refusal([&] { claim(); }), Kind::unreachable);
  EXPECT_EQ(texts(), Texts{"text"});
}

// --- the installation

std::string inDatabase(const std::string& name) { return Cluster::shared().connection(name); }

TEST(OutboxInstall, TakesTheSmsThatWaitAlreadyAndIsRepeatedWithoutHarm) {
  makeGammuDatabase("fresh");
  execute(inDatabase("fresh"), R"(INSERT INTO outbox ("DestinationNumber", "TextDecoded", "CreatorID")
                                  VALUES ('+1', 'waits', 'test'))");
  EXPECT_EQ(install(inDatabase("fresh"), {}).done.size(), 1u);
  const auto again = install(inDatabase("fresh"), {});
  EXPECT_TRUE(again.done.empty());
  EXPECT_NE(again.advice.at(0).find("TO <role>"), std::string::npos);
  OutboxQueue queue(inDatabase("fresh"));
  EXPECT_EQ(queue.depth(10).unsent, 1u);
}

TEST(OutboxInstall, ConnectsAsAnotherRoleAndCreatesTheOneThatItGrantsTo) {
  makeGammuDatabase("granted");
  InstallOptions options;
  options.grants = InstallOptions::Extra::make;
  options.role = "o'brien";
  options.connectAs = "nobody-here";
  EXPECT_EQ(smsd::queue::refusal([&] { install(inDatabase("granted"), options); }), Kind::denied);
  options.connectAs = "postgres";
  const auto report = install(Cluster::shared().connection("granted", "nobody-here"), options);
  EXPECT_EQ(report.granted, "o'brien");
  EXPECT_EQ(report.done.back(), "the role o'brien");
  EXPECT_EQ(OutboxQueue(Cluster::shared().connection("granted", "o\\'brien")).enlist("here", 1h), 1);
}

TEST(OutboxInstall, WithoutGammusTablesOrWithoutItselfItSaysWhatToDo) {
  std::string what;
  EXPECT_EQ(smsd::queue::refusal([] { install(inDatabase("postgres"), {}); }, &what), Kind::notInstalled);
  EXPECT_NE(what.find("pgsql.sql"), std::string::npos) << what;
  OutboxQueue queue(inDatabase("postgres"));
  EXPECT_EQ(smsd::queue::refusal([&] { queue.enlist("here", 1h); }, &what), Kind::notInstalled);
  EXPECT_NE(what.find("smsctl db install"), std::string::npos) << what;
}

TEST(OutboxInstall, AConnectionThatIsNoneIsRefusedWithoutBeingRepeated) {
  OutboxQueue queue("password hunter2");
  std::string what;
  EXPECT_EQ(smsd::queue::refusal([&] { queue.depth(1); }, &what), Kind::notInstalled);
  EXPECT_EQ(what.find("hunter2"), std::string::npos) << what;
  OutboxQueue nowhere("host=/nowhere dbname=x");
  EXPECT_EQ(smsd::queue::refusal([&] { nowhere.depth(1); }), Kind::unreachable);
}

}  // namespace
}  // namespace gammu_outbox
