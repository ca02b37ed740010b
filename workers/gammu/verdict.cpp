// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/verdict.h"

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

Finding beforeText(const Submission& submission, Waited waited) {
  if (!submission.end) return finding(waited == Waited::unplugged ? Event::unpluggedBefore : Event::noPrompt);
  if (submission.end->end == Reply::End::error) return finding(Event::errorAtPrompt);
  // The text was not handed over, so a number that means unknown after a text means deferred here.
  Finding found = findingOf(*submission.end);
  if (found.kind == OutcomeKind::unknown) found.kind = OutcomeKind::deferred;
  return found;
}

}  // namespace

Finding findingOf(const Reply& reply) {
  if (reply.end == Reply::End::error) return finding(Event::errorAfterText);
  const bool isCms = reply.end == Reply::End::cms;
  if (reply.number) return finding(isCms ? Source::cms : Source::cme, *reply.number);
  return {
      OutcomeKind::unknown,
      (isCms ? "CMS error, in words on no list: " : "CME error, in words on no list: ") + shown(reply.words)};
}

Finding verdictOn(const Submission& submission, Waited waited) {
  if (!submission.handedOver) return beforeText(submission, waited);
  const bool isError = submission.end && submission.end->end != Reply::End::ok;
  if (isError) return submission.reference ? finding(Event::contradiction) : findingOf(*submission.end);
  if (submission.reference) return {OutcomeKind::accepted, std::to_string(*submission.reference)};
  if (waited == Waited::unplugged) return finding(Event::unpluggedAfter);
  return finding(submission.bareOk ? Event::bareOk : Event::silence);
}

}  // namespace smsd::gammu
