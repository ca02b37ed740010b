// SPDX-License-Identifier: GPL-3.0-or-later
// The bell is tested as it rings: by the queue's own thread, whose watch wakes the supervisor.
#include <kj/async-io.h>

#include "supervisor/queue/queue-thread.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

using Heard = BellTest::Heard;

class BellOfTheQueue : public QueueSuite {
 public:
  ~BellOfTheQueue() noexcept override {}

 protected:
  BellTest test() {
    auto answer = thread_.testBell().wait(io_.waitScope);
    if (auto* error = std::get_if<QueueError>(&answer)) throw *error;
    return std::get<BellTest>(answer);
  }
  void renew() {
    thread_.run([](Queue& queue) { queue.depth(1); }).wait(io_.waitScope);
  }
  unsigned news() {
    io_.waitScope.poll();
    return news_;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  unsigned news_ = 0;
  QueueThread thread_{[this]() { return store().open(); }, [this]() { ++news_; }};
};

TEST_P(BellOfTheQueue, IsHeardAndWakesTheSupervisor) {
  for (int i = 0; i < 3; ++i) {
    renew();
    const unsigned before = news();
    EXPECT_EQ(test().heard, Heard::yes);
    EXPECT_TRUE(eventually([&] { return news() > before; }));
  }
  EXPECT_EQ(thread_.watches(), 1u);
}

TEST_P(BellOfTheQueue, IsHeardOnlyWhereSomethingWatches) {
  const bool heard = test().heard == Heard::yes;
  EXPECT_EQ(heard, thread_.watches() == 1) << "a connection that is made by the first call alone";
  renew();
  EXPECT_EQ(test().heard, Heard::yes);
  EXPECT_EQ(thread_.watches(), 1u);
}

TEST_P(BellOfTheQueue, IsUnannouncedWhereNothingTellsOfInserts) {
  renew();
  EXPECT_EQ(test().ring.unannounced, "");
  if (!store().silenceInserts()) GTEST_SKIP() << "its bell needs nothing in the database";
  const auto silenced = test();
  EXPECT_EQ(silenced.heard, Heard::yes);
  EXPECT_NE(silenced.ring.unannounced, "");
}

SMSD_FOR_EACH_BACKEND(BellOfTheQueue);

}  // namespace

}  // namespace smsd::queue
