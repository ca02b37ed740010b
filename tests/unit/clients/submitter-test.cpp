// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/submitter.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace smsd::webintake {
namespace {

using shapes::IncomingAlert;
using shapes::SubmissionResult;
using shapes::WebFate;

/// smsd, whose answers the test gives by hand.
class Smsd final : public proto::Intake::Server {
 public:
  struct Asked {
    std::vector<std::string> texts;
    SubmitContext context;
    kj::Own<kj::PromiseFulfiller<void>> answered;
  };
  explicit Smsd(std::vector<Asked>& calls) : calls_(calls) {}

  kj::Promise<void> submit(SubmitContext context) override {
    auto answer = kj::newPromiseAndFulfiller<void>();
    Asked asked{{}, context, kj::mv(answer.fulfiller)};
    for (const auto alert : context.getParams().getAlerts()) asked.texts.emplace_back(alert.getText().cStr());
    calls_.push_back(std::move(asked));
    return kj::mv(answer.promise);
  }

 private:
  std::vector<Asked>& calls_;
};

class SubmitterTest : public testing::Test {
 protected:
  SubmitterTest()
      : io_(kj::setupAsyncIo()),
        timer_(kj::origin<kj::TimePoint>()),
        submitter_(timer_, [this]() { return connect(); }) {}

  ~SubmitterTest() noexcept override {}

  kj::Own<rpc::Channel> connect() {
    ++connects_;
    if (away_) throw std::system_error(ECONNREFUSED, std::generic_category());
    auto pipe = io_.provider->newTwoWayPipe();
    ends_.push_back(rpc::Channel::serve(kj::mv(pipe.ends[0]), kj::heap<Smsd>(calls_)));
    return rpc::Channel::connect(kj::mv(pipe.ends[1]));
  }
  /// Lets all that can happen now happen.
  void turn() {
    for (int at = 0; at < 20; ++at) io_.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io_.waitScope);
  }
  void pass(kj::Duration time) {
    timer_.advanceTo(timer_.now() + time);
    turn();
  }
  void disconnect() {
    ends_.clear();
    turn();
  }
  static std::vector<IncomingAlert> alerts(std::size_t count, bool keys, const std::string& text = "x") {
    std::vector<IncomingAlert> all(count);
    for (std::size_t at = 0; at < count; ++at) {
      all[at].to.name = "+47", all[at].text = text;
      if (keys) all[at].key = "k" + std::to_string(at);
    }
    return all;
  }
  /// The index of the answer, which appears in `results_` when it is there.
  std::size_t submit(std::vector<IncomingAlert> all) {
    const std::size_t at = results_.size();
    results_.emplace_back();
    tasks_.push_back(submitter_.submit(std::move(all), "test")
                         .then([this, at](SubmissionResult result) { results_[at] = std::move(result); })
                         .eagerlyEvaluate(nullptr));
    turn();
    return at;
  }
  void answer(std::size_t call, const char* problem = "") {
    auto results = calls_.at(call).context.getResults();
    if (*problem != 0)
      results.setProblem(problem);
    else
      results.initFates(static_cast<unsigned>(calls_[call].texts.size()));
    calls_[call].answered->fulfill();
    turn();
  }
  /// smsd takes the first `room` alerts of the call.
  void answerLeavingOut(std::size_t call, unsigned room) {
    auto fates =
        calls_.at(call).context.getResults().initFates(static_cast<unsigned>(calls_[call].texts.size()));
    for (unsigned at = room; at < fates.size(); ++at) {
      fates[at].setResult(proto::Fate::Result::REFUSED);
      fates[at].setRefusal(proto::Refusal::RATE);
      fates[at].setRetryAfter(1);
    }
    calls_[call].answered->fulfill();
    turn();
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> all;
    for (const auto& call : calls_) all.push_back(call.texts.size());
    return all;
  }
  /// "" while there is none, "ok N", or the problem.
  std::string said(std::size_t at) const {
    if (!results_[at]) return "";
    return results_[at]->problem.empty() ? "ok " + std::to_string(results_[at]->fates.size())
                                         : results_[at]->problem;
  }

  kj::AsyncIoContext io_;
  kj::TimerImpl timer_;
  bool away_ = false;
  int connects_ = 0;
  std::vector<Smsd::Asked> calls_;
  std::vector<kj::Own<rpc::Channel>> ends_;
  std::vector<std::optional<SubmissionResult>> results_;
  Submitter submitter_;
  std::vector<kj::Promise<void>> tasks_;
};

using Sizes = std::vector<std::size_t>;

TEST_F(SubmitterTest, DividesAlertsWithKeysAmongCalls) {
  submit(alerts(1200, true));
  EXPECT_EQ(sizes(), (Sizes{500, 500, 200}));
  answer(2);
  answer(0);
  EXPECT_EQ(said(0), "");
  answer(1);
  EXPECT_EQ(said(0), "ok 1200");
}

TEST_F(SubmitterTest, PutsWaitingRequestsIntoOneCall) {
  for (std::size_t at = 0; at < 4; ++at) submit(alerts(1, false));
  for (std::size_t at = 0; at < 100; ++at) submit(alerts(1, false, std::to_string(at)));
  EXPECT_EQ(sizes(), (Sizes{1, 1, 1, 1}));
  answer(0);
  EXPECT_EQ(sizes(), (Sizes{1, 1, 1, 1, 100}));
  EXPECT_EQ(calls_[4].texts[99], "99") << "in their order";
  answer(4);
  EXPECT_EQ(said(103), "ok 1");
}

TEST_F(SubmitterTest, NeverDividesAlertsWithoutKeys) {
  for (std::size_t at = 0; at < 4; ++at) submit(alerts(1, false));
  submit(alerts(300, false));
  submit(alerts(300, false));
  answer(0);
  answer(1);
  EXPECT_EQ(sizes(), (Sizes{1, 1, 1, 1, 300, 300}));
  EXPECT_NE(said(submit(alerts(501, false))), "ok");
}

TEST_F(SubmitterTest, BoundsTheBytesOfACall) {
  submit(alerts(400, true, std::string(4096, 'x')));
  EXPECT_EQ(calls_.size(), 2U);
  for (const auto& call : calls_) EXPECT_LE(call.texts.size() * 4096, shapes::maxCallBytes);
  const auto large = submit(alerts(400, false, std::string(4096, 'x')));
  EXPECT_NE(said(large), "");
}

TEST_F(SubmitterTest, PassesAProblemOn) {
  submit(alerts(1, true));
  answer(0, "the queue is away");
  EXPECT_EQ(said(0), "the queue is away");
  EXPECT_EQ(calls_.size(), 1U) << "and does not repeat by itself";
}

TEST_F(SubmitterTest, SubmitsAgainWhatACallHadNoRoomFor) {
  for (std::size_t at = 0; at < 4; ++at) submit(alerts(1, false));
  submit(alerts(3, false));
  submit(alerts(1, false));
  answer(0);
  ASSERT_EQ(calls_[4].texts.size(), 4U);
  answerLeavingOut(4, 2);  // the first two are taken
  EXPECT_EQ(said(4), "");
  EXPECT_EQ(said(5), "");
  answer(1);
  ASSERT_EQ(sizes(), (Sizes{1, 1, 1, 1, 4, 2}));
  answer(5);
  EXPECT_EQ(said(4), "ok 3");
  EXPECT_EQ(said(5), "ok 1");
}

TEST_F(SubmitterTest, PassesARateOnThatNothingPasses) {
  submit(alerts(3, true));
  answerLeavingOut(0, 0);
  EXPECT_EQ(said(0), "ok 3");
  EXPECT_EQ(results_[0]->fates[2].refusal, shapes::WebFate::Refusal::rate);
  EXPECT_EQ(calls_.size(), 1U);
}

TEST_F(SubmitterTest, RepeatsOnceAfterALossIfAllHaveKeys) {
  submit(alerts(1200, true));
  submit(alerts(1, false));
  answer(1);
  disconnect();
  EXPECT_EQ(said(1), "smsd cannot be reached");
  EXPECT_EQ(said(0), "");
  pass(100 * kj::MILLISECONDS);
  EXPECT_EQ(connects_, 2);
  ASSERT_EQ(sizes(), (Sizes{500, 500, 200, 1, 500, 500, 200}))
      << "all of it: those that smsd has are duplicates";
  EXPECT_EQ(submitter_.repeated(), 1U);
  for (std::size_t at = 4; at < 7; ++at) answer(at);
  EXPECT_EQ(said(0), "ok 1200");
  submit(alerts(1, true));
  disconnect();
  pass(100 * kj::MILLISECONDS);
  disconnect();
  EXPECT_EQ(said(2), "smsd cannot be reached") << "once";
}

TEST_F(SubmitterTest, SurvivesALossAtAnyMoment) {
  for (int moment = 0; moment < 12; ++moment) {
    submit(alerts(1, true));
    ends_.clear();
    std::size_t next = calls_.size();  // the first call over the next connection
    for (int at = 0; at < moment; ++at) kj::evalLater([]() {}).wait(io_.waitScope);
    const auto late = submit(alerts(1, true));
    for (int turns = 0; turns < 20; ++turns) {
      pass(100 * kj::MILLISECONDS);
      while (next < calls_.size()) answer(next++);
    }
    EXPECT_EQ(said(late), "ok 1") << moment;
  }
}

TEST_F(SubmitterTest, GivesUpACallThatHangs) {
  submit(alerts(1, false));
  pass(14 * kj::SECONDS);
  EXPECT_EQ(said(0), "");
  pass(2 * kj::SECONDS);
  EXPECT_EQ(said(0), "smsd cannot be reached");
  EXPECT_NE(submitter_.away(), "");
}

TEST_F(SubmitterTest, RidesOutARestartAndNoMore) {
  away_ = true;
  submit(alerts(1, false));
  pass(500 * kj::MILLISECONDS);
  EXPECT_EQ(said(0), "");
  away_ = false;
  pass(1 * kj::SECONDS);
  answer(0);
  EXPECT_EQ(said(0), "ok 1");
  away_ = true;
  disconnect();
  submit(alerts(1, false));
  for (int at = 0; at < 8; ++at) pass(500 * kj::MILLISECONDS);
  EXPECT_EQ(said(1), "smsd cannot be reached");
  EXPECT_EQ(said(submit(alerts(1, false))), "smsd cannot be reached") << "at once, as long as it is away";
}

TEST_F(SubmitterTest, AnswersNoAlertsByItself) { EXPECT_EQ(said(submit({})), "ok 0"); }

TEST_F(SubmitterTest, BoundsWhatWaits) {
  for (std::size_t at = 0; at < 4; ++at) submit(alerts(1, false));
  std::string last;
  for (int at = 0; at < 40 && last.empty(); ++at)
    last = said(submit(alerts(400, true, std::string(4096, 'x'))));
  EXPECT_EQ(last, "too many alerts wait for smsd");
}

}  // namespace
}  // namespace smsd::webintake
