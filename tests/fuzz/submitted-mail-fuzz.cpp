// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a mail that submits an alert (libFuzzer), and as the words of sendsms.
//
// It is refused with words, or becomes alerts within the bounds of smsd's contract, each with a key. The same
// bytes give the same alerts. Memory is bounded by libFuzzer.
#include <algorithm>
#include <cstdint>
#include <string>

#include "clients/mail-intake/mail.h"
#include "clients/sendsms/call.h"
#include "common/text/utf.h"
#include "tests/fuzz/demand.h"

using smsd::fuzz::demand;

namespace {

void demandBounds(const std::vector<smsd::shapes::IncomingAlert>& alerts) {
  demand("there are few", alerts.size() <= smsd::shapes::maxTogether);
  for (const auto& alert : alerts) {
    demand("an alert has a text", !alert.text.empty());
    demand("the text is UTF-8 without NUL",
           smsd::text::isValid(alert.text) && alert.text.find('\0') == std::string::npos);
    demand("the text is bounded", smsd::text::decode(alert.text).size() <= smsd::shapes::maxText);
    demand("an alert has a key", !alert.key.empty() && alert.key.size() <= smsd::shapes::maxKeyBytes);
    demand("it goes somewhere", !alert.to.name.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view mail(reinterpret_cast<const char*>(data), size);
  for (const char* to : {"", "ops"}) {
    const auto read = smsd::mailintake::readMail(mail, to, 1),
               again = smsd::mailintake::readMail(mail, to, 1);
    demand("a problem leaves no alert", read.problem.empty() != read.alerts.empty());
    demand("a problem is one line", read.problem == smsd::text::printable(read.problem));
    demandBounds(read.alerts);
    demand("it is read twice as once", read.alerts.size() == again.alerts.size());
    for (std::size_t at = 0; at < read.alerts.size(); ++at)
      demand("a key is the same again", read.alerts[at].key == again.alerts[at].key);
  }
  std::vector<std::string> words;
  for (const auto word : smsd::fuzz::split(mail)) words.emplace_back(word);
  words.resize(std::min<std::size_t>(words.size(), 100));
  const auto call = smsd::sendsms::alertsOf(smsd::sendsms::callOf(words), mail, "key");
  demand("a problem leaves no alert", call.problem.empty() != call.alerts.empty());
  demandBounds(call.alerts);
  return 0;
}
