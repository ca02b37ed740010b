// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/intake/door.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/kj/view.h"
#include "supervisor/intake/admission.h"
#include "supervisor/queue/wire-fault.h"

namespace smsd::intake {
namespace {

using Result = queue::AlertFate::Result;

constexpr std::uint32_t retryAfter = 5;  // seconds, when the queue is away

std::string textOf(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

std::string shown(Desk::Uid uid) { return uid ? std::to_string(*uid) : "unknown"; }

Alert read(proto::Alert::Reader wire) {
  Alert alert;
  if (wire.getTo().isGroup())
    alert.group = textOf(wire.getTo().getGroup());
  else
    alert.recipient = textOf(wire.getTo().getRecipient());
  alert.text = textOf(wire.getText());
  alert.severity = wire.getSeverity();
  alert.key = textOf(wire.getKey());
  alert.cancels = textOf(wire.getCancels());
  alert.expiresIn = wire.getExpiresIn();
  alert.label = textOf(wire.getLabel());
  return alert;
}

proto::Refusal wireOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return proto::Refusal::NONE;
    case Refusal::recipient:
      return proto::Refusal::RECIPIENT;
    case Refusal::group:
      return proto::Refusal::GROUP;
    case Refusal::notAllowed:
      return proto::Refusal::NOT_ALLOWED;
    case Refusal::text:
      return proto::Refusal::TEXT;
    case Refusal::key:
      return proto::Refusal::KEY;
    case Refusal::severity:
      return proto::Refusal::SEVERITY;
    case Refusal::rate:
      break;
  }
  return proto::Refusal::RATE;
}

proto::Fate::Result wireOf(Result result) {
  switch (result) {
    case Result::queued:
      return proto::Fate::Result::QUEUED;
    case Result::cancelled:
      return proto::Fate::Result::CANCELLED;
    case Result::duplicate:
      return proto::Fate::Result::DUPLICATE;
    case Result::notSent:
      break;
  }
  return proto::Fate::Result::NOT_SENT;
}

/// One alert of a call, and the place of its messages among all of the call.
struct CalledAlert {
  std::size_t first = 0, count = 0;
  Refusal refusal = Refusal::none;
  std::string why;
  std::uint32_t retryAfter = 0;
};

struct AdmittedCall {
  std::vector<CalledAlert> items;
  Alerts alerts;
};

AdmittedCall admitAll(Desk& desk, Caller* caller, Desk::Uid uid, capnp::List<proto::Alert>::Reader wire) {
  AdmittedCall request;
  std::string refused;
  for (const auto& one : wire) {
    CalledAlert& item = request.items.emplace_back();
    item.first = request.alerts.size();
    if (caller == nullptr) {
      item.refusal = Refusal::notAllowed;
      item.why = fmt::format("the user with the uid {} has no entry in intake.callers", shown(uid));
    } else {
      auto admission = admit(read(one), caller->rights(), desk.config());
      item.refusal = admission.refusal;
      item.why = std::move(admission.why);
      if (item.refusal == Refusal::none) {
        const auto wait = caller->spend(admission.targets.size(), desk.now());
        if (wait > rpc::Budget::Time(0)) {
          item.refusal = Refusal::rate;
          item.why = fmt::format("the user {} has submitted more than {} messages a minute",
                                 caller->rights().user, caller->rights().rate);
          item.retryAfter = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(wait).count());
        } else {
          item.count = admission.targets.size();
          std::move(admission.targets.begin(), admission.targets.end(), std::back_inserter(request.alerts));
        }
      }
    }
    if (item.refusal != Refusal::none && refused.empty()) refused = item.why;
  }
  if (!refused.empty()) desk.noteRefusal(uid, refused);
  return request;
}

void writeFate(proto::Fate::Builder wire, const CalledAlert& item, const std::vector<queue::AlertFate>& fates,
               const std::vector<std::string>& recipients) {
  if (item.refusal != Refusal::none) {
    wire.setResult(proto::Fate::Result::REFUSED);
    wire.setRefusal(wireOf(item.refusal));
    wire.setWhy(view(item.why));
    wire.setRetryAfter(item.retryAfter);
    return;
  }
  Result best = Result::notSent;
  auto messages = wire.initMessages(static_cast<unsigned>(item.count));
  auto numbers = wire.initRecipients(static_cast<unsigned>(item.count));
  for (unsigned n = 0; n < item.count; ++n) {
    const auto& fate = fates.at(item.first + n);
    best = std::min(best, fate.result);
    messages.set(n, fate.message);
    numbers.set(n, view(recipients.at(item.first + n)));
  }
  wire.setResult(wireOf(best));
}

template <typename T>
void refuseCall(T&& results, const std::string& problem, proto::QueueFault fault, std::uint32_t again) {
  results.setProblem(view(problem));
  results.setFault(fault);
  results.setRetryAfter(again);
}

void answer(proto::Intake::SubmitResults::Builder results, const AdmittedCall& request,
            const std::vector<std::string>& recipients, const Answer& answer) {
  if (const auto* error = std::get_if<queue::QueueError>(&answer))
    return refuseCall(results, error->what(), queue::wireFault(error->kind()), retryAfter);
  const auto& submitted = std::get<queue::Submitted>(answer);
  using Offer = queue::Submitted::Offer;
  if (submitted.offer == Offer::notOffered)
    return refuseCall(results, "the queue of this smsd takes no alerts", proto::QueueFault::NOT_INSTALLED, 0);
  if (submitted.offer == Offer::notYet)
    return refuseCall(
        results,
        "an older version of the queue's schema or of another supervisor is in the way: upgrade "
        "all, then run `smsctl db install`",
        proto::QueueFault::NOT_INSTALLED, retryAfter);
  auto fates = results.initFates(static_cast<unsigned>(request.items.size()));
  for (unsigned n = 0; n < fates.size(); ++n)
    writeFate(fates[n], request.items[n], submitted.fates, recipients);
}

}  // namespace

kj::Promise<void> SubmitDoor::submit(SubmitContext context) {
  const auto wire = context.getParams().getAlerts();
  if (wire.size() > proto::MAX_ALERTS) {
    refuseCall(context.getResults(),
               fmt::format("{} alerts in one call, expected at most {}", wire.size(),
                           std::uint32_t(proto::MAX_ALERTS)),
               proto::QueueFault::INVALID, 0);
    return kj::READY_NOW;
  }
  auto request = std::make_shared<AdmittedCall>(admitAll(desk_, desk_.callerOf(uid_), uid_, wire));
  context.releaseParams();
  auto recipients = std::make_shared<std::vector<std::string>>();
  for (const auto& alert : request->alerts) recipients->push_back(alert.recipient);
  if (request->alerts.empty()) {
    answer(context.getResults(), *request, *recipients,
           Answer(std::in_place_index<0>, queue::Submitted{queue::Submitted::Offer::taken, {}}));
    return kj::READY_NOW;
  }
  return desk_.submit(std::move(request->alerts))
      .then([this, context, request, recipients](const Answer& result) mutable {
        if (std::holds_alternative<queue::QueueError>(result))
          if (auto* caller = desk_.callerOf(uid_)) caller->giveBack(recipients->size());
        answer(context.getResults(), *request, *recipients, result);
      });
}

kj::Promise<void> SubmitDoor::ready(ReadyContext context) {
  std::string problem;
  if (desk_.callerOf(uid_) == nullptr)
    problem = fmt::format("the user with the uid {} has no entry in intake.callers", shown(uid_));
  else if (const auto why = desk_.awayBecause(); !why.empty())
    problem = "the queue is away: " + why;
  context.getResults().setProblem(view(problem));
  if (!problem.empty()) context.getResults().setRetryAfter(retryAfter);
  return kj::READY_NOW;
}

}  // namespace smsd::intake
