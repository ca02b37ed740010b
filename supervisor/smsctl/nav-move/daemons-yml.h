// SPDX-License-Identifier: GPL-3.0-or-later
// Takes NAV's smsd out of the text of daemons.yml, the list of programs that `nav start` starts, and puts it
// back.
//
// Owns the lines around the part that is commented out. Called by the move from NAV. Pure. All other lines
// stay byte for byte as they are. Every result is parsed again: if it does not say what it should, for
// example because the list is written in one line, there is no result, and a person has to edit the file.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace smsd::smsctl::move {

/// Returns the names under which daemons.yml lists NAV's smsd; none if the text is not that of a daemons.yml.
std::optional<std::vector<std::string>> listedSmsd(const std::string& text);

/// Returns the text with the entries of NAV's smsd as comments; none if it cannot be edited safely.
std::optional<std::string> withoutSmsd(const std::string& text);

/// Reverses withoutSmsd(), also if other lines were changed meanwhile; none if there is nothing to put back.
std::optional<std::string> withSmsdAgain(const std::string& text);

}  // namespace smsd::smsctl::move
