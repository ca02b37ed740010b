// SPDX-License-Identifier: GPL-3.0-or-later
// The thread of the queue, and the depth that status reads through it, over a queue whose calls fail as the
// test wants.
#include "supervisor/queue/queue-thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/io.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

#include "supervisor/control/questions.h"
#include "supervisor/control/queue-depth.h"

namespace smsd::queue {
namespace {

/// State of the queue under test. It is in the hands of the queue's thread while a call runs.
struct Script {
  std::atomic<int> descriptor{-1};      // as newsFd() returns it
  std::atomic<bool> lost{false};        // newsFd() throws
  std::atomic<bool> news{false};        // as takeNews() returns it
  std::atomic<bool> unexpected{false};  // depth() throws an error that is no QueueError
  std::atomic<int> opened{0};           // connections so far
};

class ScriptedQueue final : public Queue {
 public:
  explicit ScriptedQueue(Script& script) : script_(script) {}

  int newsFd() override {
    if (script_.lost) throw QueueError(QueueError::Kind::replaced, "the file was replaced");
    return script_.descriptor;
  }
  bool takeNews() override { return script_.news.exchange(false); }
  Depth depth(std::uint64_t) override {
    if (script_.unexpected) throw std::runtime_error("no memory");
    Depth depth;
    depth.unsent = 7;
    return depth;
  }

  SupervisorId enlist(const std::string&, Duration) override { return 1; }
  void renew() override {}
  std::vector<Submission> takeOver() override { return {}; }
  void retire() override {}
  ClaimResult claim(const ClaimRequest&) override { return {}; }
  std::vector<AttemptId> recordAttempts(const std::vector<NextAttempt>&) override { return {}; }
  SettleResult settle(const std::vector<Settlement>&) override { return {}; }
  Cancelled cancelAndList(Duration, std::size_t) override { return {}; }
  std::vector<StoredMessage> messages(SentStatus, std::size_t) override { return {}; }
  std::vector<StoredMessage> messagesOf(const std::string&, SentStatus) override { return {}; }
  std::vector<std::string> recipients(SentStatus) override { return {}; }
  std::vector<format::MessageId> insert(const std::vector<NewMessage>&) override { return {}; }
  std::size_t setStatus(format::MessageId, SentStatus, int) override { return 0; }
  std::vector<HeldSms> held(std::size_t) override { return {}; }
  std::size_t release(SubmissionId) override { return 0; }
  std::size_t discard(SubmissionId) override { return 0; }
  WaitsEnded endWaits(const Whom&) override { return {}; }
  std::optional<MessageLife> explain(format::MessageId, Duration) override { return {}; }
  Purge purge(Duration, std::size_t) override { return Purge::done; }

 private:
  Script& script_;
};

class QueueOnItsThread : public testing::Test, private kj::TaskSet::ErrorHandler {
 public:
  ~QueueOnItsThread() noexcept override {}

 protected:
  /// The unsent messages, or the error that the call returned.
  std::string unsent() {
    auto answer = thread.run([](Queue& queue) { return queue.depth(10).unsent; }).wait(io.waitScope);
    if (auto* error = std::get_if<QueueError>(&answer)) return error->what();
    return std::to_string(std::get<std::uint64_t>(answer));
  }
  /// Waits until news was reported.
  void hear() { heard.promise.wait(io.waitScope); }

  void taskFailed(kj::Exception&&) override { ++failures; }

  Script script;
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::PromiseFulfillerPair<void> heard = kj::newPromiseAndFulfiller<void>();
  unsigned failures = 0;
  QueueThread thread{[this]() {
                       ++script.opened;
                       return std::make_unique<ScriptedQueue>(script);
                     },
                     [this]() { heard.fulfiller->fulfill(); }};
  kj::TaskSet tasks{*this};
};

TEST_F(QueueOnItsThread, ReturnsTheResultOfACallAlthoughTheDescriptorOfTheNewsIsLost) {
  EXPECT_EQ(unsent(), "7");
  script.lost = true;
  EXPECT_EQ(unsent(), "7");
}

TEST_F(QueueOnItsThread, ReportsNewsIfTheDescriptorIsLostWhileItIsWatched) {
  kj::AutoCloseFd news(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  script.descriptor = news.get();
  EXPECT_EQ(unsent(), "7");
  ASSERT_EQ(thread.watches(), 1u);
  script.lost = true;
  ASSERT_EQ(eventfd_write(news, 1), 0);
  hear();
  script.lost = false;
  EXPECT_EQ(unsent(), "7");
  EXPECT_EQ(thread.watches(), 2u) << "it is watched again";
}

TEST_F(QueueOnItsThread, TriesADescriptorAgainThatItCouldNotDuplicate) {
  kj::AutoCloseFd news(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const int number = fcntl(news, F_DUPFD_CLOEXEC, 500);
  ASSERT_GE(number, 500);
  close(number);
  script.descriptor = number;
  EXPECT_EQ(unsent(), "7");
  ASSERT_EQ(thread.watches(), 0u) << "it is closed, or there is nothing to test";
  ASSERT_EQ(dup3(news, number, O_CLOEXEC), number);
  kj::AutoCloseFd opened(number);
  EXPECT_EQ(unsent(), "7");
  EXPECT_EQ(thread.watches(), 1u);
  script.news = true;
  ASSERT_EQ(eventfd_write(news, 1), 0);
  hear();
}

TEST_F(QueueOnItsThread, GivesStatusADepthAgainAfterAnErrorThatNobodyExpected) {
  const road::Figures figures(io.provider->getTimer());
  control::Glance glance(thread, io.provider->getTimer(), tasks, figures);
  script.unexpected = true;
  EXPECT_FALSE(glance.look().wait(io.waitScope).has_value());
  script.unexpected = false;
  const auto look = glance.look().wait(io.waitScope);
  ASSERT_TRUE(look.has_value());
  EXPECT_EQ(look->depth.unsent, 7u);
  EXPECT_EQ(failures, 1u) << "the error is for the journal";
}

TEST_F(QueueOnItsThread, OpensAQueueAgainThatWasClosed) {
  EXPECT_EQ(unsent(), "7");
  EXPECT_EQ(unsent(), "7");
  EXPECT_EQ(script.opened, 1);
  thread.close().wait(io.waitScope);
  EXPECT_EQ(unsent(), "7");
  EXPECT_EQ(script.opened, 2);
}

/// The call of an operator, of which only the problem counts.
struct OperatorsCall {
  struct Results {
    std::string& problem;
    void setProblem(kj::StringPtr words) { problem = words.cStr(); }
    void setFault(proto::QueueFault) {}
  };
  std::string* problem;
  Results getResults() const { return {*problem}; }
};

TEST_F(QueueOnItsThread, IsClosedAfterAWhileWithoutQuestionsAndNotOpenedWhileTheDaemonsIsAway) {
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  std::string away, problem;
  control::Questions questions(thread, control::Questions::Connection::ofItsOwn, timer,
                               [&]() { return away; });
  const auto connection =
      std::make_shared<control::ConnectionAnswers>(std::make_shared<control::AnswerRoom>(0), 0);
  const auto answers = [&]() {
    const auto answer = questions
                            .ask(
                                std::make_shared<control::Reservation>(connection, 0),
                                [](Queue& queue) { return queue.depth(1).unsent; }, OperatorsCall{&problem})
                            .wait(io.waitScope);
    io.waitScope.poll();
    return answer != nullptr;
  };
  const auto pass = [&](kj::Duration time) {
    timer.advanceTo(timer.now() + time);
    io.waitScope.poll();
  };
  EXPECT_TRUE(answers());
  pass(4 * kj::SECONDS);
  EXPECT_TRUE(answers());
  pass(4 * kj::SECONDS);
  EXPECT_TRUE(answers());
  EXPECT_EQ(script.opened, 1);
  pass(6 * kj::SECONDS);
  EXPECT_TRUE(answers());
  EXPECT_EQ(script.opened, 2);
  pass(6 * kj::SECONDS);
  away = "the file is gone";
  EXPECT_FALSE(answers());
  EXPECT_EQ(problem, "the file is gone");
  EXPECT_EQ(script.opened, 2);
  EXPECT_FALSE(questions.busy());
}

}  // namespace
}  // namespace smsd::queue
