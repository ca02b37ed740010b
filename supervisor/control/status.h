// SPDX-License-Identifier: GPL-3.0-or-later
// Fills a proto::Status from the state of the road and its keepers. Reads only. findings.h has the rules.
#pragma once

#include <proto/control.capnp.h>

#include <optional>
#include <string>

#include "supervisor/admin-mail/admin-mail.h"
#include "supervisor/control/picture.h"
#include "supervisor/road/road.h"
#include "supervisor/watchkeeping/heartbeats.h"

namespace smsd::control {

/// `look`: none if the queue did not answer in time.
void writeStatus(proto::Status::Builder status, const road::Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<QueueLook>& look, const BesideRoad& beside);

}  // namespace smsd::control
