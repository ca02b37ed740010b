// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and names of groups as people write them in a command or in the subject of a mail. Pure.
//
// A number may have blanks in it, and several numbers may be separated by blanks, as smstools3 has it.
// Refuses words that may be either, because an SMS to a wrong number reaches a stranger.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/shapes/submission.h"

namespace smsd::shapes {

/// The meaning of a number of ten digits or more that begins with neither +, 00 nor 0.
enum class LongNumber {
  asWritten,      // smsd decides by `country`
  international,  // as smstools3 reads it: becomes a number with +
};

struct Destinations {
  std::vector<Target> targets = {};  // each one once
  std::string problem = {};          // in words; not empty if there are no targets
};

constexpr std::size_t maxDestinations = 100;

/// Reads `written`. A word with a letter names a group. s and digits are a short number, as smstools3 writes
/// it.
Destinations destinationsIn(std::string_view written, LongNumber longNumber);

}  // namespace smsd::shapes
