// SPDX-License-Identifier: GPL-3.0-or-later
// The metrics: their names, types and help, and their values from smsd's figures. Pure.
//
// Called by the HTTP service and for the text file. The list of the metrics is written once, here; the manual
// is compared with it. Labels have values of small sets only: names of dispatchers and kinds, severities 1 to
// 9, and the words of proto/metrics.capnp. No number of a telephone and no text of a worker comes this far.
#pragma once

#include <proto/metrics.capnp.h>

#include <string>

namespace smsd::exporter {

/// Returns the metrics in Prometheus' text format. `figures` none: smsd does not answer, so that only smsd_up
/// is known.
std::string textOf(kj::Maybe<proto::Metrics::Reader> figures);

/// Returns the list of all metrics: a line of name, type and labels for each, and an indented line of help.
std::string listOfMetrics();

/// The Content-Type of textOf().
inline constexpr const char* textType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace smsd::exporter
