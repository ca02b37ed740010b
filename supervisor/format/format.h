// SPDX-License-Identifier: GPL-3.0-or-later
// Formatting: one recipient's messages become one SMS.
//
// Owns NAV's layout (`1: a; 2: b`, ` +N see web.`) and the choice of the messages that fit or are cut. Called
// by the road for its claims and by `smsctl preview`. Pure: no I/O, no clock, no configuration file; the same
// input gives the same SMS. Does not fail: bad UTF-8 is replaced (U+FFFD), a text that is too long is cut.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/format/message.h"

namespace smsd::format {

enum class Overflow {
  summarize,   // messages that do not fit are ignored and counted at the end, as NAV does
  carry_over,  // messages that do not fit stay in the queue for the next SMS
};

/// Replaces characters by their GSM 03.38 look-alikes.
enum class Transliteration {
  off,
  on,         // each of them
  automatic,  // those of an SMS that thereby becomes GSM 7-bit and saves a message or a part
};

struct FormatRules {
  int maxParts = 1;  // concatenated SMS per text, 1 to 8
  Overflow overflow = Overflow::summarize;
  Transliteration transliterate = Transliteration::automatic;
};

enum class Encoding { gsm7, ucs2 };

struct FormattedSms {
  std::string text;  // valid UTF-8; empty only when there were no messages or only empty ones
  Encoding encoding = Encoding::gsm7;
  std::size_t units = 0;  // septets (extension characters count two) or UTF-16 code units
  std::size_t parts = 1;
  std::vector<MessageId> sent;     // the messages in the text
  std::vector<MessageId> ignored;  // counted in the text only
  std::vector<MessageId> carried;  // left for the next SMS; only with Overflow::carry_over
};

/// `messages` come most severe first. The first one with a text is always in the SMS, cut with an ellipsis if
/// it is too long. With Transliteration::automatic the SMS is that of `off`, unless replacing characters puts
/// more messages or more of the cut message into it, or the same into fewer parts. `notice` ends the text,
/// unless that is empty: ASCII, at most 40 characters.
FormattedSms format(const std::vector<Message>& messages, const FormatRules& rules,
                    std::string_view notice = {});

}  // namespace smsd::format
