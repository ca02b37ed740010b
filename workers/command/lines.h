// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of JSON between the worker and a program: the words of smsd-command(7). Pure.
//
// Owns the form of each line, in both directions, and the environment of a program that sends one SMS. Called
// by the two modes. Fields that this version does not know are ignored. A line that does not fit becomes a
// reason, which never quotes the line, because a program may return a text or a number in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "workers/kit/dispatcher.h"

namespace smsd::command {

/// Bytes in one line from a program: far more than an outcome with the longest reason.
constexpr std::size_t mostLine = 16384;
/// Nested values in one line, which are ignored.
constexpr int mostDepth = 16;

/// The first line of a program that serves.
struct Greeting {
  unsigned window = 1;  // 1 to mostWindow
  bool knowsKeys = false;
};
constexpr unsigned mostWindow = 65536;

/// The outcome of one SMS.
struct OutcomeLine {
  std::string id;
  kit::Outcome outcome;
};

/// The answer to a health query.
struct HealthLine {
  std::string broken;  // empty when ready
};

/// Why a line does not fit.
struct Misfit {
  std::string reason;
};

std::variant<Greeting, Misfit> readGreeting(std::string_view line);
std::variant<OutcomeLine, HealthLine, Misfit> readLine(std::string_view line);

// These return a line with its end.
std::string smsLine(const kit::Job& job);
std::string healthLine();

/// Returns the variables SMSD_* for a program that sends one SMS, each as NAME=VALUE.
std::vector<std::string> environmentOf(const kit::Job& job);

}  // namespace smsd::command
