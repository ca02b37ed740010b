// SPDX-License-Identifier: GPL-3.0-or-later
// The mail that carries one SMS: addresses, headers and body as RFC 5322 and MIME require.
//
// Owns the syntax of an address, how a subject is written in a header (RFC 2047) and how a body is encoded
// (RFC 2045). Called by the mail dispatcher. Pure: no I/O, no clock, no KJ. Values are untrusted: none of
// them can add a header to the result. Never fails; the caller has to check addresses with isAddress().
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace smsd::mail {

/// Whether `text` is local@domain of RFC 5321, section 4.1.2, without quotes, comments and address literals,
/// so that MAIL, RCPT and a header can hold it unchanged. ASCII, at most 254 characters.
bool isAddress(std::string_view text);

struct MailParts {
  std::string from;  // `from` and `to` satisfy isAddress()
  std::string to;
  std::string subject;    // UTF-8
  std::string body;       // UTF-8, its lines end with LF or CR LF
  std::string messageId;  // without the angle brackets
  std::chrono::system_clock::time_point date;
};

/// Returns the whole mail with CR LF line ends, including the last one. Dots are not doubled.
std::string compose(const MailParts& parts);

/// Returns a header's text on as many lines as it needs: unchanged if it is short plain ASCII, otherwise in
/// encoded words. Control characters, above all line ends, become blanks, because a header must not hold
/// them.
std::string headerText(std::string_view utf8);

struct EncodedBody {
  std::string_view encoding;  // Content-Transfer-Encoding
  std::string text;           // CR LF line ends
};
/// Uses 7bit if no mail server on the way could change the text, otherwise quoted-printable.
EncodedBody encodeBody(std::string_view utf8);

}  // namespace smsd::mail
