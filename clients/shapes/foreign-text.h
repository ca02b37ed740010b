// SPDX-License-Identifier: GPL-3.0-or-later
// A text whose encoding is not known, as a command gets it from a script. Pure.
#pragma once

#include <string>
#include <string_view>

namespace smsd::shapes {

/// Returns `bytes` as a text that smsd accepts: UTF-8 of at most maxText characters, with \n for each line
/// end, without NUL and without blanks at its end. Takes bytes that are no UTF-8 for ISO 8859-1, so that an
/// alert of a script with another encoding is readable. Leaves out the beginning of a character at the end,
/// because scripts cut texts by bytes.
std::string foreignText(std::string_view bytes);

}  // namespace smsd::shapes
