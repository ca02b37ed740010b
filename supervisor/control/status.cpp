// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/kj/view.h"
#include "version.h"

namespace smsd::control {
namespace {

proto::DispatcherState wire(keeper::State state) {
  switch (state) {
    case keeper::State::starting:
      return proto::DispatcherState::STARTING;
    case keeper::State::ready:
      return proto::DispatcherState::READY;
    case keeper::State::resting:
      return proto::DispatcherState::RESTING;
    case keeper::State::broken:
      return proto::DispatcherState::BROKEN;
    case keeper::State::paused:
      return proto::DispatcherState::PAUSED;
  }
  return proto::DispatcherState::BROKEN;
}

proto::QueueStatus::Notifications wire(queue::Bell::State state) {
  switch (state) {
    case queue::Bell::State::untested:
      return proto::QueueStatus::Notifications::UNTESTED;
    case queue::Bell::State::heard:
      return proto::QueueStatus::Notifications::WORK;
    case queue::Bell::State::unannounced:
      return proto::QueueStatus::Notifications::NOT_INSTALLED;
    case queue::Bell::State::silent:
      return proto::QueueStatus::Notifications::SILENT;
  }
  return proto::QueueStatus::Notifications::UNTESTED;
}

std::uint64_t wholeSeconds(Milliseconds value) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(value).count());
}

void writeDispatcher(proto::DispatcherStatus::Builder builder, const keeper::Keeper& keeper) {
  builder.setName(view(keeper.name()));
  builder.setKind(view(keeper.kind()));
  builder.setState(wire(keeper.state()));
  builder.setReason(view(keeper.reason()));
  builder.setSince(static_cast<std::uint64_t>(keeper.since() / kj::SECONDS));
  builder.setWorkerPid(static_cast<std::uint32_t>(keeper.pid()));
  builder.setSoftware(view(keeper.traits().software));
  const auto& lock = keeper.traits().lock;
  auto parts = builder.initLock(static_cast<unsigned>(lock.size()));
  for (unsigned i = 0; i < parts.size(); ++i) parts.set(i, view(lock[i]));
  builder.setStarts(keeper.starts());
  builder.setUnderWay(static_cast<std::uint32_t>(keeper.out()));
  builder.setWindow(keeper.traits().window);
  builder.setAccepted(keeper.counts().accepted);
  builder.setRefused(keeper.counts().refused);
  builder.setDeferred(keeper.counts().deferred);
  builder.setBroken(keeper.counts().broken);
  builder.setUnknown(keeper.counts().unknown);
  builder.setNextProbe(wholeSeconds(keeper.untilProbe()));
  builder.setStrikes(keeper.strikes());
  builder.setNotUnderstood(keeper.notUnderstood().answers);
  builder.setLastNotUnderstood(view(keeper.notUnderstood().last));
  const auto& details = keeper.lastHealth().details;
  auto list = builder.initDetails(details.size());
  for (unsigned i = 0; i < details.size(); ++i) {
    list[i].setName(view(details[i].first));
    list[i].setValue(view(details[i].second));
  }
  KJ_IF_MAYBE (age, keeper.troubleFor())
    builder.setTroubleAgo(static_cast<std::uint64_t>(*age / kj::SECONDS));
  KJ_IF_MAYBE (age, keeper.lastHealthFor())
    builder.setDetailsAgo(static_cast<std::uint64_t>(*age / kj::SECONDS));
}

// A message that is sent in its turn waits no longer than this.
constexpr Milliseconds longestWait = std::chrono::seconds(60);

/// Returns why the queue cannot be used; empty: it can.
std::string problemOf(const road::Road& road, const std::optional<queue::Depth>& depth) {
  if (road.ledger().away()) return road.ledger().awayBecause();
  return depth ? "" : "it does not answer";
}

void writeHappenings(proto::QueueStatus::Builder queue, const road::Figures& figures) {
  KJ_IF_MAYBE (rows, figures.rowsReplaced()) {
    queue.setReplacedRows(rows->times);
    queue.setReplacedRowsAgo(static_cast<std::uint64_t>(rows->ago / kj::SECONDS));
  }
  KJ_IF_MAYBE (file, figures.fileReplaced()) {
    queue.setReplacedFiles(static_cast<std::uint32_t>(file->times));
    queue.setReplacedFilesAgo(static_cast<std::uint64_t>(file->ago / kj::SECONDS));
    queue.setReplacedFilesHow(view(file->how));
  }
  KJ_IF_MAYBE (last, figures.lastClockStep()) {
    queue.setClockStep(last->step.count());
    queue.setClockStepAgo(static_cast<std::uint64_t>(last->ago / kj::SECONDS));
  }
}

void writeQueue(proto::QueueStatus::Builder queue, const road::Road& road,
                const std::optional<queue::Depth>& depth) {
  const std::string problem = problemOf(road, depth);
  queue.setReachable(problem.empty());
  queue.setProblem(view(problem));
  if (depth) {
    queue.setUnsent(depth->unsent);
    queue.setHeld(depth->held);
    if (depth->oldest) queue.setOldest(wholeSeconds(std::max(*depth->oldest, Milliseconds(0))));
    if (depth->late) queue.setLate(wholeSeconds(std::max(*depth->late, Milliseconds(0))));
  }
  queue.setUnderWay(static_cast<std::uint32_t>(road.underWay()));
  queue.setSent(road.figures().sent());
  queue.setIgnored(road.figures().ignored());
  queue.setNotifications(wire(road.ledger().bell().state()));
  queue.setNotificationsProblem(view(road.ledger().bell().problem()));
  queue.setStrain(view(road.ledger().strained()));
  const auto& schema = road.ledger().schema();
  queue.setSchemaVersion(static_cast<std::uint32_t>(schema.installed));
  queue.setSchemaKnown(static_cast<std::uint32_t>(schema.known));
  queue.setSchemaUsed(static_cast<std::uint32_t>(schema.used));
  KJ_IF_MAYBE (last, road.figures().lastIgnored()) {
    queue.setIgnoredAgo(static_cast<std::uint64_t>(last->ago / kj::SECONDS));
    queue.setIgnoredBecause(view(last->why));
  }
  writeHappenings(queue, road.figures());
}

}  // namespace

std::vector<std::string> troublesOf(const road::Road& road, const std::optional<queue::Depth>& depth) {
  std::vector<std::string> troubles;
  if (auto problem = problemOf(road, depth); !problem.empty())
    troubles.push_back("the queue cannot be reached: " + problem);
  if (!road.ledger().strained().empty()) troubles.push_back("the queue: " + road.ledger().strained());
  if (!road.ledger().otherSettler().empty()) troubles.push_back(road.ledger().otherSettler());
  if (road.ledger().bell().state() == queue::Bell::State::silent)
    troubles.push_back("new messages wait for the next poll: " + road.ledger().bell().problem());
  auto any = [&road](auto&& is) {
    return std::any_of(road.dispatchers().begin(), road.dispatchers().end(),
                       [&is](auto& one) { return is(*one); });
  };
  const bool waits = depth && depth->unsent > depth->held;
  if (!any([](const keeper::Keeper& one) { return one.state() == keeper::State::ready; }))
    troubles.push_back("no dispatcher can be used");
  else if (waits && !any([](const keeper::Keeper& one) { return !one.doubtful(); }))
    troubles.push_back("messages wait, and no dispatcher has answered the last SMS that it was given");
  if (depth && depth->late && *depth->late > longestWait)
    troubles.push_back(
        fmt::format("a message waits for {}",
                    config::printDuration(std::chrono::floor<std::chrono::seconds>(*depth->late))));
  return troubles;
}

void writeStatus(proto::Status::Builder status, const road::Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<queue::Depth>& depth,
                 const admin_mail::AdminMail* mail) {
  status.setVersion(SMSD_VERSION);
  status.setPid(static_cast<std::uint32_t>(getpid()));
  status.setUpFor(static_cast<std::uint64_t>(upFor / kj::SECONDS));
  auto queue = status.initQueue();
  queue.setBackend(view(backend));
  writeQueue(queue, road, depth);
  auto dispatchers = status.initDispatchers(static_cast<unsigned>(road.dispatchers().size()));
  for (unsigned i = 0; i < dispatchers.size(); ++i) writeDispatcher(dispatchers[i], road.dispatchers()[i]);
  KJ_IF_MAYBE (since, road.withoutDispatcherFor()) {
    status.setWithoutDispatcher(true);
    status.setWithoutDispatcherFor(static_cast<std::uint64_t>(*since / kj::SECONDS));
  }
  if (mail != nullptr) {
    KJ_IF_MAYBE (outage, mail->outage()) {
      status.setAdminMailDown(true);
      status.setAdminMailDownFor(static_cast<std::uint64_t>(outage->lasted / kj::SECONDS));
      status.setAdminMailProblem(view(outage->why));
    }
  }
  auto troubles = troublesOf(road, depth);
  auto list = status.initTroubles(troubles.size());
  for (unsigned i = 0; i < troubles.size(); ++i) list.set(i, view(troubles[i]));
  status.setHealthy(troubles.empty());
}

}  // namespace smsd::control
