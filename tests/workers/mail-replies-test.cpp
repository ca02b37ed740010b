// The table of smsd-dispatchers(7), row by row: what a mail server's reply says of an SMS.
#include "workers/mail/replies.h"

#include <gtest/gtest.h>

namespace smsd::mail {
namespace {

constexpr auto origin = "smtp://gw:25";

std::string kindOf(const kit::Outcome& outcome) {
  constexpr const char* names[] = {"accepted", "refused", "deferred", "broken", "unknown"};
  return names[outcome.index()];
}

std::string reasonOf(const kit::Outcome& outcome) {
  return std::visit(
      [](auto& o) -> std::string {
        if constexpr (requires { o.reason; })
          return o.reason;
        else
          return o.reference;
      },
      outcome);
}

std::string ofReply(Stage stage, int reply, const std::string& enhanced = "",
                    Addressee addressee = Addressee::ofTheSms) {
  Conversation conversation{.stage = stage, .reply = reply, .enhanced = enhanced};
  if (reply < 200 || reply >= 400 || stage != Stage::content) {
    conversation.end = End::failure;
    conversation.failure = net::Failure::cut;
  }
  return kindOf(outcomeOf(conversation, origin, addressee));
}

struct Codes {
  Stage stage;
  std::string sender4, sender5;  // what 4yz and 5yz mean
};

TEST(MailReplies, EachStageHasItsMeaningOfLaterAndNever) {
  const Codes rows[] = {{Stage::greeting, "deferred", "broken"}, {Stage::hello, "deferred", "broken"},
                        {Stage::startTls, "deferred", "broken"}, {Stage::login, "deferred", "broken"},
                        {Stage::sender, "deferred", "broken"},   {Stage::recipient, "deferred", "refused"},
                        {Stage::data, "deferred", "refused"},    {Stage::content, "deferred", "refused"}};
  for (auto& row : rows)
    for (int minor = 0; minor < 100; ++minor) {
      int later = 400 + minor, never = 500 + minor;
      std::string expected = row.sender5;
      if (row.stage == Stage::sender && never == 552) expected = "refused";
      if (row.stage == Stage::recipient && never == 530) expected = "broken";
      EXPECT_EQ(ofReply(row.stage, later), row.sender4) << int(row.stage) << " " << later;
      EXPECT_EQ(ofReply(row.stage, never), expected) << int(row.stage) << " " << never;
    }
}

TEST(MailReplies, OnlyAYesToTheWholeMailIsAccepted) {
  Conversation yes{.stage = Stage::content, .reply = 250, .reference = "4Xy1Zq2"};
  auto outcome = outcomeOf(yes, origin, Addressee::ofTheSms);
  ASSERT_EQ(kindOf(outcome), "accepted");
  EXPECT_EQ(std::get<kit::Accepted>(outcome).reference, "4Xy1Zq2");
  for (Stage stage = Stage::connection; stage < Stage::content; stage = Stage(int(stage) + 1))
    for (int reply : {220, 235, 250, 251, 354}) EXPECT_EQ(ofReply(stage, reply), "deferred") << int(stage);
}

TEST(MailReplies, WhatSmtpDoesNotHaveIsUnknownOnlyOnceTheMailIsOut) {
  for (int reply : {100, 199, 300, 354, 600, 999}) {
    EXPECT_EQ(ofReply(Stage::content, reply), "unknown") << reply;
    EXPECT_EQ(ofReply(Stage::recipient, reply), "deferred") << reply;
  }
}

TEST(MailReplies, TheServerGoingAwayIsLater) {
  for (Stage stage = Stage::connection; stage <= Stage::content; stage = Stage(int(stage) + 1)) {
    auto outcome = outcomeOf({.stage = stage, .reply = 421}, origin, Addressee::ofTheSms);
    ASSERT_EQ(kindOf(outcome), "deferred");
    EXPECT_NE(std::get<kit::Deferred>(outcome).reason.find("closes the connection (421)"), std::string::npos);
  }
}

TEST(MailReplies, ARejectedAddressIsTheSmsSFaultOnlyWhereItIsItsOwn) {
  EXPECT_EQ(ofReply(Stage::recipient, 550, "5.1.1", Addressee::ofTheSms), "refused");
  EXPECT_EQ(ofReply(Stage::recipient, 550, "5.1.1", Addressee::ofTheFile), "broken");
}

TEST(MailReplies, APolicyGivesNoAlertUp) {
  for (Stage stage : {Stage::recipient, Stage::data, Stage::content})
    EXPECT_EQ(ofReply(stage, 554, "5.7.1"), "deferred");
  EXPECT_EQ(ofReply(Stage::login, 535, "5.7.8"), "broken");
  EXPECT_EQ(ofReply(Stage::sender, 530, "5.7.0"), "broken");
}

TEST(MailReplies, SilenceIsUnknownOnlyOnceTheMailIsOut) {
  using net::Failure;
  for (Failure failure : {Failure::unreachable, Failure::handshake, Failure::timeout, Failure::cut,
                          Failure::garbage, Failure::other})
    for (Stage stage = Stage::connection; stage <= Stage::content; stage = Stage(int(stage) + 1)) {
      Conversation silent{.stage = stage, .end = End::failure, .failure = failure};
      EXPECT_EQ(kindOf(outcomeOf(silent, origin, Addressee::ofTheSms)),
                stage == Stage::content ? "unknown" : "deferred");
    }
}

TEST(MailReplies, WhatAnOperatorHasToMendIsBroken) {
  Conversation security{.stage = Stage::startTls, .end = End::failure, .failure = net::Failure::security};
  EXPECT_EQ(kindOf(outcomeOf(security, origin, Addressee::ofTheSms)), "broken");
  for (End end : {End::noTls, End::noLogin}) {
    Conversation without{.stage = Stage::hello, .reply = 250, .end = end};
    EXPECT_EQ(kindOf(outcomeOf(without, origin, Addressee::ofTheSms)), "broken");
  }
}

// The supervisor counts only what speaks against the recipient.
TEST(MailReplies, BeforeAnAddressWasNamedNothingIsSaidOfTheSms) {
  for (Stage stage = Stage::connection; stage <= Stage::content; stage = Stage(int(stage) + 1)) {
    auto expected = stage < Stage::recipient ? kit::FarEnd::notReached : kit::FarEnd::reached;
    Conversation later{.stage = stage, .reply = 451};
    auto outcome = outcomeOf(later, origin, Addressee::ofTheSms);
    ASSERT_EQ(kindOf(outcome), "deferred");
    EXPECT_EQ(std::get<kit::Deferred>(outcome).farEnd, expected) << int(stage);
    Conversation silent{.stage = stage, .end = End::failure, .failure = net::Failure::cut};
    outcome = outcomeOf(silent, origin, Addressee::ofTheSms);
    if (stage == Stage::content) continue;  // unknown
    EXPECT_EQ(std::get<kit::Deferred>(outcome).farEnd, expected) << int(stage);
  }
}

TEST(MailReplies, AReasonHoldsCodesAndOurOwnWords) {
  Conversation refused{.stage = Stage::recipient, .reply = 550, .enhanced = "5.1.1"};
  EXPECT_EQ(reasonOf(outcomeOf(refused, origin, Addressee::ofTheSms)),
            "smtp://gw:25 rejects the address (to) (550 5.1.1)");
  Conversation cut{.stage = Stage::content, .end = End::failure, .failure = net::Failure::cut};
  EXPECT_EQ(reasonOf(outcomeOf(cut, origin, Addressee::ofTheSms)),
            "smtp://gw:25 ended the connection after the whole mail had gone out");
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
