// SPDX-License-Identifier: GPL-3.0-or-later
// Text of a mail in any of the usual character sets, as UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace smsd::mailintake {

/// Opens a converter for each character set of the list and keeps it. glibc loads its code then.
void openConverters();

/// Returns `bytes` as UTF-8. An unknown or empty `charset` is read as UTF-8, or else as ISO 8859-1. A byte
/// that is not of the character set becomes `?`.
std::string converted(std::string_view bytes, std::string_view charset);

}  // namespace smsd::mailintake
