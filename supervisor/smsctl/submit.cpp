// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl submit`: submits one alert at intake.sock, as any program of the group smsd-submit may.
//
// Needs neither the configuration nor control.sock. Called by main.
#include <fmt/format.h>
#include <proto/intake.capnp.h>
#include <sysexits.h>

#include <iostream>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using Result = proto::Fate::Result;

std::string wordOf(Result result) {
  switch (result) {
    case Result::QUEUED:
      return "queued";
    case Result::CANCELLED:
      return "cancelled";
    case Result::DUPLICATE:
      return "duplicate";
    case Result::NOT_SENT:
      return "not sent";
    case Result::REFUSED:
      break;
  }
  return "refused";
}

int statusOf(proto::Fate::Reader fate) {
  if (fate.getResult() != Result::REFUSED) return EX_OK;
  switch (fate.getRefusal()) {
    case proto::Refusal::NOT_ALLOWED:
      return EX_NOPERM;
    case proto::Refusal::RATE:
      return EX_TEMPFAIL;
    default:
      return EX_DATAERR;
  }
}

void write(proto::Alert::Builder alert, const SubmitArguments& arguments) {
  if (arguments.group.empty())
    alert.getTo().setRecipient(arguments.recipient);
  else
    alert.getTo().setGroup(arguments.group);
  alert.setText(arguments.text);
  alert.setSeverity(arguments.severity);
  alert.setKey(arguments.key);
  alert.setCancels(arguments.cancels);
  alert.setExpiresIn(arguments.expiresIn);
  alert.setLabel(arguments.label);
}

void print(proto::Fate::Reader fate, Form form) {
  if (form == Form::json) {
    ordered_json messages = ordered_json::array();
    for (unsigned n = 0; n < fate.getMessages().size(); ++n)
      messages.push_back(
          {{"id", fate.getMessages()[n]}, {"recipient", std::string(fate.getRecipients()[n].cStr())}});
    ordered_json out{{"result", wordOf(fate.getResult())}, {"messages", std::move(messages)}};
    if (fate.getWhy().size() > 0) out["why"] = std::string(fate.getWhy().cStr());
    if (fate.getRetryAfter() > 0) out["retry_after"] = fate.getRetryAfter();
    return io::print(dump(out));
  }
  if (fate.getResult() == Result::REFUSED) return;
  if (fate.getMessages().size() == 0) io::print(wordOf(fate.getResult()) + "\n");
  for (unsigned n = 0; n < fate.getMessages().size(); ++n)
    io::print(fmt::format("{} {}\n", fate.getMessages()[n], wordOf(fate.getResult())));
}

}  // namespace

int submit(const SubmitArguments& arguments, Form form) {
  control::Client client(arguments.socket);
  auto request = client.peer().castAs<proto::Intake>().submitRequest();
  write(request.initAlerts(1)[0], arguments);
  try {
    auto response =
        client.wait<capnp::Response<proto::Intake::SubmitResults>>(request.send(), control::queuePatience);
    checkAnswer(response, EX_DATAERR);
    const auto fate = response.getFates()[0];
    print(fate, form);
    const int status = statusOf(fate);
    if (status != EX_OK) throw CommandError(status, std::string("submit: ") + fate.getWhy().cStr());
    return status;
  } catch (const kj::Exception& error) {
    throw CommandError(EX_TEMPFAIL, control::noAnswer(error) +
                                        (arguments.key.empty()
                                             ? "; the alert may be in the queue"
                                             : "; submit it again: its key keeps it from being sent twice"));
  }
}

}  // namespace smsd::smsctl
