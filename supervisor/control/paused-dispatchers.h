// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the names of the dispatchers that an operator has paused, across restarts.
//
// Owns the file `paused` in the state directory: one name a line, replaced as a whole and synced before the
// operator gets an answer. Called by the daemon when it starts, and by the control server. A name that is not
// configured (any more) is kept, because the dispatcher may come back. Throws std::system_error if the file
// cannot be read or written.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace smsd::control {

class Pauses {
 public:
  /// Reads the file; a missing file counts as empty.
  explicit Pauses(std::filesystem::path file);

  bool has(const std::string& name) const { return names_.contains(name); }
  void add(const std::string& name);
  void remove(const std::string& name);

 private:
  void write();

  std::filesystem::path file_;
  std::set<std::string> names_;
  bool unwritten_ = false;  // the file is older than names_, because it could not be written
};

}  // namespace smsd::control
