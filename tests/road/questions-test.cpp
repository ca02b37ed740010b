// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/questions.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/road/memory-queue.h"

namespace smsd::control {
namespace {

/// The results of a call, as far as a question that failed sets them.
struct Results {
  std::string problem;
  proto::QueueFault fault = proto::QueueFault::NONE;
  void setProblem(kj::StringPtr words) { problem = words.cStr(); }
  void setFault(proto::QueueFault what) { fault = what; }
};
struct Call {
  Results& getResults() const { return *results; }
  Results* results;
};

class QuestionsTest : public testing::Test {
 protected:
  ~QuestionsTest() noexcept override = default;

  static constexpr unsigned alice = 1001, bob = 1002;

  Questions::Room room(unsigned user, std::size_t bytes = 0) {
    return std::make_shared<Reservation>(std::make_shared<ConnectionAnswers>(room_, user), bytes);
  }
  /// Makes the thread wait in a question until mayEnd_ is set.
  auto blocking() {
    return [this](queue::Queue&) {
      mayEnd_.get_future().wait();
      return 0;
    };
  }
  /// A question that notes when its turn came.
  auto noting(const std::string& name) {
    return [this, name](queue::Queue&) {
      order_.push_back(name);
      return 0;
    };
  }
  static std::string problemOf(const queue::Answer<int>& answer) {
    const auto* error = std::get_if<queue::QueueError>(&answer);
    return error == nullptr ? "" : error->what();
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  queue::Memory memory_;
  queue::QueueThread queue_{[this]() { return queue::openMemory(memory_); }, []() {}};
  std::shared_ptr<AnswerRoom> room_ = std::make_shared<AnswerRoom>(990);
  Questions questions_{queue_, Questions::Connection::ofTheRoad, timer_, []() { return std::string(); }};
  std::promise<void> mayEnd_;
  std::vector<std::string> order_;  // of the thread's; read when it has no work
};

TEST_F(QuestionsTest, AnActThatEndsAfterItsClientWasAnsweredIsStillNoted) {
  Results results;
  int noted = 0;
  auto answer = questions_.ask(
      room(alice),
      [this](queue::Queue&) {
        mayEnd_.get_future().wait();
        return 7;
      },
      Call{&results}, [&noted](int result) { noted = result; });
  io_.waitScope.poll();
  timer_.advanceTo(timer_.now() + 21 * kj::SECONDS);
  EXPECT_TRUE(answer.wait(io_.waitScope) == nullptr);
  EXPECT_EQ(results.fault, proto::QueueFault::UNREACHABLE);
  EXPECT_NE(results.problem.find("may still carry the request out"), std::string::npos) << results.problem;
  EXPECT_EQ(noted, 0);
  mayEnd_.set_value();
  queue_.run([](queue::Queue&) {}).wait(io_.waitScope);
  io_.waitScope.poll();
  EXPECT_EQ(noted, 7);
  EXPECT_FALSE(questions_.busy());
}

TEST_F(QuestionsTest, AUserWithManyQuestionsDelaysAnotherOneByOneOfThem) {
  auto first = questions_.answer(room(alice), blocking());
  std::vector<kj::Promise<queue::Answer<int>>> others;
  for (int i = 0; i < 10; ++i) others.push_back(questions_.answer(room(alice), noting("alice")));
  auto bobs = questions_.answer(room(bob), noting("bob"));
  mayEnd_.set_value();
  EXPECT_EQ(problemOf(bobs.wait(io_.waitScope)), "");
  for (auto& one : others) one.wait(io_.waitScope);
  ASSERT_EQ(order_.size(), 11U);
  EXPECT_TRUE(order_[0] == "bob" || order_[1] == "bob");
}

TEST_F(QuestionsTest, AQuestionThatHasNoPlaceIsRefusedAndSaysWhenToTryAgain) {
  auto first = questions_.answer(room(alice), blocking());
  std::vector<kj::Promise<queue::Answer<int>>> others;
  for (std::size_t i = 0; i < UserTurns::forOne; ++i)
    others.push_back(questions_.answer(room(alice), noting("alice")));
  const auto refused = problemOf(questions_.answer(room(alice), noting("alice")).wait(io_.waitScope));
  EXPECT_NE(refused.find("16 requests of this user wait for the queue already: try again in 1 s"),
            std::string::npos)
      << refused;
  auto bobs = questions_.answer(room(bob), noting("bob"));
  mayEnd_.set_value();
  EXPECT_EQ(problemOf(bobs.wait(io_.waitScope)), "");
  for (auto& one : others) EXPECT_EQ(problemOf(one.wait(io_.waitScope)), "");
}

TEST_F(QuestionsTest, AQuestionThatWasNotBegunInTimeIsNotBegunLater) {
  auto first = questions_.answer(room(alice), blocking());
  auto second = questions_.answer(room(alice), noting("alice"));
  io_.waitScope.poll();
  timer_.advanceTo(timer_.now() + 21 * kj::SECONDS);
  EXPECT_NE(problemOf(second.wait(io_.waitScope)).find("the request was not begun"), std::string::npos);
  mayEnd_.set_value();
  queue_.run([](queue::Queue&) {}).wait(io_.waitScope);
  io_.waitScope.poll();
  EXPECT_TRUE(order_.empty());
}

TEST_F(QuestionsTest, ALargeAnswerIsAskedForOnlyWhenThereIsRoomForIt) {
  auto unread = std::make_shared<ConnectionAnswers>(room_, alice);
  const auto large = [&]() { return std::make_shared<Reservation>(unread, AnswerRoom::largest); };
  std::vector<Questions::Room> rooms;
  for (int i = 0; i < 5; ++i) rooms.push_back(large());
  std::vector<kj::Promise<queue::Answer<int>>> answers;
  for (auto& one : rooms) answers.push_back(questions_.answer(one, noting("alice")));
  for (int i = 0; i < 4; ++i) {
    answers[static_cast<std::size_t>(i)].wait(io_.waitScope);
    rooms[static_cast<std::size_t>(i)]->answered(AnswerRoom::largest);
  }
  io_.waitScope.poll();
  EXPECT_EQ(order_.size(), 4U) << "the four answers are not read";
  EXPECT_EQ(problemOf(questions_.answer(room(bob, AnswerRoom::largest), noting("bob")).wait(io_.waitScope)),
            "");
  unread->gone();
  questions_.beginNext();
  EXPECT_EQ(problemOf(answers[4].wait(io_.waitScope)), "");
  EXPECT_EQ(order_.size(), 6U);
}

}  // namespace
}  // namespace smsd::control
