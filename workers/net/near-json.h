// JSON as gateways write it: strict JSON where it is, and what is nearly JSON read as it was meant.
//
// Owns what is tolerated: text before and after the document (a notice of PHP), raw control characters and
// quotation marks in strings, half surrogate pairs, NaN, bare words, names without quotation marks, strings
// in apostrophes, commas too many. Called by the rules when strict JSON cannot be read. Pure, and bounded in
// depth and work. What can be read in more than one way is not read: a name that comes twice in one map, once
// a text was repaired, may be the text of an SMS that was sent back.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace smsd::net {

/// `text` is UTF-8. Discarded: it is not JSON, and not nearly.
nlohmann::json readJson(std::string_view text);

}  // namespace smsd::net
