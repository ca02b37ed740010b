// SPDX-License-Identifier: GPL-3.0-or-later
// Parses values of NAV's configuration: yes and no, a PostgreSQL interval, a gateway's URL.
//
// Called by import-nav. Pure. Never guesses: a value that is not understood becomes no value, or a `todo`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/keys.h"

namespace smsd::smsctl::nav {

/// Recognizes yes, true, on and 1, and no, false, off and 0, in upper or lower case. NAV took only yes and
/// true for yes.
std::optional<bool> yesOrNo(std::string_view word);

/// Parses for example "1 day 12 hours", "90 min", "12:30", "36:00:00" and "3600", which are seconds. A month
/// has 30 days and a year 365.
std::optional<config::Milliseconds> interval(std::string_view words);

struct GatewayUrl {
  std::string url;  // with smsd's placeholders
  std::vector<std::pair<std::string, std::string>>
      secrets;                    // the names of their placeholders in `url`, their values
  std::vector<std::string> todo;  // parts that could not be converted
  std::vector<std::string> notes;
};
/// Converts a URL of HttpGetDispatcher, with %(phone)s, %(sms)s and %% for a %. Moves values of the query to
/// `secrets` if their names look like those of secrets.
GatewayUrl gatewayUrl(std::string_view url);

}  // namespace smsd::smsctl::nav
