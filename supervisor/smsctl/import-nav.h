// `smsctl config import-nav`: NAV's configuration as smsd's.
//
// Owns what each of NAV's keys becomes, and what has no place here. importNav() is pure: texts in, files and
// words out; the command around it reads the folder and writes. Nothing is overwritten, and nothing is
// written where something is wrong. A value that is a secret goes to a file of its own and never into a word.
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
  std::vector<std::string> notes;         // what is not as it was in NAV
  std::vector<std::string> todo;          // what could not be carried over, and needs somebody
  std::vector<config::Problem> problems;  // nothing can be written
};

/// `output` is where the files will lie: one of them has to name another by its whole path.
NavImport importNav(const NavFiles& files, const std::filesystem::path& output);

/// 0: all was carried over; 1: written, but something needs somebody; 65: NAV's configuration cannot be used.
int importNav(const std::filesystem::path& folder, const std::filesystem::path& output, Form form);

}  // namespace smsd::smsctl
