// The mail that carries one SMS: addresses, headers and body as RFC 5322 and MIME want them.
//
// Owns what may stand in an address, how a subject is written in a header (RFC 2047) and how a body is
// encoded (RFC 2045). Called by the mail dispatcher. Pure: no I/O, no clock, no KJ. Values are untrusted:
// whatever they hold, the result has exactly the headers that stand here. Never fails; an address that
// cannot be used is for the caller to find out with isAddress().
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace smsd::mail {

/// local@domain of RFC 5321, section 4.1.2, without quotes, comments and address literals: what may stand in
/// MAIL, RCPT and a header as it is. ASCII, at most 254 characters.
bool isAddress(std::string_view text);

struct Letter {
  std::string from;  // both are addresses
  std::string to;
  std::string subject;    // UTF-8
  std::string body;       // UTF-8, its lines end with LF or CR LF
  std::string messageId;  // what stands between the angle brackets
  std::chrono::system_clock::time_point date;
};

/// The whole mail with CR LF line ends, the last one included; dots are not doubled.
std::string compose(const Letter& letter);

/// A header's text on however many lines it needs: as it is where it is short plain ASCII, else in encoded
/// words. Control characters, line ends above all, become blanks: they have no place in a header.
std::string headerText(std::string_view utf8);

struct Body {
  std::string_view encoding;  // Content-Transfer-Encoding
  std::string text;           // CR LF line ends
};
/// 7bit where no mail server on the way could change it, else quoted-printable.
Body encodeBody(std::string_view utf8);

}  // namespace smsd::mail
