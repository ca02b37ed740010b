// SPDX-License-Identifier: GPL-3.0-or-later
// The names of fates, states and encodings as all backends store them.
//
// Owns those names. They are in databases already, so they never change. Called by all backends. Pure.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/format/format.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// The fate of a submission. An operator's decision turns `held` into `released` or `discarded`.
inline std::string_view fateName(Fate fate) {
  switch (fate) {
    case Fate::sent:
      return "sent";
    case Fate::ignored:
      return "ignored";
    case Fate::returned:
      return "returned";
    case Fate::held:
      return "held";
  }
  return "";
}
inline constexpr const char* fateReleased = "released";
inline constexpr const char* fateDiscarded = "discarded";

/// The letter of smsq.sent.
inline std::string letter(SentStatus status) { return std::string(1, static_cast<char>(status)); }

inline const char* encodingName(format::Encoding encoding) {
  return encoding == format::Encoding::ucs2 ? "ucs2" : "gsm7";
}
inline format::Encoding encodingOf(std::string_view name) {
  return name == "ucs2" ? format::Encoding::ucs2 : format::Encoding::gsm7;
}

}  // namespace smsd::queue
