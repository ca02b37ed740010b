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
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/new-files.h"

namespace smsd::smsctl {

struct NavFiles {
  std::string smsd;                // smsd.conf
  std::optional<std::string> nav;  // nav.conf
  std::optional<std::string> db;   // db.conf
};

/// Where the files go, and what the host has.
struct ImportTarget {
  std::filesystem::path folder;            // of the files; one of them names another by its whole path
  std::set<std::string> socketKinds = {};  // kinds whose workers systemd can start
  std::string socketFolder = {};  // of a PostgreSQL server on this host, for a role of smsd's own; empty:
                                  // smsd connects as NAV does
};

/// A dispatcher that became one of smsd's, or the one of admin_mail.
struct ImportedWay {
  std::string name, kind;
  bool bySystemd = false;
  std::vector<std::string> secrets;  // files beside its own
};

/// The address of NAV's database.
struct NavDatabase {
  std::string host, port, name, user;
};

/// The first words of an imported smsd.yaml.
constexpr std::string_view madeFromNav = "# Made from NAV's smsd.conf by `smsctl config import-nav`";

struct NavImport {
  std::vector<NewFile> files;
  std::vector<std::string> notes;         // differences from NAV
  std::vector<std::string> todo;          // settings that an operator has to convert
  std::vector<config::Problem> problems;  // errors in NAV's configuration; not empty: `files` is empty
  std::vector<ImportedWay> ways;
  NavDatabase database;
  std::string zone;  // the time zone in which NAV writes smsq.time; empty: not known
  std::string user;  // the system user that NAV's smsd becomes
};

NavImport importNav(const NavFiles& files, const ImportTarget& target);
/// For a folder alone: as NAV connects, and smsd starts the workers.
NavImport importNav(const NavFiles& files, const std::filesystem::path& output);

/// Reads NAV's files from its folder. Throws CommandError if there is no smsd.conf, or a file cannot be read.
NavFiles readNavFiles(const std::filesystem::path& folder);

/// Returns 0 if everything was converted, and 1 if the files were written but an operator has to complete
/// them. Throws CommandError with status 65 if NAV's configuration cannot be used.
int importNav(const std::filesystem::path& folder, const std::filesystem::path& output, Form form);

}  // namespace smsd::smsctl
