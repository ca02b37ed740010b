// Which dispatchers an operator has paused, kept over restarts.
//
// Owns the file `paused` in the state directory: one name a line, replaced as a whole and synced before the
// answer. Called by the daemon when it starts, and by the control server. A name that is not configured (any
// more) is kept: it may come back. Throws std::system_error when the file cannot be read or written.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace smsd::control {

class Pauses {
 public:
  /// Reads it; a file that is not there holds nothing.
  explicit Pauses(std::filesystem::path file);

  bool has(const std::string& name) const { return names_.count(name) > 0; }
  void add(const std::string& name);
  void remove(const std::string& name);

 private:
  void write();

  std::filesystem::path file_;
  std::set<std::string> names_;
  bool unwritten_ = false;  // the file is older than names_: it could not be written
};

}  // namespace smsd::control
