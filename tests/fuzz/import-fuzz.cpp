// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as NAV's smsd.conf, nav.conf and db.conf, separated by 0x1E: `smsctl config import-nav`
// (libFuzzer).
//
// An import ends in problems and no file, or in files. What it writes is text on lines of its own, and the
// supervisor reads the smsd.yaml that it wrote: an import that needs no hand afterwards has no problem there.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/text/utf.h"
#include "supervisor/config/config.h"
#include "supervisor/smsctl/import-nav/import-nav.h"
#include "tests/fuzz/demand.h"

namespace {

using smsd::fuzz::demand;

std::string readBack(const std::string& yaml) {
  static const std::filesystem::path folder = [] {
    std::string name = "/dev/shm/smsd-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) demand("a folder can be made", false);
    return std::filesystem::path(name);
  }();
  const auto file = folder / "smsd.yaml";
  std::ofstream(file, std::ios::binary | std::ios::trunc) << yaml;
  std::filesystem::permissions(file,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return smsd::config::describe(smsd::config::readConfig(file, smsd::config::Reach::valuesOnly).problems);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = smsd::fuzz::split({reinterpret_cast<const char*>(data), size});
  smsd::smsctl::NavFiles files{std::string(parts[0]), std::nullopt, std::nullopt};
  if (parts.size() > 1) files.nav = std::string(parts[1]);
  if (parts.size() > 2) files.db = std::string(parts[2]);
  const smsd::smsctl::NavImport import = smsd::smsctl::importNav(files, "/etc/smsd");
  demand("a problem leaves no file", import.problems.empty() || import.files.empty());
  for (const auto& file : import.files) {
    demand("a file lies in the output folder",
           file.path.is_relative() && file.path.lexically_normal().string().find("..") == std::string::npos);
    if (file.path.extension() != ".yaml") continue;  // a secret is copied byte by byte
    if (smsd::text::printableLines(file.content) != file.content)
      demand(file.path.string() + " is text: " + file.content);
  }
  if (import.problems.empty() && import.todo.empty())
    for (const auto& file : import.files)
      if (file.path == "smsd.yaml") demand(readBack(file.content));
  return 0;
}
