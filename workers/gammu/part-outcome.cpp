// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/part-outcome.h"

#include <cctype>
#include <string>
#include <string_view>

namespace smsd::gammu {
namespace {

constexpr std::size_t mostWords = 60;

/// Returns a modem's words for display: without digits, which could be a telephone number, and without
/// control characters.
std::string shown(std::string_view words) {
  std::string result;
  for (unsigned char c : words.substr(0, mostWords))
    result += std::isalpha(c) != 0 ||
                      std::string_view(" -+/,.():").find(static_cast<char>(c)) != std::string_view::npos
                  ? static_cast<char>(c)
                  : '?';
  return result;
}

ModemOutcome beforeText(const SmsEvidence& evidence, Waited waited) {
  if (!evidence.end)
    return outcomeOf(waited == Waited::unplugged ? ModemEvent::unpluggedBefore : ModemEvent::noPrompt);
  if (evidence.end->end == AtReply::End::error) return outcomeOf(ModemEvent::errorAtPrompt);
  // The text was not handed over, so a number that means unknown after a text means deferred here.
  ModemOutcome outcome = outcomeOf(*evidence.end);
  if (outcome.kind == OutcomeKind::unknown) outcome.kind = OutcomeKind::deferred;
  return outcome;
}

}  // namespace

ModemOutcome outcomeOf(const AtReply& reply) {
  if (reply.end == AtReply::End::error) return outcomeOf(ModemEvent::errorAfterText);
  const bool isCms = reply.end == AtReply::End::cms;
  if (reply.number) return outcomeOf(isCms ? ErrorSource::cms : ErrorSource::cme, *reply.number);
  return {
      OutcomeKind::unknown,
      (isCms ? "CMS error, in words on no list: " : "CME error, in words on no list: ") + shown(reply.words)};
}

ModemOutcome outcomeOf(const SmsEvidence& evidence, Waited waited) {
  if (!evidence.handedOver) return beforeText(evidence, waited);
  const bool isError = evidence.end && evidence.end->end != AtReply::End::ok;
  if (isError) return evidence.reference ? outcomeOf(ModemEvent::contradiction) : outcomeOf(*evidence.end);
  if (evidence.reference) return {OutcomeKind::accepted, std::to_string(*evidence.reference)};
  if (waited == Waited::unplugged) return outcomeOf(ModemEvent::unpluggedAfter);
  return outcomeOf(evidence.bareOk ? ModemEvent::bareOk : ModemEvent::silence);
}

}  // namespace smsd::gammu
