// What of a configuration's text may stand in a problem.
//
// Owns how a value and a key of the file are quoted, or are not. Called by keys.cpp and values.cpp only.
// Pure. A problem goes into the log, and the commonest slips put a password where its key was meant to be, or
// make one word of both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/yaml-tree.h"

namespace smsd::config {

/// "found a list", "found 'soo...'", and where nothing may be quoted "found a text".
std::string found(const Node& node);
/// A key for a problem, with the blank before it: " 'cuont'", cut where a value may begin, or " (not
/// shown...". `known`: keys that are no secret.
std::string shownKey(std::string_view key, Quoting quoting, const std::vector<std::string>& known);
/// The part of a word before the colon or equals sign after which a blank was forgotten; else the word.
std::string_view headOf(std::string_view word);
/// What is wrong with `word:word`, with a comma and a blank at its end; empty when it is something else.
std::string blankAdvice(std::string_view word);

}  // namespace smsd::config
