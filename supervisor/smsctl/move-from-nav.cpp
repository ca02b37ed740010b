// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/move-from-nav.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pwd.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "supervisor/queue/built-in.h"
#include "supervisor/smsctl/import-nav/import-nav.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/nav-move/daemons-yml.h"
#include "supervisor/smsctl/nav-move/host-look.h"
#include "supervisor/smsctl/nav-move/move-plan.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using move::Deed;
using move::HostFacts;
using move::Step;

constexpr auto endsWithin = 15s;  // for the end of an smsd, which finishes an SMS that it is sending

struct Seen {
  HostFacts facts;
  NavImport import;
  std::string advice;
  std::vector<int> lookAlikes;  // processes of other users than NAV's with a script of that name
};

std::optional<config::Config> configOf(const fs::path& file) {
  if (!isThere(file)) return std::nullopt;
  auto read = config::readConfig(file, config::Reach::valuesOnly);
  if (!read.problems.empty()) throw CommandError(EX_CONFIG, config::describe(read.problems));
  return std::move(read.config);
}

bool isSmsdRole(const std::string& connection) { return queue::roleOf(connection) == "smsd"; }

/// Chooses how smsd connects: with its own role over the Unix socket of a server on this host, else as NAV.
ImportTarget targetOf(const fs::path& folder, const std::optional<config::Config>& existing,
                      const NavImport& first, bool systemd) {
  ImportTarget target{.folder = folder};
  for (const auto& kind : config::builtInKinds())
    if (systemd && move::hasUnits(kind.name)) target.socketKinds.insert(kind.name);
  const std::string socket = move::localSocketFolder(first.database.host, first.database.port);
  const bool wasNavs = existing && !isSmsdRole(existing->queue.postgresql);
  if (!socket.empty() && !wasNavs && getpwnam("postgres") != nullptr) target.socketFolder = socket;
  return target;
}

bool listensAnywhere(const fs::path& controlSocket) {
  const auto places = config::placesOf(controlSocket);
  return std::any_of(places.begin(), places.end(), move::listensAt);
}

std::vector<move::MovedDispatcher> dispatchersOf(const NavImport& import,
                                                 const std::optional<config::Config>& existing) {
  std::vector<move::MovedDispatcher> result;
  for (const auto& way : import.ways)
    result.push_back({way.name, way.kind, way.bySystemd, move::hasUnits(way.kind), way.secrets});
  if (!existing) return result;
  auto all = existing->dispatchers;
  if (existing->adminMail.enabled()) all.push_back(existing->adminMail.worker);
  std::vector<move::MovedDispatcher> now;
  for (const auto& one : all) {
    move::MovedDispatcher dispatcher{
        one.name, one.kind, one.activation == config::Activation::socket, move::hasUnits(one.kind), {}};
    for (const auto& imported : result)
      if (imported.name == one.name) dispatcher.secrets = imported.secrets;
    now.push_back(std::move(dispatcher));
  }
  return now;
}

void lookAtList(HostFacts& facts) {
  const fs::path list = facts.navFolder / "daemons.yml";
  if (!isThere(list)) return;
  facts.daemonsFile = list;
  const std::string text = readWhole(list);
  const auto listed = move::listedSmsd(text);
  if (!listed)
    throw CommandError(EX_DATAERR, fmt::format("{}: expected NAV's list of daemons", list.string()));
  facts.listed = *listed;
  facts.listEditable = move::withoutSmsd(text).has_value();
  facts.takenOut = move::withSmsdAgain(text).has_value();
}

/// Looks at each unit by a call of its own, because systemctl returns 0 for several if one of them matches.
bool areStarted(const std::vector<std::string>& units) {
  return std::ranges::all_of(units, [](const std::string& unit) {
    return run({{"systemctl", "--quiet", "is-enabled", unit}}) == EX_OK &&
           run({{"systemctl", "--quiet", "is-active", unit}}) == EX_OK;
  });
}

Seen look(const MoveArguments& arguments) {
  Seen seen;
  HostFacts& facts = seen.facts;
  facts.navFolder = fs::absolute(arguments.navFolder).lexically_normal();
  facts.config = fs::absolute(arguments.config).lexically_normal();
  facts.testNumber = arguments.test;
  const auto existing = configOf(facts.config);
  if (existing)
    facts.existing = readWhole(facts.config).starts_with(madeFromNav) ? HostFacts::Existing::ofNav
                                                                      : HostFacts::Existing::ofAnother;
  facts.systemd = move::systemdRuns();
  const NavFiles nav = readNavFiles(facts.navFolder);
  const fs::path folder = facts.config.parent_path();
  const ImportTarget target = targetOf(folder, existing, importNav(nav, folder), facts.systemd);
  seen.import = importNav(nav, target);
  if (!seen.import.problems.empty()) throw CommandError(EX_DATAERR, config::describe(seen.import.problems));
  facts.ownRole = existing ? isSmsdRole(existing->queue.postgresql) : !target.socketFolder.empty();
  facts.databaseOwner = target.socketFolder.empty() ? "" : "postgres";
  for (const auto& file : seen.import.files) {
    const FilePlace place = placeOf(file.path.filename(), folder);
    facts.files.push_back({place, file.content, smsctl::look(place, file.content)});
  }
  // smsd.yaml last: it says that all are there.
  std::rotate(facts.files.begin(), facts.files.begin() + 1, facts.files.end());
  facts.dispatchers = dispatchersOf(seen.import, existing);
  facts.dropIns = move::dropInsOf(facts.dispatchers, facts.config, "/etc/systemd/system");
  for (auto& file : facts.dropIns) file.state = smsctl::look(file.place, file.content);
  if (existing) facts.controlSocket = existing->controlSocket;
  facts.smsdRuns = listensAnywhere(facts.controlSocket);
  facts.hasTarget = move::hasTarget();
  facts.unitsStarted = facts.systemd && facts.smsdRuns && areStarted(move::unitsOf(facts));
  lookAtList(facts);
  facts.nav = arguments.nav;
  if (facts.nav.empty())
    if (const auto found = findProgram("nav")) facts.nav = found->string();
  facts.navUsers = move::usersOfNav(seen.import.user, facts.navFolder);
  auto processes = move::navSmsdProcesses(facts.navUsers);
  facts.navSmsd = std::move(processes.ofNav);
  seen.lookAlikes = std::move(processes.ofOthers);
  if (existing)
    seen.advice = move::timeZoneAdvice(seen.import.zone, existing->queue.postgresql,
                                       existing->queue.expireAfter.has_value());
  return seen;
}

// --- the steps

enum class Wanted { gone, runs };

template <typename Condition>
bool holdsWithin(std::chrono::seconds time, Condition holds) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(100ms);
  }
  return true;
}

std::vector<int> navSmsd(const HostFacts& facts) { return move::navSmsdProcesses(facts.navUsers).ofNav; }

bool becomes(Wanted wanted, const HostFacts& facts) {
  return holdsWithin(endsWithin, [&]() { return navSmsd(facts).empty() == (wanted == Wanted::gone); });
}

void stopNav(const Step& step, const HostFacts& facts) {
  if (!step.call.words.empty() && run(step.call) == EX_OK && becomes(Wanted::gone, facts)) return;
  for (const int pid : navSmsd(facts)) kill(pid, SIGTERM);
}

void confirmGone(const HostFacts& facts) {
  if (becomes(Wanted::gone, facts)) return;
  throw CommandError(EX_TEMPFAIL, fmt::format("NAV's smsd still runs as process {}: end it",
                                              fmt::join(navSmsd(facts), ", ")));
}

void confirmEnded(const HostFacts& facts) {
  if (holdsWithin(endsWithin, [&]() { return !listensAnywhere(facts.controlSocket); })) return;
  throw CommandError(EX_TEMPFAIL,
                     fmt::format("an smsd still listens at {}, and was not started by its units: end it",
                                 facts.controlSocket.string()));
}

void confirmRuns(const HostFacts& facts) {
  if (becomes(Wanted::runs, facts)) return;
  throw CommandError(EX_TEMPFAIL, "NAV's smsd did not start, and no SMS is sent: see NAV's logs");
}

void takeOut(const HostFacts& facts) {
  const std::string text = readWhole(facts.daemonsFile);
  const auto edited = move::withoutSmsd(text);
  if (!edited) throw CommandError(EX_DATAERR, fmt::format("{}: changed meanwhile", facts.daemonsFile));
  writeLike(facts.daemonsFile, facts.daemonsFile + ".before-smsd", text);
  writeLike(facts.daemonsFile, facts.daemonsFile, *edited);
}

void putBack(const HostFacts& facts) {
  const auto edited = move::withSmsdAgain(readWhole(facts.daemonsFile));
  if (!edited) throw CommandError(EX_DATAERR, fmt::format("{}: changed meanwhile", facts.daemonsFile));
  writeLike(facts.daemonsFile, facts.daemonsFile, *edited);
  const fs::path before = facts.daemonsFile + ".before-smsd";
  if (isThere(before) && readWhole(before) == *edited) fs::remove(before);
}

void runCall(const ProgramCall& call) {
  if (const int status = run(call); status != EX_OK)
    throw CommandError(status, fmt::format("exit status {}", status));
}

void execute(const Step& step, const HostFacts& facts) {
  switch (step.deed) {
    case Deed::write:
      for (const auto& file : step.files) put(file.place, file.content);
      return;
    case Deed::run:
      return runCall(step.call);
    case Deed::stopNav:
      return stopNav(step, facts);
    case Deed::takeOut:
      return takeOut(facts);
    case Deed::putBack:
      return putBack(facts);
    case Deed::confirmRuns:
      return confirmRuns(facts);
    case Deed::confirmGone:
      return confirmGone(facts);
    case Deed::confirmEnded:
      return confirmEnded(facts);
    case Deed::impossible:
      throw CommandError(EX_DATAERR, step.shown);
    case Deed::hint:
    case Deed::person:
      return;
  }
}

// --- what is printed

const char* markOf(const Step& step) {
  if (step.deed == Deed::impossible) return "cannot be done: ";
  if (step.deed == Deed::hint) return "for you: ";
  return step.done ? "already done: " : "";
}

std::string lineOf(const Step& step, std::size_t number) {
  return fmt::format("{}. {}: {}{}\n", number, step.name, markOf(step),
                     text::printable(step.shown) + (step.why.empty() ? "" : " # " + step.why));
}

std::string again(const MoveArguments& arguments, MoveArguments::Direction direction) {
  ProgramCall call{{"smsctl", "config", "import-nav", arguments.navFolder}};
  if (arguments.config != "/etc/smsd/smsd.yaml")
    call.words.insert(call.words.begin() + 1, {"--config", arguments.config});
  if (direction == MoveArguments::Direction::backToNav) call.words.emplace_back("--undo");
  if (!arguments.nav.empty()) call.words.insert(call.words.end(), {"--nav", arguments.nav});
  call.words.emplace_back("--apply");
  if (direction == MoveArguments::Direction::toSmsd && !arguments.test.empty())
    call.words.insert(call.words.end(), {"--test", arguments.test});
  return typed(call);
}

[[noreturn]] void stopAt(std::size_t failed, const std::vector<Step>& steps, const CommandError& error,
                         const MoveArguments& arguments) {
  std::vector<std::string> done, left;
  for (std::size_t i = 0; i < steps.size(); ++i) (i < failed ? done : left).push_back(steps[i].name);
  std::string what(error.what());
  while (what.ends_with('\n')) what.pop_back();
  const bool navStopped = std::ranges::find(done, "stop-nav") != done.end();
  std::string text = fmt::format(
      "{}: {}\n  done: {}\n  not done: {}\n  to go on: mend this, then run `{}` again\n", steps[failed].name,
      what, done.empty() ? "nothing" : fmt::format("{}", fmt::join(done, ", ")), fmt::join(left, ", "),
      again(arguments, arguments.direction));
  if (navStopped)
    text += fmt::format("  NAV's smsd is stopped, and no SMS is sent meanwhile; the way back: {}\n",
                        again(arguments, MoveArguments::Direction::backToNav));
  throw CommandError(error.status(), text);
}

void show(const std::vector<Step>& steps, Form form) {
  if (form == Form::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& step : steps)
      list.push_back({{"step", step.name},
                      {"action", step.shown},
                      {"reason", step.why},
                      {"done", step.done},
                      {"possible", step.deed != Deed::impossible}});
    io::print(dump({{"steps", list}}));
    return;
  }
  for (std::size_t i = 0; i < steps.size(); ++i) io::print(lineOf(steps[i], i + 1));
}

/// A step that cannot be done must not be found after NAV's smsd was stopped.
void refuseImpossible(const std::vector<Step>& steps) {
  std::string text;
  for (const auto& step : steps)
    if (step.deed == Deed::impossible) text += fmt::format("{}: {}\n", step.name, step.shown);
  if (!text.empty()) throw CommandError(EX_DATAERR, text + "nothing has been done\n");
}

int apply(const std::vector<Step>& steps, const HostFacts& facts, const MoveArguments& arguments) {
  refuseImpossible(steps);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    io::print(lineOf(steps[i], i + 1));
    io::flush();  // before a program of a step prints
    if (steps[i].done) continue;
    try {
      execute(steps[i], facts);
    } catch (const CommandError& error) {
      stopAt(i, steps, error, arguments);
    }
    if (steps[i].deed == Deed::person) {
      io::print("This step is yours. Then run the command again.\n");
      return EX_OK;
    }
  }
  if (arguments.direction == MoveArguments::Direction::toSmsd)
    io::print(fmt::format("smsd sends the SMS now. The way back: {}\n",
                          again(arguments, MoveArguments::Direction::backToNav)));
  else
    io::print("NAV's smsd sends the SMS now.\n");
  return EX_OK;
}

}  // namespace

int moveFromNav(const MoveArguments& arguments, Form form) {
  const bool forReal = arguments.mode == MoveArguments::Mode::apply;
  if (forReal && form == Form::json) throw CommandError(EX_USAGE, "--apply: expected no --json with it");
  if (forReal && geteuid() != 0) throw CommandError(EX_NOPERM, "--apply: only root can do this");
  const Seen seen = look(arguments);
  const bool toSmsd = arguments.direction == MoveArguments::Direction::toSmsd;
  const auto steps = toSmsd ? move::planMove(seen.facts) : move::planWayBack(seen.facts);
  if (form == Form::text && toSmsd && seen.facts.existing == HostFacts::Existing::none) {
    for (const auto& note : seen.import.notes) io::print(fmt::format("note: {}\n", text::printable(note)));
    for (const auto& todo : seen.import.todo) io::print(fmt::format("to do: {}\n", text::printable(todo)));
  }
  if (form == Form::text && !seen.lookAlikes.empty())
    io::print(
        fmt::format("note: process {} looks like NAV's smsd, but belongs to another user than root and "
                    "NAV's ({}), and is left alone\n",
                    fmt::join(seen.lookAlikes, ", "), text::printable(seen.import.user, 32)));
  if (form == Form::text && !seen.advice.empty()) io::print(fmt::format("to do: {}\n", seen.advice));
  if (forReal) return apply(steps, seen.facts, arguments);
  show(steps, form);
  refuseImpossible(steps);
  if (form == Form::text)
    io::print(fmt::format("Nothing has been done. To do it: {}\n", again(arguments, arguments.direction)));
  return EX_OK;
}

}  // namespace smsd::smsctl
