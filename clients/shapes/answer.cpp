// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/answer.h"

#include <algorithm>

namespace smsd::shapes {
namespace {

unsigned statusOf(WebFate::Refusal refusal) {
  switch (refusal) {
    case WebFate::Refusal::rate:
      return 429;
    case WebFate::Refusal::group:
    case WebFate::Refusal::notAllowed:
      return 403;
    default:
      return 400;
  }
}

const WebFate* firstRefused(const SubmissionResult& result) {
  const auto found = std::find_if(result.fates.begin(), result.fates.end(), [](const WebFate& fate) {
    return fate.result == WebFate::Result::refused;
  });
  return found == result.fates.end() ? nullptr : &*found;
}

}  // namespace

WebAnswer statusFor(const SubmissionResult& result) {
  if (!result.problem.empty()) return {503, plainType, {}, std::max(leastRetryAfter, result.retryAfter)};
  const WebFate* refused = firstRefused(result);
  if (refused == nullptr) return {};
  const unsigned status = statusOf(refused->refusal);
  return {status, plainType, {}, status == 429 ? std::max(leastRetryAfter, refused->retryAfter) : 0};
}

std::string wordsFor(const SubmissionResult& result) {
  if (!result.problem.empty()) return result.problem;
  const WebFate* refused = firstRefused(result);
  return refused == nullptr ? std::string() : refused->why;
}

const char* nameOf(WebFate::Result result) {
  switch (result) {
    case WebFate::Result::queued:
      return "queued";
    case WebFate::Result::cancelled:
      return "cancelled";
    case WebFate::Result::duplicate:
      return "duplicate";
    case WebFate::Result::notSent:
      return "not_sent";
    case WebFate::Result::refused:
      return "refused";
  }
  return "";
}

}  // namespace smsd::shapes
