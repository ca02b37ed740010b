// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/messages.h"

#include "common/kj/view.h"
#include "common/text/utf.h"

namespace smsd::kit {
Job readJob(proto::Sms::Reader sms) {
  return Job{.attempt = sms.getAttempt(),
             .recipient = sms.getRecipient().cStr(),
             .text = sms.getText().cStr(),
             .key = sms.getKey().cStr(),
             .deadline = Milliseconds(sms.getDeadline()),
             .encoding = sms.getEncoding() == proto::Encoding::GSM7 ? SmsEncoding::gsm7 : SmsEncoding::ucs2,
             .parts = sms.getParts()};
}

void write(proto::Outcome::Builder builder, const Outcome& outcome, std::size_t most) {
  auto reason = [most](const std::string& text) { return text::printable(text, most); };
  if (auto* accepted = std::get_if<Accepted>(&outcome))
    builder.setAccepted(view(reason(accepted->reference)));
  if (auto* refused = std::get_if<Refused>(&outcome)) builder.setRefused(view(reason(refused->reason)));
  if (auto* broken = std::get_if<Broken>(&outcome)) builder.setBroken(view(reason(broken->reason)));
  if (auto* unknown = std::get_if<Unknown>(&outcome)) {
    builder.setUnknown(view(reason(unknown->reason)));
    builder.setNotUnderstood(unknown->reply == Reply::notUnderstood);
  }
  if (auto* deferred = std::get_if<Deferred>(&outcome)) {
    auto group = builder.initDeferred();
    group.setReason(view(reason(deferred->reason)));
    group.setAfter(static_cast<std::uint32_t>(deferred->after.count()));
    group.setNotReached(deferred->reached == Reached::no);
  }
}

void shorten(Outcome& outcome) {
  auto cut = [](std::string& words) {
    if (words.size() > proto::MAX_REASON) words = text::printable(words, proto::MAX_REASON);
  };
  std::visit(
      [&cut](auto& one) {
        if constexpr (requires { one.reference; })
          cut(one.reference);
        else
          cut(one.reason);
      },
      outcome);
}

void write(proto::Health::Builder health, const Condition& condition, std::uint32_t active) {
  if (condition.broken.empty())
    health.setReady();
  else
    health.setBroken(view(text::printable(condition.broken, proto::MAX_REASON)));
  health.setActive(active);
  auto details = health.initDetails(condition.details.size());
  for (unsigned i = 0; i < condition.details.size(); ++i) {
    details[i].setName(view(condition.details[i].first));
    details[i].setValue(view(condition.details[i].second));
  }
}

}  // namespace smsd::kit
