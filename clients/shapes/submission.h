// SPDX-License-Identifier: GPL-3.0-or-later
// An alert on its way in, and smsd's answer to it, as all dialects of HTTP have them in common. Plain data.
//
// The shapes read requests into these and write answers from these; clients/intake hands them to smsd. The
// meaning of each field is that of the same field in proto/intake.capnp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace smsd::shapes {

/// A number or the name of a group.
struct Target {
  enum class Kind { recipient, group };
  Kind kind = Kind::recipient;
  std::string name;
  friend bool operator==(const Target&, const Target&) = default;
};

struct IncomingAlert {
  Target to;
  std::string text;
  int severity = 0;  // 1 is the most severe, 5 the mildest; 0: none
  std::string key = {}, cancels = {};
  std::uint32_t expiresIn = 0;  // seconds; 0: not by itself
};

struct WebFate {
  enum class Result { queued, cancelled, duplicate, notSent, refused };
  enum class Refusal { none, recipient, group, notAllowed, text, key, severity, rate };
  Result result = Result::queued;
  Refusal refusal = Refusal::none;
  std::string why = {};  // for a refused alert
  std::vector<std::int64_t> messages = {};
  std::vector<std::string> recipients = {};
  std::uint32_t retryAfter = 0;  // seconds, for Refusal::rate
};

inline WebFate refused(WebFate::Refusal refusal, const char* why) {
  return {WebFate::Result::refused, refusal, why};
}

/// The answer to all alerts of one request.
struct SubmissionResult {
  std::string problem = {};      // not empty: it is not known that any alert is in the queue
  std::uint32_t retryAfter = 0;  // seconds, with `problem`
  std::vector<WebFate> fates = {};
};

/// A request as read: alerts, or the reason why there are none.
struct RequestRead {
  std::vector<IncomingAlert> alerts = {};
  std::string problem = {};  // in words, for the client
  unsigned status = 400;     // of HTTP, with `problem`
};

inline RequestRead unreadable(std::string problem, unsigned status = 400) {
  return {{}, std::move(problem), status};
}

/// The bounds of one request. The first four are those of proto/intake.capnp.
constexpr std::size_t maxText = 4096;          // code points
constexpr std::size_t maxKeyBytes = 255;       // of a key as smsd gets it
constexpr std::size_t maxTogether = 500;       // alerts without keys, which share one call of submit()
constexpr std::size_t maxCallBytes = 900'000;  // of the alerts of one call
constexpr std::size_t maxAlertsOfRequest = 20'000;
constexpr std::size_t maxOwnKey = 180;  // bytes of a client's own key, before the name of its token is added

}  // namespace smsd::shapes
