// SPDX-License-Identifier: GPL-3.0-or-later
// The events of the queue: its connection, its bell, its clock, and other supervisors.
#include "supervisor/events/events.h"

#include <fmt/format.h>

#include "common/journal/journal.h"

namespace smsd::events {
namespace {

using journal::Entry;
using journal::Level;

}  // namespace

void EventLog::historyStays(const std::string& why) const {
  Entry(Level::warning, fmt::format("records older than queue.keep_history cannot be removed: {}", why),
        "history-stays", "0a4fca47009949169a6e020a37ae66cf")
      .field("SMSD_REASON", why)
      .write();
}

void EventLog::queueAway(const std::string& why) const {
  Entry(Level::error, fmt::format("the queue is away, nothing new is sent until it is back: {}", why),
        "queue-away", "00dd6d351e104f52b7a501c2ffc9d510")
      .field("SMSD_REASON", why)
      .write();
}

void EventLog::queueSilent(Milliseconds since, Still what) const {
  std::string_view then =
      what == Still::acts
          ? "smsd cuts its connection and makes a new one"
          : "this did not help: smsd stops its watchdog notifications, so that systemd restarts it";
  Entry(Level::error, fmt::format("the queue has not answered for {}: {}", config::roughly(since), then),
        "queue-silent", "8fc5e8b0a105473a92d8cb4bac5aba4d")
      .write();
}

void EventLog::clockStepped(Milliseconds step) const {
  Entry(Level::notice,
        fmt::format("the database's clock was stepped {} by {}: no wait becomes longer, and no message "
                    "expires earlier",
                    step < 0ms ? "back" : "ahead", config::roughly(step < 0ms ? -step : step)),
        "clock-stepped", "f347991d8f63476183db426dd28aab36")
      .write();
}

void EventLog::queueBack() const {
  Entry(Level::notice, "the queue is back", "queue-back", "636c09456906483fb0ac0f7309b7024d").write();
}

void EventLog::queueStrained(const std::string& what) const {
  if (what.empty())
    Entry(Level::notice, "the queue has space again", "queue-relieved", "452bbe27d5e84004afbaaddfb2a96dad")
        .write();
  else
    Entry(Level::error, what, "queue-strained", "15ff3a9c070448a3b94bdd76e74b2804")
        .field("SMSD_REASON", what)
        .write();
}

void EventLog::schemaSeen(const queue::SchemaVersions& seen) const {
  std::string then = "every supervisor knows it";
  if (seen.installed < seen.known)
    then = fmt::format("this smsd knows version {}: `smsctl db install` upgrades it while smsd runs",
                       seen.known);
  else if (seen.installed > seen.known)
    then = fmt::format("this smsd knows version {} and uses that: install the newer smsd", seen.known);
  else if (seen.used < seen.installed)
    then = fmt::format(
        "but a supervisor of an older version is alive, so that smsd uses version {} until all are upgraded",
        seen.used);
  Entry(Level::notice, fmt::format("the schema smsd is of version {}, {}", seen.installed, then),
        "schema-versions", "645a053a86ef4628a230b9de671d233a")
      .write();
}

void EventLog::otherSettler(const std::string& sign) const {
  if (sign.empty())
    Entry(Level::notice, "no other program settles messages of the queue any more", "settled-alone",
          "e7cf01257c2e413385642ff68c4e60da")
        .write();
  else
    Entry(Level::error, sign, "settled-by-other", "5a4f43cc316d43a4adf01b4d52cddce2")
        .field("SMSD_REASON", sign)
        .write();
}

void EventLog::bellChanged(queue::Bell::State state, const std::string& problem) const {
  if (state == queue::Bell::State::heard || state == queue::Bell::State::untested)
    Entry(Level::notice, "new messages wake smsd at once", "notify-works", "ea4711c58b99474693fe6e0a36c05704")
        .write();
  else if (state == queue::Bell::State::unannounced)
    Entry(Level::notice,
          fmt::format("new messages do not wake smsd, it finds them at its next poll: {}", problem),
          "notify-missing", "d1306ec72b19429cbeccf37aaa56bd65")
        .field("SMSD_REASON", problem)
        .write();
  else
    Entry(Level::warning,
          fmt::format("new messages do not wake smsd, it polls the queue at least every {}: {}",
                      config::printDuration(queue::Bell::pollWhileSilent), problem),
          "notify-silent", "99f648caffa44d9a9b263302aabbd813")
        .field("SMSD_REASON", problem)
        .write();
}

void EventLog::queueReplaced(const std::string& how, std::size_t dropped) const {
  Entry(Level::error,
        fmt::format(
            "{} while smsd used it: {} SMS under way belonged to the old file; smsd continues with the file "
            "that is at the path now, and creates none if it is missing",
            how, dropped),
        "queue-replaced", "222b91020af34511b04bd3ea8b5bd9a7")
      .field("SMSD_REASON", how)
      .write();
}

void EventLog::rowsReplaced(std::size_t messages) const {
  Entry(Level::warning,
        fmt::format("{} message{} had another row when {} settled: the result is in smsd's records, and the "
                    "new row stays as it is",
                    messages, messages == 1 ? "" : "s", messages == 1 ? "it was" : "they were"),
        "rows-replaced", "399a06f0d2004ea3aafc6e7a0b5d7d5c")
      .field("SMSD_COUNT", std::to_string(messages))
      .write();
}

void EventLog::fenced(std::size_t dropped) const {
  Entry(
      Level::error,
      fmt::format("another supervisor took over {} SMS, because the lease of this one had expired", dropped),
      "fenced", "71bfbd9aeb6b4200af87b14cbc9c9e1c")
      .write();
}

void EventLog::takenOver(std::size_t submissions) const {
  Entry(Level::warning,
        fmt::format("took over {} SMS of a dead supervisor; their outcomes are unknown", submissions),
        "taken-over", "e5a4a81a5ef84619a729e2f05465bf5e")
      .write();
}

}  // namespace smsd::events
