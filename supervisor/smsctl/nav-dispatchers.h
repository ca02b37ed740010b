// The dispatchers of NAV's smsd.conf as smsd's: entries for smsd.yaml, a file for each, and their secrets.
//
// Called by import-nav. Pure. A dispatcher that cannot be carried over is said by its name and left out; a
// key that another section would have lent it (wart C70) is not taken.
#pragma once

#include <string>
#include <vector>

#include "supervisor/smsctl/import-nav.h"
#include "supervisor/smsctl/nav-ini.h"

namespace smsd::smsctl::nav {

struct Ways {
  std::string entries;  // of the list `dispatchers`
  std::vector<NewFile> files;
  std::vector<std::string> notes, todo;
  std::vector<config::Problem> problems;
};
Ways importDispatchers(const Ini& smsd, const Section& navConf);

}  // namespace smsd::smsctl::nav
