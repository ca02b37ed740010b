// SPDX-License-Identifier: GPL-3.0-or-later
// Bounds the journal entries about acts that only read: a list, a story.
//
// A monitoring script may read every second, and a flood may not fill the journal. Each act has an entry as
// long as the budget of its user lasts; the next entry of this user counts those that had none. So no user
// can hide what another one reads. Shared by all connections. Pure.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/rpc/budget.h"

namespace smsd::control {

class ActNotes {
 public:
  static constexpr rpc::Budget::Rate rate{.perSecond = 1, .burst = 60};

  static constexpr std::size_t mostUsers = 1000;  // then the counts of all begin again

  /// Returns the words of the entry for `act` of a user; none: there is no entry now.
  std::optional<std::string> words(std::optional<unsigned> uid, const std::string& act,
                                   rpc::Budget::Time now) {
    if (users_.size() >= mostUsers && !users_.contains(uid)) users_.clear();
    User& user = users_[uid];
    if (user.budget.wait(now) > rpc::Budget::Time(0)) {
      ++user.unsaid;
      return std::nullopt;
    }
    user.budget.spend(1, now);
    const unsigned more = std::exchange(user.unsaid, 0);
    return more == 0 ? act : fmt::format("{} (and {} reads without an entry before it)", act, more);
  }

 private:
  struct User {
    rpc::Budget budget{rate};
    unsigned unsaid = 0;  // acts without an entry
  };
  std::map<std::optional<unsigned>, User> users_;
};

}  // namespace smsd::control
