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

/// The kinds of reasons for which nobody got the text of a message.
constexpr road::Ignored losses[] = {road::Ignored::refused, road::Ignored::givenUp, road::Ignored::expired};

std::optional<Lost> lostOf(const road::Figures& figures) {
  Lost lost;
  for (const auto reason : losses) lost.messages += figures.ignoredWithinADay(reason);
  if (lost.messages == 0) return std::nullopt;
  KJ_IF_MAYBE (last, figures.lastLost()) {
    lost.why = last->why;
    lost.ago = seconds(last->ago);
    lost.message = last->message;
  }
  return lost;
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
                        .otherBuild = otherBuildOf(keeper)};
  KJ_IF_MAYBE (ago, keeper.troubleFor()) one.troubleAgo = seconds(*ago);
  return one;
}

}  // namespace

Picture pictureOf(const road::Road& road, const admin_mail::AdminMail* mail,
                  const watchkeeping::Heartbeats& heartbeats, const std::optional<QueueLook>& look,
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
  picture.strain = ledger.strained();
  picture.otherSettler = ledger.otherSettler();
  picture.bell = ledger.bell().state();
  picture.bellProblem = ledger.bell().problem();
  picture.schema = ledger.schema();
  picture.looked = looked;
  if (look) picture.depth = look->depth;
  picture.lateAfter = road.config().status.late;
  KJ_IF_MAYBE (since, road.withoutDispatcherFor()) picture.withoutDispatcher = seconds(*since);
  const auto& entries = road.config().dispatchers;
  for (std::size_t i = 0; i < road.dispatchers().size(); ++i)
    picture.dispatchers.push_back(pictureOf(road.dispatchers()[i], entries[i].activation));
  picture.lost = lostOf(road.figures());
  if (mail != nullptr)
    KJ_IF_MAYBE (outage, mail->outage()) picture.mailDown = MailPicture{outage->why, seconds(outage->lasted)};
  picture.stateFolder = troubleOf(road.config().stateDirectory);
  picture.happened = happenedTo(road.figures());
  picture.heartbeats = heartbeats.states();
  picture.heartbeatsProblem = heartbeats.problem();
  picture.underWay = road.underWay();
  picture.sent = road.figures().sent();
  return picture;
}

}  // namespace smsd::control
