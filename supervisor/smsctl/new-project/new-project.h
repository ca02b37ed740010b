// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl new`: writes the beginning of a dispatcher of one's own, and the units of a kind.
//
// Owns which files a project consists of and what is filled into the templates (deploy/templates, and for
// units the sources of the shipped ones). projectFiles() and unitFiles() are pure. The commands around them
// write the files, overwrite nothing, and throw CommandError.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/new-files.h"

namespace smsd::smsctl {

enum class Language { cplusplus, python, shell };

/// Whether a drop-in is written that opens the walls of a unit for something.
enum class Opening { closed, open };

/// The parts of the system that the units leave open. Each open one is a drop-in of its own.
struct Openings {
  Opening network = Opening::closed;
  Opening state = Opening::closed;
  std::string device = {};  // a path below /dev; empty: none
};

struct NewArguments {
  std::string name;  // the kind; for a program of kind command, the dispatcher
  Language language = Language::cplusplus;
  Openings openings;
  std::filesystem::path output;  // the folder to write to; empty: chosen by the command
};

/// Returns the socket and the service of the workers of `kind`, and one drop-in for each opening. Their paths
/// are as below a folder of systemd's units.
std::vector<NewFile> unitFiles(const std::string& kind, const Openings& openings);

/// Returns the files of a new project: program, example of its file, units or drop-ins, README, test.
std::vector<NewFile> projectFiles(const NewArguments& arguments);

/// Returns why `arguments` cannot be used.
std::optional<std::string> problemOf(const NewArguments& arguments);

/// `smsctl new dispatcher`: 64 if the name cannot be used, 73 if a file exists or cannot be written.
int newDispatcher(const NewArguments& arguments, Form form);
/// `smsctl new unit`: the same.
int newUnit(const NewArguments& arguments, Form form);

}  // namespace smsd::smsctl
