// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/allotment.h"

#include <kj/debug.h>

#include <algorithm>
#include <climits>

namespace smsd::road {

Allotment::Allotment(Dependencies dependencies, kj::FunctionParam<bool(const keeper::Keeper&)> awaitsLook)
    : sms_(dependencies.sms),
      dispatchers_(dependencies.dispatchers),
      turns_(dependencies.turns),
      start_(dependencies.start),
      now_(dependencies.now) {
  for (auto& keeper : dispatchers_) {
    auto& hand = hands_.emplace_back();
    if (keeper->usable()) {
      hand.way = keeper->probes() ? Way::probe : Way::open;
      hand.places = keeper->places();
      hand.stalls = keeper->stalls(INT_MAX)   ? Stalls::forAll
                    : keeper->stalls(INT_MIN) ? Stalls::forMoreSevere
                                              : Stalls::no;
      anyOpen_ = true;
    } else if (keeper->triesForSome()) {
      hand.way = Way::resting;
      hand.places = {.all = 1, .others = 1};
    }
    any_ = any_ || hand.way != Way::closed;
    if (awaitsLook(*keeper)) hand.places.all = hand.places.others = 0;
    left_ += hand.places.all;
  }
}

kj::Maybe<std::size_t> Allotment::target(const Item& item) const {
  auto untried = [&](std::size_t i) {
    auto& keeper = dispatchers_[i];
    return item.at(keeper.index()).tried == Tried::no &&
           keeper.allowance(item.submission.severity) > hands_[i].batch.size();
  };
  kj::Maybe<std::size_t> passedOver;
  for (std::size_t i = 0; i < dispatchers_.size(); ++i) {
    if (dispatchers_[i].undecided() && start_.keepsBack(rankOf(item), now_)) return nullptr;
    if (!dispatchers_[i].usable() || !untried(i)) continue;
    if (!hands_[i].passesOver(rankOf(item))) return i;
    if (passedOver == nullptr) passedOver = i;
  }
  if (passedOver != nullptr) return passedOver;
  for (std::size_t i = 0; i < dispatchers_.size(); ++i)
    if (hands_[i].way == Way::resting && dispatchers_[i].triesFor(rankOf(item)) && untried(i)) return i;
  return nullptr;
}

void Allotment::allot() {
  const auto& pending = sms_.pending();
  for (auto it = pending.begin(); it != pending.end() && any_;) {
    if (left_ > 0 && turns_.oldests(std::get<0>(pending.begin()->first))) {
      giveTheOldestItsTurn(it);
      if (it == pending.end()) break;
    }
    Item& item = *it->second;
    KJ_IF_MAYBE (to, target(item)) {
      if (hands_[*to].places.of(rankOf(item)) > 0) {
        ++it;
        give(item, *to);
        continue;
      }
      if (left_ == 0) break;
      ++it;
    } else if (!anyOpen_ || dispatchers_.maybeLater(item)) {
      ++it;
    } else {
      ++it;
      sms_.reconsider(item);
      stranded_.push_back(&item);
    }
  }
}

/// `at` stays where it is, or moves on if its SMS is handed over. The oldest SMS never becomes a probe,
/// because many SMS wait for the result of a probe: it belongs to the most severe.
void Allotment::giveTheOldestItsTurn(SmsUnderWay::Pending::const_iterator& at) {
  auto equals = [](const Order& one, const Order& other) {
    return std::get<0>(one) == std::get<0>(other) && std::get<1>(one) == std::get<1>(other);
  };
  const auto& pending = sms_.pending();
  if (equals(pending.begin()->first, pending.rbegin()->first)) return turns_.over();  // it is first anyway
  auto oldest = std::min_element(pending.begin(), pending.end(), [](auto& a, auto& b) {
    return a.second->submission.first < b.second->submission.first;
  });
  Item& item = *oldest->second;
  KJ_IF_MAYBE (to, target(item)) {
    auto& hand = hands_[*to];
    if (hand.way != Way::open) return;
    turns_.over();
    if (hand.places.of(rankOf(item)) == 0) return;
    if (oldest == at) ++at;
    give(item, *to);
  } else {
    turns_.over();
  }
}

void Allotment::give(Item& item, std::size_t place) {
  auto& hand = hands_[place];
  const int rank = rankOf(item);
  KJ_REQUIRE(left_ > 0 && hand.places.of(rank) > 0, "an SMS is given a place that is not free", place);
  hand.places.take(rank);
  --left_;
  turns_.handed(rank);
  if (item.attempt == Item::Attempt::fresh && item.submission.dispatcher == dispatchers_[place].name()) {
    sms_.handOver(item);
    hand.batch.push_back(&item);
  } else {
    sms_.record(item);
    toRecord_.push_back({&item, place});
  }
}

}  // namespace smsd::road
