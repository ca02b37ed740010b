// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the figures of proto/metrics.capnp. Called by MetricsDesk. Reads only; no text of a worker gets in.
#pragma once

#include <proto/metrics.capnp.h>

#include <optional>
#include <string_view>

#include "supervisor/control/picture.h"
#include "supervisor/road/road.h"

namespace smsd::control {

/// The figures that the road does not have.
struct Measured {
  const std::optional<QueueLook>& look;  // none: the queue did not answer
  const road::Distribution& loopLag;
  kj::Duration upFor;
};

void writeMetrics(proto::Metrics::Builder metrics, const road::Road& road, const BesideRoad& beside,
                  const Measured& measured);

/// Returns the signal in dBm that a worker reported as its detail "signal", for example "-71 dBm". None: it
/// is no such value, or impossible.
std::optional<int> signalOf(std::string_view detail);

}  // namespace smsd::control
