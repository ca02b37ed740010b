// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/serial-line.h"

#include <chrono>
#include <thread>

#include "tests/workers/gammu-modem.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using test::Emulator;

TEST(GammuLine, WritesWhatTheLineTakesAtOnceThoughTheTimeIsOver) {
  Emulator emulator;
  SerialLine line;
  ASSERT_EQ(line.open(emulator.link(), 115200), LineError::none);
  line.write("AT+CFUN=1\r", 0ms);
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (emulator.status()["starts"] == 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  EXPECT_EQ(emulator.status()["starts"], 1);
}

}  // namespace
}  // namespace smsd::gammu
