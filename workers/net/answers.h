// SPDX-License-Identifier: GPL-3.0-or-later
// Answers: derives the outcome of an SMS from a gateway's answer, or from its silence.
//
// Owns the table of HTTP statuses and the rule for a failed transfer. Called by the kinds that use HTTP, when
// a transfer has ended. Pure: no I/O, no clock. Covers every case; where the result cannot be known the
// outcome is `unknown`, never a guess.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "workers/kit/dispatcher.h"

namespace smsd::net {

using Milliseconds = std::chrono::milliseconds;

/// How far a request went.
enum class Sent {
  nothing,    // not a byte, so the gateway cannot have acted on it
  something,  // a part or all of it
};

/// The reason why a transfer ended early.
enum class Failure {
  none,
  unreachable,  // no address, connection refused, no route
  handshake,    // no TLS session, for a reason that may pass
  security,     // an untrusted certificate, or unusable TLS settings
  timeout,      // the deadline or the connect time-out passed
  cut,          // the connection ended
  garbage,      // the answer is not HTTP
  resend,       // libcurl began to send the request again, and was stopped
  proxy,        // the proxy rejects our credentials
  tunnel,       // the proxy makes no connection to the gateway
  other,        // for example, no memory
};

/// The parts of an answer to keep beside its status. The body of a 400 is always kept, because the table
/// reads it.
struct AnswerParts {
  enum class Body { dropped, kept } body = Body::dropped;
  std::string header;  // the name of one header; empty: none
};

/// Bytes of a body that are kept: no gateway needs more for its result. The transfer ends there, without
/// waiting for the rest.
constexpr std::size_t mostBody = 64 << 10;
/// Bytes of all headers together, and of the one header that is kept.
constexpr std::size_t mostHeaders = 64 << 10;
constexpr std::size_t mostHeader = 1024;

/// The result of a transfer that has ended.
struct Exchange {
  int status = 0;  // 0: no complete set of headers came
  Failure failure = Failure::none;
  int proxySaid = 0;  // with `tunnel`: the status of the proxy
  Sent sent = Sent::nothing;
  Milliseconds retryAfter{0};  // 0: the gateway sent none
  std::string detail{};        // why a connection failed; holds no part of a request
  std::string body{};          // if wanted, or of a 400; as received, in any charset, up to `mostBody`
  std::string contentType{};   // of the body, if one is kept
  enum class Body { whole, partial } whole = Body::whole;
  std::string header{};  // if wanted
};

/// The upper bound for Retry-After: a longer one is shortened to this.
constexpr Milliseconds longestRetryAfter = std::chrono::hours(1);

/// `origin` names the gateway in a reason: scheme://host:port, without any secret.
kit::Outcome outcomeOf(const Exchange& exchange, std::string_view origin);

}  // namespace smsd::net
