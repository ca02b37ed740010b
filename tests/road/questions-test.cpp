// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/questions.h"

#include <gtest/gtest.h>

#include <future>

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

TEST(Questions, AnActThatEndsAfterItsClientWasAnsweredIsStillNoted) {
  auto io = kj::setupAsyncIo();
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  queue::Memory memory;
  queue::QueueThread queue([&memory]() { return queue::openMemory(memory); }, []() {});
  Questions questions(queue, Questions::Connection::ofTheRoad, timer, []() { return std::string(); });
  std::promise<void> mayEnd;
  Results results;
  int noted = 0;
  auto answer = questions.ask(
      [&mayEnd](queue::Queue&) {
        mayEnd.get_future().wait();
        return 7;
      },
      Call{&results}, [&noted](int result) { noted = result; });
  timer.advanceTo(timer.now() + 21 * kj::SECONDS);
  EXPECT_TRUE(answer.wait(io.waitScope) == nullptr);
  EXPECT_EQ(results.fault, proto::QueueFault::UNREACHABLE);
  EXPECT_NE(results.problem.find("may still carry the request out"), std::string::npos) << results.problem;
  EXPECT_EQ(noted, 0);
  mayEnd.set_value();
  queue.run([](queue::Queue&) {}).wait(io.waitScope);
  io.waitScope.poll();
  EXPECT_EQ(noted, 7);
  EXPECT_FALSE(questions.busy());
}

}  // namespace
}  // namespace smsd::control
