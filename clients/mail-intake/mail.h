// SPDX-License-Identifier: GPL-3.0-or-later
// A mail as alerts: the number in the subject, as Argus and NAV write it, and the text of its first text
// part.
//
// Owns the bounds of a mail and the use of libgmime. A mail comes from anyone who may send to the address, so
// each of its parts is untrusted. Deterministic: the same mail gives the same alerts. Pure but for libgmime,
// which reads no file here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/shapes/submission.h"

namespace smsd::mailintake {

constexpr std::size_t maxMail = 256 << 10;       // bytes that are read; further ones are left out
constexpr std::size_t maxHeader = 64 << 10;      // bytes before the first empty line
constexpr std::size_t maxBoundaries = 200;       // lines that may separate parts
constexpr unsigned maxDepth = 8, maxParts = 50;  // of the parts that are looked at

struct MailRead {
  std::vector<shapes::IncomingAlert> alerts = {};
  std::string problem = {};  // in words, for the sender of the mail; then there are no alerts
};

/// Starts libgmime and loads the code for character sets. Call before the process locks itself in, because it
/// can load no code afterwards.
void prepare();

/// `to`: the numbers or groups, from the address; empty: the subject has them (`sms NUMBER`). The key of the
/// alerts is made of the Message-ID and the text, so that a mail that is delivered twice makes one SMS.
MailRead readMail(std::string_view mail, const std::string& to, int severity);

}  // namespace smsd::mailintake
