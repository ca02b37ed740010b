#include "supervisor/control/status.h"

#include <unistd.h>

#include "version.h"

namespace smsd::control {
namespace {

kj::StringPtr view(const std::string& text) { return kj::StringPtr(text.c_str(), text.size()); }

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

proto::QueueStatus::Notifications wire(Bell::State state) {
  switch (state) {
    case Bell::State::untested:
      return proto::QueueStatus::Notifications::UNTESTED;
    case Bell::State::heard:
      return proto::QueueStatus::Notifications::WORK;
    case Bell::State::unannounced:
      return proto::QueueStatus::Notifications::NOT_INSTALLED;
    case Bell::State::silent:
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
}

}  // namespace

void writeStatus(proto::Status::Builder status, const Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<queue::Depth>& depth) {
  status.setVersion(SMSD_VERSION);
  status.setPid(static_cast<std::uint32_t>(getpid()));
  status.setUpFor(static_cast<std::uint64_t>(upFor / kj::SECONDS));
  auto queue = status.initQueue();
  queue.setBackend(view(backend));
  bool reachable = depth.has_value() && !road.ledger().away();
  queue.setReachable(reachable);
  if (!reachable)
    queue.setProblem(road.ledger().away() ? view(road.ledger().awayBecause()) : "it does not answer");
  if (depth) {
    queue.setUnsent(depth->unsent);
    if (depth->oldest) queue.setOldest(wholeSeconds(std::max(*depth->oldest, Milliseconds(0))));
  }
  queue.setUnderWay(static_cast<std::uint32_t>(road.underWay()));
  queue.setSent(road.sentMessages());
  queue.setIgnored(road.ignoredMessages());
  queue.setNotifications(wire(road.ledger().bell().state()));
  queue.setNotificationsProblem(view(road.ledger().bell().problem()));
  queue.setStrain(view(road.ledger().strained()));

  bool usable = false;
  auto dispatchers = status.initDispatchers(road.keepers().size());
  for (unsigned i = 0; i < road.keepers().size(); ++i) {
    writeDispatcher(dispatchers[i], *road.keepers()[i]);
    usable = usable || road.keepers()[i]->state() == keeper::State::ready;
  }
  KJ_IF_MAYBE (since, road.withoutDispatcherFor()) {
    status.setWithoutDispatcher(true);
    status.setWithoutDispatcherFor(static_cast<std::uint64_t>(*since / kj::SECONDS));
  }
  status.setHealthy(usable && reachable && road.ledger().strained().empty());
}

}  // namespace smsd::control
