// SPDX-License-Identifier: GPL-3.0-or-later
// The report of `smsctl doctor`: all checks, the worst first, as text and as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "supervisor/smsctl/doctor/facts.h"
#include "supervisor/smsctl/doctor/finding.h"

namespace smsd::smsctl::doctor {

struct Report {
  std::vector<FoundFault> findings;  // errors first, then in the order of the groups
  std::vector<Unchecked> unchecked;
  struct Fine {
    std::string group, words;
  };
  std::vector<Fine> fine;  // the groups without a finding

  /// How many things this user could not look at.
  std::size_t closed() const;
  /// The exit status: 0 if nothing is wrong, 1 with findings, 2 if there is none so far as this user could
  /// look.
  int status() const;
};

Report examine(const Facts& facts);
std::string textOf(const Report& report);
std::string jsonOf(const Report& report);

/// The names of all faults, for `--list`.
std::string textOfKinds();
std::string jsonOfKinds();

}  // namespace smsd::smsctl::doctor
