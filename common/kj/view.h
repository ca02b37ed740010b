// SPDX-License-Identifier: GPL-3.0-or-later
// A string as an argument of Cap'n Proto. The view is valid as long as the string.
#pragma once

#include <kj/string.h>

#include <string>

namespace smsd {

inline kj::StringPtr view(const std::string& text) { return kj::StringPtr(text.c_str(), text.size()); }

}  // namespace smsd
