// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl send PHONE TEXT`, where TEXT may begin with a dash.
//
// Finds the argument that is the text, because notification scripts pass any text of a monitoring system,
// also "-- PROBLEM". Called by main before it parses the arguments: the parser would take such a text for an
// option. Pure.
#pragma once

#include <string>
#include <vector>

namespace smsd::smsctl {

/// `arguments` and the result are without the program's name. The text is the first argument after the number
/// of a `send` that is not an option of it. If it begins with a dash, the number, the text and any further
/// words move to the end, after `--`. Otherwise the arguments are returned unchanged.
std::vector<std::string> withDashedText(const std::vector<std::string>& arguments);

}  // namespace smsd::smsctl
