// SPDX-License-Identifier: GPL-3.0-or-later
// The table of smsd-mail(7), row by row: the outcome of an SMS by the reply of the mail server.
#include "workers/mail/replies.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/workers/outcome-words.h"

namespace smsd::mail {
namespace {

using test::kindOf;
using test::wordsOf;

constexpr auto origin = "smtp://gw:25";

std::string ofReply(SmtpStage stage, int reply, const std::string& enhanced = "",
                    Addressee addressee = Addressee::ofTheSms, Relay relay = Relay::proven) {
  Conversation conversation{.stage = stage, .reply = reply, .enhanced = enhanced};
  if (reply < 200 || reply >= 400 || stage != SmtpStage::content) {
    conversation.end = EarlyEnd::failure;
    conversation.failure = net::Failure::cut;
  }
  return kindOf(outcomeOf(conversation, origin, addressee, relay));
}

struct Codes {
  SmtpStage stage;
  std::string sender4, sender5;  // what 4yz and 5yz mean
  std::map<int, std::string> others{};
};

TEST(MailReplies, EachStageHasItsMeaningOfLaterAndNever) {
  const Codes rows[] = {
      {SmtpStage::greeting, "deferred", "broken"},
      {SmtpStage::hello, "deferred", "broken"},
      {SmtpStage::startTls, "deferred", "broken"},
      {SmtpStage::login, "deferred", "broken"},
      {SmtpStage::sender, "deferred", "broken", {{552, "deferred"}}},
      {SmtpStage::recipient,
       "deferred",
       "deferred",
       {{530, "broken"}, {550, "refused"}, {551, "refused"}, {553, "refused"}}},
      {SmtpStage::data, "deferred", "deferred"},
      {SmtpStage::content, "deferred", "deferred"},
  };
  for (auto& row : rows)
    for (int minor = 0; minor < 100; ++minor) {
      int later = 400 + minor, never = 500 + minor;
      auto other = row.others.find(never);
      EXPECT_EQ(ofReply(row.stage, later), row.sender4) << int(row.stage) << " " << later;
      EXPECT_EQ(ofReply(row.stage, never), other == row.others.end() ? row.sender5 : other->second)
          << int(row.stage) << " " << never;
    }
}

TEST(MailReplies, AMailIsNotTakenByAReplyWhoseCodesDiffer) {
  Conversation conversation{.stage = SmtpStage::content, .reply = 250};
  EXPECT_EQ(relayAfter(conversation, Relay::unproven), Relay::proven);
  conversation.codes = Conversation::Codes::differ;
  EXPECT_EQ(kindOf(outcomeOf(conversation, origin, Addressee::ofTheSms, Relay::proven)), "unknown");
  EXPECT_EQ(relayAfter(conversation, Relay::unproven), Relay::unproven);
  conversation.reply = 550;
  EXPECT_EQ(kindOf(outcomeOf(conversation, origin, Addressee::ofTheSms, Relay::proven)), "deferred");
}

// RFC 3463, each of its subjects and details, and more: four speak of the address and of nothing else.
TEST(MailReplies, AnSmsIsGivenUpForWhatSpeaksOfItsAddressAlone) {
  for (SmtpStage stage : {SmtpStage::recipient, SmtpStage::data, SmtpStage::content})
    for (int reply : {500, 501, 503, 550, 551, 552, 553, 554, 571})
      for (int subject = 0; subject <= 7; ++subject)
        for (int detail = 0; detail <= 30; ++detail) {
          std::string enhanced = "5." + std::to_string(subject) + "." + std::to_string(detail);
          bool ofTheAddress =
              enhanced == "5.1.1" || enhanced == "5.1.3" || enhanced == "5.1.6" || enhanced == "5.2.1";
          for (Relay relay : {Relay::proven, Relay::unproven}) {
            EXPECT_EQ(ofReply(stage, reply, enhanced, Addressee::ofTheSms, relay),
                      ofTheAddress ? "refused" : "deferred")
                << int(stage) << " " << reply << " " << enhanced;
            EXPECT_EQ(ofReply(stage, reply, enhanced, Addressee::ofTheFile, relay),
                      ofTheAddress ? "broken" : "deferred")
                << int(stage) << " " << reply << " " << enhanced;
          }
        }
}

struct Seen {
  SmtpStage stage;
  int reply;
  std::string enhanced;
  std::string unproven, proven;
};

// What servers say of themselves, of us, and of a number that they do not know.
TEST(MailReplies, AServerThatRelaysNothingGivesNoAlertUp) {
  const Seen rows[] = {
      {SmtpStage::recipient, 550, "", "deferred", "refused"},      // Exim: relay not permitted; Unknown user
      {SmtpStage::recipient, 551, "", "deferred", "refused"},      // RFC 5321: user not local
      {SmtpStage::recipient, 553, "", "deferred", "refused"},      // RFC 5321: name not allowed
      {SmtpStage::recipient, 550, "5.1.1", "refused", "refused"},  // Postfix: user unknown
      {SmtpStage::recipient, 501, "5.1.3", "refused", "refused"},  // Postfix: bad recipient address syntax
      {SmtpStage::recipient, 501, "", "deferred", "deferred"},     // Exim: malformed address
      {SmtpStage::recipient, 554, "5.4.4", "deferred", "deferred"},  // no route
      {SmtpStage::recipient, 550, "5.4.1", "deferred", "deferred"},  // access denied
      {SmtpStage::recipient, 552, "5.2.2", "deferred", "deferred"},  // mailbox full
      {SmtpStage::recipient, 552, "", "deferred", "deferred"},  // RFC 5321, 4.5.3.1.10: is to be taken as 452
      {SmtpStage::recipient, 554, "", "deferred", "deferred"},  // transaction failed
      {SmtpStage::recipient, 556, "5.1.10", "deferred", "deferred"},  // RFC 7505: takes no mail at all
      {SmtpStage::data, 503, "5.5.1", "deferred", "deferred"},        // bad sequence of commands
      {SmtpStage::data, 554, "", "deferred", "deferred"},             // no valid recipients
      {SmtpStage::content, 550, "", "deferred", "deferred"},          // Exim: Administrative prohibition
      {SmtpStage::content, 554, "5.3.0", "deferred", "deferred"},     // Transaction failed
      {SmtpStage::content, 552, "5.3.4", "deferred", "deferred"},     // too large
      {SmtpStage::content, 550, "5.1.1", "refused", "refused"},       // who looks only then
  };
  for (auto& row : rows) {
    EXPECT_EQ(ofReply(row.stage, row.reply, row.enhanced, Addressee::ofTheSms, Relay::unproven), row.unproven)
        << row.reply << " " << row.enhanced;
    EXPECT_EQ(ofReply(row.stage, row.reply, row.enhanced, Addressee::ofTheSms, Relay::proven), row.proven)
        << row.reply << " " << row.enhanced;
  }
}

TEST(MailReplies, OneMailThatWasTakenVouchesForOneNoWithoutAReason) {
  const Conversation no{.stage = SmtpStage::recipient, .reply = 550};
  const Conversation yes{.stage = SmtpStage::content, .reply = 250};
  const Conversation others[] = {{.stage = SmtpStage::recipient, .reply = 550, .enhanced = "5.1.1"},
                                 {.stage = SmtpStage::recipient, .reply = 450},
                                 {.stage = SmtpStage::content, .reply = 550},
                                 {.stage = SmtpStage::data, .reply = 354, .end = EarlyEnd::failure},
                                 {.stage = SmtpStage::connection, .end = EarlyEnd::failure}};
  for (Relay before : {Relay::proven, Relay::unproven}) {
    EXPECT_EQ(relayAfter(yes, before), Relay::proven);
    EXPECT_EQ(relayAfter(no, before), Relay::unproven);
    for (auto& other : others) EXPECT_EQ(relayAfter(other, before), before) << other.reply;
  }
}

TEST(MailReplies, OnlyAYesToTheWholeMailIsAccepted) {
  Conversation yes{.stage = SmtpStage::content, .reply = 250, .reference = "4Xy1Zq2"};
  auto outcome = outcomeOf(yes, origin, Addressee::ofTheSms, Relay::proven);
  ASSERT_EQ(kindOf(outcome), "accepted");
  EXPECT_EQ(std::get<kit::Accepted>(outcome).reference, "4Xy1Zq2");
  for (SmtpStage stage = SmtpStage::connection; stage < SmtpStage::content; stage = SmtpStage(int(stage) + 1))
    for (int reply : {220, 235, 250, 251, 354}) EXPECT_EQ(ofReply(stage, reply), "deferred") << int(stage);
}

TEST(MailReplies, WhatSmtpDoesNotHaveIsUnknownOnlyOnceTheMailIsOut) {
  for (int reply : {100, 199, 300, 354, 600, 999}) {
    EXPECT_EQ(ofReply(SmtpStage::content, reply), "unknown") << reply;
    EXPECT_EQ(ofReply(SmtpStage::recipient, reply), "deferred") << reply;
  }
}

TEST(MailReplies, TheServerGoingAwayIsLater) {
  for (SmtpStage stage = SmtpStage::connection; stage <= SmtpStage::content;
       stage = SmtpStage(int(stage) + 1)) {
    auto outcome = outcomeOf({.stage = stage, .reply = 421}, origin, Addressee::ofTheSms, Relay::proven);
    ASSERT_EQ(kindOf(outcome), "deferred");
    EXPECT_NE(std::get<kit::Deferred>(outcome).reason.find("closes the connection (421)"), std::string::npos);
  }
}

TEST(MailReplies, ARejectedAddressIsTheSmsSFaultOnlyWhereItIsItsOwn) {
  EXPECT_EQ(ofReply(SmtpStage::recipient, 550, "5.1.1", Addressee::ofTheSms), "refused");
  EXPECT_EQ(ofReply(SmtpStage::recipient, 550, "5.1.1", Addressee::ofTheFile), "broken");
}

TEST(MailReplies, APolicyGivesNoAlertUp) {
  for (SmtpStage stage : {SmtpStage::recipient, SmtpStage::data, SmtpStage::content})
    EXPECT_EQ(ofReply(stage, 554, "5.7.1"), "deferred");
  EXPECT_EQ(ofReply(SmtpStage::login, 535, "5.7.8"), "broken");
  EXPECT_EQ(ofReply(SmtpStage::sender, 530, "5.7.0"), "broken");
}

TEST(MailReplies, SilenceIsUnknownOnlyOnceTheMailIsOut) {
  using net::Failure;
  for (Failure failure : {Failure::unreachable, Failure::handshake, Failure::timeout, Failure::cut,
                          Failure::garbage, Failure::other})
    for (SmtpStage stage = SmtpStage::connection; stage <= SmtpStage::content;
         stage = SmtpStage(int(stage) + 1)) {
      Conversation silent{.stage = stage, .end = EarlyEnd::failure, .failure = failure};
      EXPECT_EQ(kindOf(outcomeOf(silent, origin, Addressee::ofTheSms, Relay::proven)),
                stage == SmtpStage::content ? "unknown" : "deferred");
    }
}

TEST(MailReplies, WhatAnOperatorHasToMendIsBroken) {
  Conversation security{
      .stage = SmtpStage::startTls, .end = EarlyEnd::failure, .failure = net::Failure::security};
  EXPECT_EQ(kindOf(outcomeOf(security, origin, Addressee::ofTheSms, Relay::proven)), "broken");
  for (EarlyEnd end : {EarlyEnd::noTls, EarlyEnd::noLogin}) {
    Conversation without{.stage = SmtpStage::hello, .reply = 250, .end = end};
    EXPECT_EQ(kindOf(outcomeOf(without, origin, Addressee::ofTheSms, Relay::proven)), "broken");
  }
}

// The supervisor counts only what speaks against the recipient.
TEST(MailReplies, BeforeAnAddressWasNamedNothingIsSaidOfTheSms) {
  for (SmtpStage stage = SmtpStage::connection; stage <= SmtpStage::content;
       stage = SmtpStage(int(stage) + 1)) {
    auto expected = stage < SmtpStage::recipient ? kit::Reached::no : kit::Reached::yes;
    Conversation later{.stage = stage, .reply = 451};
    auto outcome = outcomeOf(later, origin, Addressee::ofTheSms, Relay::proven);
    ASSERT_EQ(kindOf(outcome), "deferred");
    EXPECT_EQ(std::get<kit::Deferred>(outcome).reached, expected) << int(stage);
    Conversation silent{.stage = stage, .end = EarlyEnd::failure, .failure = net::Failure::cut};
    outcome = outcomeOf(silent, origin, Addressee::ofTheSms, Relay::proven);
    if (stage == SmtpStage::content) continue;  // unknown
    EXPECT_EQ(std::get<kit::Deferred>(outcome).reached, expected) << int(stage);
  }
}

TEST(MailReplies, AReasonHoldsCodesAndOurOwnWords) {
  Conversation refused{.stage = SmtpStage::recipient, .reply = 550, .enhanced = "5.1.1"};
  EXPECT_EQ(wordsOf(outcomeOf(refused, origin, Addressee::ofTheSms, Relay::proven)),
            "smtp://gw:25 rejects the address (to) (550 5.1.1)");
  Conversation cut{.stage = SmtpStage::content, .end = EarlyEnd::failure, .failure = net::Failure::cut};
  EXPECT_EQ(wordsOf(outcomeOf(cut, origin, Addressee::ofTheSms, Relay::proven)),
            "smtp://gw:25 ended the connection after the whole mail was sent");
}

TEST(MailReplies, AReferenceIsWhatServersWriteInfrontOfTheirId) {
  EXPECT_EQ(referenceIn("2.0.0 Ok: queued as 4Xy1Zq2"), "4Xy1Zq2");         // Postfix
  EXPECT_EQ(referenceIn("OK id=1pQ2rS-0003Ab-7C"), "1pQ2rS-0003Ab-7C");     // Exim
  EXPECT_EQ(referenceIn("2.0.0 3AB12 Message accepted for delivery"), "");  // not marked
  EXPECT_EQ(referenceIn("queued as " + std::string(500, 'x')).size(), 64U);
  EXPECT_EQ(referenceIn("queued as \x1b[2J"), "");
}

}  // namespace
}  // namespace smsd::mail
