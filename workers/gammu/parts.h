// An SMS as the parts that go over the air.
//
// Owns where a text is cut and what stands in the header that chains its parts (3GPP TS 23.040 9.2.3.24.1).
// Called by the modem. Pure. Knows nothing of libgammu. What is no number or too long is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::gammu {

enum class Alphabet { gsm7, ucs2 };

struct Part {
  std::u16string text;               // surrogate pairs are whole
  std::vector<std::uint8_t> header;  // with its own length in front; empty: it stands alone
};

struct Parts {
  Alphabet alphabet = Alphabet::gsm7;
  std::vector<Part> parts;
};

/// `key` is the same in each attempt of one SMS, and so is the reference that chains its parts: what one
/// attempt left incomplete, the next completes. Nothing: more than 255 parts.
std::optional<Parts> partsOf(std::string_view utf8, std::string_view key);

/// A number without what only a reader needs (blanks, dots, dashes, brackets): a + perhaps, then 1 to 20 of
/// the digits TS 23.040 9.1.2.5 has room for. Nothing: it is none.
std::optional<std::string> dialled(std::string_view recipient);

}  // namespace smsd::gammu
