// SPDX-License-Identifier: GPL-3.0-or-later
// Counts the open connections to one socket, and decides whether a user may open one more.
//
// Owns the counts by user. One user leaves room for the others, and all of them leave room for smsd's own
// user and for root. So neither silent connections nor a flood of them lock out an administrator who has to
// end it. Several users who take all seats leave one to each further user. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>

namespace smsd::control {

class Seats {
 public:
  static constexpr unsigned all = 32;
  static constexpr unsigned forOwn = 28;     // the last four are for root alone
  static constexpr unsigned forOthers = 24;  // the four above are for smsd's own user and root
  static constexpr unsigned forOne = 12;     // for one user of the others

  explicit Seats(unsigned own) : own_(own) {}

  /// Whether the user is an administrator: root, or the user that smsd runs as.
  bool trusted(std::optional<unsigned> uid) const { return uid && (*uid == 0 || *uid == own_); }

  /// Whether there is a seat for this user now.
  bool free(std::optional<unsigned> uid) const { return total_ < room(uid) && !hasItsShare(uid); }
  /// False: there is no seat for this user now.
  bool take(std::optional<unsigned> uid) {
    if (!free(uid)) return false;
    ++taken_[uid];
    ++total_;
    return true;
  }
  /// Whether a seat of `other` would be one for `uid`, who has none free. A user with its share takes only
  /// its own, and nobody takes one of an administrator but an administrator.
  bool mayReplace(std::optional<unsigned> uid, std::optional<unsigned> other) const {
    if (hasItsShare(uid)) return other == uid;
    return trusted(uid) || !trusted(other);
  }
  /// Whether `uid`, who has no seat at all, may have one of `other` although it is in use: `other` has
  /// several, nobody of the others has more, and one that is left is enough.
  bool mayCrowdOut(std::optional<unsigned> uid, std::optional<unsigned> other) const {
    if (of(uid) > 0 || total_ > room(uid) || trusted(other) || of(other) < 2) return false;
    return std::all_of(taken_.begin(), taken_.end(),
                       [&](const auto& one) { return trusted(one.first) || one.second <= of(other); });
  }
  /// Frees the seat of a connection that had one.
  void leave(std::optional<unsigned> uid) {
    auto found = taken_.find(uid);
    if (--found->second == 0) taken_.erase(found);
    --total_;
  }

  unsigned total() const { return total_; }
  unsigned of(std::optional<unsigned> uid) const {
    auto found = taken_.find(uid);
    return found == taken_.end() ? 0 : found->second;
  }

 private:
  unsigned room(std::optional<unsigned> uid) const {
    return !trusted(uid) ? forOthers : *uid == 0 ? all : forOwn;
  }
  bool hasItsShare(std::optional<unsigned> uid) const { return !trusted(uid) && of(uid) >= forOne; }

  unsigned own_;
  unsigned total_ = 0;
  std::map<std::optional<unsigned>, unsigned> taken_;
};

}  // namespace smsd::control
