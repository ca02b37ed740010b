// SPDX-License-Identifier: GPL-3.0-or-later
// The command dispatcher: sends SMS by a program of the administrator's, in any language.
//
// Owns its keys, and the policy of the programs' lock. Called by the kit; the two modes do the work. The
// program is started by a process of its own, the starter, with a lock of its own. This process has the
// strict lock of all workers.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/command/mode.h"
#include "workers/command/runtimes.h"
#include "workers/command/secrets-folder.h"
#include "workers/command/starter-client.h"
#include "workers/command/starter.h"
#include "workers/kit/dispatcher.h"

namespace smsd::command {

struct Settings {
  enum class Serves { always, once };
  std::filesystem::path program;
  std::vector<std::string> arguments;
  Serves mode = Serves::always;
  Runtime runtime = Runtime::native;
  std::vector<std::string> executable, readable, devices;
  sandbox::Network network = sandbox::Network::none;
  std::vector<int> connectPorts;
  int window = 16;
  int backlog = 64;
  int memory = 256;  // MiB
  bool knowsKeys = false;
};

class CommandDispatcher final : public kit::Dispatcher {
 public:
  CommandDispatcher() = default;
  ~CommandDispatcher() noexcept(false) override;
  CommandDispatcher(const CommandDispatcher&) = delete;
  CommandDispatcher& operator=(const CommandDispatcher&) = delete;

  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override { return mode_->send(std::move(job)); }
  kj::Promise<kit::Condition> health() override;
  kj::Promise<std::string> spent() override;
  void stop() noexcept override;

 private:
  void declareReach(config::Keys& keys);
  void declareRules(config::Keys& keys);
  sandbox::Policy policyOfPrograms(const std::filesystem::path& secrets) const;

  Settings settings_;
  SecretsFolder secrets_;
  int socket_ = -1;  // to the starter, until start()
  std::unique_ptr<StarterClient> starter_;
  std::unique_ptr<Mode> mode_;
  bool spentSaid_ = false;
};

}  // namespace smsd::command
