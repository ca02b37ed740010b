// SPDX-License-Identifier: GPL-3.0-or-later
// The table of the dispatchers on the page, and how it writes large numbers. Pure.
#pragma once

#include <proto/status.capnp.h>

#include <cstdint>
#include <string>

#include "clients/exporter/html.h"

namespace smsd::exporter {

/// The rows that a screen on the wall shows without scrolling. If there are more dispatchers, those that are
/// not ready come first among them, and the others are counted.
constexpr std::size_t rowsOnWall = 8;
/// A page has no more rows.
constexpr std::size_t mostRows = 40;

/// Returns an empty part if there is no dispatcher.
Html dispatchersOf(capnp::List<proto::DispatcherStatus>::Reader dispatchers);

/// Writes a count that is larger than `largest` in three or two digits and a unit: 100 k, 1.2 M, 18.4 E.
std::string shortened(std::uint64_t count, std::uint64_t largest = 999'999);

}  // namespace smsd::exporter
