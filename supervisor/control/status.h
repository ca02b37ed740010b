// SPDX-License-Identifier: GPL-3.0-or-later
// Fills a proto::Status from the state of the road and its keepers. Reads only.
#pragma once

#include <proto/control.capnp.h>

#include <optional>
#include <string>
#include <vector>

#include "supervisor/admin-mail/admin-mail.h"
#include "supervisor/queue/queue.h"
#include "supervisor/road/road.h"

namespace smsd::control {

/// Returns the reasons why smsd is not healthy, a line each; empty: it is healthy. The reasons: the queue
/// cannot be reached or is strained; no dispatcher can be used; notifications do not arrive; messages wait
/// and no dispatcher answered its last SMS; a message waits for more than a minute, is not held, and does not
/// wait because of its own recipient.
std::vector<std::string> troublesOf(const road::Road& road, const std::optional<queue::Depth>& depth);

/// `depth`: none if the queue did not answer in time. `mail`: null if there is none to the administrators.
void writeStatus(proto::Status::Builder status, const road::Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<queue::Depth>& depth,
                 const admin_mail::AdminMail* mail);

}  // namespace smsd::control
