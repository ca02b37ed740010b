// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the charset of an answer and converts its bytes to UTF-8.
//
// Owns the charsets that gateways use and the parameters of a Content-Type. Called by the rules and by the
// kind soap, before they match expressions or look for values. Pure, and never fails: bytes that cannot be
// decoded become U+FFFD.
//
// The tables are our own because iconv cannot be used: for each charset but UTF-8 glibc loads a module from a
// file at the first use, and a locked worker cannot open that file. The few charsets here need no table
// larger than 32 entries.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smsd::net {

enum class Charset {
  utf8,
  utf16,  // the byte order mark gives the order, or without a mark the zero bytes of ASCII
  utf16le,
  utf16be,
  windows1252,  // also for ISO-8859-1 and US-ASCII: it only adds letters in place of control characters
  latin9,       // ISO-8859-15
};

/// Returns nothing for an unknown name.
std::optional<Charset> charsetNamed(std::string_view name);

/// Returns the parameter `name` of `contentType` without its quotation marks, or nothing when it is missing.
std::optional<std::string> parameterOf(std::string_view contentType, std::string_view name);

/// Returns `bytes` as UTF-8, without a byte order mark. The charset is named by a byte order mark,
/// `contentType` or an XML declaration, in this order. A name that the bytes contradict is ignored, because
/// the default of a server may name UTF-8 for any script. Without a name the charset is UTF-16 when at least
/// a quarter of the bytes are zero, at even or at odd places, UTF-8 when the bytes are valid or slightly
/// damaged UTF-8, otherwise Windows-1252.
std::string textOf(std::string_view bytes, std::string_view contentType);

}  // namespace smsd::net
