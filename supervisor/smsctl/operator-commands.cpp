// SPDX-License-Identifier: GPL-3.0-or-later
// Commands to the running daemon (test SMS, control of a dispatcher, reload, retry), and `config check`.
//
// Called by smsctl's main. Uses control.sock. Only `queue retry`, which then changes the queue directly, and
// `config check` work without the daemon.
#include <fmt/format.h>
#include <kj/async-io.h>
#include <sysexits.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/control/client.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/control/retry-words.h"
#include "supervisor/control/test-report.h"
#include "supervisor/events/events.h"
#include "supervisor/queue/cancel-steps.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/startup/start-up.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using proto::Control;

constexpr int noSuchThing = 1;
constexpr auto reloadPatience = 90 * kj::SECONDS;  // two reloads in which a worker program hangs
constexpr auto testPatience = 20 * kj::MINUTES;    // a test at all dispatchers, with their timeouts

ordered_json json(const road::TestSmsReport& report) {
  ordered_json result = {{"accepted", report.accepted()},
                         {"dispatcher", report.accepted() ? report.tries.back().dispatcher : ""},
                         {"reference", report.accepted() ? report.tries.back().words : ""},
                         {"tries", ordered_json::array()}};
  for (const auto& one : report.tries)
    result["tries"].push_back(
        {{"dispatcher", one.dispatcher},
         {"result", control::resultName(one)},
         {one.outcome == delivery::OutcomeKind::accepted ? "reference" : "reason", one.words},
         {"took_ms", one.took.count()}});
  return result;
}

proto::Act wire(Act act) {
  switch (act) {
    case Act::pause:
      return proto::Act::PAUSE;
    case Act::resume:
      return proto::Act::RESUME;
    case Act::restart:
      return proto::Act::RESTART;
  }
  return proto::Act::PAUSE;
}

const char* done(Act act) {
  switch (act) {
    case Act::pause:
      return "is paused; its worker finishes the SMS that it has begun";
    case Act::resume:
      return "is used again";
    case Act::restart:
      return "gets a fresh worker";
  }
  return "";
}

struct Retried {
  std::optional<std::string> recipient;  // none: all
  std::size_t waited = 0;
  enum class Message { asItWas, unsentAgain } message = Message::asItWas;
  std::string why = {};  // why none waited; empty: one did, or the daemon is of an older version
};

Retried retryThrough(control::Client& client, const queue::Whom& whom) {
  auto request = client.control().retryRequest();
  request.setMessage(whom.message);
  request.setRecipient(whom.recipient);
  request.setRestore(true);
  auto response = client.wait<capnp::Response<Control::RetryResults>>(request.send(), control::queuePatience);
  checkAnswer(response, noSuchThing);
  Retried retried;
  if (!whom.all()) retried.recipient = response.getRecipient().cStr();
  retried.waited = response.getCount();
  retried.why = response.getWhy().cStr();
  if (response.getRestored()) retried.message = Retried::Message::unsentAgain;
  return retried;
}

Retried retryStraight(const config::Config& config, queue::Queue& queue, const queue::Whom& whom) {
  using Result = queue::Restored::Result;
  auto inProgress = control::InProgress::no;
  const events::EventLog log(config.log.recipient);
  if (whom.message != 0) {
    const auto restored = queue.restore(whom.message, config.queue.expireAfter);
    if (const auto why = control::notRetried(whom.message, restored, config.queue.expireAfter); !why.empty())
      throw CommandError(noSuchThing, why);
    if (restored.underWay) inProgress = control::InProgress::yes;
    if (restored.result == Result::restored) {
      log.operatorActed(fmt::format("retry of the ignored message {}", whom.message), getuid());
      return {restored.recipient, 0, Retried::Message::unsentAgain};
    }
  }
  queue::WaitsEnded ended;
  if (whom.all())
    ended.count = queue::endAllWaitsInSteps(queue);
  else
    ended = queue.endWaits(whom);
  if (!ended.known)
    throw CommandError(noSuchThing, fmt::format("there is no message {} in the queue", whom.message));
  log.operatorRetried(ended.recipient, getuid());
  Retried retried{ended.recipient, ended.count};
  if (ended.count == 0 && whom.message != 0) retried.why = control::notWaiting(whom.message, inProgress);
  return retried;
}

}  // namespace

int test(const Site& site, const road::TestSmsRequest& request, Form form) {
  auto client = runningDaemon(site);
  auto call = client.control().testRequest();
  call.setRecipient(request.recipient);
  call.setText(text::repair(request.text));
  call.setVia(request.via);
  const road::TestSmsReport report =
      control::read(client.wait<capnp::Response<Control::TestResults>>(call.send(), testPatience));
  if (!report.problem.empty()) throw CommandError(EX_DATAERR, report.problem);
  io::print((form == Form::json ? dump(json(report)) : control::describe(report)));
  return report.accepted() ? EX_OK : EX_UNAVAILABLE;
}

int steer(const Site& site, const std::string& name, Act act, Form form) {
  auto client = runningDaemon(site);
  auto request = client.control().steerRequest();
  request.setName(name);
  request.setAct(wire(act));
  auto response = client.wait<capnp::Response<Control::SteerResults>>(request.send());
  const bool inForce = response.getDone().size() > 0;
  if (response.getProblem().size() > 0 && !inForce)
    throw CommandError(noSuchThing, response.getProblem().cStr());
  if (form == Form::json)
    io::print(dump({{"dispatcher", name}, {"done", true}}));
  else
    io::print(fmt::format(
        "{} {}\n", name,
        advised(response.getDone().size() > 0 ? response.getDone().cStr() : done(act), site.option)));
  // The act is in force, but could not be stored.
  if (response.getProblem().size() > 0) throw CommandError(EX_IOERR, response.getProblem().cStr());
  return EX_OK;
}

int reload(Site site, Form form) {
  site.warn =
      Site::Warn::no;  // the daemon reports the problems in the file, so that its journal has them, too
  auto client = runningDaemon(site);
  auto response = client.wait<capnp::Response<Control::ReloadResults>>(
      client.control().reloadRequest().send(), reloadPatience);
  if (response.getProblem().size() > 0)
    throw CommandError(
        1, fmt::format("the reload was refused, nothing has changed:\n{}", response.getProblem().cStr()));
  if (form == Form::json)
    io::print(dump({{"reloaded", true}, {"changes", response.getDone().cStr()}}));
  else
    io::print(fmt::format("reloaded: {}\n", response.getDone().cStr()));
  return EX_OK;
}

int retry(const Site& site, const queue::Whom& whom, Form form) {
  const Retried retried = throughOrStraight(
      site, Straight::ifNotRunning, [&](control::Client& client) { return retryThrough(client, whom); },
      [&](queue::Queue& queue) { return retryStraight(site.config, queue, whom); });
  const bool again = retried.message == Retried::Message::unsentAgain;
  if (form == Form::json)
    io::print(
        dump({{"recipient", retried.recipient ? ordered_json(*retried.recipient) : ordered_json(nullptr)},
              {"waited", retried.waited},
              {"unsent_again", again}}));
  else if (again)
    io::print(fmt::format("message {} to {} is unsent again\n", whom.message,
                          text::printable(retried.recipient.value_or(""), 64)));
  else if (!retried.recipient)
    io::print(fmt::format("{} recipient{} waited, and may be tried again now\n", retried.waited,
                          retried.waited == 1 ? "" : "s"));
  else
    io::print(fmt::format("{} {}{}{}\n", text::printable(*retried.recipient, 64),
                          retried.waited > 0 ? "waited, and may be tried again now" : "did not wait",
                          retried.why.empty() ? "" : ": ", advised(retried.why, site.option)));
  return EX_OK;
}

namespace {

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

int checkConfig(const std::string& file, Form form) {
  auto read = config::readConfig(file, config::Reach::dispatcherFiles);
  if (!read.problems.empty()) throw CommandError(EX_CONFIG, config::describe(read.problems));
  config::checkQueueObject(read.config);
  std::string unseen;
  try {
    auto io = kj::setupAsyncIo();
    unseen = startup::checkAll(io, read.config);
  } catch (const startup::StartUpError& e) {
    throw CommandError(e.status(), e.what());
  }
  const std::size_t dispatchers = read.config.dispatchers.size();
  if (form == Form::json)
    io::print(dump({{"good", true}, {"dispatchers", dispatchers}, {"not_checked", linesOf(unseen)}}));
  else
    io::print(unseen +
              fmt::format("{}: good, {} dispatcher{}\n", file, dispatchers, dispatchers == 1 ? "" : "s"));
  return EX_OK;
}

}  // namespace smsd::smsctl
