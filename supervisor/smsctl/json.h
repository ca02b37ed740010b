// SPDX-License-Identifier: GPL-3.0-or-later
// JSON output that several commands share. Pure. Never fails: bytes that are not UTF-8 are replaced.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/text/utf.h"
#include "supervisor/queue/queue.h"

namespace smsd::smsctl {

inline std::string dump(const nlohmann::ordered_json& value) {
  return text::escapedJson(value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) +
         "\n";
}

inline nlohmann::ordered_json orNull(const std::optional<int>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
}

inline nlohmann::ordered_json orNull(const std::optional<queue::Duration>& duration) {
  return duration ? nlohmann::ordered_json(duration->count()) : nlohmann::ordered_json(nullptr);
}

inline nlohmann::ordered_json asJson(const queue::StoredMessage& message) {
  return {{"id", message.id},
          {"recipient", message.recipient},
          {"user", message.user},
          {"severity", orNull(message.severity)},
          {"time", message.time},
          {"status", std::string(1, static_cast<char>(message.status))},
          {"under_way", message.underWay},
          {"held", message.held},
          {"text", message.text}};
}

}  // namespace smsd::smsctl
