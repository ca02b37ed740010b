// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsd/intake-socket.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/journal/journal.h"
#include "supervisor/config/configured-queue.h"

namespace smsd {
namespace {

// A program that submits one alert a call needs two messages for it.
constexpr control::Listener::Bounds bounds{.messageBytes = proto::MAX_SUBMISSION,
                                           .calls = proto::MAX_CALLS_OF_SUBMITTER,
                                           .rate = {.perSecond = 20'000, .burst = 40'000}};

kj::Own<queue::QueueThread> threadFor(const config::Config& config) {
  if (config::backendOf(config) == config::Backend::loaded) return {};
  return kj::heap<queue::QueueThread>([config]() { return config::openQueue(config); }, []() {});
}

/// A host on which systemd-tmpfiles has not created the folder of this version has no intake, so that an
/// upgrade ends no daemon.
bool hasFolder(const config::Config& config) {
  const auto& socket = config.intake.socket;
  if (socket.empty()) return false;
  std::error_code ignored;
  if (socket != config::defaultIntakeSocket || std::filesystem::exists(socket.parent_path(), ignored))
    return true;
  if (!config.intake.callers.empty())
    journal::Entry(journal::Level::warning,
                   fmt::format("there is no folder {}: no program can submit alerts; `systemd-tmpfiles "
                               "--create` creates it, then restart smsd",
                               socket.parent_path().string()))
        .write();
  return false;
}

}  // namespace

IntakeSocket::IntakeSocket(kj::AsyncIoContext& io, queue::QueueThread& queue, road::Road& road,
                           const events::EventLog& log)
    : road_(road),
      own_(threadFor(road.config())),
      desk_(
          own_.get() == nullptr ? queue : *own_, io.provider->getTimer(), log, road.config(),
          [&road]() { return road.ledger().away() ? road.ledger().awayBecause() : std::string(); },
          [&road]() { road.notice(); }) {
  if (!hasFolder(road.config())) return;
  listener_.emplace(
      io, road.config().intake.socket, log,
      [this](std::optional<unsigned> uid) {
        return control::Listener::Served{desk_.door(uid), {}};
      },
      bounds);
}

void IntakeSocket::hangUp() {
  if (own_.get() != nullptr) own_->hangUp();
}

}  // namespace smsd
