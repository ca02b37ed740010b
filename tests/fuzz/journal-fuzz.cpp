// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as what strangers write into a queue or answer: numbers, reasons, references, texts, times
// (libFuzzer).
//
// The parts between the bytes 0x1E are the fields. Whatever they hold, an entry of the journal is one
// printable line in each of its fields, and JSON of smsctl holds nothing that a terminal would act on and
// loses nothing.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/journal/journal.h"
#include "common/text/utf.h"
#include "supervisor/events/events.h"
#include "supervisor/smsctl/json.h"
#include "tests/fuzz/demand.h"

namespace {

using namespace std::chrono_literals;
using smsd::fuzz::demand;

enum class Lines { one, several };

bool isHarmless(std::string_view text, Lines lines) {
  for (const char32_t c : smsd::text::decode(text)) {
    if (c == U'\n' && lines == Lines::several) continue;
    const bool turns = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                       (c >= 0x2066 && c <= 0x2069);
    if (smsd::text::isControl(c) || turns || c == 0x2028 || c == 0x2029) return false;
  }
  return smsd::text::isValid(text);
}

void checkJson(const smsd::queue::StoredMessage& message) {
  const std::string json = smsd::smsctl::dump(smsd::smsctl::asJson(message));
  demand("JSON has nothing that a terminal acts on", isHarmless(json, Lines::several));
  const auto back = nlohmann::ordered_json::parse(json);
  demand("JSON loses nothing", back["text"] == smsd::text::repair(message.text) &&
                                   back["recipient"] == smsd::text::repair(message.recipient) &&
                                   back["time"] == smsd::text::repair(message.time));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parts = smsd::fuzz::split({reinterpret_cast<const char*>(data), size});
  parts.resize(4);
  const std::string recipient(parts[0]), reason(parts[1]), dispatcher(parts[2]), text(parts[3]);
  smsd::journal::Watch watch([](const smsd::journal::Entry& entry) {
    demand("an entry is one printable line", isHarmless(entry.text(), Lines::one));
    for (const char* field : {"SMSD_RECIPIENT", "SMSD_REASON", "SMSD_DISPATCHER", "SMSD_REFERENCE"})
      demand("a field is one printable line", isHarmless(entry.value(field), Lines::one));
  });
  const smsd::events::EventLog events(size % 2 == 0 ? smsd::config::RecipientInLog::plain
                                                    : smsd::config::RecipientInLog::masked);
  smsd::queue::Submission submission;
  submission.recipient = recipient;
  submission.dispatcher = dispatcher;
  submission.sms.sent = {1};
  const smsd::delivery::Outcome outcome{.kind = smsd::delivery::OutcomeKind::deferred, .words = reason};
  events.sent(submission, reason, 1ms);
  events.failedOver(submission, outcome, dispatcher);
  events.waits(submission, outcome, 1s, {});
  events.held(submission, outcome);
  events.ignored(submission, reason);
  events.reloadRefused(reason);
  events.workerGone(dispatcher, 1, reason, 1);
  events.dispatcherBroken(dispatcher, reason, 1s);
  events.queueAway(reason);
  events.operatorTested(recipient, reason, 0);
  smsd::queue::StoredMessage message;
  message.recipient = recipient;
  message.text = text;
  message.time = reason;
  message.user = dispatcher;
  checkJson(message);
  return 0;
}
