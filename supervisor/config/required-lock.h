// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of a worker's lock that an entry of smsd.yaml requires (`require_lock`), compared with those that
// the worker reports.
//
// Owns the form of a part: a name, and for Landlock the least version of its ABI (`landlock:6`). Called by
// the declaration of keys, by the keeper, which gives no SMS to a worker that reports less, and by `smsctl
// doctor`. Pure. A guard against an old kernel, not against an evil worker: the report is the worker's word.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::config {

/// Returns why these parts cannot be required of a worker of this kind. A kind that is not built in may
/// report parts of its own.
std::optional<std::string> problemOfRequiredLock(std::string_view kind,
                                                 const std::vector<std::string>& required);

/// Returns those of `required` that `reported` does not have, or has in a lower version.
std::vector<std::string> missingParts(const std::vector<std::string>& required,
                                      const std::vector<std::string>& reported);

/// Describes the missing parts, and what to do about them, for an operator. Empty if none is missing.
std::string lacksOfLock(const std::vector<std::string>& required, const std::vector<std::string>& reported);

}  // namespace smsd::config
