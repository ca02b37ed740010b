// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl config import-nav`: converts NAV's configuration to smsd's.
//
// Owns the mapping of NAV's keys, including those that smsd does not have. importNav(NavFiles, output) is
// pure: it turns texts into files and remarks. The command around it reads the folder and writes. It
// overwrites nothing, and writes nothing if there is a problem. A secret goes to a file of its own and never
// into a remark.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {

struct NavFiles {
  std::string smsd;                // smsd.conf
  std::optional<std::string> nav;  // nav.conf
  std::optional<std::string> db;   // db.conf
};

struct NewFile {
  std::filesystem::path path;  // below the output folder
  std::string content;
  unsigned mode = 0640;
};

struct NavImport {
  std::vector<NewFile> files;
  std::vector<std::string> notes;         // differences from NAV
  std::vector<std::string> todo;          // settings that an operator has to convert
  std::vector<config::Problem> problems;  // errors in NAV's configuration; not empty: `files` is empty
};

/// `output` is the folder for the files. It is needed because one of them names another by its whole path.
NavImport importNav(const NavFiles& files, const std::filesystem::path& output);

/// Returns 0 if everything was converted, and 1 if the files were written but an operator has to complete
/// them. Throws CommandError with status 65 if NAV's configuration cannot be used.
int importNav(const std::filesystem::path& folder, const std::filesystem::path& output, Form form);

}  // namespace smsd::smsctl
