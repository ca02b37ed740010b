// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/text/age.h"
#include "common/text/grouped.h"
#include "common/text/shell.h"
#include "common/text/utf.h"

namespace smsd::control {
namespace {

using Findings = std::vector<Finding>;
using Looked = Picture::Looked;

constexpr const char* afterRepair = "after its repair";
constexpr std::size_t longestInLine = 160;
constexpr std::size_t longestLine = 800;
constexpr std::size_t crashLoop = 3;  // workers that ended by themselves within ten minutes

std::string countOf(std::uint64_t messages) {
  return fmt::format("{} message{}", text::grouped(messages), messages == 1 ? "" : "s");
}

void queueAway(const Picture& picture, Findings& found) {
  if (!picture.away.empty())
    found.push_back({Rank::unhealthy, "the queue cannot be reached: " + picture.away, picture.awayFor,
                     "smsctl db check"});
}

void queueStrained(const Picture& picture, Findings& found) {
  if (picture.strain.empty()) return;
  const std::string next =
      picture.queueFolder.empty() ? "smsctl db check" : "df -h " + text::shellWord(picture.queueFolder);
  found.push_back({Rank::unhealthy, "the queue: " + picture.strain, picture.strainedFor, next});
}

void otherSettler(const Picture& picture, Findings& found) {
  if (!picture.otherSettler.empty())
    found.push_back({Rank::unhealthy, picture.otherSettler, picture.otherSettlerFor, "nav stop smsd",
                     "on the host of NAV"});
}

void bellAway(const Picture& picture, Findings& found) {
  const std::string what = "new messages wait for the next poll: " + picture.bellProblem;
  if (picture.bell == queue::Bell::State::silent)
    found.push_back({Rank::unhealthy, what, picture.bellStateFor, "systemctl restart smsd", afterRepair});
  if (picture.bell == queue::Bell::State::unannounced)
    found.push_back(
        {Rank::attention, what, picture.bellStateFor, "smsctl db install --notify", "as the owner of smsq"});
}

bool nothingToUse(const Picture& picture) {
  return std::none_of(picture.dispatchers.begin(), picture.dispatchers.end(),
                      [](const auto& one) { return one.state == keeper::State::ready; });
}

/// Messages wait, and the dispatchers that can be used have not answered lately.
bool nothingAnswers(const Picture& picture) {
  const bool waits =
      picture.looked == Looked::yes && picture.depth.unsent > picture.depth.held + picture.depth.paced;
  return waits && std::all_of(picture.dispatchers.begin(), picture.dispatchers.end(),
                              [](const auto& one) { return one.doubtful; });
}

void noDispatcher(const Picture& picture, Findings& found) {
  if (nothingToUse(picture))
    found.push_back({Rank::unhealthy, "no dispatcher can be used", picture.withoutDispatcher});
  else if (nothingAnswers(picture))
    found.push_back(
        {Rank::unhealthy, "messages wait, and no dispatcher has answered the last SMS that it was given"});
}

void late(const Picture& picture, Findings& found) {
  if (picture.looked != Looked::yes || !picture.depth.late || *picture.depth.late <= picture.lateAfter)
    return;
  const auto waits = std::chrono::floor<Seconds>(*picture.depth.late);
  found.push_back({Rank::unhealthy,
                   "a message waits for more than " + config::printDuration(picture.lateAfter), waits,
                   "smsctl queue list"});
}

/// Returns the command after a repair of the dispatcher, its gateway or its file. A fresh worker looks at its
/// device at once. A worker of systemd reads its file itself, and smsd reads the files of the others.
std::string repairOf(const DispatcherPicture& one) {
  if (one.state == keeper::State::paused || one.trouble == keeper::Trouble::gateway)
    return "smsctl dispatcher resume " + one.name;
  const std::string restart = "smsctl dispatcher restart " + one.name;
  return one.activation == config::Activation::socket ? restart : "smsctl reload && " + restart;
}

bool isInCrashLoop(const DispatcherPicture& one) { return one.ends.count >= crashLoop; }

std::string wordsOf(const DispatcherPicture& one) {
  if (isInCrashLoop(one) && one.state != keeper::State::paused)
    return fmt::format("{} is in a crash loop: its worker has ended {} times in {}: {}", one.name,
                       one.ends.count, text::age(static_cast<std::uint64_t>(one.ends.within.count())),
                       one.reason);
  switch (one.state) {
    case keeper::State::starting:
      return fmt::format("{} is starting: {}", one.name, one.reason);
    case keeper::State::ready:
      return one.retried ? fmt::format("{} has sent nothing since it was restarted; its last failure: {}",
                                       one.name, one.reason)
                         : fmt::format("{} has not answered its last SMS: {}", one.name, one.reason);
    case keeper::State::resting:
      return fmt::format("{} is resting: {}", one.name, one.reason);
    case keeper::State::broken:
      return fmt::format("{} is broken: {}", one.name, one.reason);
    case keeper::State::paused:
      return fmt::format("{} is paused by an operator", one.name);
  }
  return one.reason;
}

void dispatchersInTrouble(const Picture& picture, Findings& found) {
  const Rank rank = nothingToUse(picture) || nothingAnswers(picture) ? Rank::cause : Rank::attention;
  for (const auto& one : picture.dispatchers) {
    const bool starts = one.state == keeper::State::starting && one.reason.empty();
    const bool doubted = (one.doubtful || one.retried || isInCrashLoop(one)) && !one.reason.empty();
    if (starts || (one.state == keeper::State::ready && !doubted)) continue;
    found.push_back({rank, wordsOf(one), one.state == keeper::State::ready ? one.troubleAgo : one.since,
                     repairOf(one), one.state == keeper::State::paused ? "" : afterRepair});
  }
}

void held(const Picture& picture, Findings& found) {
  const std::uint64_t count = picture.looked == Looked::yes ? picture.depth.held : 0;
  if (count > 0)
    found.push_back({Rank::decision,
                     fmt::format("{} may have been sent, and {} held until you decide", countOf(count),
                                 count == 1 ? "is" : "are"),
                     picture.depth.oldestHeld
                         ? std::optional(std::chrono::floor<Seconds>(*picture.depth.oldestHeld))
                         : std::nullopt,
                     "smsctl queue held"});
}

void lost(const Picture& picture, Findings& found) {
  if (!picture.lost) return;
  const Lost& lost = *picture.lost;
  found.push_back({Rank::decision,
                   fmt::format("{} {} not sent in the last 24 h (counted since smsd started). Latest: {}",
                               countOf(lost.messages), lost.messages == 1 ? "was" : "were", lost.why),
                   lost.ago,
                   lost.message > 0 ? fmt::format("smsctl explain {}", lost.message)
                                    : std::string("smsctl queue list --status I")});
}

void mailDown(const Picture& picture, Findings& found) {
  if (picture.mailDown)
    found.push_back({Rank::attention, "no mail to the administrators: " + picture.mailDown->problem,
                     picture.mailDown->since,
                     "smsctl dispatcher restart " + text::shellWord(picture.mailDown->dispatcher),
                     "after its repair; it tries a mail at once"});
}

void stateFolder(const Picture& picture, Findings& found) {
  if (picture.stateFolder)
    found.push_back({Rank::attention, picture.stateFolder->what, {}, picture.stateFolder->next});
}

void usedUp(const Picture& picture, Findings& found) {
  for (const auto& one : picture.dispatchers)
    if (one.usedUp)
      found.push_back({Rank::attention,
                       one.name + " has used up its SMS of today (per_day, reserve)",
                       {},
                       "smsctl reload",
                       "after you have raised per_day"});
}

void notUnderstood(const Picture& picture, Findings& found) {
  for (const auto& one : picture.dispatchers)
    if (one.notUnderstood > 0)
      found.push_back(
          {Rank::attention,
           fmt::format("{}: its configuration did not cover {} answer{}, the last one: {}", one.name,
                       one.notUnderstood, one.notUnderstood == 1 ? "" : "s", one.lastNotUnderstood),
           {},
           one.activation == config::Activation::socket ? "smsctl dispatcher restart " + one.name
                                                        : std::string("smsctl reload"),
           "after you have corrected it"});
}

void otherBuild(const Picture& picture, Findings& found) {
  for (const auto& one : picture.dispatchers)
    if (!one.otherBuild.empty())
      found.push_back(
          {Rank::attention,
           fmt::format("{}: its worker is of another build than smsd: {}", one.name, one.otherBuild),
           {},
           "smsctl dispatcher restart " + one.name,
           "after you have upgraded its package"});
}

/// Returns the command that sends a canary. A dispatcher that rests, is broken or is paused gets none, so
/// that it has to be tried again before.
std::string canaryThrough(const DispatcherPicture& one) {
  const bool tried = one.state == keeper::State::ready || one.state == keeper::State::starting;
  return (tried ? "" : repairOf(one) + " && ") + "smsctl canary run " + one.name;
}

void canaries(const Picture& picture, Findings& found) {
  for (const auto& one : picture.dispatchers)
    if (one.canary)
      found.push_back(
          {Rank::attention,
           fmt::format("the canary of {} was {}: {}", one.name, one.canary->result, one.canary->why),
           one.canary->ago, canaryThrough(one), afterRepair});
}

void schema(const Picture& picture, Findings& found) {
  const auto& versions = picture.schema;
  if (versions.installed < versions.known)
    found.push_back({Rank::news,
                     fmt::format("the schema of the queue has version {}, smsd knows {}", versions.installed,
                                 versions.known),
                     {},
                     "smsctl db install",
                     "as its owner"});
  else if (versions.used < versions.installed)
    found.push_back(
        {Rank::news, fmt::format("the schema of the queue has version {}, of which smsd uses {} until {}",
                                 versions.installed, versions.used,
                                 versions.installed > versions.known ? "it is upgraded, too"
                                                                     : "every supervisor is upgraded")});
}

void unpaced(const Picture& picture, Findings& found) {
  if (picture.paces != Picture::Paces::notKept) return;
  const bool older = picture.schema.installed < picture.schema.known;
  found.push_back({Rank::attention,
                   fmt::format("pace.window is set, but nothing is paced: {}",
                               older ? "the schema of the queue is too old"
                                     : "the queue, or another supervisor of it, does not know how"),
                   {},
                   older ? "smsctl db install" : "smsctl db check",
                   older ? "as its owner" : ""});
}

void happened(const Picture& picture, Findings& found) {
  for (const auto& one : picture.happened) found.push_back({Rank::news, one.what, one.ago});
}

/// An alert has left, so that smsd did its work, and is healthy.
void heartbeats(const Picture& picture, Findings& found) {
  if (!picture.heartbeatsProblem.empty())
    found.push_back(
        {Rank::attention, "no heartbeat is watched: " + picture.heartbeatsProblem, {}, "smsctl db check"});
  for (const auto& one : picture.heartbeats) {
    if (!one.missingFor) continue;
    const std::string last =
        one.lastAgo ? ", the last one came " + config::roughly(*one.lastAgo) + " ago" : "";
    found.push_back({Rank::attention,
                     fmt::format("the heartbeat {} is missing{}: does the program that sends it still run?",
                                 one.name, last),
                     std::chrono::floor<Seconds>(*one.missingFor), "smsctl heartbeat",
                     "after its repair, to see that it comes"});
  }
}

using Rule = void (*)(const Picture&, Findings&);
/// In the order in which findings of the same rank are shown.
constexpr Rule rules[] = {
    queueAway, queueStrained,        otherSettler, bellAway,   noDispatcher, late,        held,
    lost,      dispatchersInTrouble, canaries,     heartbeats, usedUp,       stateFolder, notUnderstood,
    mailDown,  otherBuild,           unpaced,      schema,     happened};

}  // namespace

std::vector<Finding> findingsOf(const Picture& picture) {
  Findings found;
  for (const Rule rule : rules) rule(picture, found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Finding& one, const Finding& other) { return one.rank < other.rank; });
  return found;
}

bool isHealthy(const std::vector<Finding>& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& one) { return one.rank == Rank::unhealthy; });
}

std::string lineOf(const Picture& picture) {
  const auto findings = findingsOf(picture);
  const auto ready = std::count_if(picture.dispatchers.begin(), picture.dispatchers.end(),
                                   [](const auto& one) { return one.state == keeper::State::ready; });
  const std::size_t all = picture.dispatchers.size();
  std::string line =
      fmt::format("{}: {} of {} dispatcher{} ready, {} under way, {} sent",
                  isHealthy(findings) ? "healthy" : "NOT HEALTHY", ready, all, all == 1 ? "" : "s",
                  text::grouped(picture.underWay), text::grouped(picture.sent));
  for (std::size_t i = 0; i < findings.size() && findings[i].rank <= Rank::attention; ++i) {
    const std::string words = "; " + text::printable(findings[i].what, longestInLine);
    if (line.size() + words.size() > longestLine) {
      const auto left = std::count_if(findings.begin() + static_cast<std::ptrdiff_t>(i), findings.end(),
                                      [](const Finding& one) { return one.rank <= Rank::attention; });
      return line + fmt::format("; and {} more", left);
    }
    line += words;
  }
  return line;
}

}  // namespace smsd::control
