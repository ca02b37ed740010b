// Answers: what a gateway's answer, or its silence, says of an SMS.
//
// Owns the table of HTTP statuses and the rule for a transfer that failed. Called by the kinds that speak
// HTTP, when a transfer has ended. Pure: no I/O, no clock. Has an answer for everything; what nobody can know
// is `unknown`, never a guess.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "workers/kit/dispatcher.h"

namespace smsd::net {

using Milliseconds = std::chrono::milliseconds;

/// How far a request went.
enum class Sent {
  nothing,    // not a byte: the gateway cannot have acted on it
  something,  // some or all of it
};

/// What ended a transfer early.
enum class Failure {
  none,
  unreachable,  // no address, refused, no route
  handshake,    // no TLS session, for a reason that may pass
  security,     // a certificate that is not to be trusted, or TLS settings that cannot be used
  timeout,      // the deadline, or the time to connect
  cut,          // the connection ended
  garbage,      // what came is not HTTP
  resend,       // the library wanted to send the request again, and was not let
  proxy,        // the proxy rejects our credentials
  tunnel,       // the proxy makes no connection to the gateway
  other,        // memory and the like
};

/// What is wanted of an answer beside its status. What nobody reads is not kept; the table reads that of a
/// 400.
struct AnswerParts {
  enum class Body { dropped, kept } body = Body::dropped;
  std::string header;  // the name of one header, empty: none
};

/// Bytes of a body that are kept: no gateway needs more to say what it has to say. The rest is not waited
/// for.
constexpr std::size_t mostBody = 64 << 10;
/// Bytes of all headers, and of the one that is kept.
constexpr std::size_t mostHeaders = 64 << 10;
constexpr std::size_t mostHeader = 1024;

/// What is known of a transfer that has ended.
struct Exchange {
  int status = 0;  // of a complete set of headers; 0: there was none
  Failure failure = Failure::none;
  int proxySaid = 0;  // with `tunnel`: the status it gave
  Sent sent = Sent::nothing;
  Milliseconds retryAfter{0};  // 0: the gateway did not say
  std::string detail{};  // the library's words on a connection that was not made; holds no part of a request
  std::string body{};    // as wanted; what came of it within its bound, in whatever charset
  std::string contentType{};  // of the body, where it is kept
  enum class Body { whole, partial } whole = Body::whole;
  std::string header{};  // as wanted
};

/// The longest Retry-After that is believed.
constexpr Milliseconds longestRetryAfter = std::chrono::hours(1);

/// `origin` is what a reason may name of the gateway: scheme://host:port.
kit::Outcome outcomeOf(const Exchange& exchange, std::string_view origin);

}  // namespace smsd::net
