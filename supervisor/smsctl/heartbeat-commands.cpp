// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl heartbeat`: records a heartbeat, or lists those that are expected.
//
// Called by main. A cron job or a monitoring program calls it all the time, so it prints nothing when it
// works, and repeats its call while smsd or its queue is away for a moment, for example during a restart.
// Works straight on the queue where no daemon runs.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "common/io/output.h"
#include "supervisor/control/client.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/status/heartbeat-words.h"

namespace smsd::smsctl {
namespace {

using Clock = std::chrono::steady_clock;
using proto::Control;

constexpr int noSuchThing = 1;
// Longer than watchkeeping::shortPause: a pause that is shorter loses no heartbeat.
constexpr auto beatPatience = 15s;
constexpr auto pause = 500ms;

void recordThrough(control::Client& client, const std::string& name) {
  auto request = client.control().heartbeatRequest();
  request.setName(name);
  auto response =
      client.wait<capnp::Response<Control::HeartbeatResults>>(request.send(), control::queuePatience);
  checkAnswer(response, noSuchThing);
}

void recordStraight(const Site& site, queue::Queue& queue, const std::string& name) {
  const auto& all = site.config.heartbeats;
  if (std::none_of(all.begin(), all.end(), [&](const auto& one) { return one.name == name; }))
    throw CommandError(
        noSuchThing, fmt::format("no heartbeat {} is expected: `heartbeats` in smsd.yaml names them", name));
  if (!queue.beat(name))
    throw CommandError(EX_CONFIG,
                       "the queue keeps no heartbeats, or its schema is older: run `smsctl db install`");
}

enum class Try { oneOfSeveral, last };

/// Returns whether it worked; false: it may work in a moment. The last try throws instead.
bool worked(const Site& site, const std::string& name, Try which) {
  try {
    throughOrStraight(
        site, Straight::ifUnheard, [&](control::Client& client) { recordThrough(client, name); },
        [&](queue::Queue& queue) { recordStraight(site, queue, name); });
    return true;
  } catch (const queue::QueueError& error) {
    if (which == Try::last || error.kind() != queue::QueueError::Kind::unreachable) throw;
  } catch (const control::Unreachable&) {
    if (which == Try::last) throw;
  } catch (const kj::Exception&) {
    if (which == Try::last) throw;
  }
  return false;
}

}  // namespace

int heartbeat(const Site& site, const std::string& name, Form form) {
  const auto end = Clock::now() + beatPatience;
  while (!worked(site, name, Clock::now() < end ? Try::oneOfSeveral : Try::last)) {
    constexpr timespec between{0, std::chrono::nanoseconds(pause).count()};
    nanosleep(&between, nullptr);
  }
  if (form == Form::json) io::print(dump({{"heartbeat", name}, {"recorded", true}}));
  return EX_OK;
}

int listHeartbeats(const Site& site, Form form) {
  auto client = runningDaemon(site);
  auto response =
      client.wait<capnp::Response<Control::StatusResults>>(client.control().statusRequest().send());
  auto status = response.getStatus();
  io::print(form == Form::json ? dump(heartbeatsAsJson(status)) : heartbeatTable(status));
  return EX_OK;
}

}  // namespace smsd::smsctl
