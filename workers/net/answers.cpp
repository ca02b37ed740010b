#include "workers/net/answers.h"

#include <algorithm>

namespace smsd::net {
namespace {

enum class Meaning { accepted, refused, deferred, broken, unknown };

struct Row {
  int first, last;
  Meaning meaning;
  std::string_view words;
};

// The first row that holds a status decides. RFC 9110 unless said otherwise.
constexpr Row table[] = {
    {200, 299, Meaning::accepted, ""},
    // A redirect is not followed: what was configured is not the gateway, and where it points is not for it
    // to say.
    {300, 399, Meaning::broken, "redirects to another URL"},
    {401, 401, Meaning::broken, "rejects the credentials"},
    {402, 402, Meaning::broken, "wants to be paid"},
    {403, 403, Meaning::broken, "forbids the request"},
    // The URL is there, but not for GET, or not in this form: every SMS would meet the same.
    {405, 406, Meaning::broken, "does not take this kind of request"},
    {407, 407, Meaning::broken, "a proxy rejects the credentials"},
    {408, 408, Meaning::deferred, "waited too long for the request"},
    // To a request with an idempotency key: the first one with it is still under way.
    {409, 409, Meaning::unknown, "sees a conflict with another request"},
    {425, 425, Meaning::deferred, "does not want the request so early"},
    {426, 426, Meaning::broken, "wants another protocol"},
    {429, 429, Meaning::deferred, "has had too many requests"},
    // What is left of 4xx is a client's error, and a client treats one it does not know as 400: this SMS will
    // not do.
    {400, 499, Meaning::refused, "refuses the request"},
    {500, 500, Meaning::deferred, "has an error of its own"},
    {501, 501, Meaning::broken, "does not take this kind of request"},
    {503, 503, Meaning::deferred, "is not available"},
    {505, 505, Meaning::broken, "does not speak this version of HTTP"},
    {511, 511, Meaning::broken, "is behind a network that wants a login"},
    // 502 and 504 come from a proxy that had passed the request on; so do most of those that no standard
    // names (520 to 530).
    {500, 599, Meaning::unknown, "does not say what became of the request"},
};

constexpr Row notHttp = {0, 0, Meaning::unknown, "answers with a status that HTTP does not have"};

const Row& rowOf(int status) {
  auto row = std::find_if(std::begin(table), std::end(table),
                          [status](const Row& r) { return status >= r.first && status <= r.last; });
  return row == std::end(table) ? notHttp : *row;
}

kit::Outcome outcomeOfStatus(const Exchange& exchange, std::string_view origin) {
  const Row& row = rowOf(exchange.status);
  std::string reason =
      std::string(origin) + " " + std::string(row.words) + " (" + std::to_string(exchange.status) + ")";
  switch (row.meaning) {
    case Meaning::accepted:
      return kit::Accepted{};
    case Meaning::refused:
      return kit::Refused{reason};
    case Meaning::deferred:
      return kit::Deferred{reason, std::clamp(exchange.retryAfter, Milliseconds(0), longestRetryAfter)};
    case Meaning::broken:
      return kit::Broken{reason};
    case Meaning::unknown:
      break;
  }
  return kit::Unknown{reason};
}

std::string_view wordsOf(Failure failure) {
  switch (failure) {
    case Failure::none:
      return "gave no answer";
    case Failure::unreachable:
      return "cannot be reached";
    case Failure::handshake:
      return "makes no TLS session";
    case Failure::security:
      return "cannot be trusted";
    case Failure::timeout:
      return "took too long";
    case Failure::cut:
      return "ended the connection";
    case Failure::garbage:
      return "does not speak HTTP";
    case Failure::resend:
      return "ended a kept-alive connection";
    case Failure::proxy:
      return "is behind a proxy that rejects the credentials";
    case Failure::other:
      break;
  }
  return "could not be spoken to";
}

// The detail is the library's, but may quote names from a certificate: one line of printable ASCII, and
// short.
std::string tidy(std::string_view detail) {
  std::string line(detail.substr(0, 200));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

}  // namespace

kit::Outcome outcomeOf(const Exchange& exchange, std::string_view origin) {
  // An answer whose headers came whole is an answer, whatever happened to its body.
  if (exchange.status != 0) return outcomeOfStatus(exchange, origin);
  std::string reason = std::string(origin) + " " + std::string(wordsOf(exchange.failure));
  if (exchange.sent == Sent::something) return kit::Unknown{reason + " after the request had gone out"};
  if (!exchange.detail.empty()) reason += ": " + tidy(exchange.detail);
  if (exchange.failure == Failure::security || exchange.failure == Failure::proxy) return kit::Broken{reason};
  return kit::Deferred{.reason = reason, .farEnd = kit::FarEnd::notReached};
}

}  // namespace smsd::net
