// SPDX-License-Identifier: GPL-3.0-or-later
// What a program gets for its calls at intake.sock, without the socket.
#include "supervisor/intake/door.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/unit/supervisor/gated-queue.h"

namespace smsd::intake {
namespace {

using queue::QueueError;
using Response = capnp::Response<proto::Intake::SubmitResults>;
using Result = proto::Fate::Result;

constexpr unsigned me = 4711, stranger = 4712;

config::Config configuration(int rate = 600) {
  config::Config config;
  config.groups = {{"noc", {"+4790000001", "+4790000002"}}};
  config.intake.callers = {
      {.user = std::to_string(me), .recipients = {"+47*"}, .groups = {"*"}, .severities = {}, .rate = rate}};
  return config;
}

class SubmitDoorTest : public testing::Test {
 protected:
  ~SubmitDoorTest() noexcept override {}

  proto::Intake::Client at(unsigned uid) { return desk_.door(uid).castAs<proto::Intake>(); }
  Response submit(const std::vector<std::string>& recipients, unsigned uid = me,
                  const std::string& text = "text") {
    auto request = at(uid).submitRequest();
    auto alerts = request.initAlerts(static_cast<unsigned>(recipients.size()));
    for (unsigned n = 0; n < alerts.size(); ++n) {
      if (recipients[n].front() == '@')
        alerts[n].getTo().setGroup(recipients[n].substr(1));
      else
        alerts[n].getTo().setRecipient(recipients[n]);
      alerts[n].setText(text);
      alerts[n].setKey(std::to_string(n + 1));
    }
    return request.send().wait(io_.waitScope);
  }
  std::string whyNotReady(unsigned uid) {
    return at(uid).readyRequest().send().wait(io_.waitScope).getProblem().cStr();
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  events::EventLog log_{config::RecipientInLog::masked};
  Gate gate_;
  queue::QueueThread queue_{[this]() { return std::make_unique<GatedQueue>(gate_); }, []() {}};
  std::string away_;
  Desk desk_{queue_, io_.provider->getTimer(), log_, configuration(), [this]() { return away_; }, []() {}};
};

TEST_F(SubmitDoorTest, EachAlertHasItsFateInTheOrderOfTheCall) {
  gate_.results["+4711"] = queue::AlertFate::Result::duplicate;
  const auto response = submit({"+4711", "kari", "+4722", "+4611"});
  EXPECT_EQ(response.getProblem(), "");
  const auto fates = response.getFates();
  ASSERT_EQ(fates.size(), 4u);
  EXPECT_EQ(fates[0].getResult(), Result::DUPLICATE);
  EXPECT_EQ(fates[0].getMessages()[0], 1);
  EXPECT_EQ(fates[1].getResult(), Result::REFUSED);
  EXPECT_EQ(fates[1].getRefusal(), proto::Refusal::RECIPIENT);
  EXPECT_NE(std::string(fates[1].getWhy().cStr()).find("kari cannot be"), std::string::npos);
  EXPECT_EQ(fates[1].getMessages().size(), 0u);
  EXPECT_EQ(fates[2].getResult(), Result::QUEUED);
  EXPECT_EQ(fates[2].getMessages()[0], 3);
  EXPECT_EQ(fates[2].getRecipients()[0], "+4722");
  EXPECT_EQ(fates[3].getRefusal(), proto::Refusal::NOT_ALLOWED);
  EXPECT_EQ(gate_.transactions().size(), 1u);
}

TEST_F(SubmitDoorTest, OfAGroupTheFirstFateCountsThatANumberHas) {
  using Fate = queue::AlertFate::Result;
  const struct {
    Fate one, two;
    Result result;
  } rows[] = {{Fate::queued, Fate::duplicate, Result::QUEUED},
              {Fate::duplicate, Fate::queued, Result::QUEUED},
              {Fate::duplicate, Fate::cancelled, Result::CANCELLED},
              {Fate::notSent, Fate::duplicate, Result::DUPLICATE},
              {Fate::notSent, Fate::notSent, Result::NOT_SENT}};
  for (const auto& row : rows) {
    gate_.results = {{"+4790000001", row.one}, {"+4790000002", row.two}};
    const auto response = submit({"@noc"});
    EXPECT_EQ(response.getFates()[0].getResult(), row.result);
    EXPECT_EQ(response.getFates()[0].getRecipients().size(), 2u);
  }
}

TEST_F(SubmitDoorTest, AUserWithoutAnEntryReachesNothing) {
  const auto response = submit({"+4711"}, stranger);
  EXPECT_EQ(response.getFates()[0].getRefusal(), proto::Refusal::NOT_ALLOWED);
  EXPECT_NE(whyNotReady(stranger).find("no entry in intake.callers"), std::string::npos);
  EXPECT_EQ(whyNotReady(me), "");
  auto none = desk_.door(std::nullopt).castAs<proto::Intake>();
  EXPECT_NE(none.readyRequest().send().wait(io_.waitScope).getProblem().size(), 0u)
      << "the kernel named nobody";
  EXPECT_TRUE(gate_.transactions().empty());
}

TEST_F(SubmitDoorTest, AReloadCountsAtOnceForAnOpenConnection) {
  auto door = at(me);
  auto config = configuration();
  config.intake.callers.clear();
  desk_.use(config);
  EXPECT_NE(door.readyRequest().send().wait(io_.waitScope).getProblem().size(), 0u);
  desk_.use(configuration());
  EXPECT_EQ(door.readyRequest().send().wait(io_.waitScope).getProblem().size(), 0u);
}

TEST_F(SubmitDoorTest, TooFastIsRefusedWithTheTimeAfterWhichToComeBack) {
  desk_.use(configuration(3));
  const auto fates = submit({"+4711", "+4722", "@noc", "+4733"});
  EXPECT_EQ(fates.getFates()[2].getResult(), Result::QUEUED) << "one alert may overdraw it";
  EXPECT_EQ(fates.getFates()[3].getRefusal(), proto::Refusal::RATE);
  EXPECT_GE(fates.getFates()[3].getRetryAfter(), 20u);
  EXPECT_EQ(fates.getFates()[3].getMessages().size(), 0u);
}

TEST_F(SubmitDoorTest, WhatTheQueueCannotDoIsAProblemAndCostsNoRate) {
  desk_.use(configuration(2));
  away_ = "no such host";
  for (int n = 0; n < 5; ++n) {
    const auto response = submit({"+4711"});
    EXPECT_EQ(std::string(response.getProblem().cStr()), "the queue is away: no such host");
    EXPECT_EQ(response.getFault(), proto::QueueFault::UNREACHABLE);
    EXPECT_GT(response.getRetryAfter(), 0u);
    EXPECT_EQ(response.getFates().size(), 0u);
  }
  EXPECT_NE(whyNotReady(me).find("no such host"), std::string::npos);
  away_.clear();
  EXPECT_EQ(submit({"+4711"}).getFates()[0].getResult(), Result::QUEUED);
  gate_.offer = queue::Submitted::Offer::notYet;
  EXPECT_EQ(submit({"+4711"}).getFault(), proto::QueueFault::NOT_INSTALLED);
  gate_.offer = queue::Submitted::Offer::notOffered;
  EXPECT_NE(std::string(submit({"+4722"}).getProblem().cStr()).find("takes no alerts"), std::string::npos);
}

TEST_F(SubmitDoorTest, AnErrorOfTheQueueKeepsItsKind) {
  gate_.failure = QueueError::Kind::denied;
  const auto response = submit({"+4711"}, me, "bad");
  EXPECT_EQ(std::string(response.getProblem().cStr()), "no");
  EXPECT_EQ(response.getFault(), proto::QueueFault::DENIED);
}

TEST_F(SubmitDoorTest, ACallHasABound) {
  const auto response = submit(std::vector<std::string>(proto::MAX_ALERTS + 1, "+4711"));
  EXPECT_EQ(response.getFault(), proto::QueueFault::INVALID);
  EXPECT_NE(std::string(response.getProblem().cStr()).find("501 alerts in one call, expected at most 500"),
            std::string::npos);
  EXPECT_EQ(submit({}).getFates().size(), 0u);
  EXPECT_TRUE(gate_.transactions().empty());
}

// 500 alerts of one message each way, to a group of 100 numbers: 50,000 copies of a text.
TEST_F(SubmitDoorTest, ACallMakesABoundedNumberOfMessages) {
  auto config = configuration(1'000'000);
  config.groups[0].numbers.clear();
  for (int n = 0; n < 100; ++n) config.groups[0].numbers.push_back("+47900000" + std::to_string(100 + n));
  desk_.use(config);
  const auto response = submit(std::vector<std::string>(60, "@noc"));
  EXPECT_EQ(response.getFates()[49].getResult(), Result::QUEUED);
  EXPECT_EQ(response.getFates()[50].getRefusal(), proto::Refusal::RATE);
  EXPECT_EQ(response.getFates()[50].getRetryAfter(), 1u);
}

}  // namespace
}  // namespace smsd::intake
