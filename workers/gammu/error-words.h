// The words that modems write in place of an error's number.
//
// Owns the table from words to numbers. A modem that was told AT+CMEE=2, or that ignores AT+CMEE=1, writes
// `+CMS ERROR: Network out of order`. Called by the dialogue. Pure. Does not fail: words that are on no list
// have no number, and then nobody may conclude more than that there was an error.
//
// Sources: 3GPP TS 27.005 3.2.5 with TS 24.011 E.2 and TS 23.040 9.2.3.22 (CMS), TS 27.007 9.2.1 (CME); where
// the manuals of Quectel, SIMCom, Telit, u-blox, Huawei, Sierra Wireless and Siemens write a number of these
// in other words, theirs as well. A maker's own numbers are not here: other makers use them otherwise.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "workers/gammu/outcomes.h"

namespace smsd::gammu {

struct ErrorWords {
  Source source;  // cms or cme
  int number;
  const char* words;
};

const std::vector<ErrorWords>& errorWords();

/// `source` is cms or cme. Case, blanks and punctuation of `words` do not matter.
std::optional<int> numberOfWords(Source source, std::string_view words);

}  // namespace smsd::gammu
