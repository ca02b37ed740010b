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

Sent Modem::send(const Letter& letter) {
  auto number = dialled(letter.recipient);
  if (!number) return {OutcomeKind::refused, finding(Event::badNumber).reason};
  auto parts = partsOf(letter.text, letter.key);
  if (!parts) return {OutcomeKind::refused, finding(Event::tooLong).reason};
  line_.resume();
  if (!phone_.isOpen() || line_.hungUp())
    return {OutcomeKind::deferred, finding(Event::unpluggedBefore).reason, Sent::Then::open};
  const Envelope envelope{*number, centre_, settings_.messageClass, settings_.validity, settings_.report};
  Sent last;
  std::string references;
  for (std::size_t i = 0; i < parts->parts.size(); ++i) {
    Sent sent = sendPart(parts->parts[i], parts->alphabet, envelope);
    if (sent.kind != OutcomeKind::accepted) {
      // Earlier parts were accepted, so the recipient may have them.
      if (i > 0)
        sent = {OutcomeKind::unknown,
                finding(Event::partOnly).reason + " (" + std::to_string(i) + " of " +
                    std::to_string(parts->parts.size()) + "): " + sent.words,
                sent.then};
      return sent;
    }
    references += (references.empty() ? "" : ",") + sent.words;
    last.then = sent.then;
  }
  last.kind = OutcomeKind::accepted;
  last.words = references;
  return last;
}

Sent Modem::sendPart(const Part& part, Alphabet alphabet, const Envelope& envelope) {
  line_.dialogue().beginSubmission();
  if (aborted_) return {OutcomeKind::deferred, finding(Event::noPrompt).reason, Sent::Then::open};
  int error = noError;
  {
    Carried carried(carrier_);
    error = phone_.submit(part, alphabet, envelope);
  }
  if (error == noError) return sentOf(awaitEnd());
  const Submission& submission = line_.dialogue().submission();
  // libgammu refused the part before it wrote anything, so the modem has received nothing.
  if (line_.dialogue().stage() == Dialogue::Stage::idle && !submission.end && !aborted_ && !line_.hungUp() &&
      error != 14) {
    Finding found = finding(Source::gammu, error);
    return {found.kind, found.reason, Sent::Then::open};
  }
  return sentOf(submission.end ? Waited::answered : line_.hungUp() ? Waited::unplugged : Waited::tooLong);
}

/// Waits for the end of the modem's answer. The text is written, or the rest of it is still in the bridge.
Waited Modem::awaitEnd() {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> last;
  const Submission& submission = line_.dialogue().submission();
  for (;;) {
    if (submission.end) return Waited::answered;
    if (!bridge_->carry(line_, carrying) || line_.hungUp())
      return submission.end ? Waited::answered : Waited::unplugged;
    if (aborted_) return submission.end ? Waited::answered : Waited::tooLong;
    if (!submission.reference && !submission.bareOk) continue;
    if (!last) last = Clock::now();
    if (Clock::now() - *last > (submission.reference ? okAfter : moreAfter)) return Waited::tooLong;
  }
}

Sent Modem::sentOf(Waited waited) {
  Finding found = verdictOn(line_.dialogue().submission(), waited);
  if (waited == Waited::answered) wasSeen();
  return {found.kind, found.reason, nextAfter(found, waited)};
}

Sent::Then Modem::nextAfter(const Finding& found, Waited waited) {
  if (waited != Waited::answered || aborted_) return Sent::Then::open;
  // libgammu is not ready for the next SMS before it has read the end of this answer.
  for (int looks = 0; !phone_.isSettled(); ++looks)
    if (looks == 2) return Sent::Then::open;
  return found.kind == OutcomeKind::accepted ? Sent::Then::next : Sent::Then::look;
}

}  // namespace smsd::gammu
