// SPDX-License-Identifier: GPL-3.0-or-later
// Whose question to the queue is next: a place for each that waits, and a turn for each user.
//
// One thread works on the operators' questions, one after the other. With one line for all, a user who asks
// for 64 histories would hold up all others for as long as that takes. So each user has a line of its own
// with a bound, and the users take turns: before a user's next question at most one of each other user is
// answered. Called by Questions. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace smsd::control {

class UserTurns {
 public:
  using User = std::optional<unsigned>;
  using Ticket = std::uint64_t;

  static constexpr std::size_t forOne = 16;     // questions of one user that wait
  static constexpr std::size_t forOthers = 64;  // of all users together but root and smsd's own

  explicit UserTurns(unsigned own) : own_(own) {}

  enum class Place { taken, userHasItsShare, allAreTaken };
  Place enter(User user, Ticket ticket) {
    auto& line = lines_[user];
    if (line.size() >= forOne) return Place::userHasItsShare;
    if (!trusted(user) && others_ >= forOthers) {
      if (line.empty()) lines_.erase(user);
      return Place::allAreTaken;
    }
    line.push_back(ticket);
    if (!trusted(user)) ++others_;
    return Place::taken;
  }

  /// Removes and returns the first question of the user whose turn it is, of those whose first question
  /// `mayGo`. None: there is none.
  template <typename MayGo>
  std::optional<Ticket> next(MayGo mayGo) {
    auto at = lines_.upper_bound(last_);
    for (std::size_t looked = lines_.size(); looked > 0; --looked, ++at) {
      if (at == lines_.end()) at = lines_.begin();
      const Ticket ticket = at->second.front();
      if (!mayGo(ticket)) continue;
      last_ = at->first;
      remove(at, at->second.begin());
      return ticket;
    }
    return std::nullopt;
  }

  /// Removes a question that waits no longer. False: it does not wait.
  bool leave(Ticket ticket) {
    for (auto line = lines_.begin(); line != lines_.end(); ++line) {
      auto found = std::find(line->second.begin(), line->second.end(), ticket);
      if (found == line->second.end()) continue;
      remove(line, found);
      return true;
    }
    return false;
  }

  /// How many questions are answered before a further one of this user, if none comes meanwhile.
  std::size_t ahead(User user) const {
    auto found = lines_.find(user);
    const std::size_t own = found == lines_.end() ? 0 : found->second.size();
    std::size_t count = own;
    for (const auto& [other, line] : lines_)
      if (other != user) count += std::min(line.size(), own + 1);
    return count;
  }

 private:
  using Lines = std::map<User, std::deque<Ticket>>;

  bool trusted(User user) const { return user && (*user == 0 || *user == own_); }
  void remove(Lines::iterator line, std::deque<Ticket>::iterator ticket) {
    if (!trusted(line->first)) --others_;
    line->second.erase(ticket);
    if (line->second.empty()) lines_.erase(line);
  }

  unsigned own_;
  Lines lines_;  // none is empty
  User last_;    // who had the last turn
  std::size_t others_ = 0;
};

}  // namespace smsd::control
