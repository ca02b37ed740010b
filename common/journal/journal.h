// SPDX-License-Identifier: GPL-3.0-or-later
// The journal: one entry with fields for each change of state.
//
// Owns the destination of an entry: journald, with its fields, if stderr is the journal's stream (a unit);
// otherwise one line on stderr. Called by supervisor/events and by the workers' kit. Never fails, and waits
// for stderr only: an entry that cannot be written is dropped. Callers never pass texts of messages or
// secrets, but may pass untrusted text: every text and field becomes one printable line of at most 16 KiB
// (text::printable).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::journal {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // syslog(3)
std::string_view nameOf(Level level);

/// Sends all entries to journald with their fields, whatever stderr is, and nowhere else. For a command whose
/// stderr is an operator's terminal. Without journald the entries are lost.
void openForCommand(const std::string& name);

/// Names the program `name` in each entry. If stderr is the journal's stream, writes a first entry, which
/// opens the journal's socket, because a process cannot open it after lockIn(). Call once, before the first
/// entry.
void open(const std::string& name);

class Entry {
 public:
  /// `event` is an event of smsd-journal(7), `messageId` its 128-bit id in hex. Both are empty for a remark
  /// without a catalog text.
  Entry(Level level, const std::string& text, std::string_view event = {}, std::string_view messageId = {});
  Entry& field(std::string_view name, std::string_view value);
  void write() const;

  Level level() const { return level_; }
  const std::string& text() const { return text_; }
  /// Returns the value of the field `name`; empty if there is none.
  std::string_view value(std::string_view name) const;

 private:
  void send() const;

  Level level_;
  std::string text_;
  std::vector<std::string> fields_;  // NAME=value, as journald takes them
};

/// While this object lives, calls `heard` with each entry of this thread after the entry is written. There is
/// one such object at a time. If `heard` itself writes an entry, it is called for that entry, too.
class Watch {
 public:
  explicit Watch(std::function<void(const Entry&)> heard);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
};

}  // namespace smsd::journal
