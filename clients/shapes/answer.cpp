// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/answer.h"

#include <algorithm>

namespace smsd::shapes {
namespace {

unsigned statusOf(AlertFate::Refusal refusal) {
  switch (refusal) {
    case AlertFate::Refusal::rate:
      return 429;
    case AlertFate::Refusal::group:
    case AlertFate::Refusal::notAllowed:
      return 403;
    default:
      return 400;
  }
}

const AlertFate* firstRefused(const SubmissionResult& result) {
  const auto found = std::find_if(result.fates.begin(), result.fates.end(), [](const AlertFate& fate) {
    return fate.result == AlertFate::Result::refused;
  });
  return found == result.fates.end() ? nullptr : &*found;
}

}  // namespace

WebAnswer statusFor(const SubmissionResult& result) {
  if (!result.problem.empty()) return {503, plainType, {}, std::max(leastRetryAfter, result.retryAfter)};
  const AlertFate* refused = firstRefused(result);
  if (refused == nullptr) return {};
  const unsigned status = statusOf(refused->refusal);
  return {status, plainType, {}, status == 429 ? std::max(leastRetryAfter, refused->retryAfter) : 0};
}

std::string wordsFor(const SubmissionResult& result) {
  if (!result.problem.empty()) return result.problem;
  const AlertFate* refused = firstRefused(result);
  return refused == nullptr ? std::string() : refused->why;
}

const char* nameOf(AlertFate::Result result) {
  switch (result) {
    case AlertFate::Result::queued:
      return "queued";
    case AlertFate::Result::cancelled:
      return "cancelled";
    case AlertFate::Result::duplicate:
      return "duplicate";
    case AlertFate::Result::notSent:
      return "not_sent";
    case AlertFate::Result::refused:
      return "refused";
  }
  return "";
}

}  // namespace smsd::shapes
