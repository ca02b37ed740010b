// SPDX-License-Identifier: GPL-3.0-or-later
// Prints the progress and the result of a run, for people and as JSON.
//
// Owns all words of the output but those of the faults. Called by the run. Pure: returns texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/dispatcher-check/arguments.h"
#include "clients/dispatcher-check/checks.h"

namespace smsd::check {

enum class Judgement { passed, failed, undecided, notApplicable };

/// The result of one check; `words`: why it is undecided or not applicable.
struct CheckVerdict {
  const Check* check;
  Judgement result = Judgement::passed;
  std::string words;
};

struct Summary {
  const RunSettings& settings;
  const Findings& findings;
  std::vector<CheckVerdict> verdicts;
  std::size_t sms = 0;
  OutcomeCounts outcomes{};
  bool conforms() const;
};

std::string_view nameOf(Judgement result);
std::string listOfChecks();
std::string listOfChecksJson();
/// The first line, before anything is started. `most`: SMS that the run may send.
std::string announcement(const RunSettings& settings, std::size_t steps, unsigned most);
/// One line of progress.
std::string progressLine(std::size_t number, std::size_t count, const CheckVerdict& verdict,
                         Activation activation);
std::string text(const Summary& summary);
std::string json(const Summary& summary);

}  // namespace smsd::check
