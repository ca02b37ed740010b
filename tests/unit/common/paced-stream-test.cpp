// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/rpc/paced-stream.h"

#include <gtest/gtest.h>

#include <string>

namespace smsd::rpc {
namespace {

class Paced : public testing::Test {
 protected:
  ~Paced() noexcept override = default;
  /// Reads 4 KiB at least, or less at the end of the stream.
  kj::Promise<size_t> read() { return stream.tryRead(buffer, 4096, sizeof buffer); }
  void write(std::size_t bytes) {
    const std::string text(bytes, 'x');
    pipe.ends[1]->write(text.data(), text.size()).wait(io.waitScope);
  }
  /// Returns how long the stream pauses now, and lets that time pass. 0: it does not pause.
  kj::Duration pause(kj::Promise<size_t>& reading) {
    reading.poll(io.waitScope);
    KJ_IF_MAYBE (at, timer.nextEvent()) {
      const auto waited = *at - timer.now();
      timer.advanceTo(*at);
      return waited;
    }
    return 0 * kj::SECONDS;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  kj::TwoWayPipe pipe = io.provider->newTwoWayPipe();
  PacedStream stream{kj::mv(pipe.ends[0]), timer};
  kj::byte buffer[8192];
};

TEST_F(Paced, ReadsLessAndLessOftenWhileAMessageComesByteByByte) {
  auto reading = read();
  for (int milliseconds : {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
    write(1);
    EXPECT_EQ(pause(reading), milliseconds * kj::MILLISECONDS);
  }
  write(4096);
  EXPECT_EQ(reading.wait(io.waitScope), 9U + 4096U);
}

TEST_F(Paced, BeginsAgainWithAShortPauseForTheNextMessage) {
  auto slow = read();
  for (int i = 0; i < 5; ++i) {
    write(1);
    pause(slow);
  }
  write(4096);
  slow.wait(io.waitScope);
  auto next = read();
  write(1);
  EXPECT_EQ(pause(next), 1 * kj::MILLISECONDS);
}

TEST_F(Paced, NeverPausesForAPeerThatWritesWholeMessages) {
  for (int i = 0; i < 3; ++i) {
    auto reading = read();
    write(4096);
    EXPECT_EQ(pause(reading), 0 * kj::SECONDS);
    EXPECT_EQ(reading.wait(io.waitScope), 4096U);
  }
}

TEST_F(Paced, ReturnsWhatCameBeforeTheEnd) {
  auto reading = read();
  write(3);
  pause(reading);
  pipe.ends[1]->shutdownWrite();
  EXPECT_EQ(reading.wait(io.waitScope), 3U);
}

}  // namespace
}  // namespace smsd::rpc
