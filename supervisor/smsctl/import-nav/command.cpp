// SPDX-License-Identifier: GPL-3.0-or-later
// The command around importNav(): reads NAV's folder, writes the files, prints notes and tasks.
#include <fmt/format.h>
#include <sysexits.h>

#include "common/files/regular-file.h"
#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/smsctl/import-nav/import-nav.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mostBytes = 1024 * 1024;

std::optional<std::string> read(const fs::path& file) {
  std::error_code error;
  auto text = files::readRegular(file, mostBytes + 1, error);
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (!text)
    throw CommandError(EX_NOINPUT, fmt::format("{}: cannot be read ({})", file.string(), error.message()));
  if (text->size() > mostBytes)
    throw CommandError(
        EX_DATAERR,
        fmt::format("{}: is larger than 1 MiB, expected a configuration file of NAV", file.string()));
  return text;
}

void print(const NavImport& import, const fs::path& output) {
  for (const auto& file : import.files)
    io::print(fmt::format("wrote {}, mode {:04o}\n", (output / file.path).string(), file.mode));
  for (const auto& note : import.notes) io::print(fmt::format("note: {}\n", text::printable(note)));
  for (const auto& todo : import.todo) io::print(fmt::format("to do: {}\n", text::printable(todo)));
  io::print(fmt::format(
      "You own these files now: give them to smsd's user, then run `smsctl --config {} config check`.\n",
      (output / "smsd.yaml").string()));
}

}  // namespace

NavFiles readNavFiles(const fs::path& folder) {
  NavFiles files;
  auto smsd = read(folder / "smsd.conf");
  if (!smsd)
    throw CommandError(EX_NOINPUT,
                       fmt::format("{}: not found, expected NAV's configuration there (NAV's own folder is "
                                   "/etc/nav)",
                                   (folder / "smsd.conf").string()));
  files.smsd = std::move(*smsd);
  files.nav = read(folder / "nav.conf");
  files.db = read(folder / "db.conf");
  return files;
}

int importNav(const fs::path& folder, const fs::path& output, Form form) {
  const fs::path target = fs::absolute(output).lexically_normal();
  const NavImport import = importNav(readNavFiles(folder), target);
  if (!import.problems.empty()) throw CommandError(EX_DATAERR, config::describe(import.problems));
  writeAllNew(target, import.files);
  if (form == Form::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& file : import.files) list.push_back((target / file.path).string());
    io::print(dump({{"files", list}, {"notes", import.notes}, {"to_do", import.todo}}));
  } else {
    print(import, target);
  }
  return import.todo.empty() ? EX_OK : 1;
}

}  // namespace smsd::smsctl
