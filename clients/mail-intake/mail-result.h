// SPDX-License-Identifier: GPL-3.0-or-later
// The result of a mail as Postfix's pipe(8) takes it: an exit status of sysexits.h and words for the bounce.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "clients/shapes/submission.h"

namespace smsd::mailintake {

struct MailResult {
  int status = 0;     // of sysexits.h; EX_TEMPFAIL keeps the mail in Postfix's queue
  std::string words;  // a line for each refused number; empty if all are in the queue
};

/// If one of the alerts should be tried again, so is the mail: the others are duplicates then.
MailResult resultOf(const std::vector<shapes::IncomingAlert>& alerts, const shapes::SubmissionResult& result);

}  // namespace smsd::mailintake
