// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and names of groups as clients write them into a target. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "clients/shapes/query.h"
#include "clients/shapes/submission.h"

namespace smsd::shapes {

/// The numbers of a parameter. A value that begins with a blank had a + that the client did not encode.
std::vector<Target> numbersIn(const Parameters& parameters, std::string_view name,
                              std::string_view separators);

/// The groups of a parameter, separated by commas.
std::vector<Target> groupsIn(const Parameters& parameters, std::string_view name);

/// The recipients that the target of a request names: `to` is a number, or otherwise a group; `recipient` and
/// `group` are that alone.
std::vector<Target> recipientsIn(const Parameters& query);

}  // namespace smsd::shapes
