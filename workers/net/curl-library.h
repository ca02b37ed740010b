// SPDX-License-Identifier: GPL-3.0-or-later
// Shared by all users of libcurl: starts the library once, maps its errors to Failure and to words, and keeps
// signals away from threads.
//
// Called by several files of this folder and by the mail worker. Throws when the library cannot be used at
// all.
#pragma once

#include <curl/curl.h>
#include <signal.h>

#include <string>

#include "workers/net/answers.h"

namespace smsd::net {

void initializeCurl();

Failure failureOf(CURLcode code);

/// Returns what an operator can use beside the words for failureOf(code): the system's error, or what is
/// wrong with a certificate. Empty if there is nothing. `easy` has just ended with `code`. The words are ours
/// and not libcurl's, so they quote nothing of a request.
std::string detailOf(CURLcode code, CURL* easy);

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
