// SPDX-License-Identifier: GPL-3.0-or-later
// The journal entries to be mailed to the administrators: a count of each event, and the words of the last
// ones.
//
// Owns the counting, the bound and the text of a mail. Called by AdminMail. Pure: no I/O, no clock. Holds
// journal lines, which contain no text of an SMS and no secret. Counts every note, also those whose words it
// drops.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "common/journal/journal.h"

namespace smsd::admin_mail {

struct Note {
  journal::Level level = journal::Level::error;
  std::string event;  // an event of smsd-journal(7), or empty
  std::string words;  // one line
  std::chrono::system_clock::time_point at;
};

class Collection {
 public:
  /// Keeps the words of at most `lines` notes: the most severe, and of equally severe ones the latest.
  explicit Collection(std::size_t lines) : most_(lines) {}

  /// From now on, keeps the words of at most `lines` notes.
  void keep(std::size_t lines);
  void add(Note note);
  /// Adds the notes of an earlier mail that was not sent.
  void addEarlier(const Collection& earlier);
  bool empty() const { return total_ == 0; }
  std::uint64_t total() const { return total_; }

  /// Returns at most `mostBytes` bytes of UTF-8; lines end with LF. If the text has to be shorter, the least
  /// severe lines are left out first, and of equally severe ones the oldest.
  std::string text(const std::string& host, std::size_t mostBytes) const;

 private:
  using Counted = std::pair<journal::Level, std::string>;  // the level, and the event

  std::string headText(const std::string& host) const;
  void drop();

  std::size_t most_;
  std::uint64_t total_ = 0;
  std::map<Counted, std::uint64_t> counts_;
  std::chrono::system_clock::time_point since_;
  std::deque<Note> last_;  // in order of time
};

}  // namespace smsd::admin_mail
