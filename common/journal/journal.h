// The journal: one entry a change of state, with fields.
//
// Owns where an entry goes: to journald with its fields when stderr is the journal's stream (a unit), else as
// one line on stderr. Called by supervisor/events and by the workers' kit. Never fails, never waits for
// anything but stderr: an entry that cannot be written is dropped. Texts of messages and secrets are never
// handed to it. What it is handed may quote a stranger: every text and field becomes one printable line of at
// most 16 KiB (text::printable).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smsd::journal {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // syslog(3)
std::string_view nameOf(Level level);

/// Entries go to journald with their fields whatever stderr is, and nowhere else: for a command whose stderr
/// is an operator's terminal. Lost where no journald runs.
void openForCommand(const std::string& identifier);

/// Names the program in each entry. In the journal it makes one, which opens the journal's socket: a process
/// that has locked itself in cannot. Call once, before the first entry.
void open(const std::string& identifier);

class Entry {
 public:
  /// `event` is a word of smsd-journal(7), `messageId` its 128-bit id in hex; both empty for a remark without
  /// a catalog text.
  Entry(Level level, const std::string& text, std::string_view event = {}, std::string_view messageId = {});
  Entry& field(std::string_view name, const std::string& value);
  void write() const;

  Level level() const { return level_; }
  const std::string& text() const { return text_; }
  /// Empty: it has no such field.
  std::string_view value(std::string_view name) const;

 private:
  void send() const;

  Level level_;
  std::string text_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Hears each entry that this thread writes, once it is written, while this object lives. One at a time. What
/// it calls may write entries of its own, which it hears, too.
class Watch {
 public:
  explicit Watch(std::function<void(const Entry&)> heard);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
};

}  // namespace smsd::journal
