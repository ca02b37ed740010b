// What all who drive libcurl need: the library started once, its errors in our words, and no signals for
// those who do it on threads of their own (mail).
//
// Called by transfers.cpp and the mail worker. Throws where the library cannot be used at all.
#pragma once

#include <curl/curl.h>
#include <signal.h>

#include "workers/net/answers.h"

namespace smsd::net {

void initializeCurl();

Failure failureOf(CURLcode code);

/// Signals are the loop's: its thread alone handles those it asked for, and no library's write here may end
/// the process. Threads that are started while this lives inherit that.
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
