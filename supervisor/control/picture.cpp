// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/picture.h"

#include <fmt/format.h>

#include <cstdlib>

#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "version.h"

namespace smsd::control {
namespace {

Seconds seconds(kj::Duration duration) { return Seconds(duration / kj::SECONDS); }

std::optional<Lost> lostOf(const road::Figures& figures, const std::optional<QueueLook>& look) {
  KJ_IF_MAYBE (lost, figures.lost(look ? look->lost : road::LostMessages::Checked()))
    return Lost{lost->messages, lost->last.why, seconds(lost->last.ago), lost->last.message};
  return std::nullopt;
}

/// A mail was not accepted, or none could be tried now.
std::optional<MailPicture> mailDownOf(const admin_mail::AdminMail& mail) {
  const auto report = mail.report();
  KJ_IF_MAYBE (outage, mail.outage())
    return MailPicture{report.dispatcher, outage->why, seconds(outage->lasted)};
  if (report.state != keeper::State::resting && report.state != keeper::State::broken) return std::nullopt;
  return MailPicture{report.dispatcher, report.reason, seconds(report.since)};
}

/// Returns what happened to the queue while smsd used it: it is over, but may explain what an operator sees.
std::vector<Happened> happenedTo(const road::Figures& figures) {
  std::vector<Happened> all;
  const auto times = [](std::uint64_t count) {
    return fmt::format("{} time{}", count, count == 1 ? "" : "s");
  };
  KJ_IF_MAYBE (file, figures.fileReplaced())
    all.push_back({fmt::format("the file of the queue was replaced or removed {}, the last time: {}",
                               times(file->times), file->how),
                   seconds(file->ago)});
  KJ_IF_MAYBE (rows, figures.rowsReplaced())
    all.push_back(
        {fmt::format("{} message{} had another row when settled", rows->times, rows->times == 1 ? "" : "s"),
         seconds(rows->ago)});
  KJ_IF_MAYBE (clock, figures.lastClockStep())
    all.push_back({fmt::format("the database's clock was stepped {} by {}",
                               clock->step < Milliseconds(0) ? "back" : "ahead",
                               config::roughly(Milliseconds(std::abs(clock->step.count())))),
                   seconds(clock->ago)});
  return all;
}

/// Returns the software of the worker, if it is one of smsd's own and of another build than smsd.
std::string otherBuildOf(const keeper::Keeper& keeper) {
  constexpr std::string_view ours = "smsd-worker ";
  const std::string_view software = keeper.traits().software;
  const bool other = config::isBuiltIn(keeper.kind()) && software.starts_with(ours) &&
                     software.substr(ours.size()) != SMSD_VERSION;
  return other ? text::printable(software) : std::string();
}

DispatcherPicture pictureOf(const keeper::Keeper& keeper, config::Activation activation) {
  DispatcherPicture one{.name = keeper.name(),
                        .activation = activation,
                        .state = keeper.state(),
                        .trouble = keeper.trouble(),
                        .reason = keeper.reason(),
                        .since = seconds(keeper.since()),
                        .doubtful = keeper.doubtful(),
                        .troubleAgo = {},
                        .notUnderstood = keeper.notUnderstood().answers,
                        .lastNotUnderstood = keeper.notUnderstood().last,
                        .usedUp = keeper.allowance(std::nullopt) == 0,
                        .retried = keeper.retried(),
                        .ends = keeper.endsLately(),
                        .otherBuild = otherBuildOf(keeper)};
  KJ_IF_MAYBE (ago, keeper.troubleFor()) one.troubleAgo = seconds(*ago);
  return one;
}

std::optional<CanaryFailure> failureOf(const watchkeeping::CanaryWatch* canaries, const std::string& name) {
  if (canaries == nullptr) return std::nullopt;
  const auto seen = canaries->of(name);
  if (!seen || !seen->failing) return std::nullopt;
  return CanaryFailure{std::string(nameOf(*seen->last)), seen->last->words, seen->ago};
}

}  // namespace

Picture pictureOf(const road::Road& road, const BesideRoad& beside, const std::optional<QueueLook>& look,
                  Picture::Looked looked) {
  const auto& ledger = road.ledger();
  Picture picture;
  if (config::backendOf(road.config()) == config::Backend::sqlite)
    picture.queueFolder = road.config().queue.sqlite.parent_path();
  if (ledger.away()) {
    picture.away = ledger.awayBecause();
    picture.awayFor = seconds(ledger.awayFor());
  } else if (looked == Picture::Looked::inVain) {
    picture.away = "it does not answer";
  }
  picture.strain = ledger.strained().words();
  if (ledger.strained().there()) picture.strainedFor = seconds(ledger.lasted(ledger.strained()));
  picture.otherSettler = ledger.otherSettler().words();
  if (ledger.otherSettler().there()) picture.otherSettlerFor = seconds(ledger.lasted(ledger.otherSettler()));
  picture.bell = ledger.bell().state();
  picture.bellProblem = ledger.bell().problem();
  picture.bellStateFor = seconds(ledger.bellStateFor());
  picture.schema = ledger.schema();
  picture.looked = looked;
  if (look) picture.depth = look->depth;
  if (look && !look->paces && road.config().pacing.on()) picture.paces = Picture::Paces::notKept;
  picture.lateAfter = road.config().status.late;
  KJ_IF_MAYBE (since, road.withoutDispatcherFor()) picture.withoutDispatcher = seconds(*since);
  const auto& entries = road.config().dispatchers;
  for (std::size_t i = 0; i < road.dispatchers().size(); ++i) {
    picture.dispatchers.push_back(pictureOf(road.dispatchers()[i], entries[i].activation));
    picture.dispatchers.back().canary = failureOf(beside.canaries, entries[i].name);
  }
  picture.lost = lostOf(road.figures(), look);
  if (beside.mail != nullptr) picture.mailDown = mailDownOf(*beside.mail);
  picture.stateFolder = troubleOf(road.config().stateDirectory);
  picture.happened = happenedTo(road.figures());
  if (beside.heartbeats != nullptr) {
    picture.heartbeats = beside.heartbeats->states();
    picture.heartbeatsProblem = beside.heartbeats->problem();
  }
  picture.underWay = road.underWay();
  picture.sent = road.figures().sent();
  return picture;
}

}  // namespace smsd::control
