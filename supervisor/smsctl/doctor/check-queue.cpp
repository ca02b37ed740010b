// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of the queue, and of other programs that use it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "supervisor/smsctl/doctor/checks.h"
#include "supervisor/smsctl/doctor/words.h"

namespace smsd::smsctl::doctor {
namespace {

std::string install(const Facts& facts, const std::string& options) {
  return asRoot(facts, fmt::format("db install {}--as postgres", options));
}

std::string roleOf(const Facts& facts) {
  return facts.queue.role.empty() ? shown(facts.user) : quoted(facts.queue.role);
}

std::string grant(const Facts& facts) {
  return install(facts, fmt::format("--role {} --grant ", roleOf(facts)));
}

void checkSchema(const Facts& facts, GroupResult& checked) {
  const auto& queue = facts.queue;
  const auto& found = queue.found;
  const auto finding = [&](const char* fault, const std::string& problem, const std::string& remedy) {
    checked.findings.push_back({fault, "the database", problem, remedy});
  };
  if (!found.condition.missingPrivileges.empty())
    finding("grants-missing", "the role of smsd lacks " + found.condition.missingPrivileges, grant(facts));
  if (found.condition.indexed == false)
    finding("indexes-missing", "each claim reads the whole table smsq", install(facts, "--indexes "));
  if (found.condition.announcesInserts == false)
    finding("trigger-missing", "new messages wait for the next poll", install(facts, "--notify "));
  if (found.schema.installed < found.schema.known)
    finding("schema-old",
            fmt::format("its version is {}, and this program knows {}", found.schema.installed,
                        found.schema.known),
            install(facts, ""));
}

void checkZone(const Facts& facts, GroupResult& checked) {
  const auto& zone = facts.queue.found.condition.timeZone;
  if (!facts.expires || facts.others.zone.empty() || zone.empty() || zone == facts.others.zone) return;
  checked.findings.push_back(
      {"time-zone-differs", "the database",
       fmt::format("smsd reads times in {}, but NAV writes them in {}: queue.expire_after counts from a "
                   "wrong time",
                   zone, facts.others.zone),
       fmt::format("add options='-c TimeZone={}' to queue.postgresql.connection in {}", facts.others.zone,
                   facts.config.string())});
}

}  // namespace

GroupResult checkQueue(const Facts& facts) {
  GroupResult checked{"queue"};
  const auto& queue = facts.queue;
  using State = QueueFacts::State;
  const auto finding = [&](const char* fault, const std::string& remedy) {
    checked.findings.push_back({fault, "the queue", queue.words, remedy});
  };
  switch (queue.state) {
    case State::gone:
      finding("queue-gone", fmt::format("put it back from a backup, or begin with an empty one: {}",
                                        asSmsd(facts, "db install")));
      return checked;
    case State::damaged:
      finding("queue-damaged", asSmsd(facts, "db check"));
      return checked;
    case State::unreachable:
      finding("queue-unreachable", asSmsd(facts, "db check"));
      return checked;
    case State::denied:
      finding("queue-denied", queue.isPostgresql ? grant(facts) : asSmsd(facts, "db check"));
      return checked;
    case State::notInstalled:
      finding("queue-not-installed",
              queue.isPostgresql
                  ? install(facts, fmt::format("--indexes --notify --role {} --grant ", roleOf(facts)))
                  : asSmsd(facts, "db install"));
      return checked;
    case State::notLooked:
      checked.unchecked.push_back({"the queue", queue.words, asRoot(facts, "doctor")});
      return checked;
    case State::notThere:
      checked.unchecked.push_back(
          {"the queue", queue.words, "start smsd, then run doctor again", Unchecked::Because::host});
      return checked;
    case State::fine:
      break;
  }
  checkSchema(facts, checked);
  checkZone(facts, checked);
  if (!queue.strain.empty())
    checked.findings.push_back({"queue-strained", "the queue", queue.strain, ctl(facts, "status")});
  checked.fine = !queue.isPostgresql
                     ? "can be used"
                     : fmt::format("schema version {}, grants, indexes, trigger, time zone {}",
                                   queue.found.schema.installed, queue.found.condition.timeZone);
  return checked;
}

GroupResult checkOthers(const Facts& facts) {
  GroupResult checked{"others"};
  if (!facts.queue.isPostgresql) {
    checked.fine = "NAV does not use this queue";
    return checked;
  }
  const auto& others = facts.others;
  const auto& settler = facts.queue.found.condition.otherSettler;
  if (!others.processes.empty())
    checked.findings.push_back({"nav-smsd-runs", fmt::format("process {}", fmt::join(others.processes, ", ")),
                                "NAV's smsd runs on this host, and sends the same messages",
                                "nav stop smsd"});
  if (!settler.empty())
    checked.findings.push_back(
        {"other-program", "the database", settler, "nav stop smsd, on the host where it runs"});
  if (!others.listed.empty()) {
    const auto list = (others.navFolder / "daemons.yml").string();
    checked.findings.push_back(
        {"nav-lists-smsd", list,
         fmt::format("lists {}, which `nav start` starts", fmt::join(others.listed, ", ")),
         fmt::format("take {} out of {}", fmt::join(others.listed, ", "), list)});
  }
  if (!others.navThere)
    checked.unchecked.push_back({"NAV's list of daemons and time zone",
                                 fmt::format("there is no {}", others.navFolder.string()),
                                 ctl(facts, "doctor --nav FOLDER"), Unchecked::Because::host});
  checked.fine = "no other program settles messages";
  return checked;
}

}  // namespace smsd::smsctl::doctor
