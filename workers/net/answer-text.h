// The text of an answer: which charset its bytes are in, and the same text as UTF-8.
//
// Owns the charsets that gateways answer in and the parameters of a Content-Type. Called by the rules and by
// the kind soap, before anything matches an expression or looks for a value. Pure, and never fails: what
// cannot be decoded becomes U+FFFD.
//
// The tables are our own, not iconv's: glibc loads a module for each charset but UTF-8 from a file when it is
// first used, which a worker that has locked itself in cannot do, and the few charsets here need no table
// larger than 32 entries.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smsd::net {

enum class Charset {
  utf8,
  utf16,  // its byte order mark says the order; without one the zero bytes of ASCII do
  utf16le,
  utf16be,
  windows1252,  // ISO-8859-1 and US-ASCII as well: it has letters where they have control characters
  latin9,       // ISO-8859-15
};

/// None: a name that is not known here.
std::optional<Charset> charsetNamed(std::string_view name);

/// A parameter of a Content-Type, without its quotation marks; none: it is not there.
std::optional<std::string> parameterOf(std::string_view contentType, std::string_view name);

/// `bytes` as UTF-8, without a byte order mark. The charset is the one that a byte order mark or
/// `contentType` or an XML declaration names, in this order, as far as the bytes allow it (a server's default
/// says UTF-8 of any script). Without such a name, or where the bytes contradict it: UTF-8 when they are
/// valid, UTF-16 when every second byte is zero, else Windows-1252.
std::string textOf(std::string_view bytes, std::string_view contentType);

}  // namespace smsd::net
