// SPDX-License-Identifier: GPL-3.0-or-later
// The events of workers, of dispatchers, and of the dispatcher for the admin mail.
#include "supervisor/events/events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/journal/journal.h"

namespace smsd::events {
namespace {

using journal::Entry;
using journal::Level;

/// Only systemd knows the process behind a socket.
std::string shownPid(int pid) { return pid == 0 ? "" : fmt::format(" {}", pid); }

}  // namespace

void EventLog::workerReady(const std::string& dispatcher, int pid, const std::vector<std::string>& lock,
                           const std::string& otherBuild) const {
  std::string how =
      lock.empty() ? "without an inner lock" : fmt::format("locked in by {}", fmt::join(lock, ", "));
  if (!otherBuild.empty()) how += fmt::format("; it is of another build than smsd: {}", otherBuild);
  Entry(lock.empty() ? Level::warning : Level::info,
        fmt::format("{}: worker{} is ready, {}", dispatcher, shownPid(pid), how), "worker-ready",
        "3e6549def68e4a5e8a8bd44294be5389")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_WORKER_PID", std::to_string(pid))
      .write();
}

void EventLog::workerGone(const std::string& dispatcher, int pid, const std::string& why,
                          std::size_t lost) const {
  Entry(Level::warning,
        fmt::format("{}: worker{} is gone: {}; {} SMS were under way", dispatcher, shownPid(pid), why, lost),
        "worker-gone", "4049e76a9d3f412398f5b57719e8aa54")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_WORKER_PID", std::to_string(pid))
      .field("SMSD_REASON", why)
      .write();
}

void EventLog::workerStays(const std::string& dispatcher, const std::string& unit) const {
  Entry(Level::warning,
        fmt::format("{}: its worker is of an older version and cannot quit on request, so its process stays: "
                    "`systemctl restart {}` replaces it",
                    dispatcher, unit),
        "worker-stays", "8646c4160b7f4db198179937d0c4e067")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void EventLog::contractBroken(const std::string& dispatcher, int pid, const std::string& what,
                              unsigned strikes) const {
  Entry(Level::error,
        fmt::format("{}: worker {} violated the protocol and was ended: {} (strike {})", dispatcher, pid,
                    what, strikes),
        "contract-broken", "a903413c30c04ce1a9ecb97356485ae0")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_WORKER_PID", std::to_string(pid))
      .field("SMSD_REASON", what)
      .write();
}

void EventLog::dispatcherReady(const std::string& dispatcher) const {
  Entry(Level::notice, fmt::format("{}: ready", dispatcher), "dispatcher-ready",
        "a87b3de6176e41ae9b8a61056a5956ee")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void EventLog::dispatcherResting(const std::string& dispatcher, const std::string& reason,
                                 Milliseconds untilProbe) const {
  Entry(Level::warning,
        fmt::format("{}: resting, tried again in {}: {}", dispatcher, config::roughly(untilProbe), reason),
        "dispatcher-resting", "a283f8558239462f9a39d99d31504fc2")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", reason)
      .write();
}

void EventLog::dispatcherBroken(const std::string& dispatcher, const std::string& reason,
                                Milliseconds untilProbe) const {
  Entry(Level::error,
        fmt::format("{}: broken, tried again in {}: {}", dispatcher, config::roughly(untilProbe), reason),
        "dispatcher-broken", "ca61e4d66eab4f98a1f75ae8a839c29f")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", reason)
      .write();
}

void EventLog::dispatcherPaused(const std::string& dispatcher) const {
  Entry(Level::notice, fmt::format("{}: paused by the operator", dispatcher), "dispatcher-paused",
        "125a13805c06421cba40be79ea7b32ad")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void EventLog::dispatcherResumed(const std::string& dispatcher) const {
  Entry(Level::notice, fmt::format("{}: resumed by the operator", dispatcher), "dispatcher-resumed",
        "e5e3a3bec7964c5394e1202faa16d6a5")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void EventLog::dayNotKept(const std::string& dispatcher, const std::string& why) const {
  Entry(Level::warning,
        fmt::format("{}: today's count for per_day cannot be stored, so a restart of smsd loses it: {}",
                    dispatcher, why),
        "day-not-kept", "6ea4965af2cf4d99b087d420f3aa1730")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void EventLog::noDispatcher() const {
  Entry(Level::error, "no dispatcher can be used: nothing is sent until one works again", "no-dispatcher",
        "3772e8cf375a4df39578b1542757046a")
      .write();
}

void EventLog::standsStill(Milliseconds since, Still what) const {
  std::string_view then =
      what == Still::acts
          ? "smsd polls the queue and replaces the workers that hold SMS past every deadline"
          : "this did not help: smsd stops its watchdog notifications, so that systemd restarts it";
  Entry(Level::error,
        fmt::format("nothing has moved for {} although there is something to send: {}",
                    config::roughly(since), then),
        "stands-still", "7d6745e2d47b46b0b1a31609d416ad03")
      .write();
}

void EventLog::answerNotUnderstood(const std::string& dispatcher, const std::string& words) const {
  Entry(Level::error,
        fmt::format(
            "{}: its configuration does not cover an answer of the gateway, so the SMS is sent at most once "
            "more and then held: {}",
            dispatcher, words),
        "answer-not-understood", "21987a2f8997436b951859e167846714")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", words)
      .write();
}

void EventLog::adminMailDown(const std::string& dispatcher, const std::string& why) const {
  Entry(
      Level::error,
      fmt::format("{}: mail to the administrators cannot be sent and is kept for later: {}", dispatcher, why),
      "admin-mail-down", "1260317ed20f439b880baafac9634dd1")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", why)
      .write();
}

void EventLog::adminMailBack(const std::string& dispatcher, std::uint64_t carried) const {
  Entry(Level::notice,
        fmt::format("{}: mail to the administrators is sent again, with {} entries", dispatcher, carried),
        "admin-mail-back", "79a1d3b8ef35428d9ab8862c3ad40cf3")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

}  // namespace smsd::events
