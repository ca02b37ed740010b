// SPDX-License-Identifier: GPL-3.0-or-later
// Canaries on the whole road: a supervisor without processes, a clock of the host that is moved by hand, and
// restarts on the same state directory.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/watchkeeping/canary-watch.h"
#include "tests/road/world.h"

namespace smsd::watchkeeping {

namespace fs = std::filesystem;
using road::accepted;
using road::broken;
using road::deferred;
using road::refused;
using road::unknown;

inline constexpr const char* canaryTo = "+4799887766";

class CanaryWatchTest : public testing::Test {
 protected:
  CanaryWatchTest() {
    setenv("TZ", "UTC0", 1);
    tzset();
    char pattern[] = "/tmp/smsd-canaries-XXXXXX";
    folder_ = mkdtemp(pattern);
    config_.canary.recipient = canaryTo;
    config_.canary.every = 1h;
    config_.canary.maxPerDay = 1000;
  }
  ~CanaryWatchTest() noexcept override {
    watch_ = nullptr;
    world_ = nullptr;
    fs::remove_all(folder_);
    unsetenv("TZ");
    tzset();
  }

  /// It is 07:00, and the first slot is at 07:30.
  void begin(std::vector<road::Way> ways) {
    watch_ = nullptr;
    world_ = nullptr;
    ways_ = ways;
    world_ = std::make_unique<road::World>(ways, config_);
    world_->start();
    watch();
  }
  void watch() {
    watch_ = kj::heap<CanaryWatch>(world().timer, *world().road, world().log, folder_ / "canaries",
                                   [this]() { return wall(); });
    watch_->start();
    world().quiet();
  }
  /// Another run of smsd on the same state directory, at the same time.
  void restart() {
    epoch_ = wall();
    stepped_ = 0s;
    begin(ways_);
  }
  WallTime wall() {
    const auto run = (world().timer.now() - kj::origin<kj::TimePoint>()) / kj::SECONDS;
    return epoch_ + std::chrono::seconds(run) + stepped_;
  }
  void reload(config::Config config) {
    config.dispatchers = config.dispatchers.empty() ? world().road->config().dispatchers : config.dispatchers;
    world().road->replace(std::move(config), {});
    watch_->reconfigured();
    world().quiet();
  }
  void shiftClock(std::chrono::seconds by) { stepped_ += by; }
  void stepClock(std::chrono::seconds by) {
    shiftClock(by);
    world().advance(1min);
  }

  road::World& world() { return *world_; }
  CanaryWatch& canaries() { return *watch_; }
  std::size_t handed(const std::string& name) { return world()[name].handed.size(); }
  std::size_t said(std::string_view words) { return world().story.count(words); }
  void say(const std::string& name, const delivery::Outcome& outcome) {
    world()[name].sayAll(outcome);
    world().quiet();
  }
  /// Time passes, and `name` accepts everything at once.
  void pass(Milliseconds time, const std::string& name) {
    for (auto step = 0min; step < time; step += 1min) {
      world().advance(1min);
      if (!world()[name].out().empty()) say(name, accepted());
    }
  }
  std::string told(kj::Promise<road::TestSmsReport>& run) {
    const auto report = run.wait(world().io.waitScope);
    std::string text = report.problem;
    for (const auto& one : report.tries)
      text += one.dispatcher + " " + (one.outcome ? std::string(name(*one.outcome)) : "not tried") + ";";
    return text;
  }
  std::string resultOf(const std::string& name) {
    const auto seen = canaries().of(name);
    return seen && seen->last ? std::string(nameOf(*seen->last)) : "none";
  }

  config::Config config_ = road::quietConfig();
  fs::path folder_;

 private:
  std::vector<road::Way> ways_;
  WallTime epoch_{std::chrono::sys_days(std::chrono::days(20'000)) + 7h};
  std::chrono::seconds stepped_{0};
  std::unique_ptr<road::World> world_;
  kj::Own<CanaryWatch> watch_;
};

}  // namespace smsd::watchkeeping
