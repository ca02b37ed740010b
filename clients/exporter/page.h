// SPDX-License-Identifier: GPL-3.0-or-later
// The page of the state for a screen on the wall: one HTML document without a script and without anything
// that a browser would have to fetch.
//
// Owns the content of the page, its order (the worst first), the amount of it that fits on a screen, and the
// policy with which a browser reads it. Uses the words of `smsctl status`. A browser fetches the page again
// every few seconds by itself. If that fails, the page marks itself as old. Called by the exporter's server
// for each request. Pure: the status and the time are arguments. Never fails; the length of a page is bounded
// whatever the status holds.
#pragma once

#include <proto/status.capnp.h>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string>

namespace smsd::exporter {

/// A browser fetches the page again after this time.
constexpr std::chrono::seconds refreshEvery{5};
/// A page that has not been replaced after this time shows that it is old.
constexpr std::chrono::seconds oldAfter{20};
/// No page is longer, in bytes.
constexpr std::size_t longestPage = 160 * 1024;

/// The value of the header Content-Security-Policy for each page. It allows the style sheet of the page, by
/// its hash, and nothing else: no script, no request, no frame. (`sandbox` is left out because it would
/// forbid the refresh, too.)
extern const char* const contentSecurityPolicy;

/// Why there is no status to show.
struct NoAnswer {
  std::string cause;                               // in words, for an operator
  std::optional<std::chrono::seconds> since = {};  // for how long smsd has not answered; none: not known
};

/// `answered`: when smsd answered, in the time zone of the host, as localtime_r() returns it.
std::string pageOf(proto::Status::Reader status, const std::tm& answered);
/// The page if smsd does not answer. `now`: as above.
std::string pageOf(const NoAnswer& silence, const std::tm& now);

}  // namespace smsd::exporter
