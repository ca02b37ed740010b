// SPDX-License-Identifier: GPL-3.0-or-later
// Submits the alerts of one run of a command over intake.sock, in one call.
//
// Owns the connection and its repetition: while smsd restarts, or its queue is away, the call is repeated
// until `patience` is over. Each alert needs a key, so that a repetition makes no second SMS. Called by
// sendsms and smsd-mail-intake, which exit afterwards. Never fails with an exception: a problem is a result,
// in words for a user. Trusts smsd, as smsctl does.
#pragma once

#include <kj/async-io.h>

#include <filesystem>
#include <string>
#include <vector>

#include "clients/shapes/submission.h"

namespace smsd::submission {

struct OneCall {
  std::filesystem::path socket;
  std::vector<shapes::IncomingAlert> alerts;  // each with a key, at most shapes::maxTogether
  std::string label;
  kj::Duration patience;
};

/// Waits for the answer.
shapes::SubmissionResult submitOnce(kj::AsyncIoContext& io, const OneCall& call);

}  // namespace smsd::submission
