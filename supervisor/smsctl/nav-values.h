// What a value of NAV's configuration means: yes and no, an interval of PostgreSQL's, a gateway's URL.
//
// Called by import-nav. Pure; nothing is guessed: what is not understood is no value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/keys.h"

namespace smsd::smsctl::nav {

/// yes, true, on, 1; no, false, off, 0; in any case (wart C11: NAV's program knew the first two only).
std::optional<bool> yesOrNo(std::string_view word);

/// "1 day 12 hours", "90 min", "12:30", "36:00:00", "3600"; a month is 30 days, a year 365.
std::optional<config::Milliseconds> interval(std::string_view words);

struct GatewayUrl {
  std::string url;  // with smsd's placeholders
  std::vector<std::pair<std::string, std::string>>
      secrets;                    // the names that stand for them in it; the values
  std::vector<std::string> todo;  // what could not be carried over
  std::vector<std::string> notes;
};
/// Of HttpGetDispatcher: %(phone)s and %(sms)s, %% for a %. Values of the query that look like secrets by
/// their names are taken out of it.
GatewayUrl gatewayUrl(std::string_view url);

}  // namespace smsd::smsctl::nav
