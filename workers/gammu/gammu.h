// SPDX-License-Identifier: GPL-3.0-or-later
// The Gammu dispatcher: one modem on a serial line, one SMS at a time, through libgammu.
//
// Owns the keys of its file, the thread that blocks on the modem, and the recovery ladder for a modem that
// stops working: abort the call, reopen the modem after a failed SMS, restart the modem, end this process so
// that a fresh one takes over. Called by the kit. Never waits for the modem on the loop; condition() returns
// the state that was last seen.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "workers/gammu/blocking-thread.h"
#include "workers/gammu/modem.h"
#include "workers/kit/dispatcher.h"

namespace smsd::gammu {

struct Settings {
  std::string device;
  std::string connection = "at115200";
  std::string model;
  std::filesystem::path gammurc;
  int section = 0;
  config::Secret pin;
  ModemSettings::Counter counter = ModemSettings::Counter::required;
  std::string centre;
  bool flash = false;
  std::optional<config::Milliseconds> validity;
  bool report = false;
  bool checkRegistration = true;
  config::Milliseconds checkInterval = std::chrono::minutes(1);
};

/// Identifies the device node at a path.
struct DeviceNode {
  dev_t device = 0;
  ino_t inode = 0;
  dev_t number = 0;
  std::int64_t changed = 0;  // ns; needed because another device may get the same number
  bool operator==(const DeviceNode&) const = default;
};
/// Follows links. Returns nothing if there is no node at `path`.
std::optional<DeviceNode> nodeAt(const std::string& path);

class GammuDispatcher : public kit::Dispatcher {
 public:
  GammuDispatcher() = default;
  ~GammuDispatcher() noexcept(false) override;

  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kit::Condition condition() const override;
  kj::Promise<std::string> spent() override;
  bool alive() const override;

 private:
  enum class Rung { none, restarted };  // the last rung taken since the modem last worked

  std::optional<std::string> readDevice();
  kj::Promise<void> open();
  kj::Promise<void> look();
  kj::TimePoint nextLook() const;
  kj::Duration timeToNextStep() const;
  kj::Promise<void> unplugged();
  kj::Promise<void> tend();
  kj::Promise<void> step();
  kj::Promise<void> seek();
  kj::Promise<void> climb();
  void found(ModemCondition condition);
  void leave(std::string why);
  kj::Promise<void> within(kj::Duration limit, kj::Promise<void> work);
  kit::Outcome finished(SendResult result);

  Settings settings_;
  std::optional<DeviceNode> nodeAtLock_;
  std::string holder_;  // the program that had the device before the sandbox hid it
  kj::Timer* timer_ = nullptr;
  kj::UnixEventPort* port_ = nullptr;

  std::unique_ptr<Bridge> bridge_;  // until start()
  std::unique_ptr<Modem> modem_;
  ModemCondition known_;
  bool usable_ = false;    // the modem is open and can take an SMS
  bool everUsed_ = false;  // the modem has worked in this process
  bool sending_ = false;
  Rung rung_ = Rung::none;
  std::optional<SendResult::Then> due_;  // to be done because of the last SMS
  kj::TimePoint lastLook_ = kj::origin<kj::TimePoint>();
  kj::TimePoint sickSince_ = kj::origin<kj::TimePoint>();
  kj::PromiseFulfillerPair<std::string> spent_ = kj::newPromiseAndFulfiller<std::string>();
  // Mutable because condition() may request a look.
  mutable kj::Own<kj::PromiseFulfiller<void>> stirred_;
  mutable bool wanted_ = false;
  std::unique_ptr<BlockingThread> thread_;  // last: its calls use the other members
};

}  // namespace smsd::gammu
