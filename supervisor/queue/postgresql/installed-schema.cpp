// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/queue/postgresql/installed-schema.h"

#include <fmt/format.h>

namespace smsd::queue::postgresql {

std::string unusable(InstalledSchema installed, KnownSchemas program) {
  const std::string found = fmt::format("the schema smsd is of version {}, ", installed.version);
  if (installed.version < program.oldest)
    return fmt::format("{}this program needs {} {} {}: run `smsctl db install`", found, program.oldest,
                       program.newest - program.oldest > 1 ? "to" : "or", program.newest);
  if (installed.version > program.newest && installed.oldestProgram > program.newest)
    return fmt::format("{}and needs programs that know version {}, this one knows {}: install the newer smsd",
                       found, installed.oldestProgram, program.newest);
  return {};
}

std::string leftBehind(const std::vector<LiveSupervisor>& live, InstalledSchema next) {
  std::string names;
  for (const auto& one : live)
    if (one.knows < next.oldestProgram)
      names += fmt::format("{}{} (on {}, pid {})", names.empty() ? "" : ", ", one.name, one.host, one.pid);
  return names;
}

}  // namespace smsd::queue::postgresql
