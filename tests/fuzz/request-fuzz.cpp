// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the target and the body of a request in each dialect but Alertmanager's, separated by 0x1E
// (libFuzzer).
//
// It is refused with words, or becomes alerts. The answer to it is valid JSON where the dialect has JSON, and
// never a success if the request was refused.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "clients/intake/token-admission.h"
#include "clients/shapes/shape.h"
#include "tests/fuzz/demand.h"

using smsd::fuzz::demand;
using namespace smsd::shapes;

namespace {

void check(const WebAnswer& answer, bool success) {
  demand("a refused request is no success", success == (answer.status < 300));
  if (answer.type == jsonType)
    demand("an answer is JSON", nlohmann::json::accept(answer.body.begin(), answer.body.end()));
  if (!success)
    demand("SMSEagle's clients look for OK", answer.type == jsonType || !answer.body.starts_with("OK"));
}

SubmissionResult resultOf(const std::vector<IncomingAlert>& alerts) {
  SubmissionResult result;
  for (const auto& alert : alerts) {
    auto refusal = smsd::webintake::refusalByBounds(alert);
    if (!refusal) refusal = WebFate{};
    result.fates.push_back(std::move(*refusal));
    result.fates.back().messages = {7};
    result.fates.back().recipients = {alert.to.name};
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto rules = [] {
    std::string problem;
    const auto text = AlertTemplate::from(defaultTemplate, problem);
    return AlertmanagerRules{*text, *text, SeverityWords(), "severity", 0, true};
  }();
  const auto parts = smsd::fuzz::split({reinterpret_cast<const char*>(data), size});
  auto target = readTarget(parts[0]);
  if (!target) return 0;
  WebRequest request{routeOf(target->path), std::move(target->query),
                     parts.size() > 1 ? std::string(parts[1]) : ""};
  const auto shape = request.route.shape;
  tokenIn(shape, request.form);
  if (shape == RequestShape::smseagleJsonRpc) request.call = readSmseagleJsonRpc(request.body);
  if (auto form = readForm(request.body); form && hasTokenInBody(shape)) request.form.add(std::move(*form));
  const auto read = readRequest(request, rules);
  demand("a problem leaves no alert", read.problem.empty() || read.alerts.empty());
  demand("alerts are bounded", read.alerts.size() <= maxAlertsOfRequest);
  if (!read.problem.empty()) {
    check(refusalIn(shape, read.status, read.problem), false);
    return 0;
  }
  const auto result = resultOf(read.alerts);
  check(answerTo(request, result), wordsFor(result).empty());
  check(answerTo(request, {"away", 1, {}}), false);
  return 0;
}
