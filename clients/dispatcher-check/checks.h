// SPDX-License-Identifier: GPL-3.0-or-later
// The table of checks: each rule of proto/dispatcher.capnp that can be seen from outside, and how to see it.
//
// Pure data beside the functions in checks-*.cpp. Read by the run and by the reports. To add a check, add its
// row here, its function, its entry in man/smsd-dispatcher-check.1, and a worker that breaks the rule in
// tests/peers/wrong-worker.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "clients/dispatcher-check/bench.h"

namespace smsd::check {

/// In which of the activations of a run a check is made: in the first one, in each, or in socket mode only;
/// or it is seen in the connections of all other checks.
enum class In { first, each, socket, all };

struct Check {
  std::string_view name;
  std::string_view required;  // the rule, one sentence
  std::string_view place;     // where the rule is written
  std::string_view change;    // what to change in a program that breaks it
  In in;
  unsigned sms;  // SMS that it may send in each activation; 0 with `batch`: RunSettings::batch
  enum class Size { fixed, batch } size;
  void (*run)(Bench& bench);
};

const std::vector<Check>& checks();

/// Returns none if there is no such check.
const Check* findCheck(std::string_view name);

// checks-start.cpp
void checkReady(Bench& bench);
void checkDescription(Bench& bench);
void checkHealth(Bench& bench);
void checkLastWords(Bench& bench);
void checkSecondConnection(Bench& bench);

// checks-sms.cpp
void checkOneOutcome(Bench& bench);
void checkBegunFirst(Bench& bench);
void checkDeadline(Bench& bench);
void checkWithheld(Bench& bench);
void checkWindow(Bench& bench);
void checkLimits(Bench& bench);
void checkRecall(Bench& bench);

// checks-end.cpp
void checkDrain(Bench& bench);
void checkQuit(Bench& bench);
void checkVanished(Bench& bench);

// checks-input.cpp
void checkBadInput(Bench& bench);
void checkNextVersion(Bench& bench);

}  // namespace smsd::check
