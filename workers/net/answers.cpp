// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/answers.h"

#include <algorithm>
#include <utility>

#include "common/outcome/outcome-kind.h"
#include "workers/kit/outcome-of.h"

namespace smsd::net {
namespace {

using outcome::OutcomeKind;

struct StatusRow {
  int first, last;
  OutcomeKind kind;
  std::string_view words;
};

// The first row that holds a status decides. From RFC 9110 unless a comment gives another reason.
constexpr StatusRow table[] = {
    {200, 299, OutcomeKind::accepted, ""},
    // This redirect was not followed: the configured URL is not the gateway's, and only the operator may
    // choose another.
    {300, 399, OutcomeKind::broken, "redirects to another URL"},
    {401, 401, OutcomeKind::broken, "rejects the credentials"},
    {402, 402, OutcomeKind::broken, "requires a payment"},
    {403, 403, OutcomeKind::broken, "forbids the request"},
    // No application has seen the SMS: the path is wrong, or the application is not deployed.
    {404, 404, OutcomeKind::broken, "has nothing at this URL"},
    // The URL exists, but not for this method or form, so every SMS would get the same answer.
    {405, 406, OutcomeKind::broken, "does not accept this kind of request"},
    {407, 407, OutcomeKind::broken, "is behind a proxy that rejects the credentials"},
    {408, 408, OutcomeKind::deferred, "waited too long for the request"},
    // With an idempotency key this means that the first request with that key is still under way.
    {409, 409, OutcomeKind::unknown, "reports a conflict with another request"},
    {410, 410, OutcomeKind::broken, "no longer has anything at this URL"},
    {411, 412, OutcomeKind::broken, "does not accept this kind of request"},
    {415, 415, OutcomeKind::broken, "does not accept this kind of body"},
    {417, 417, OutcomeKind::broken, "does not accept this kind of request"},
    {425, 425, OutcomeKind::deferred, "rejects the request as too early"},
    {426, 426, OutcomeKind::broken, "requires another protocol"},
    {428, 428, OutcomeKind::broken, "does not accept this kind of request"},
    {429, 429, OutcomeKind::deferred, "got too many requests"},
    {431, 431, OutcomeKind::broken, "rejects the headers as too long"},
    // The gateway rejects this SMS: its number, its text or their length.
    {400, 400, OutcomeKind::refused, "refuses the request"},
    {413, 414, OutcomeKind::refused, "rejects the request as too long"},
    {422, 422, OutcomeKind::refused, "refuses the request"},
    // RFC 9110 treats an unknown 4xx as 400. Deferred instead, so that the SMS is tried again: an SMS that
    // every dispatcher refuses is given up for good, but the cause may be an error in a configuration or a
    // proxy.
    {400, 499, OutcomeKind::deferred, "reports an error that may have nothing to do with this SMS"},
    {500, 500, OutcomeKind::deferred, "reports an internal error"},
    {501, 501, OutcomeKind::broken, "does not accept this kind of request"},
    {503, 503, OutcomeKind::deferred, "is not available"},
    {505, 505, OutcomeKind::broken, "does not support this version of HTTP"},
    {511, 511, OutcomeKind::broken, "is behind a network that requires a login"},
    // 502 and 504 come from a proxy that had forwarded the request. So do most statuses outside the standards
    // (520 to 530).
    {500, 599, OutcomeKind::unknown, "does not report the result of the request"},
};

constexpr StatusRow notHttp = {0, 0, OutcomeKind::unknown, "answers with a status that HTTP does not define"};

const StatusRow& rowOf(int status) {
  auto row = std::find_if(std::begin(table), std::end(table),
                          [status](const StatusRow& r) { return status >= r.first && status <= r.last; });
  return row == std::end(table) ? notHttp : *row;
}

// Recognises a 400 of the web server itself, which every SMS would get. Compares whole phrases with the
// markup around them, so that the text of an SMS in the answer cannot match.
std::string_view troubleOfServer(const Exchange& exchange) {
  constexpr std::pair<std::string_view, std::string_view> pages[] = {
      // nginx (internally 497, 496, 495 and 494)
      {"<title>400 The plain HTTP request was sent to HTTPS port</title>", "requires https"},
      {"<title>400 No required SSL certificate was sent</title>", "requires a client certificate"},
      {"<title>400 The SSL certificate error</title>", "rejects the client certificate"},
      {"<title>400 Request Header Or Cookie Too Large</title>", "rejects the headers as too long"},
      // Apache, and Go's net/http
      {"<br />\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />", "requires https"},
      {"Client sent an HTTP request to an HTTPS server.\n", "requires https"}};
  if (exchange.status != 400) return {};
  for (auto& [page, words] : pages)
    if (exchange.body.find(page) != std::string::npos) return words;
  return {};
}

kit::Outcome outcomeOfStatus(const Exchange& exchange, std::string_view origin) {
  if (auto words = troubleOfServer(exchange); !words.empty())
    return kit::Broken{std::string(origin) + " " + std::string(words) + " (400)"};
  const StatusRow& row = rowOf(exchange.status);
  std::string reason;
  if (row.kind != OutcomeKind::accepted)  // its reference is read elsewhere
    reason =
        std::string(origin) + " " + std::string(row.words) + " (" + std::to_string(exchange.status) + ")";
  return kit::outcomeOf(row.kind, reason,
                        std::clamp(exchange.retryAfter, Milliseconds(0), longestRetryAfter));
}

std::string_view wordsOf(Failure failure) {
  switch (failure) {
    case Failure::none:
      return "gave no answer";
    case Failure::unreachable:
      return "cannot be reached";
    case Failure::handshake:
      return "does not establish a TLS session";
    case Failure::security:
      return "cannot be trusted";
    case Failure::timeout:
      return "took too long";
    case Failure::cut:
      return "ended the connection";
    case Failure::garbage:
      return "does not answer in HTTP";
    case Failure::resend:
      return "ended a kept-alive connection (see `keep_alive`)";
    case Failure::proxy:
      return "is behind a proxy that rejects the credentials";
    case Failure::tunnel:
      return "cannot be reached";
    case Failure::other:
      break;
  }
  return "cannot be used";
}

// Reduces a detail to one short line of printable ASCII, because it may name a host.
std::string tidy(std::string_view detail) {
  std::string line(detail.substr(0, 200));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

}  // namespace

kit::Outcome outcomeOf(const Exchange& exchange, std::string_view origin) {
  // Complete headers are an answer, whatever happened to the body.
  if (exchange.status != 0) return outcomeOfStatus(exchange, origin);
  std::string reason = std::string(origin) + " " + std::string(wordsOf(exchange.failure));
  if (exchange.sent == Sent::something) return kit::Unknown{reason + " after the request was sent"};
  if (exchange.failure == Failure::tunnel)
    reason += ": the proxy answers CONNECT with " + std::to_string(exchange.proxySaid);
  else if (!exchange.detail.empty())
    reason += ": " + tidy(exchange.detail);
  if (exchange.failure == Failure::security || exchange.failure == Failure::proxy) return kit::Broken{reason};
  return kit::Deferred{.reason = reason, .reached = kit::Reached::no};
}

}  // namespace smsd::net
