// SPDX-License-Identifier: GPL-3.0-or-later
// The words that modems write instead of an error's number.
//
// Owns the table from words to numbers. A modem that is set to AT+CMEE=2, or that ignores AT+CMEE=1, writes
// `+CMS ERROR: Network out of order`. Called by the dialogue. Pure. Never fails: words that are not in the
// table have no number, and then it is only known that there was an error.
//
// Sources: 3GPP TS 27.005 3.2.5 with TS 24.011 E.2 and TS 23.040 9.2.3.22 (CMS), TS 27.007 9.2.1 (CME), and
// the manuals of Quectel, SIMCom, Telit, u-blox, Huawei, Sierra Wireless and Siemens where they word one of
// these numbers differently. A maker's own numbers are not in the table, because other makers use them
// differently.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "workers/gammu/outcomes.h"

namespace smsd::gammu {

struct ErrorWords {
  ErrorSource source;  // cms or cme
  int number;
  const char* words;
};

const std::vector<ErrorWords>& errorWords();

/// Returns the number that `words` stand for, if any. `source` is cms or cme. Case, blanks and punctuation of
/// `words` do not matter.
std::optional<int> numberOfWords(ErrorSource source, std::string_view words);

}  // namespace smsd::gammu
