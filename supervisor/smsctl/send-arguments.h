// `smsctl send PHONE TEXT`, where TEXT may begin with a dash.
//
// Owns which word of the command line is the text: notification scripts pass what a monitoring system wrote,
// "-- PROBLEM" as well. Called by main before the arguments are parsed, which would take such a text for an
// option. Pure.
#pragma once

#include <string>
#include <vector>

namespace smsd::smsctl {

/// The arguments after the program's name. What follows the number of a `send`, and is none of its options,
/// is the text: where it begins with a dash it goes last, after `--`. Everything else comes back as it is.
std::vector<std::string> withDashedText(const std::vector<std::string>& arguments);

}  // namespace smsd::smsctl
