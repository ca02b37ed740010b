// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/nav-move/move-plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace smsd::smsctl::move {
namespace {

namespace fs = std::filesystem;

std::string listOf(const std::vector<FileToWrite>& files) {
  std::vector<std::string> lines;
  for (const auto& file : files)
    lines.push_back(fmt::format("{} ({})", file.place.path.string(), describe(file.place.owner)));
  return fmt::format("write {}", fmt::join(lines, ", "));
}

Step impossible(const std::string& name, const std::string& why) {
  return {.name = name, .deed = Deed::impossible, .shown = why};
}

Step command(const std::string& name, ProgramCall call, const std::string& why) {
  Step step{.name = name, .deed = Deed::run, .shown = typed(call), .why = why};
  step.call = std::move(call);
  return step;
}

Step import(const HostFacts& facts) {
  if (facts.existing == HostFacts::Existing::ofAnother)
    return impossible("import", fmt::format("{} exists and was not made from NAV's files: move it away, or "
                                            "keep it and go on by hand as smsd-nav(7) describes",
                                            facts.config.string()));
  Step step{.name = "import", .deed = Deed::write, .shown = listOf(facts.files)};
  step.why = fmt::format("made from {}", facts.navFolder.string());
  // Files of an earlier import may have been edited since, so they stay; but not with a wrong owner.
  for (const auto& file : facts.files) {
    const bool keep = facts.existing == HostFacts::Existing::ofNav && file.state == Placing::differs;
    if (file.state == Placing::inPlace || keep) continue;
    if (file.state == Placing::differs)
      return impossible(
          "import", fmt::format("{} exists with another content: move it away", file.place.path.string()));
    step.files.push_back(file);
  }
  step.done = step.files.empty();
  if (!step.done) step.shown = listOf(step.files);
  return step;
}

std::string activationOf(const HostFacts& facts, const MovedDispatcher& dispatcher) {
  if (dispatcher.bySystemd)
    return fmt::format("{}: socket (systemd runs, and the units smsd-{}@ are installed)", dispatcher.name,
                       dispatcher.kind);
  return fmt::format("{}: spawn ({})", dispatcher.name,
                     facts.systemd ? fmt::format("the units smsd-{}@ are not installed", dispatcher.kind)
                                   : std::string("no systemd runs here, or smsd.service is not installed"));
}

Step activation(const HostFacts& facts) {
  std::vector<std::string> lines;
  for (const auto& dispatcher : facts.dispatchers) lines.push_back(activationOf(facts, dispatcher));
  Step step{.name = "activation",
            .deed = Deed::write,
            .shown = fmt::format("start the workers as smsd.yaml has it: {}", fmt::join(lines, "; "))};
  for (const auto& file : facts.dropIns)
    if (file.state != Placing::inPlace) step.files.push_back(file);
  if (!facts.dropIns.empty())
    step.shown += "; their secrets are credentials of their units: " + listOf(facts.dropIns);
  step.done = step.files.empty();
  return step;
}

Step database(const HostFacts& facts) {
  ProgramCall call{{"smsctl", "--config", facts.config.string(), "db", "install", "--indexes", "--notify"}};
  std::string why = "adds the schema smsd, two indexes and a trigger";
  if (facts.ownRole) {
    call.words.insert(call.words.end(), {"--role", "smsd", "--grant"});
    why += ", and gives the role smsd, which is created if missing, the least privileges";
  }
  if (facts.databaseOwner.empty())
    why += "; as NAV's role, which owns the database, with the password of db.conf";
  else
    call.words.insert(call.words.end(), {"--as", facts.databaseOwner});
  return command("database", std::move(call), why);
}

Step stopNav(const HostFacts& facts) {
  Step step{
      .name = "stop-nav", .deed = Deed::stopNav, .shown = "", .why = "two programs would send each SMS"};
  if (!facts.nav.empty()) step.call = {{facts.nav, "stop", "smsd"}};
  std::string processes = fmt::format("SIGTERM to process {}", fmt::join(facts.navSmsd, ", "));
  step.shown = facts.nav.empty() ? processes
               : facts.navSmsd.empty()
                   ? typed(step.call)
                   : fmt::format("{}, then {} if it still runs", typed(step.call), processes);
  step.done = facts.navSmsd.empty();
  if (step.done) step.shown = "stop NAV's smsd: it does not run on this host";
  return step;
}

Step takeOut(const HostFacts& facts) {
  const std::string file = facts.daemonsFile;
  if (file.empty())
    return {.name = "take-out",
            .deed = Deed::takeOut,
            .shown = fmt::format("there is no daemons.yml in {}: make sure that nothing starts NAV's smsd",
                                 facts.navFolder.string()),
            .done = true};
  if (!facts.listed.empty() && !facts.listEditable)
    return impossible("take-out", fmt::format("{} lists NAV's smsd in a way that smsctl cannot edit: take {} "
                                              "out of it by hand",
                                              file, fmt::join(facts.listed, ", ")));
  return {.name = "take-out",
          .deed = Deed::takeOut,
          .shown = fmt::format("comment NAV's smsd out of {}, and keep the old file as {}.before-smsd", file,
                               file),
          .why = "`nav start` would start it again",
          .done = facts.listed.empty()};
}

Step start(const HostFacts& facts) {
  if (facts.systemd) {
    ProgramCall call{{"systemctl", "enable", "--now"}};
    for (const auto& unit : unitsOf(facts)) call.words.push_back(unit);
    Step step = command("start", std::move(call), "");
    step.done = facts.smsdRuns && facts.unitsStarted;
    return step;
  }
  return {.name = "start",
          .deed = Deed::person,
          .shown = "start smsd: " + typed({{"smsd", "--config", facts.config.string()}, "smsd"}),
          .why = "no systemd runs here, so whatever starts programs on this host has to start smsd",
          .done = facts.smsdRuns};
}

Step stop(const HostFacts& facts) {
  if (!facts.systemd)
    return {.name = "stop",
            .deed = Deed::person,
            .shown = "stop smsd, then run this command again",
            .done = !facts.smsdRuns};
  ProgramCall call{{"systemctl", "disable", "--now"}};
  auto units = unitsOf(facts);
  std::ranges::reverse(units);
  if (facts.hasTarget) units.emplace_back("smsd.target");
  for (const auto& unit : units) call.words.push_back(unit);
  return command("stop", std::move(call), "SMS that were not begun go back to the queue");
}

/// daemons.yml did not list NAV's smsd before the move, so there is nothing that smsctl could put back.
bool wasNotListed(const HostFacts& facts) { return !facts.takenOut && facts.listed.empty(); }

Step planPutBack(const HostFacts& facts) {
  const std::string file =
      facts.daemonsFile.empty() ? (facts.navFolder / "daemons.yml").string() : facts.daemonsFile;
  if (wasNotListed(facts))
    return {
        .name = "put-back",
        .deed = Deed::hint,
        .shown = fmt::format("{} has no lines that smsctl took out: if `nav start` is to start NAV's smsd, "
                             "add it by hand",
                             file)};
  return {.name = "put-back",
          .deed = Deed::putBack,
          .shown = fmt::format("put NAV's smsd back into {}", file),
          .done = !facts.takenOut};
}

Step startNav(const HostFacts& facts) {
  Step step{.name = "start-nav", .deed = Deed::person, .shown = "start NAV's smsd"};
  if (facts.nav.empty()) {
    step.shown += ": nav start smsd";
    step.why = "smsctl did not find the program nav";
  } else if (!facts.daemonsFile.empty() && wasNotListed(facts)) {
    step.shown += " as it was started before the move";
    step.why = fmt::format("{} does not list it", facts.daemonsFile);
  } else {
    step = command("start-nav", {{facts.nav, "start", "smsd"}},
                   "smsd's files and its schema in the database stay");
  }
  step.done = !facts.navSmsd.empty();
  return step;
}

}  // namespace

std::vector<std::string> unitsOf(const HostFacts& facts) {
  std::vector<std::string> units;
  for (const auto& dispatcher : facts.dispatchers)
    if (dispatcher.bySystemd)
      units.push_back(fmt::format("smsd-{}@{}.socket", dispatcher.kind, dispatcher.name));
  units.emplace_back("smsd.service");
  return units;
}

std::vector<Step> planMove(const HostFacts& facts) {
  std::vector<Step> steps;
  steps.push_back(import(facts));
  steps.push_back(activation(facts));
  if (facts.systemd) {
    steps.push_back(command("reload-units", {{"systemctl", "daemon-reload"}}, ""));
    steps.back().done = steps[1].done;
  }
  steps.push_back(database(facts));
  steps.push_back(command("check", {{"smsd", "--config", facts.config.string(), "--check"}, "smsd"},
                          "nothing of NAV has been changed before this"));
  steps.push_back(
      command("check-database", {{"smsctl", "--config", facts.config.string(), "db", "check"}, "smsd"}, ""));
  steps.push_back(stopNav(facts));
  steps.push_back(takeOut(facts));
  steps.push_back(
      {.name = "gone", .deed = Deed::confirmGone, .shown = "make sure that no NAV smsd runs on this host"});
  steps.push_back(start(facts));
  if (!facts.testNumber.empty())
    steps.push_back(
        command("test", {{"smsctl", "--config", facts.config.string(), "test", facts.testNumber}}, ""));
  return steps;
}

std::vector<Step> planWayBack(const HostFacts& facts) {
  std::vector<Step> steps = {stop(facts)};
  // The units may be stopped while an smsd runs that they did not start.
  steps.push_back(
      {.name = "ended",
       .deed = Deed::confirmEnded,
       .shown = fmt::format("make sure that no smsd listens at {}", facts.controlSocket.string())});
  steps.push_back(planPutBack(facts));
  steps.push_back(startNav(facts));
  if (!facts.nav.empty())  // `nav start` exits with 0 even if it failed
    steps.push_back({.name = "runs", .deed = Deed::confirmRuns, .shown = "make sure that NAV's smsd runs"});
  return steps;
}

std::vector<FileToWrite> dropInsOf(const std::vector<MovedDispatcher>& dispatchers, const fs::path& config,
                                   const fs::path& folder) {
  std::vector<FileToWrite> files;
  for (const auto& dispatcher : dispatchers) {
    if (!dispatcher.bySystemd || dispatcher.secrets.empty()) continue;
    std::string text =
        "# Made by `smsctl config import-nav`: the secrets that the dispatcher's file names.\n[Service]\n";
    for (const auto& secret : dispatcher.secrets)
      text += fmt::format("LoadCredential={}:{}\n", secret,
                          (config.parent_path() / "dispatchers" / secret).string());
    files.push_back(
        {{folder / fmt::format("smsd-{}@{}.service.d", dispatcher.kind, dispatcher.name) / "secrets.conf",
          Owner::everybody},
         text});
  }
  return files;
}

std::string timeZoneAdvice(const std::string& zone, const std::string& connection, bool expires) {
  if (!expires || zone.empty() || connection.find("TimeZone=" + zone) != std::string::npos) return "";
  return fmt::format(
      "NAV writes the time of a message as the wall time of {} (TIME_ZONE of nav.conf), but the connection "
      "of "
      "smsd does not name that zone: unless the database's own TimeZone is the same, messages look older or "
      "younger than they are, and queue.expire_after counts from a wrong time. Add options='-c TimeZone={}' "
      "to queue.postgresql.connection",
      zone, zone);
}

}  // namespace smsd::smsctl::move
