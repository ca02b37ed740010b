// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/mail-intake/mail-result.h"

#include <fmt/format.h>
#include <sysexits.h>

namespace smsd::mailintake {
namespace {

using Refusal = shapes::WebFate::Refusal;

int statusOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::rate:
      return EX_TEMPFAIL;
    case Refusal::notAllowed:
      return EX_NOPERM;
    case Refusal::group:
      return EX_NOUSER;
    case Refusal::none:
    case Refusal::recipient:
    case Refusal::text:
    case Refusal::key:
    case Refusal::severity:
      break;
  }
  return EX_DATAERR;
}

const char* remedyOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::rate:
      return "; the mail is tried again";
    case Refusal::notAllowed:
      return "; the administrator of smsd can allow it (intake.callers in smsd.yaml)";
    case Refusal::group:
      return "; the administrator of smsd can add it to groups.yaml";
    case Refusal::recipient:
      return "; write it as +4799887766";
    default:
      return "";
  }
}

}  // namespace

MailResult resultOf(const std::vector<shapes::IncomingAlert>& alerts,
                    const shapes::SubmissionResult& result) {
  if (!result.problem.empty()) return {EX_TEMPFAIL, result.problem + "; the mail is tried again\n"};
  MailResult all;
  for (std::size_t at = 0; at < result.fates.size(); ++at) {
    const auto& fate = result.fates[at];
    if (fate.result != shapes::WebFate::Result::refused) continue;
    const int status = statusOf(fate.refusal);
    if (all.status == EX_OK || status == EX_TEMPFAIL) all.status = status;
    all.words += fmt::format("no SMS to {}: {}{}\n", alerts[at].to.name, fate.why, remedyOf(fate.refusal));
  }
  return all;
}

}  // namespace smsd::mailintake
