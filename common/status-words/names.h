// SPDX-License-Identifier: GPL-3.0-or-later
// The words for the states in proto/status.capnp, for smsctl and the exporter. A state of a later version is
// `unknown`.
#pragma once

#include <proto/status.capnp.h>

#include <iterator>
#include <string>

namespace smsd::status_words {

inline std::string stateName(proto::DispatcherState state) {
  constexpr const char* names[] = {"starting", "ready", "resting", "broken", "paused"};
  const auto at = static_cast<unsigned>(state);
  return at < std::size(names) ? names[at] : "unknown";
}

inline std::string notificationsName(proto::QueueStatus::Notifications state) {
  constexpr const char* names[] = {"untested", "work", "not installed", "silent"};
  const auto at = static_cast<unsigned>(state);
  return at < std::size(names) ? names[at] : "unknown";
}

}  // namespace smsd::status_words
