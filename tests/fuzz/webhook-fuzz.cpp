// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a webhook of Alertmanager (libFuzzer), read without a tree.
//
// It is refused with words, or becomes alerts within the bounds of smsd's contract, each with a key. The same
// bytes give the same keys.
#include <cstdint>
#include <string>

#include "clients/intake/token-admission.h"
#include "clients/shapes/alertmanager.h"
#include "tests/fuzz/demand.h"

using smsd::fuzz::demand;
using namespace smsd::shapes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto rules = [] {
    std::string problem;
    return AlertmanagerRules{*AlertTemplate::from(defaultTemplate, problem),
                             *AlertTemplate::from("{annotation:summary}{label:a} {since}", problem),
                             SeverityWords(),
                             "severity",
                             0,
                             true};
  }();
  const std::vector<Target> to = {{Target::Kind::group, "ops"}, {Target::Kind::recipient, "+47"}};
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto read = readAlertmanager(body, to, rules), again = readAlertmanager(body, to, rules);
  demand("a problem leaves no alert", read.problem.empty() || read.alerts.empty());
  demand("it is read twice as once", read.alerts.size() == again.alerts.size());
  for (std::size_t at = 0; at < read.alerts.size(); ++at) {
    const auto& alert = read.alerts[at];
    demand("an alert is within the bounds", !smsd::webintake::refusalByBounds(alert));
    demand("an alert has a text", !alert.text.empty());
    demand("an alert has a key", alert.key.size() == 35 && alert.key != alert.cancels);
    demand("a key is the same again",
           alert.key == again.alerts[at].key && alert.cancels == again.alerts[at].cancels);
  }
  return 0;
}
