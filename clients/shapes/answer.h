// SPDX-License-Identifier: GPL-3.0-or-later
// The answer to a request: its status, which is the same rule in all dialects, and its body.
//
// 2xx: every alert is in the queue, or is a duplicate, cancelled or not to be sent. 4xx: smsd refused at
// least one, and a repetition would be refused as well. 429: too many at this time. 503: try again, smsd or
// its queue is away. Pure.
#pragma once

#include <string>

#include "clients/shapes/submission.h"

namespace smsd::shapes {

constexpr const char* plainType = "text/plain; charset=utf-8";
constexpr const char* jsonType = "application/json";

struct WebAnswer {
  unsigned status = 200;
  std::string type = plainType;
  std::string body = {};
  std::uint32_t retryAfter = 0;  // seconds for Retry-After; 0: none
};

/// How many seconds a client waits at least before it tries again.
constexpr std::uint32_t leastRetryAfter = 1;

/// The status and Retry-After for this result.
WebAnswer statusFor(const SubmissionResult& result);

/// The reason why the request was not fulfilled; empty for a 2xx.
std::string wordsFor(const SubmissionResult& result);

/// Returns "queued", "duplicate" and so on.
const char* nameOf(WebFate::Result result);

}  // namespace smsd::shapes
