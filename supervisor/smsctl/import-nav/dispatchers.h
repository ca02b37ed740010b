// SPDX-License-Identifier: GPL-3.0-or-later
// Converts the dispatchers of NAV's smsd.conf: entries for smsd.yaml, a file for each, and their secrets.
//
// Called by import-nav. Pure. A dispatcher that cannot be converted is left out and named in `todo`. In NAV a
// section also inherited the keys of other sections; here it has only its own.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "supervisor/smsctl/import-nav/import-nav.h"
#include "supervisor/smsctl/import-nav/ini.h"

namespace smsd::smsctl::nav {

struct Ways {
  std::string entries;  // for the list `dispatchers` of smsd.yaml
  std::vector<NewFile> files;
  std::vector<ImportedWay> imported;
  std::vector<std::string> notes, todo;
  std::vector<config::Problem> problems;
};
/// `socketKinds`: kinds whose workers systemd can start.
Ways importDispatchers(const Ini& smsd, const Section& navConf, const std::set<std::string>& socketKinds);

}  // namespace smsd::smsctl::nav
