// Fills a proto::Status from what the road and its keepers know. Reads only.
#pragma once

#include <proto/control.capnp.h>

#include <optional>

#include "supervisor/queue/queue.h"
#include "supervisor/road/road.h"

namespace smsd::control {

/// `depth`: none when the queue did not answer in time.
void writeStatus(proto::Status::Builder status, const Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<queue::Depth>& depth);

}  // namespace smsd::control
