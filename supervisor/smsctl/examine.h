// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl doctor`: looks at the host and prints what is wrong.
//
// Owns the order in which the sources are looked at, and the user as whom. Called by smsctl's main. Changes
// nothing, and connects to no worker. Throws CommandError if nothing can be examined.
#pragma once

#include <string>

#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {

struct DoctorArguments {
  std::string config;                  // path of smsd.yaml
  std::string navFolder = "/etc/nav";  // the folder of NAV's nav.conf and daemons.yml
  enum class Act { examine, list } act = Act::examine;
};

/// 0 if nothing is wrong, 1 if doctor has findings; 77 if this user may not read the configuration.
int examineHost(const DoctorArguments& arguments, Form form);

}  // namespace smsd::smsctl
