// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the recipient and the text of an SMS from words of a worker.
//
// A program that an administrator added may put its input into a reason, and a gateway may quote what it was
// sent. A reason is shown to users who may read no message. Called for everything that a worker reports
// (discretion.h). Pure.
//
// Finds a quotation whatever its case, blanks and punctuation are, also with the escapes of JSON, URLs, XML
// and Python:
// - the recipient's number with +, with 00, without, and grouped, and each part of it with at least seven
//   digits; a number of three to six digits only as a whole; any other recipient as a text,
// - the whole text if it has at least four letters and digits, and each part of it with at least twenty.
// It finds no shorter part, and no form that a hostile worker makes up.
#pragma once

#include <string>

namespace smsd::keeper {

struct QuotedSms {
  std::string recipient, text;
};

/// Returns `words` with "(recipient)" and "(text)" in place of what they quote of `sms`.
std::string withoutQuotation(const std::string& words, const QuotedSms& sms);
/// The same for a gateway's reference, which consists of digits that may be those of a part of the number by
/// chance: only a whole number of at least seven digits is removed.
std::string referenceWithoutQuotation(const std::string& reference, const QuotedSms& sms);

}  // namespace smsd::keeper
