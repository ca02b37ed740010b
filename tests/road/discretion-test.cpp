// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/discretion.h"

#include <gtest/gtest.h>

#include "tests/road/keeper-bench.h"

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;

const std::string number = "+4799887766", secretText = "the duty phone is under the third stone";
const std::string quotation = "cannot send \"" + secretText + "\" to 004799887766";
const std::string shown = "cannot send \"(text)\" to (recipient)";

queue::Submission quoted(queue::AttemptId attempt) {
  queue::Submission submission;
  submission.attempt = attempt;
  submission.recipient = number;
  submission.sms.text = secretText;
  return submission;
}

/// A keeper whose worker has begun one SMS.
class Quoting {
 public:
  explicit Quoting(config::Activation activation = config::Activation::spawn,
                   const std::string& kind = "debug")
      : bench([&] {
          auto config = named("own", activation);
          config.kind = kind;
          return config;
        }()) {}

  void give() {
    const auto one = quoted(7);
    bench.keeper.dispatch({&one});
    bench.worker.begin(7);
  }

  Bench bench;
};

TEST(Discretion, NoReasonQuotesTheSmsWhateverTheOutcome) {
  for (const auto kind : {delivery::OutcomeKind::refused, delivery::OutcomeKind::deferred,
                          delivery::OutcomeKind::broken, delivery::OutcomeKind::unknown}) {
    Quoting scene;
    scene.bench.start();
    scene.give();
    scene.bench.worker.say(7, {kind, quotation, {}});
    scene.bench.turn();
    EXPECT_EQ(scene.bench.road.said.find(7)->second.outcome.words, shown);
    EXPECT_EQ(scene.bench.keeper.reason().find(number.substr(1)), std::string::npos);
  }
}

// A program may take what is left of an earlier SMS for words about this one.
TEST(Discretion, NoReasonQuotesAnotherSmsThatIsThereOrWasAMomentAgo) {
  for (const bool ended : {false, true})
    for (const auto kind : {delivery::OutcomeKind::refused, delivery::OutcomeKind::deferred,
                            delivery::OutcomeKind::broken, delivery::OutcomeKind::unknown}) {
      Quoting scene;
      scene.bench.start();
      scene.give();
      if (ended) scene.bench.worker.say(7, accepted());
      auto other = quoted(8);
      other.recipient = "+4740000000";
      other.sms.text = "the boiler room is cold";
      scene.bench.keeper.dispatch({&other});
      scene.bench.worker.begin(8);
      scene.bench.worker.say(8, {kind, quotation + ", nor to +4740000000", {}});
      scene.bench.turn();
      EXPECT_EQ(scene.bench.road.said.find(8)->second.outcome.words, shown + ", nor to (recipient)");
      EXPECT_EQ(scene.bench.keeper.reason().find(number.substr(1)), std::string::npos);
    }
}

TEST(Discretion, AnAnswerThatIsNotUnderstoodIsShownWithoutTheSms) {
  Quoting scene;
  scene.bench.start();
  scene.give();
  scene.bench.worker.say(
      7,
      {.kind = delivery::OutcomeKind::unknown, .words = quotation, .reply = delivery::Reply::notUnderstood});
  scene.bench.turn();
  EXPECT_EQ(scene.bench.keeper.notUnderstood().last, shown);
}

TEST(Discretion, DetailsAndABrokenHealthQuoteNoSmsThatIsThereOrWasAMomentAgo) {
  Quoting scene;
  scene.bench.start();
  scene.give();
  scene.bench.worker.condition = {quotation, 1, {{"last line", quotation}, {number, "x"}}};
  scene.bench.advance(5s);
  EXPECT_EQ(scene.bench.keeper.reason(), shown);
  EXPECT_EQ(scene.bench.keeper.lastHealth().details.at(0).second, shown);
  EXPECT_EQ(scene.bench.keeper.lastHealth().details.at(1).first, "(recipient)");
  scene.bench.worker.say(7, accepted());
  scene.bench.worker.condition.details = {{"last line", "still " + quotation}};
  scene.bench.advance(1min);
  EXPECT_EQ(scene.bench.keeper.lastHealth().details.at(0).second, "still " + shown);
}

TEST(Discretion, LastWordsQuoteNoSms) {
  Quoting scene;
  scene.bench.start();
  scene.give();
  scene.bench.worker.die(quotation);
  scene.bench.turn();
  EXPECT_EQ(scene.bench.road.said.find(7)->second.outcome.words.find(secretText), std::string::npos);
  EXPECT_EQ(scene.bench.keeper.reason().find(secretText), std::string::npos) << scene.bench.keeper.reason();
}

TEST(Discretion, AnAttemptOfAnEarlierSmsdThatIsRecalledQuotesItsSmsAsLittle) {
  Quoting scene(config::Activation::socket);
  scene.bench.worker.remembers = {{7, delivery::Outcome{delivery::OutcomeKind::refused, quotation, {}}}};
  scene.bench.start();
  const auto one = quoted(7);
  scene.bench.keeper.inquire({&one});
  scene.bench.advance(1ms);
  EXPECT_EQ(scene.bench.road.said.find(7)->second.outcome.words, shown);
}

TEST(Discretion, AnAttemptThatIsRecalledQuotesNoOtherSms) {
  Quoting scene(config::Activation::socket);
  scene.bench.worker.remembers = {{8, delivery::Outcome{delivery::OutcomeKind::refused, quotation, {}}}};
  scene.bench.start();
  scene.give();
  auto other = quoted(8);
  other.recipient = "+4740000000";
  other.sms.text = "the boiler room is cold";
  scene.bench.keeper.inquire({&other});
  scene.bench.advance(1ms);
  EXPECT_EQ(scene.bench.road.said.find(8)->second.outcome.words, shown);
}

TEST(Discretion, AnAttemptWhoseConnectionWasLostIsRecalledWithoutItsSms) {
  Quoting scene(config::Activation::socket);
  scene.bench.start();
  scene.give();
  scene.bench.worker.die();
  scene.bench.turn();
  scene.bench.worker.remembers = {{7, delivery::Outcome{delivery::OutcomeKind::refused, quotation, {}}}};
  scene.bench.advance(5s);
  EXPECT_EQ(scene.bench.road.said.find(7)->second.outcome.words, shown);
}

TEST(Discretion, DetailsOfAnEarlierSmsdsTimeAreHiddenUnlessTheWorkerIsSmsdsOwn) {
  struct {
    const char* kind;
    unsigned visits;
    std::size_t details;
  } const cases[] = {{"own", 2, 0}, {"own", 1, 1}, {"command", 2, 1}};
  for (const auto& one : cases) {
    Quoting scene(config::Activation::socket, one.kind);
    scene.bench.worker.traits.visits = one.visits;
    scene.bench.worker.condition.details = {{"last line", quotation}};
    scene.bench.start();
    EXPECT_EQ(scene.bench.keeper.lastHealth().details.size(), one.details) << one.kind;
    scene.give();
    scene.bench.worker.say(7, accepted());
    scene.bench.advance(1min);
    ASSERT_EQ(scene.bench.keeper.lastHealth().details.size(), 1u) << one.kind;
    EXPECT_EQ(scene.bench.keeper.lastHealth().details.at(0).second, shown);
  }
}

}  // namespace
}  // namespace smsd::keeper
