// What is to be mailed to the administrators: how much of what happened, and the last of it in words.
//
// Owns the counting, the bound and the text of a mail. Called by AdminMail. Pure: no I/O, no clock. Holds
// journal lines, which have no text of an SMS and no secret in them, and counts each, also those whose words
// it drops.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "common/journal/journal.h"

namespace smsd {

struct Note {
  journal::Level level = journal::Level::error;
  std::string event;  // a word of smsd-journal(7), or empty
  std::string words;  // one line
  std::chrono::system_clock::time_point at;
};

class Collection {
 public:
  /// Keeps the words of `lines` notes: the most severe, and of equal ones the last.
  explicit Collection(std::size_t lines) : most_(lines) {}

  void add(Note note);
  /// What an earlier mail should have carried, and did not.
  void addEarlier(const Collection& earlier);
  bool empty() const { return total_ == 0; }
  std::uint64_t total() const { return total_; }

  /// At most `mostBytes` bytes of UTF-8, lines end with LF. Where it has to be shorter, the least severe lines
  /// go first, and of equal ones the oldest.
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

}  // namespace smsd
