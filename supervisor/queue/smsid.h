// SPDX-License-Identifier: GPL-3.0-or-later
// The value of smsq.smsid for a gateway's reference.
//
// Called by the settlements of all backends. Pure.
#pragma once

#include <charconv>
#include <string_view>

namespace smsd::queue {

/// Returns the reference if it is an integer that fits, otherwise 0: the submission alone keeps the reference
/// then. NAV's smsd crashes at any other reference, and then sends the SMS again.
inline int smsidOf(std::string_view reference) {
  int number = 0;
  auto [end, error] = std::from_chars(reference.data(), reference.data() + reference.size(), number);
  return error == std::errc() && end == reference.data() + reference.size() ? number : 0;
}

}  // namespace smsd::queue
