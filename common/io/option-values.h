// SPDX-License-Identifier: GPL-3.0-or-later
// Checks for the values of options, in addition to those of CLI11, whose texts and numbers are not for users:
// it reads 010 as 8 and 0x1 as 1, and it takes the greatest number in place of a greater one.
//
// Called where a program declares its options. Pass a check to `transform()` of the option. A wrong value
// causes a CLI::ValidationError with the value and the expectation.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace smsd::io {

/// Accepts a whole decimal number from `least` to `most`. Zeros before it do not count: 010 is 10.
CLI::Validator wholeNumber(std::int64_t least, std::int64_t most);

/// Accepts one of `words`.
CLI::Validator oneOf(std::vector<std::string> words);

/// Returns the name of an option of the parsed `app`, or of the command in it, that was given with an empty
/// value; empty: there is none. A script whose variable is not set must not get the same as without the
/// option.
std::string emptyOption(const CLI::App& app);

}  // namespace smsd::io
