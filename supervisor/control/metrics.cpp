// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/metrics.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/kj/view.h"
#include "supervisor/control/findings.h"
#include "supervisor/control/wire-state.h"
#include "version.h"

namespace smsd::control {
namespace {

/// In the order of road::Ignored.
constexpr std::array<const char*, road::ignoredReasons> ignoredNames = {"refused", "given_up", "expired",
                                                                        "left_out", "empty"};

std::uint64_t milliseconds(const std::optional<Milliseconds>& age) {
  return static_cast<std::uint64_t>(std::max(age.value_or(Milliseconds(0)), Milliseconds(0)).count());
}

void put(proto::Distribution::Builder builder, const road::Distribution& from) {
  auto bounds = builder.initBounds(static_cast<unsigned>(from.bounds().size()));
  for (unsigned i = 0; i < bounds.size(); ++i)
    bounds.set(i, static_cast<std::uint64_t>(from.bounds()[i].count()));
  auto counts = builder.initCounts(static_cast<unsigned>(from.counts().size()));
  for (unsigned i = 0; i < counts.size(); ++i) counts.set(i, from.counts()[i]);
  builder.setSum(static_cast<std::uint64_t>(from.sum().count()));
}

template <typename Names, typename Counts>
void put(capnp::List<proto::Count>::Builder list, const Names& names, const Counts& counts) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setOf(names[i]);
    list[i].setCount(counts[i]);
  }
}

std::string nameOf(const std::optional<int>& severity) {
  if (!severity) return "none";
  return *severity == 0 ? "other" : std::to_string(*severity);
}

void writeDepth(proto::QueueMetrics::Builder queue, const queue::Depth& depth) {
  queue.setDepthKnown(true);
  queue.setUnsent(depth.unsent);
  queue.setHeld(depth.held);
  queue.setPaced(depth.paced);
  queue.setLate(milliseconds(depth.late));
  auto list = queue.initDepth(static_cast<unsigned>(depth.severities.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& one = depth.severities[i];
    list[i].setSeverity(view(nameOf(one.severity)));
    list[i].setUnsent(one.unsent);
    list[i].setOldest(milliseconds(one.oldest));
  }
}

void writeQueue(proto::QueueMetrics::Builder queue, const road::Road& road, const Picture& picture) {
  const auto& figures = road.figures();
  queue.setReachable(picture.away.empty());
  queue.setStrained(!picture.strain.empty());
  queue.setOtherSender(!picture.otherSettler.empty());
  queue.setNotificationsSilent(picture.bell == queue::Bell::State::silent);
  queue.setUnderWay(picture.underWay);
  queue.setSent(picture.sent);
  std::array<std::uint64_t, road::ignoredReasons> ignored;
  for (std::size_t i = 0; i < ignored.size(); ++i)
    ignored[i] = figures.ignoredInAll(static_cast<road::Ignored>(i));
  put(queue.initIgnored(ignored.size()), ignoredNames, ignored);
  queue.setClaims(road.meters().claims());
  queue.setClaimedSms(road.meters().claimedSms());
  const auto& calls = road.ledger().calls();
  auto list = queue.initCalls(static_cast<unsigned>(road::callNames.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setCall(road::callNames[i]);
    put(list[i].initTook(), calls.took()[i]);
  }
  put(queue.initErrors(static_cast<unsigned>(road::errorNames.size())), road::errorNames, calls.errors());
  KJ_IF_MAYBE (rows, figures.rowsReplaced()) queue.setReplacedRows(rows->times);
}

const char* nameOf(delivery::Breaker::State state) {
  switch (state) {
    case delivery::Breaker::State::closed:
      return "closed";
    case delivery::Breaker::State::open:
      return "open";
    case delivery::Breaker::State::halfOpen:
      return "half_open";
  }
  return "closed";
}

void writeSignal(proto::DispatcherMetrics::Builder builder, const keeper::Keeper& keeper) {
  for (const auto& [name, value] : keeper.lastHealth().details) {
    if (name != "signal") continue;
    const auto signal = signalOf(value);
    if (!signal) continue;
    builder.setSignalKnown(true);
    builder.setSignal(static_cast<std::int16_t>(*signal));
  }
}

void writeDispatcher(proto::DispatcherMetrics::Builder builder, const keeper::Keeper& keeper,
                     const road::AttemptMeter& attempts) {
  builder.setName(view(keeper.name()));
  builder.setKind(view(keeper.kind()));
  builder.setState(wireOf(keeper.state()));
  builder.setBreaker(nameOf(keeper.breaker()));
  builder.setUnderWay(static_cast<std::uint32_t>(keeper.out()));
  builder.setWindow(keeper.traits().window);
  auto outcomes = builder.initOutcomes(static_cast<unsigned>(road::meteredOutcomes.size()));
  for (unsigned i = 0; i < outcomes.size(); ++i) {
    outcomes[i].setOutcome(road::meteredOutcomes[i]);
    outcomes[i].setSms(attempts.outcomes[i].sms);
    outcomes[i].setParts(attempts.outcomes[i].parts);
  }
  put(builder.initAttempts(), attempts.took);
  builder.setWorkerStarts(keeper.starts());
  put(builder.initWorkerEnds(static_cast<unsigned>(keeper::endCauseNames.size())), keeper::endCauseNames,
      keeper.ends().all());
  builder.setNotUnderstood(keeper.notUnderstood().answers);
  builder.setUsedUp(keeper.allowance(std::nullopt) == 0);
  writeSignal(builder, keeper);
}

void writeCanary(proto::CanaryMetrics::Builder builder, const watchkeeping::CanaryView& canary) {
  constexpr std::array<const char*, 6> results = {"accepted", "refused", "deferred",
                                                  "broken",   "unknown", "not_tried"};
  builder.setEnabled(true);
  builder.setFailing(canary.failing);
  if (canary.last) {
    builder.setKnown(true);
    builder.setTook(milliseconds(canary.last->took));
    builder.setAgo(milliseconds(canary.ago));
  }
  const auto& counts = canary.counts;
  put(builder.initResults(results.size()), results,
      std::array{counts.accepted, counts.refused, counts.deferred, counts.broken, counts.unknown,
                 counts.notTried});
}

void writeHeartbeat(proto::HeartbeatMetrics::Builder builder, const watchkeeping::HeartbeatState& heartbeat) {
  builder.setName(view(heartbeat.name));
  builder.setKnown(heartbeat.known);
  builder.setMissing(heartbeat.missingFor.has_value());
  builder.setEver(heartbeat.lastAgo.has_value());
  builder.setAgo(milliseconds(heartbeat.lastAgo));
  builder.setCame(heartbeat.came);
  builder.setAlerts(heartbeat.alerts);
}

}  // namespace

std::optional<int> signalOf(std::string_view detail) {
  constexpr std::string_view unit = " dBm";
  if (!detail.ends_with(unit)) return std::nullopt;
  detail.remove_suffix(unit.size());
  int value = 0;
  const auto [end, error] = std::from_chars(detail.data(), detail.data() + detail.size(), value);
  const bool whole = error == std::errc() && end == detail.data() + detail.size();
  return whole && value >= -200 && value <= 0 ? std::optional(value) : std::nullopt;
}

void writeMetrics(proto::Metrics::Builder metrics, const road::Road& road, const BesideRoad& beside,
                  const Measured& measured) {
  const auto& look = measured.look;
  const Picture picture =
      pictureOf(road, beside, look, look ? Picture::Looked::yes : Picture::Looked::inVain);
  metrics.setVersion(SMSD_VERSION);
  metrics.setUpFor(static_cast<std::uint64_t>(measured.upFor / kj::MILLISECONDS));
  metrics.setHealthy(isHealthy(findingsOf(picture)));
  metrics.setWithoutDispatcher(picture.withoutDispatcher.has_value());
  metrics.setAdminMailFails(picture.mailDown.has_value());
  metrics.setStateFolderFails(picture.stateFolder.has_value());
  auto queue = metrics.initQueue();
  writeQueue(queue, road, picture);
  if (look) writeDepth(queue, look->depth);
  const road::AttemptMeter none;
  auto list = metrics.initDispatchers(static_cast<unsigned>(road.dispatchers().size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& keeper = road.dispatchers()[i];
    const auto* attempts = road.meters().attemptsOf(keeper.index());
    writeDispatcher(list[i], keeper, attempts == nullptr ? none : *attempts);
    const auto canary = beside.canaries == nullptr ? std::nullopt : beside.canaries->of(keeper.name());
    if (canary) writeCanary(list[i].initCanary(), *canary);
  }
  const auto& meters = road.meters();
  put(metrics.initLatency(), meters.latency());
  put(metrics.initFailover(), meters.failover());
  put(metrics.initLoopLag(), measured.loopLag);
  constexpr std::array<const char*, 2> rounds = {"counted", "not_counted"};
  put(metrics.initFailedRounds(2), rounds, std::array{meters.countedRounds(), meters.notCountedRounds()});
  metrics.setHeldSms(meters.heldSms());
  auto heartbeats = metrics.initHeartbeats(static_cast<unsigned>(picture.heartbeats.size()));
  for (unsigned i = 0; i < heartbeats.size(); ++i) writeHeartbeat(heartbeats[i], picture.heartbeats[i]);
  metrics.setHeartbeatsUnwatched(!picture.heartbeatsProblem.empty());
}

}  // namespace smsd::control
