// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl canary list` and `smsctl canary run`: through the running daemon, which sends the canaries.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/control/client.h"
#include "supervisor/control/test-report.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/status/dispatcher-table.h"
#include "supervisor/smsctl/status/status-json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using proto::Control;

// Each dispatcher may take as long as in a test, and four are tried at once.
constexpr auto canaryPatience = 60 * kj::MINUTES;

ordered_json json(const road::TestSmsReport& report, bool accepted) {
  ordered_json result = {
      {"accepted", accepted},
      {"problem", report.problem.empty() ? ordered_json(nullptr) : ordered_json(report.problem)},
      {"tries", ordered_json::array()}};
  for (const auto& one : report.tries)
    result["tries"].push_back({{"dispatcher", one.dispatcher},
                               {"result", control::resultName(one)},
                               {"words", text::printable(one.words)},
                               {"took_ms", one.took.count()}});
  return result;
}

}  // namespace

int listCanaries(const Site& site, Form form) {
  auto client = runningDaemon(site);
  auto response =
      client.wait<capnp::Response<Control::StatusResults>>(client.control().statusRequest().send());
  ordered_json list = ordered_json::array();
  std::string table;
  std::size_t widest = 0;
  for (auto one : response.getStatus().getDispatchers())
    widest = std::max<std::size_t>(widest, one.getName().size());
  for (auto one : response.getStatus().getDispatchers()) {
    if (!one.getCanary().getEnabled()) continue;
    auto canary = asJson(one.getCanary());
    canary["dispatcher"] = one.getName().cStr();
    list.push_back(std::move(canary));
    table += fmt::format("{:<{}}  {}\n", one.getName().cStr(), widest, canaryWords(one.getCanary()));
  }
  if (form == Form::json)
    io::print(dump(list));
  else
    io::print(
        table.empty()
            ? "no dispatcher has canaries: set canary.recipient in smsd.yaml, for all or for one dispatcher\n"
            : table);
  return EX_OK;
}

int runCanary(const Site& site, const std::string& dispatcher, Form form) {
  auto client = runningDaemon(site);
  auto request = client.control().runCanaryRequest();
  request.setDispatcher(dispatcher);
  auto response = client.wait<capnp::Response<Control::RunCanaryResults>>(request.send(), canaryPatience);
  const road::TestSmsReport report = control::read(response.getProblem(), response.getTries());
  if (report.tries.empty() && !report.problem.empty()) throw CommandError(EX_DATAERR, report.problem);
  const bool accepted =
      report.problem.empty() && std::all_of(report.tries.begin(), report.tries.end(), [](const auto& one) {
        return one.outcome == delivery::OutcomeKind::accepted;
      });
  if (form == Form::json)
    io::print(dump(json(report, accepted)));
  else
    io::print(control::describeTries(report) + (report.problem.empty() ? "" : report.problem + "\n"));
  return accepted ? EX_OK : EX_UNAVAILABLE;
}

}  // namespace smsd::smsctl
