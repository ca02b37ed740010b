// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/submission/alert-records.h"

#include "common/kj/view.h"

namespace smsd::submission {
namespace {

using shapes::WebFate;

WebFate::Result resultOf(proto::Fate::Result result) {
  switch (result) {
    case proto::Fate::Result::QUEUED:
      return WebFate::Result::queued;
    case proto::Fate::Result::CANCELLED:
      return WebFate::Result::cancelled;
    case proto::Fate::Result::DUPLICATE:
      return WebFate::Result::duplicate;
    case proto::Fate::Result::NOT_SENT:
      return WebFate::Result::notSent;
    case proto::Fate::Result::REFUSED:
      break;
  }
  return WebFate::Result::refused;  // also a result of a later version
}

WebFate::Refusal refusalOf(proto::Refusal refusal) {
  switch (refusal) {
    case proto::Refusal::NONE:
      return WebFate::Refusal::none;
    case proto::Refusal::RECIPIENT:
      return WebFate::Refusal::recipient;
    case proto::Refusal::GROUP:
      return WebFate::Refusal::group;
    case proto::Refusal::NOT_ALLOWED:
      return WebFate::Refusal::notAllowed;
    case proto::Refusal::TEXT:
      return WebFate::Refusal::text;
    case proto::Refusal::KEY:
      return WebFate::Refusal::key;
    case proto::Refusal::SEVERITY:
      return WebFate::Refusal::severity;
    case proto::Refusal::RATE:
      return WebFate::Refusal::rate;
  }
  return WebFate::Refusal::none;
}

}  // namespace

std::size_t bytesOf(const shapes::IncomingAlert& alert, const std::string& label) {
  // The record has 8 words of data and pointers; each text ends in a NUL and is padded to a word.
  return 64 + 5 * 8 + alert.to.name.size() + alert.text.size() + alert.key.size() + alert.cancels.size() +
         label.size();
}

void write(const shapes::IncomingAlert& alert, const std::string& label, proto::Alert::Builder to) {
  if (alert.to.kind == shapes::Target::Kind::group)
    to.getTo().setGroup(view(alert.to.name));
  else
    to.getTo().setRecipient(view(alert.to.name));
  to.setText(view(alert.text));
  to.setSeverity(alert.severity);
  if (!alert.key.empty()) to.setKey(view(alert.key));
  if (!alert.cancels.empty()) to.setCancels(view(alert.cancels));
  to.setExpiresIn(alert.expiresIn);
  to.setLabel(view(label));
}

WebFate fateOf(proto::Fate::Reader fate) {
  WebFate all{resultOf(fate.getResult()), refusalOf(fate.getRefusal()), fate.getWhy().cStr()};
  for (const auto id : fate.getMessages()) all.messages.push_back(id);
  for (const auto number : fate.getRecipients()) all.recipients.emplace_back(number.cStr());
  all.retryAfter = fate.getRetryAfter();
  if (all.result == WebFate::Result::refused && all.why.empty()) all.why = "smsd refused the alert";
  return all;
}

}  // namespace smsd::submission
