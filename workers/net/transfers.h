// Transfers: many HTTP requests at once, on connections that are kept alive.
//
// Owns a thread with libcurl's multi handle on it, the pool of easy handles and the connections. Called on
// the KJ loop by the kinds that speak HTTP. Never sends a request twice, never follows a redirect, never uses
// a proxy, never trusts a certificate that does not verify. A transfer does not fail: what became of it is an
// Exchange, at the latest when its deadline is over.
#pragma once

#include <kj/async.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "workers/net/answers.h"

namespace smsd::net {

struct Request {
  std::string url;                   // of http or https
  std::vector<std::string> headers;  // "Name: value"
  Milliseconds deadline{0};  // from when it is handed over to the end of the answer; at least a millisecond
};

struct TransferSettings {
  unsigned connections = 1;           // kept alive at most
  Milliseconds connectTimeout{5000};  // name, TCP and TLS
  std::string authorities;            // PEM; empty: the system's
  std::string userAgent;
};

class Transfers {
 public:
  explicit Transfers(TransferSettings settings);
  /// Ends what is under way; its promises are broken.
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  kj::Promise<Exchange> run(Request request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smsd::net
