// The journal: one entry a change of state, with fields.
//
// Owns where an entry goes: to journald with its fields when stderr is the journal's stream (a unit), else as
// one line on stderr. Called by supervisor/events and by the workers' kit. Never fails, never waits for
// anything but stderr: an entry that cannot be written is dropped. Texts of messages and secrets are never
// handed to it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smsd::journal {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // syslog(3)

/// Names the program in each entry. Call once, before the first entry.
void open(const std::string& identifier);

class Entry {
 public:
  /// `event` is a word of smsd-journal(7), `messageId` its 128-bit id in hex; both empty for a remark without
  /// a catalog text.
  Entry(Level level, std::string text, std::string_view event = {}, std::string_view messageId = {});
  Entry& field(std::string_view name, std::string value);
  void write() const;

 private:
  Level level_;
  std::string text_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace smsd::journal
