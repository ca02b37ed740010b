// SPDX-License-Identifier: GPL-3.0-or-later
// Shared by all users of libcurl: starts the library once, maps its errors to Failure, and keeps signals away
// from threads.
//
// Called by several files of this folder and by the mail worker. Throws when the library cannot be used at
// all.
#pragma once

#include <curl/curl.h>
#include <signal.h>

#include "workers/net/answers.h"

namespace smsd::net {

void initializeCurl();

Failure failureOf(CURLcode code);

/// Blocks all signals but those of a fault on this thread while this object lives; threads started meanwhile
/// inherit that. The thread of the KJ loop alone handles signals, and a library's write (SIGPIPE) must not
/// end the process.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace smsd::net
