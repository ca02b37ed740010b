// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/kj/view.h"
#include "supervisor/control/findings.h"
#include "supervisor/control/wire-state.h"
#include "version.h"

namespace smsd::control {
namespace {

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
  builder.setState(wireOf(keeper.state()));
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

void writeCanary(proto::CanaryStatus::Builder builder, const watchkeeping::CanaryView& seen) {
  builder.setEnabled(true);
  if (seen.last) {
    builder.setResult(view(std::string(nameOf(*seen.last))));
    builder.setWords(view(seen.last->words));
    builder.setTookMs(static_cast<std::uint32_t>(seen.last->took.count()));
    builder.setAgo(static_cast<std::uint64_t>(seen.ago.count()));
  }
  builder.setNextIn(static_cast<std::uint64_t>(seen.nextIn.count()));
  builder.setFailing(seen.failing);
  builder.setAccepted(seen.counts.accepted);
  builder.setRefused(seen.counts.refused);
  builder.setDeferred(seen.counts.deferred);
  builder.setBroken(seen.counts.broken);
  builder.setUnknown(seen.counts.unknown);
  builder.setNotTried(seen.counts.notTried);
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

constexpr const char* whyIgnored[road::ignoredReasons] = {
    "every dispatcher refused it", "no dispatcher accepted it in time",
    "it was older than queue.expire_after", "it had no room in its SMS, which counted it",
    "its text is empty"};

void writeIgnored(proto::QueueStatus::Builder queue, const road::Figures& figures) {
  std::vector<std::pair<const char*, std::uint64_t>> counts;
  for (std::size_t i = 0; i < road::ignoredReasons; ++i)
    if (const auto count = figures.ignoredWithinADay(static_cast<road::Ignored>(i)); count > 0)
      counts.emplace_back(whyIgnored[i], count);
  auto list = queue.initIgnoredLastDay(static_cast<unsigned>(counts.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setWhy(counts[i].first);
    list[i].setCount(counts[i].second);
  }
  KJ_IF_MAYBE (last, figures.lastIgnored()) {
    queue.setIgnoredAgo(static_cast<std::uint64_t>(last->ago / kj::SECONDS));
    queue.setIgnoredBecause(view(last->why));
  }
}

void writeLook(proto::QueueStatus::Builder queue, const QueueLook& look, const std::string& self) {
  const auto& depth = look.depth;
  queue.setUnsent(depth.unsent);
  queue.setHeld(depth.held);
  queue.setPaced(depth.paced);
  if (depth.oldest) queue.setOldest(wholeSeconds(std::max(*depth.oldest, Milliseconds(0))));
  queue.setOldestSeverity(depth.oldestSeverity.value_or(0));
  if (depth.late) queue.setLate(wholeSeconds(std::max(*depth.late, Milliseconds(0))));
  std::vector<std::string> others;
  for (const auto& one : look.supervisors)
    if (one.name != self) others.push_back(fmt::format("{}[{}]", one.host, one.pid));
  auto list = queue.initOthers(static_cast<unsigned>(others.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, view(others[i]));
}

void writeQueue(proto::QueueStatus::Builder queue, const road::Road& road, const Picture& picture) {
  const auto& figures = road.figures();
  queue.setReachable(picture.away.empty());
  queue.setProblem(view(picture.away));
  queue.setUnderWay(static_cast<std::uint32_t>(picture.underWay));
  queue.setSent(picture.sent);
  queue.setIgnored(figures.ignored());
  queue.setSentLastMinute(figures.sentWithin(std::chrono::minutes(1)));
  queue.setSentLastHour(figures.sentWithin(std::chrono::hours(1)));
  queue.setNotifications(wire(picture.bell));
  queue.setNotificationsProblem(view(picture.bellProblem));
  queue.setStrain(view(picture.strain));
  queue.setSchemaVersion(static_cast<std::uint32_t>(picture.schema.installed));
  queue.setSchemaKnown(static_cast<std::uint32_t>(picture.schema.known));
  queue.setSchemaUsed(static_cast<std::uint32_t>(picture.schema.used));
  writeIgnored(queue, figures);
  writeHappenings(queue, figures);
}

proto::Trouble::Rank wire(Rank rank) {
  switch (rank) {
    case Rank::unhealthy:
      return proto::Trouble::Rank::UNHEALTHY;
    case Rank::cause:
      return proto::Trouble::Rank::CAUSE;
    case Rank::decision:
      return proto::Trouble::Rank::DECISION;
    case Rank::attention:
      return proto::Trouble::Rank::ATTENTION;
    case Rank::news:
      return proto::Trouble::Rank::NEWS;
  }
  return proto::Trouble::Rank::NEWS;
}

void writeFindings(proto::Status::Builder status, const std::vector<Finding>& findings) {
  auto list = status.initFindings(static_cast<unsigned>(findings.size()));
  std::vector<std::string> troubles;
  for (unsigned i = 0; i < list.size(); ++i) {
    const Finding& one = findings[i];
    list[i].setRank(wire(one.rank));
    list[i].setWhat(view(one.what));
    list[i].setSinceKnown(one.since.has_value());
    if (one.since) list[i].setSince(static_cast<std::uint64_t>(std::max(*one.since, Seconds(0)).count()));
    list[i].setNext(view(one.next));
    list[i].setWhen(view(one.when));
    if (one.rank == Rank::unhealthy) troubles.push_back(one.what);
  }
  status.setHealthy(isHealthy(findings));
  auto words = status.initTroubles(static_cast<unsigned>(troubles.size()));
  for (unsigned i = 0; i < words.size(); ++i) words.set(i, view(troubles[i]));
}

void writeMail(proto::Status::Builder status, const admin_mail::AdminMail& mail,
               const std::optional<MailPicture>& down) {
  if (down) {
    status.setAdminMailDown(true);
    status.setAdminMailDownFor(static_cast<std::uint64_t>(down->since.count()));
    status.setAdminMailProblem(view(down->problem));
  }
  auto builder = status.initAdminMail();
  builder.setEnabled(true);
  const auto report = mail.report();
  builder.setDispatcher(view(report.dispatcher));
  builder.setState(wireOf(report.state));
  builder.setSent(report.sent);
  KJ_IF_MAYBE (ago, report.sentAgo) {
    builder.setSentEver(true);
    builder.setSentAgo(static_cast<std::uint64_t>(*ago / kj::SECONDS));
  }
  builder.setInterval(wholeSeconds(report.interval));
  builder.setWaiting(report.waiting);
}

void writeHeartbeats(proto::Status::Builder status, const Picture& picture) {
  status.setHeartbeatsProblem(view(picture.heartbeatsProblem));
  auto list = status.initHeartbeats(static_cast<unsigned>(picture.heartbeats.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& one = picture.heartbeats[i];
    auto builder = list[i];
    builder.setName(view(one.name));
    builder.setEveryMs(static_cast<std::uint64_t>(one.every.count()));
    builder.setGraceMs(static_cast<std::uint64_t>(one.grace.count()));
    builder.setKnown(one.known);
    builder.setCame(one.lastAgo.has_value());
    builder.setLastAgo(wholeSeconds(one.lastAgo.value_or(0ms)));
    builder.setMissing(one.missingFor.has_value());
    builder.setMissingFor(wholeSeconds(one.missingFor.value_or(0ms)));
    builder.setDueIn(wholeSeconds(one.dueIn));
    builder.setBeats(one.came);
    builder.setAlerts(one.alerts);
  }
}

}  // namespace

void writeStatus(proto::Status::Builder status, const road::Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<QueueLook>& look, const BesideRoad& beside) {
  const Picture picture =
      pictureOf(road, beside, look, look ? Picture::Looked::yes : Picture::Looked::inVain);
  status.setVersion(SMSD_VERSION);
  status.setPid(static_cast<std::uint32_t>(getpid()));
  status.setUpFor(static_cast<std::uint64_t>(upFor / kj::SECONDS));
  auto queue = status.initQueue();
  queue.setBackend(view(backend));
  writeQueue(queue, road, picture);
  if (look) writeLook(queue, *look, road.ledger().name());
  auto dispatchers = status.initDispatchers(static_cast<unsigned>(road.dispatchers().size()));
  for (unsigned i = 0; i < dispatchers.size(); ++i) {
    const auto& keeper = road.dispatchers()[i];
    writeDispatcher(dispatchers[i], keeper);
    if (const auto seen = beside.canaries->of(keeper.name())) writeCanary(dispatchers[i].initCanary(), *seen);
  }
  KJ_IF_MAYBE (since, road.withoutDispatcherFor()) {
    status.setWithoutDispatcher(true);
    status.setWithoutDispatcherFor(static_cast<std::uint64_t>(*since / kj::SECONDS));
  }
  if (beside.mail != nullptr) writeMail(status, *beside.mail, picture.mailDown);
  writeHeartbeats(status, picture);
  writeFindings(status, findingsOf(picture));
  status.setLine(view(lineOf(picture)));
}

}  // namespace smsd::control
