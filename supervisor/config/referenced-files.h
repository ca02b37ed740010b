// SPDX-License-Identifier: GPL-3.0-or-later
// The files that a dispatcher's file names and its worker reads at the start: secrets, certificates, keys.
//
// Owns which keys name such a file, by the rule of smsd-dispatchers(7): those that end in `_file`, and `file`
// of `secrets`. Called by the reloader, for workers that smsd starts, and by `smsctl doctor`. Knows no kind
// and reports no errors: the worker's own check reports a file that cannot be read or understood. Gives no
// content away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::config {

struct NamedFile {
  std::string key;
  std::filesystem::path path;  // as written
};
/// Returns these files in the order of the text; none if it is no YAML.
std::vector<NamedFile> filesNamedIn(std::string_view yaml);

/// Returns a number for the contents of all these files, which changes when any of them changes. It is kept
/// in memory and not shown. `folder`: the base of relative paths.
std::size_t digestOfNamedFiles(std::string_view yaml, const std::filesystem::path& folder);

}  // namespace smsd::config
