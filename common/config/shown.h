// SPDX-License-Identifier: GPL-3.0-or-later
// Quotes a configuration's text in problems.
//
// Owns whether and how a problem quotes a value or key of the file. Called by keys.cpp and values.cpp only.
// Pure. A problem goes into the log, and the most common slips write a password in place of its key, or both
// as one word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/yaml-tree.h"

namespace smsd::config {

/// Returns "found a list", "found 'soo...'" or, if nothing may be quoted, "found a text".
std::string found(const Node& node);
/// Returns a key for a problem, with a blank before it: " 'cuont'", cut where a value may begin, or " (not
/// shown..." if it may be a secret. `known` are keys that are no secret.
std::string shownKey(std::string_view key, Quoting quoting, const std::vector<std::string>& known);
/// Returns the part of `word` before its first colon, equals sign or @; without these the whole word.
std::string_view headOf(std::string_view word);
/// Returns advice if `word` is `key:value` without a blank, with a comma and a blank at the end; else empty.
std::string blankAdvice(std::string_view word);

}  // namespace smsd::config
