// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl db` and `smsctl config explain`, and the journal entry of an act straight on the queue.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/configured-queue.h"
#include "supervisor/events/events.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

constexpr Milliseconds longestCheck = std::chrono::minutes(1);

ordered_json json(const queue::LiveSupervisor& one) {
  return {{"name", one.name},
          {"host", one.host},
          {"pid", one.pid},
          {"program", one.program},
          {"schema_known", one.knows}};
}

void print(const queue::Installation& found) {
  const auto& schema = found.schema;
  if (schema.known > 0)  // a queue of the administrator's own may have none
    io::print(
        fmt::format("schema: version {}{}\n", schema.installed,
                    schema.installed < schema.known
                        ? fmt::format(", and this program knows {}: `smsctl db install` upgrades it, as "
                                      "its owner and while smsd runs",
                                      schema.known)
                        : ""));
  for (const auto& one : found.supervisors)
    io::print(fmt::format("supervisor {} on {}, pid {}: smsd{}{}\n", text::printable(one.name),
                          text::printable(one.host), one.pid,
                          one.program.empty() ? "" : " " + text::printable(one.program),
                          schema.known > 0 ? fmt::format(", knows schema version {}", one.knows) : ""));
}

}  // namespace

void noteAct(const config::Config& config, const std::string& act) {
  events::EventLog(config.log.recipient).operatorActed(act, getuid());
}

int installDatabase(const config::Config& config, const queue::InstallOptions& options, Form form) {
  auto report = config::installQueue(config, options);
  if (form == Form::json) {
    io::print(dump({{"done", report.done}, {"granted", report.granted}, {"advice", report.advice}}));
    return EX_OK;
  }
  // The output can be piped into psql: the work done is printed as comments, the advice as SQL.
  for (const auto& done : report.done) io::print(fmt::format("-- created: {}\n", text::printable(done)));
  if (report.done.empty()) io::print("-- nothing to do: the queue is installed\n");
  if (!report.granted.empty())
    io::print(fmt::format("-- granted to the role {}: what smsd needs\n", text::printable(report.granted)));
  for (const auto& advice : report.advice) {
    const std::string last = advice.substr(advice.find_last_of('\n', advice.size() - 2) + 1);
    io::print(advice + (last.starts_with("--") || advice.ends_with(";") ? "\n" : ";\n"));
  }
  return EX_OK;
}

int checkDatabase(const config::Config& config, Form form) {
  const auto queue = config::openExistingQueue(config);
  const auto depth = queue->depth(100'000);
  const auto found = queue->installation();
  if (const auto damage = config::damageOfQueue(config, longestCheck); !damage.empty())
    throw queue::QueueError(queue::QueueError::Kind::failed, damage);
  if (form == Form::json) {
    ordered_json supervisors = ordered_json::array();
    for (const auto& one : found.supervisors) supervisors.push_back(json(one));
    io::print(dump({{"backend", config::backendName(config)},
                    {"reachable", true},
                    {"unsent", depth.unsent},
                    {"more", depth.more},
                    {"schema", found.schema.installed},
                    {"schema_known", found.schema.known},
                    {"supervisors", supervisors}}));
    return EX_OK;
  }
  io::print(fmt::format("the {} queue can be reached and is installed: {}{} unsent\n",
                        config::backendName(config), depth.unsent, depth.more ? " or more" : ""));
  print(found);
  return EX_OK;
}

}  // namespace smsd::smsctl
