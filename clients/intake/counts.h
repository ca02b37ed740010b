// SPDX-License-Identifier: GPL-3.0-or-later
// The figures of smsd-intake. Counted where it happens, written as metrics by families.cpp.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "clients/shapes/shape.h"
#include "clients/shapes/submission.h"

namespace smsd::webintake {

/// The upper bounds of the classes of the duration of a request, in seconds.
constexpr std::array<double, 10> durationBounds = {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 15};

struct IntakeCounts {
  std::map<std::pair<shapes::RequestShape, unsigned>, std::uint64_t> requests = {};  // by shape and status
  std::array<std::uint64_t, 5> fates{};                                              // by WebFate::Result
  std::map<std::string, std::uint64_t> alerts = {};  // by the name of the token
  std::array<std::uint64_t, durationBounds.size() + 1> durations{};
  double seconds = 0;

  void count(shapes::RequestShape shape, unsigned status, std::chrono::microseconds took) {
    ++requests[{shape, status}];
    const double all = std::chrono::duration<double>(took).count();
    seconds += all;
    std::size_t at = 0;
    while (at < durationBounds.size() && all > durationBounds[at]) ++at;
    ++durations[at];
  }
  void count(const std::string& token, const shapes::SubmissionResult& result) {
    for (const auto& fate : result.fates) ++fates[static_cast<std::size_t>(fate.result)];
    alerts[token] += result.fates.size();
  }
};

}  // namespace smsd::webintake
