// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl status` and `smsctl dispatcher list`: print the state of the running daemon.
//
// Owns the text and the JSON of both. Called by smsctl's main. Changes nothing, except that nudge() wakes the
// daemon.
#include <fmt/format.h>
#include <signal.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "common/fault.h"
#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "supervisor/control/client.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

constexpr const char* stateNames[] = {"starting", "ready", "resting", "broken", "paused"};

std::string stateName(proto::DispatcherState state) {
  auto at = static_cast<unsigned>(state);
  return at < std::size(stateNames) ? stateNames[at] : "unknown";
}

constexpr const char* notificationsNames[] = {"untested", "work", "not installed", "silent"};

std::string notificationsName(proto::QueueStatus::Notifications state) {
  auto at = static_cast<unsigned>(state);
  return at < std::size(notificationsNames) ? notificationsNames[at] : "unknown";
}

std::string age(std::uint64_t seconds) {
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 7200) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
}

ordered_json json(proto::DispatcherStatus::Reader one) {
  ordered_json details = ordered_json::object();
  for (auto detail : one.getDetails()) details[detail.getName().cStr()] = detail.getValue().cStr();
  return {{"name", one.getName().cStr()},
          {"kind", one.getKind().cStr()},
          {"state", stateName(one.getState())},
          {"reason", one.getReason().cStr()},
          {"since_seconds", one.getSince()},
          {"next_try_seconds", one.getNextProbe()},
          {"worker_pid", one.getWorkerPid()},
          {"starts", one.getStarts()},
          {"strikes", one.getStrikes()},
          {"under_way", one.getUnderWay()},
          {"window", one.getWindow()},
          {"accepted", one.getAccepted()},
          {"refused", one.getRefused()},
          {"deferred", one.getDeferred()},
          {"broken", one.getBroken()},
          {"unknown", one.getUnknown()},
          {"not_understood", one.getNotUnderstood()},
          {"last_not_understood", one.getLastNotUnderstood().cStr()},
          {"trouble_seconds", one.getTroubleAgo()},
          {"software", text::printable(one.getSoftware().cStr())},
          {"details", std::move(details)},
          {"details_seconds", one.getDetailsAgo()}};
}

ordered_json json(capnp::List<proto::DispatcherStatus>::Reader dispatchers) {
  ordered_json list = ordered_json::array();
  for (auto one : dispatchers) list.push_back(json(one));
  return list;
}

ordered_json json(proto::Status::Reader status) {
  auto queue = status.getQueue();
  ordered_json result = {
      {"version", status.getVersion().cStr()},
      {"pid", status.getPid()},
      {"up_seconds", status.getUpFor()},
      {"healthy", status.getHealthy()},
      {"troubles", ordered_json::array()},
      {"without_dispatcher_seconds", status.getWithoutDispatcher()
                                         ? ordered_json(status.getWithoutDispatcherFor())
                                         : ordered_json(nullptr)},
      {"admin_mail_down_seconds",
       status.getAdminMailDown() ? ordered_json(status.getAdminMailDownFor()) : ordered_json(nullptr)},
      {"admin_mail_problem", status.getAdminMailProblem().cStr()},
      {"queue",
       {{"backend", queue.getBackend().cStr()},
        {"reachable", queue.getReachable()},
        {"problem", queue.getProblem().cStr()},
        {"unsent", queue.getUnsent()},
        {"oldest_seconds", queue.getOldest()},
        {"under_way", queue.getUnderWay()},
        {"held", queue.getHeld()},
        {"late_seconds", queue.getLate()},
        {"sent", queue.getSent()},
        {"ignored", queue.getIgnored()},
        {"ignored_seconds",
         queue.getIgnoredBecause().size() > 0 ? ordered_json(queue.getIgnoredAgo()) : ordered_json(nullptr)},
        {"ignored_because", queue.getIgnoredBecause().cStr()},
        {"replaced_rows", queue.getReplacedRows()},
        {"replaced_rows_seconds",
         queue.getReplacedRows() > 0 ? ordered_json(queue.getReplacedRowsAgo()) : ordered_json(nullptr)},
        {"replaced_files", queue.getReplacedFiles()},
        {"replaced_files_seconds",
         queue.getReplacedFiles() > 0 ? ordered_json(queue.getReplacedFilesAgo()) : ordered_json(nullptr)},
        {"replaced_files_how", queue.getReplacedFilesHow().cStr()},
        {"clock_step_seconds", queue.getClockStep() != 0
                                   ? ordered_json(static_cast<double>(queue.getClockStep()) / 1000)
                                   : ordered_json(nullptr)},
        {"clock_step_ago_seconds",
         queue.getClockStep() != 0 ? ordered_json(queue.getClockStepAgo()) : ordered_json(nullptr)},
        {"notifications", notificationsName(queue.getNotifications())},
        {"notifications_problem", queue.getNotificationsProblem().cStr()},
        {"strain", queue.getStrain().cStr()},
        {"schema", queue.getSchemaVersion()},
        {"schema_known", queue.getSchemaKnown()},
        {"schema_used", queue.getSchemaUsed()}}}};
  for (auto trouble : status.getTroubles()) result["troubles"].push_back(trouble.cStr());
  result["dispatchers"] = json(status.getDispatchers());
  return result;
}

/// Returns when a dispatcher in trouble is tried again.
std::string nextTry(proto::DispatcherStatus::Reader one) {
  if (one.getNextProbe() > 0) return fmt::format("; next try in {}", age(one.getNextProbe()));
  const bool waits =
      one.getState() == proto::DispatcherState::RESTING || one.getState() == proto::DispatcherState::BROKEN;
  return waits ? "; next try with the next SMS" : "";
}

/// Returns a line if the worker is one of smsd's own and of another build than smsd; otherwise nothing.
std::string otherBuild(proto::DispatcherStatus::Reader one, std::string_view version) {
  constexpr std::string_view ours = "smsd-worker ";
  const std::string_view software = one.getSoftware().cStr();
  if (!config::isBuiltIn(one.getKind().cStr()) || !software.starts_with(ours) ||
      software.substr(ours.size()) == version)
    return "";
  return fmt::format("               its worker is of another build than smsd: {}; upgrade its package\n",
                     text::printable(software));
}

void print(capnp::List<proto::DispatcherStatus>::Reader dispatchers, std::string_view version) {
  std::size_t widest = 6;
  for (auto one : dispatchers) widest = std::max<std::size_t>(widest, one.getKind().size());
  io::print(fmt::format("{:<14} {:<{}} {:<9} {:>8} {:>8} {:>5} {:>9} {:>8} {:>9} {:>7} {:>8}\n", "dispatcher",
                        "kind", widest, "state", "for", "worker", "out", "accepted", "refused", "deferred",
                        "broken", "unknown"));
  for (auto one : dispatchers) {
    io::print(fmt::format(
        "{:<14} {:<{}} {:<9} {:>8} {:>8} {:>5} {:>9} {:>8} {:>9} {:>7} {:>8}\n", one.getName().cStr(),
        one.getKind().cStr(), widest, stateName(one.getState()), age(one.getSince()),
        one.getWorkerPid() == 0 ? "-" : std::to_string(one.getWorkerPid()), one.getUnderWay(),
        one.getAccepted(), one.getRefused(), one.getDeferred(), one.getBroken(), one.getUnknown()));
    if (one.getReason().size() > 0)
      io::print(fmt::format("               {}{}{}\n",
                            one.getState() == proto::DispatcherState::READY
                                ? fmt::format("last trouble, {} ago: ", age(one.getTroubleAgo()))
                                : "",
                            text::printable(one.getReason().cStr()), nextTry(one)));
    io::print(otherBuild(one, version));
    if (one.getNotUnderstood() > 0)
      io::print(fmt::format(
          "               to correct: its configuration did not cover {} answer{}, the last one: {}\n",
          one.getNotUnderstood(), one.getNotUnderstood() == 1 ? "" : "s",
          text::printable(one.getLastNotUnderstood().cStr())));
    std::string details;
    for (auto detail : one.getDetails())
      details += fmt::format("{}{} {}", details.empty() ? "" : ", ", detail.getName().cStr(),
                             detail.getValue().cStr());
    if (!details.empty())
      io::print(
          fmt::format("               {} ({} ago)\n", text::printable(details), age(one.getDetailsAgo())));
  }
}

/// Prints the versions of the queue's schema while an upgrade is not complete.
void printSchema(proto::QueueStatus::Reader queue) {
  const auto installed = queue.getSchemaVersion(), known = queue.getSchemaKnown(),
             used = queue.getSchemaUsed();
  if (installed < known)
    io::print(fmt::format(
        "schema  version {}, smsd knows {}: to upgrade it, run `smsctl db install` as its owner\n", installed,
        known));
  else if (used < installed)
    io::print(fmt::format("schema  version {}, of which smsd uses {} until {}\n", installed, used,
                          installed > known ? "it is upgraded, too" : "every supervisor is upgraded"));
}

/// Prints what happened to the queue while smsd used it, which is over but may explain what an operator sees.
void printHappenings(proto::QueueStatus::Reader queue) {
  if (queue.getReplacedFiles() > 0)
    io::print(fmt::format("file    replaced or removed {} time{}, the last {} ago: {}\n",
                          queue.getReplacedFiles(), queue.getReplacedFiles() == 1 ? "" : "s",
                          age(queue.getReplacedFilesAgo()),
                          text::printable(queue.getReplacedFilesHow().cStr())));
  if (queue.getReplacedRows() > 0)
    io::print(fmt::format("rows    {} message{} had another row when settled, the last {} ago\n",
                          queue.getReplacedRows(), queue.getReplacedRows() == 1 ? "" : "s",
                          age(queue.getReplacedRowsAgo())));
  if (queue.getClockStep() != 0)
    io::print(fmt::format("clock   the database's clock was stepped {} by {}, {} ago\n",
                          queue.getClockStep() < 0 ? "back" : "ahead",
                          config::roughly(Milliseconds(std::abs(queue.getClockStep()))),
                          age(queue.getClockStepAgo())));
}

void print(proto::Status::Reader status) {
  auto queue = status.getQueue();
  io::print(fmt::format("smsd {}  {}, up {}, pid {}\n", status.getVersion().cStr(),
                        status.getHealthy() ? "healthy" : "NOT HEALTHY", age(status.getUpFor()),
                        status.getPid()));
  for (auto trouble : status.getTroubles())
    io::print(fmt::format("trouble {}\n", text::printable(trouble.cStr())));
  if (queue.getReachable())
    io::print(fmt::format(
        "queue   {}: {} waiting{}{}, {} SMS under way; {} sent and {} ignored since the start\n",
        queue.getBackend().cStr(), queue.getUnsent(),
        queue.getUnsent() > 0 ? ", the oldest for " + age(queue.getOldest()) : "",
        queue.getHeld() > 0 ? fmt::format(", {} of them held (`smsctl queue held`)", queue.getHeld()) : "",
        queue.getUnderWay(), queue.getSent(), queue.getIgnored()));
  else
    io::print(fmt::format("queue   {}: AWAY: {}\n", queue.getBackend().cStr(),
                          text::printable(queue.getProblem().cStr())));
  if (queue.getStrain().size() > 0)
    io::print(fmt::format("        {}\n", text::printable(queue.getStrain().cStr())));
  if (queue.getNotificationsProblem().size() > 0)
    io::print(fmt::format("        new messages wait for the next poll: {}\n",
                          text::printable(queue.getNotificationsProblem().cStr())));
  if (queue.getIgnoredBecause().size() > 0)
    io::print(fmt::format("ignored the last message {} ago: {}\n", age(queue.getIgnoredAgo()),
                          text::printable(queue.getIgnoredBecause().cStr())));
  printSchema(queue);
  printHappenings(queue);
  if (status.getWithoutDispatcher())
    io::print(fmt::format("sending stopped {} ago, because no dispatcher can be used\n",
                          age(status.getWithoutDispatcherFor())));
  if (status.getAdminMailDown())
    io::print(fmt::format("mail    no mail to the administrators for {}: {}\n",
                          age(status.getAdminMailDownFor()),
                          text::printable(status.getAdminMailProblem().cStr())));
  io::print("\n");
  print(status.getDispatchers(), status.getVersion().cStr());
}

capnp::Response<proto::Control::StatusResults> ask(control::Client& client) {
  return client.wait<capnp::Response<proto::Control::StatusResults>>(client.control().statusRequest().send());
}

volatile std::sig_atomic_t over = 0;

}  // namespace

int statusOf(const control::Unreachable& error) {
  return error.why() == control::Unreachable::Why::inDoubt ? EX_TEMPFAIL : notRunning;
}

int status(const config::Config& config, Form form) {
  control::Client client(config.controlSocket);
  auto response = ask(client);
  auto status = response.getStatus();
  if (form == Form::json)
    io::print(dump(json(status)));
  else
    print(status);
  return status.getHealthy() ? 0 : 1;
}

int listDispatchers(const config::Config& config, Form form) {
  control::Client client(config.controlSocket);
  auto response = ask(client);
  auto dispatchers = response.getStatus().getDispatchers();
  if (form == Form::json)
    io::print(dump(json(dispatchers)));
  else
    print(dispatchers, response.getStatus().getVersion().cStr());
  return 0;
}

int watchStatus(const config::Config& config, Milliseconds interval, Form form) {
  struct sigaction interrupted {};
  interrupted.sa_handler = [](int) { over = 1; };  // without SA_RESTART: a signal ends the sleep below
  sigaction(SIGINT, &interrupted, nullptr);
  sigaction(SIGTERM, &interrupted, nullptr);
  const bool screen = isatty(STDOUT_FILENO) == 1 && form == Form::text;
  int last = notRunning;
  while (over == 0) {
    if (screen) io::clearScreen();
    try {
      last = status(config, form);
    } catch (const control::Unreachable& e) {
      last = statusOf(e);
      io::print(fmt::format("{}\n", e.what()));
    } catch (const kj::Exception& e) {
      last = EX_TEMPFAIL;
      io::print(control::noAnswer(e) + "\n");
    }
    if (!screen && form == Form::text) io::print("\n");
    io::flush();
    timespec pause{interval.count() / 1000, interval.count() % 1000 * 1'000'000};
    if (over == 0) nanosleep(&pause, nullptr);
  }
  return last;
}

void nudge(const config::Config& config) {
  try {
    control::Client client(config.controlSocket);
    client.wait<void>(client.control().nudgeRequest().send().ignoreResult());
  } catch (const control::Unreachable&) {
    // not running: the daemon reads the queue when it starts; in doubt: its next poll finds the message
  } catch (const kj::Exception&) {
    // busy or shutting down: its next poll finds the message
  }
}

}  // namespace smsd::smsctl
