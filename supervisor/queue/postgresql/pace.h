// SPDX-License-Identifier: GPL-3.0-or-later
// The records of storm control in PostgreSQL. Called by the claim and the settlement. Fails as described in
// queue.h.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "supervisor/queue/postgresql/connection.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue::postgresql {

using PaceRecords = std::unordered_map<std::string, std::optional<pace::Record>>;

/// Adds the records of `recipients` to `known`; none: nothing is recorded.
void readPaces(Transaction& tx, const std::vector<std::string>& recipients, PaceRecords& known);
/// Records the SMS of those settlements that are among `ended`, and count.
void recordPaces(Transaction& tx, const std::vector<Settlement>& settlements,
                 const std::unordered_set<SubmissionId>& ended);

}  // namespace smsd::queue::postgresql
