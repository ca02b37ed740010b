// SPDX-License-Identifier: GPL-3.0-or-later
// The work loads of bench-instructions: what runs for every SMS and needs no other process, each with an
// input that stands in the code or in the tree.
//
// Called by instructions.cpp. The same work load gives the same result for each unit, whenever and however
// often it runs, so that what is counted is known to have been done.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace smsd::bench {

struct WorkLoad {
  std::string name;
  std::string unit;   // what is counted for: an SMS, an outcome, a file
  std::size_t units;  // of the smaller of the two sizes that are counted
  /// Does one unit; what came of it as a number, never 0.
  std::function<std::size_t()> once;
};

std::vector<WorkLoad> formattingLoads();
std::vector<WorkLoad> supervisorLoads();
std::vector<WorkLoad> workerLoads();

}  // namespace smsd::bench
