// SPDX-License-Identifier: GPL-3.0-or-later
// How many calls requests for a page cost smsd, and how many entries about its availability they cause.
#include "clients/exporter/shared-answer.h"

#include <gtest/gtest.h>
#include <kj/timer.h>

#include <vector>

#include "clients/exporter/availability.h"

namespace smsd::exporter {
namespace {

class Shared : public testing::Test {
 protected:
  ~Shared() noexcept override {}
  std::string bodyOf(kj::Promise<HttpAnswer> answer) { return answer.wait(scope_).body; }
  void answer(const std::string& body) {
    asked_.back()->fulfill(HttpAnswer{.status = 200, .type = "text/plain", .body = body});
  }
  void passes(kj::Duration time) { timer_.advanceTo(timer_.now() + time); }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>() + 1 * kj::HOURS};
  std::vector<kj::Own<kj::PromiseFulfiller<HttpAnswer>>> asked_;
  SharedAnswer shared_{timer_, [this]() {
                         auto pair = kj::newPromiseAndFulfiller<HttpAnswer>();
                         asked_.push_back(kj::mv(pair.fulfiller));
                         return kj::mv(pair.promise);
                       }};
};

TEST_F(Shared, RequestsAtTheSameTimeShareOneCall) {
  auto first = shared_.get(), second = shared_.get();
  passes(10 * kj::SECONDS);
  auto third = shared_.get();
  EXPECT_EQ(asked_.size(), 1U) << "however long it takes";
  answer("one");
  for (auto* each : {&first, &second, &third}) EXPECT_EQ(bodyOf(kj::mv(*each)), "one");
}

TEST_F(Shared, AnAnswerIsReusedForASecond) {
  auto first = shared_.get();
  answer("one");
  EXPECT_EQ(bodyOf(kj::mv(first)), "one");
  passes(SharedAnswer::fresh - 1 * kj::MILLISECONDS);
  EXPECT_EQ(bodyOf(shared_.get()), "one");
  passes(1 * kj::MILLISECONDS);
  auto next = shared_.get();
  ASSERT_EQ(asked_.size(), 2U);
  answer("two");
  EXPECT_EQ(bodyOf(kj::mv(next)), "two");
}

TEST_F(Shared, AClientThatGoesAwayEndsNoCall) {
  { auto first = shared_.get(); }
  auto second = shared_.get();
  EXPECT_EQ(asked_.size(), 1U);
  answer("one");
  EXPECT_EQ(bodyOf(kj::mv(second)), "one");
}

TEST_F(Shared, AFailureIsForgottenAfterASecond) {
  auto first = shared_.get();
  asked_.back()->reject(KJ_EXCEPTION(FAILED, "no"));
  EXPECT_ANY_THROW(bodyOf(kj::mv(first)));
  passes(SharedAnswer::fresh);
  auto second = shared_.get();
  ASSERT_EQ(asked_.size(), 2U);
  answer("one");
  EXPECT_EQ(bodyOf(kj::mv(second)), "one");
}

TEST(ExporterAvailability, IsAnEntryInAMinuteAndTheLastStateIsNotForgotten) {
  Availability smsd;
  const auto begin = kj::origin<kj::TimePoint>() + 1 * kj::HOURS;
  const auto at = [&](int second) { return begin + second * kj::SECONDS; };
  EXPECT_EQ(smsd.saw("", at(0)), std::nullopt);
  EXPECT_EQ(smsd.saw("no connection", at(1)), "no connection");
  for (int second = 2; second < 61; ++second)
    EXPECT_EQ(smsd.saw(second % 2 == 0 ? "" : "no connection", at(second)), std::nullopt) << second;
  EXPECT_EQ(smsd.saw("", at(61)), "");
  EXPECT_EQ(smsd.saw("another reason", at(62)), std::nullopt);
  EXPECT_EQ(smsd.why(), "another reason");
  EXPECT_EQ(smsd.awayFor(at(70)), std::chrono::seconds(8));
  EXPECT_EQ(smsd.saw("another reason", at(121)), "another reason") << "it has lasted";
}

}  // namespace
}  // namespace smsd::exporter
