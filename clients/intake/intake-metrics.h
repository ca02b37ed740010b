// SPDX-License-Identifier: GPL-3.0-or-later
// The metrics of smsd-intake in Prometheus' text format: their names, types and help, and their values. Pure.
//
// Labels have values of small sets only: shapes, statuses, results and the names of tokens.
#pragma once

#include <string>

#include "clients/intake/counts.h"
#include "common/http/bounded-server.h"

namespace smsd::webintake {

struct IntakeFigures {
  const IntakeCounts& requests;
  const http::ServerCounts& connections;
  bool connected = false;  // to smsd
  std::uint64_t repeated = 0;
};

std::string textOf(const IntakeFigures& figures);

/// Returns the list of all metrics: a line of name, type and labels for each, and an indented line of help.
std::string listOfIntakeMetrics();

}  // namespace smsd::webintake
