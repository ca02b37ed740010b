// SPDX-License-Identifier: GPL-3.0-or-later
// Splits an SMS into the parts that are sent over the air.
//
// Owns where a text is cut, and the header that chains its parts (3GPP TS 23.040 9.2.3.24.1). Called by the
// modem. Pure. Independent of libgammu. Fails by returning nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::gammu {

enum class Alphabet { gsm7, ucs2 };

struct Part {
  std::u16string text;               // surrogate pairs are never split
  std::vector<std::uint8_t> header;  // begins with its own length; empty: the only part
};

struct Parts {
  Alphabet alphabet = Alphabet::gsm7;
  std::vector<Part> parts;
};

/// Returns nothing if `utf8` needs more than 255 parts. The reference that chains the parts depends on `key`
/// alone, which is the same in each attempt of one SMS, so that a later attempt completes an incomplete
/// earlier one.
std::optional<Parts> partsOf(std::string_view utf8, std::string_view key);

/// Returns the number without blanks, dots, dashes and brackets: an optional + and 1 to 20 digits, the room
/// that TS 23.040 9.1.2.5 gives. Returns nothing if `recipient` is not such a number.
std::optional<std::string> dialled(std::string_view recipient);

}  // namespace smsd::gammu
