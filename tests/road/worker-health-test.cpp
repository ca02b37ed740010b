// SPDX-License-Identifier: GPL-3.0-or-later
// A worker's reports of its health over a real connection.
#include <gtest/gtest.h>

#include "tests/road/worker-bench.h"

namespace smsd::keeper {
namespace {

TEST_F(WorkerTalk, SaysHowItIsBeforeItIsReady) {
  says.broken = "no SIM";
  start();
  EXPECT_TRUE(ready);
  EXPECT_EQ(health.broken, "no SIM");
}

TEST_F(WorkerTalk, OneThatDoesNotSayHowItIsIsNotReady) {
  says.silent = true;
  start();
  EXPECT_FALSE(ready);
  for (int i = 0; i < 10; ++i) advance(1s);
  EXPECT_FALSE(ready);
  EXPECT_NE(gone.find("not ready"), std::string::npos) << gone;
}

TEST_F(WorkerTalk, WhatItSaysOfItsHealthIsCutAndPrintable) {
  says.broken = std::string(10'000, 'x') + "\x1b[31m";
  says.write = [](proto::Health::Builder builder) {
    auto details = builder.initDetails(100);
    for (auto detail : details) {
      detail.setName(std::string(1000, 'n').c_str());
      detail.setValue(("\x1b[2J\n" + std::string(1000, 'v')).c_str());
    }
  };
  start();
  EXPECT_LE(health.broken.size(), proto::MAX_REASON);
  ASSERT_EQ(health.details.size(), 16u);
  for (auto& [name, value] : health.details) {
    EXPECT_LE(name.size(), 40u);
    EXPECT_LE(value.size(), 200u);
    EXPECT_EQ(value.find('\x1b'), std::string::npos);
    EXPECT_EQ(value.find('\n'), std::string::npos);
  }
}

TEST_F(WorkerTalk, AnAnswerAboutItsHealthThatCannotBeReadBreaksTheContract) {
  start();
  says.write = [](proto::Health::Builder builder) {
    builder.setBroken("");
    capnp::AnyStruct::Builder(kj::mv(builder)).getPointerSection()[0].initAs<capnp::List<std::uint64_t>>(2);
  };
  auto asked = worker->health().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  settle();
  expectBreach("a health report that cannot be read");
}

}  // namespace
}  // namespace smsd::keeper
