// SPDX-License-Identifier: GPL-3.0-or-later
// The findings on the page, the worst first, each with its age and the command to type. Pure.
//
// Owns how many of them a screen on the wall shows, and in how many lines. There is place for a number of
// lines there, so it is computed from the length of the texts. A telephone, which scrolls, shows each text
// whole.
#pragma once

#include <cstddef>
#include <vector>

#include "clients/exporter/html.h"
#include "common/status-words/status-finding.h"

namespace smsd::exporter {

/// A page has no more findings. The others are counted.
constexpr std::size_t mostFindings = 12;
/// The lines that one text has on the wall.
constexpr std::size_t mostLines = 8;

/// Returns how many lines the text of each finding gets on the wall, the first ones first. Findings for which
/// there is no place are not in it; the first one always is.
std::vector<std::size_t> linesOnWall(const std::vector<status_words::StatusFinding>& findings);

/// Returns an empty part if there is no finding.
Html findingsOf(const std::vector<status_words::StatusFinding>& findings);

}  // namespace smsd::exporter
