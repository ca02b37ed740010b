// Fills a proto::Status from what the road and its keepers know. Reads only.
#pragma once

#include <proto/control.capnp.h>

#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/queue.h"
#include "supervisor/road/road.h"

namespace smsd::control {

/// Why smsd is not healthy, a line each; empty: it is. Not healthy is a queue that cannot be reached, no
/// dispatcher that can be used, notifications that do not arrive, only dispatchers whose last SMS was not
/// answered while something waits, and a message that waits longer than a minute without being held and
/// without its own recipient being the reason.
std::vector<std::string> troublesOf(const Road& road, const std::optional<queue::Depth>& depth);

/// `depth`: none when the queue did not answer in time.
void writeStatus(proto::Status::Builder status, const Road& road, const std::string& backend,
                 kj::Duration upFor, const std::optional<queue::Depth>& depth);

}  // namespace smsd::control
