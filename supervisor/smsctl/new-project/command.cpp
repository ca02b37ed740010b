// SPDX-License-Identifier: GPL-3.0-or-later
// The commands around the templates: they check the name, write the files, and print what to do next.
#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/new-project/new-project.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

enum class Whose { any, ownKind };

void require(const NewArguments& arguments, Whose whose) {
  if (const auto problem = problemOf(arguments)) throw CommandError(EX_USAGE, text::printable(*problem));
  const auto taken = config::takenNames();
  if (whose == Whose::ownKind && std::find(taken.begin(), taken.end(), arguments.name) != taken.end())
    throw CommandError(EX_USAGE,
                       fmt::format("{} is a kind of smsd's own, expected another name", arguments.name));
}

void write(const fs::path& folder, const std::vector<NewFile>& files, const std::string& next, Form form) {
  writeAllNew(folder, files);
  if (form == Form::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& file : files) list.push_back((folder / file.path).string());
    io::print(dump({{"files", list}}));
    return;
  }
  for (const auto& file : files) io::print(fmt::format("wrote {}\n", (folder / file.path).string()));
  io::print(next);
}

}  // namespace

int newDispatcher(const NewArguments& arguments, Form form) {
  require(arguments, arguments.language == Language::cplusplus ? Whose::ownKind : Whose::any);
  const fs::path folder = arguments.output.empty() ? fs::path(arguments.name) : arguments.output;
  write(folder, projectFiles(arguments), fmt::format("Continue with {}.\n", (folder / "README.md").string()),
        form);
  return EX_OK;
}

int newUnit(const NewArguments& arguments, Form form) {
  require(arguments, Whose::ownKind);
  const fs::path folder = arguments.output.empty() ? fs::path(".") : arguments.output;
  write(folder, unitFiles(arguments.name, arguments.openings),
        "Copy them to /etc/systemd/system and run `systemctl daemon-reload`.\n", form);
  return EX_OK;
}

}  // namespace smsd::smsctl
