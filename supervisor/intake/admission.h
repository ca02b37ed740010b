// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a caller may submit an alert, and the messages that it becomes: one for each number. Pure.
//
// Owns the checks of proto/intake.capnp that need no queue. An alert of any caller is untrusted.
// Called by the door.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/queue/intake.h"

namespace smsd::intake {

/// As in proto/intake.capnp.
enum class Refusal { none, recipient, group, notAllowed, text, key, severity, rate };

/// One alert as a caller submits it. Its texts may be any bytes.
struct Alert {
  std::string recipient;
  std::optional<std::string> group = std::nullopt;  // set: instead of `recipient`
  std::string text;
  int severity = 0;
  std::string key = {}, cancels = {};
  std::uint32_t expiresIn = 0;  // seconds
  std::string label = {};
};

struct Admission {
  std::vector<queue::NewAlert> targets;  // one for each number; empty: refused
  Refusal refusal = Refusal::none;
  std::string why;  // one printable line, without the text of the alert
};

Admission admit(const Alert& alert, const config::IntakeCaller& caller, const config::Config& config);

}  // namespace smsd::intake
