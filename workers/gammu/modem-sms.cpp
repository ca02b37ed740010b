// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <optional>

#include "workers/gammu/modem.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;

constexpr auto carrying = 250ms;    // an abort or an unplugged modem is noticed within this time
constexpr auto okAfter = 2000ms;    // for the OK that follows +CMGS
constexpr auto moreAfter = 5000ms;  // for an error, or +CMGS, after a bare OK, which proves nothing

}  // namespace

SendResult Modem::send(const Sms& sms) {
  auto number = dialled(sms.recipient);
  if (!number) return {outcomeOf(ModemEvent::badNumber)};
  auto parts = partsOf(sms.text, sms.key);
  if (!parts) return {outcomeOf(ModemEvent::tooLong)};
  line_.resume();
  if (!phone_.isOpen() || line_.hungUp())
    return {outcomeOf(ModemEvent::unpluggedBefore), SendResult::Then::open};
  const Envelope envelope{*number, centre_, settings_.messageClass, settings_.validity, settings_.report};
  SendResult last{{OutcomeKind::accepted}};
  for (std::size_t i = 0; i < parts->parts.size(); ++i) {
    SendResult part = sendPart(parts->parts[i], parts->alphabet, envelope);
    if (part.outcome.kind != OutcomeKind::accepted) {
      // Earlier parts were accepted, so the recipient may have them.
      if (i > 0)
        part.outcome = {OutcomeKind::unknown,
                        outcomeOf(ModemEvent::partOnly).words + " (" + std::to_string(i) + " of " +
                            std::to_string(parts->parts.size()) + "): " + part.outcome.words};
      return part;
    }
    std::string& references = last.outcome.words;
    references += (references.empty() ? "" : ",") + part.outcome.words;
    last.then = part.then;
  }
  return last;
}

SendResult Modem::sendPart(const Part& part, Alphabet alphabet, const Envelope& envelope) {
  line_.dialogue().forgetEvidence();
  if (aborted_) return {outcomeOf(ModemEvent::noPrompt), SendResult::Then::open};
  int error = noError;
  {
    Carried carried(carrier_);
    error = phone_.submit(part, alphabet, envelope);
  }
  if (error == noError) return resultOf(awaitEnd());
  const SmsEvidence& evidence = line_.dialogue().evidence();
  // libgammu refused the part before it wrote anything, so the modem has received nothing.
  if (line_.dialogue().stage() == AtDialogue::Stage::idle && !evidence.end && !aborted_ && !line_.hungUp() &&
      error != 14)
    return {outcomeOf(ErrorSource::gammu, error), SendResult::Then::open};
  return resultOf(evidence.end ? Waited::answered : line_.hungUp() ? Waited::unplugged : Waited::tooLong);
}

/// Waits for the end of the modem's answer. The text is written, or the rest of it is still in the bridge.
Waited Modem::awaitEnd() {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> last;
  const SmsEvidence& evidence = line_.dialogue().evidence();
  for (;;) {
    if (evidence.end) return Waited::answered;
    if (!bridge_->carry(line_, carrying) || line_.hungUp())
      return evidence.end ? Waited::answered : Waited::unplugged;
    if (aborted_) return evidence.end ? Waited::answered : Waited::tooLong;
    if (!evidence.reference && !evidence.bareOk) continue;
    if (!last) last = Clock::now();
    if (Clock::now() - *last > (evidence.reference ? okAfter : moreAfter)) return Waited::tooLong;
  }
}

SendResult Modem::resultOf(Waited waited) {
  ModemOutcome outcome = outcomeOf(line_.dialogue().evidence(), waited);
  if (waited == Waited::answered) wasSeen();
  const SendResult::Then then = nextAfter(outcome, waited);
  return {std::move(outcome), then};
}

SendResult::Then Modem::nextAfter(const ModemOutcome& outcome, Waited waited) {
  if (waited != Waited::answered || aborted_) return SendResult::Then::open;
  // libgammu is not ready for the next SMS before it has read the end of this answer.
  for (int looks = 0; !phone_.isSettled(); ++looks)
    if (looks == 2) return SendResult::Then::open;
  return outcome.kind == OutcomeKind::accepted ? SendResult::Then::next : SendResult::Then::look;
}

}  // namespace smsd::gammu
