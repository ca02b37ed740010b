// SPDX-License-Identifier: GPL-3.0-or-later
// Lines of text with a style for their parts, for a terminal.
//
// A layout makes them without knowing whether colour is shown; output.h writes them.
#pragma once

#include <string>
#include <vector>

namespace smsd::io {

enum class Style { plain, good, warning, bad, strong, faint };

struct Span {
  std::string text;
  Style style = Style::plain;
};

using Line = std::vector<Span>;
using Lines = std::vector<Line>;

}  // namespace smsd::io
