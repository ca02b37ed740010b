// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the road that hands SMS to dispatchers.
#include <algorithm>

#include "supervisor/road/road.h"

namespace smsd::road {

/// The places that the dispatchers have left in this turn, and the SMS that each is given.
struct Road::Hands {
  enum class Way {
    closed,  // cannot be used
    open,
    probe,    // usable; the next SMS is the probe
    resting,  // backs off, but takes an SMS that is severe enough as an early probe
  };
  struct Hand {
    Way way = Way::closed;
    keeper::Places places;
    std::vector<Item*> batch;
  };
  std::vector<Hand> of;  // by place in the order of preference
  std::size_t left = 0;
  bool any = false;
  bool anyOpen = false;  // at least one is open or probe
};

Road::Hands Road::hands() const {
  Hands hands;
  for (auto& keeper : dispatchers_) {
    auto& hand = hands.of.emplace_back();
    if (keeper->usable()) {
      hand.way = keeper->probes() ? Hands::Way::probe : Hands::Way::open;
      hand.places = keeper->places();
      hands.anyOpen = true;
    } else if (keeper->triesForSome()) {
      hand.way = Hands::Way::resting;
      hand.places = {.all = 1, .others = 1};
    }
    hands.any = hands.any || hand.way != Hands::Way::closed;
    if (awaitsLook(*keeper)) hand.places.all = hand.places.others = 0;
    hands.left += hand.places.all;
  }
  return hands;
}

/// Returns the first usable dispatcher, in order of preference, that has not been tried in this round. If
/// there is none, returns a dispatcher that takes this SMS as an early probe. Returns nothing while the SMS
/// waits for a dispatcher that is still starting.
kj::Maybe<std::size_t> Road::target(const Item& item, const Hands& hands) const {
  auto untried = [&](std::size_t i) {
    auto& keeper = dispatchers_[i];
    return item.at(keeper.index()).tried == Tried::no &&
           keeper.allowance(item.submission.severity) > hands.of[i].batch.size();
  };
  for (std::size_t i = 0; i < dispatchers_.size(); ++i) {
    if (dispatchers_[i].undecided() && start_.keepsBack(rankOf(item), timer_.now())) return nullptr;
    if (dispatchers_[i].usable() && untried(i)) return i;
  }
  for (std::size_t i = 0; i < dispatchers_.size(); ++i)
    if (hands.of[i].way == Hands::Way::resting && dispatchers_[i].triesFor(rankOf(item)) && untried(i))
      return i;
  return nullptr;
}

void Road::dispatchPending() {
  if (sms_.none(Stage::pending) || ledger_.away() || ledger_.leaseRanOut() || stopping()) return;
  Hands hands = this->hands();
  std::vector<Item*> stranded;

  const auto& pending = sms_.pending();
  for (auto it = pending.begin(); it != pending.end() && hands.any;) {
    if (hands.left > 0 && turns_.oldests(std::get<0>(pending.begin()->first))) {
      giveTheOldestItsTurn(hands, it);
      if (it == pending.end()) break;
    }
    Item& item = *it->second;
    KJ_IF_MAYBE (to, target(item, hands)) {
      if (hands.of[*to].places.of(rankOf(item)) > 0) {
        give(*(it++)->second, *to, hands);
        continue;
      }
      if (hands.left == 0) break;
      ++it;
    } else if (!hands.anyOpen || dispatchers_.maybeLater(item)) {
      ++it;
    } else {
      stranded.push_back(&item);
      ++it;
      sms_.reconsider(item);
    }
  }
  handOver(hands);
  for (Item* item : stranded) judge_.nobodyTook(*item);
  if (!hands.anyOpen && outage_.lasts() && sms_.none(Stage::inFlight)) giveBackPending(hands);
}

/// `at` stays where it is, or moves on if its SMS is handed over. The oldest SMS never becomes a probe,
/// because many SMS wait for the result of a probe: it belongs to the most severe.
void Road::giveTheOldestItsTurn(Hands& hands, SmsUnderWay::Pending::const_iterator& at) {
  auto equals = [](const Order& one, const Order& other) {
    return std::get<0>(one) == std::get<0>(other) && std::get<1>(one) == std::get<1>(other);
  };
  const auto& pending = sms_.pending();
  if (equals(pending.begin()->first, pending.rbegin()->first)) return turns_.over();  // it is first anyway
  auto oldest = std::min_element(pending.begin(), pending.end(), [](auto& a, auto& b) {
    return a.second->submission.first < b.second->submission.first;
  });
  KJ_IF_MAYBE (to, target(*oldest->second, hands)) {
    auto& hand = hands.of[*to];
    if (hand.way != Hands::Way::open) return;
    turns_.over();
    if (hand.places.of(rankOf(*oldest->second)) == 0) return;
    if (oldest == at) ++at;
    give(*oldest->second, *to, hands);
  } else {
    turns_.over();
  }
}

void Road::give(Item& item, std::size_t to, Hands& hands) {
  auto& hand = hands.of[to];
  const int rank = rankOf(item);
  hand.places.take(rank);
  --hands.left;
  turns_.handed(rank);
  if (item.attempt == Item::Attempt::fresh && item.submission.dispatcher == dispatchers_[to].name()) {
    sms_.handOver(item);
    hand.batch.push_back(&item);
  } else {
    record(item, to);
  }
}

/// No dispatcher can be used here, but another supervisor's may: gives back the SMS that were certainly not
/// sent.
void Road::giveBackPending(const Hands& hands) {
  for (auto it = sms_.pending().begin(); it != sms_.pending().end();) {
    Item& item = *(it++)->second;
    if (item.maybeSent || target(item, hands) != nullptr) continue;
    judge_.returnPending(item, "no dispatcher can be used");
    plan_.sweep();
  }
}

void Road::handOver(Hands& hands) {
  for (std::size_t i = 0; i < hands.of.size(); ++i) {
    auto& items = hands.of[i].batch;
    if (items.empty()) continue;
    std::vector<const queue::Submission*> batch;
    for (Item* item : items) {
      item->attempt = Item::Attempt::used;
      item->since = timer_.now();
      batch.push_back(&item->submission);
    }
    dispatchers_[i].dispatch(batch);
  }
}

/// Records the next attempt, because an attempt has to be durable before it leaves.
void Road::record(Item& item, std::size_t target) {
  queue::Submission& submission = item.submission;
  bool wasOut = item.attempt == Item::Attempt::used;
  const std::string& next = dispatchers_[target].name();
  if (wasOut && submission.dispatcher != next) log_.failedOver(submission, item.last, next);
  ledger_.record(
      {.id = submission.id,
       .outcome = wasOut ? std::string(name(item.last)) : "deferred",
       .reason = wasOut ? item.last.words : "not handed over: the dispatcher was not usable any more",
       .dispatcher = next,
       .rounds = submission.rounds,
       .failing = item.failingFor(timer_.now())});
  sms_.record(item);
}

void Road::recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) {
  stall_.moved();
  judge_.recorded(next, attempts);
  pump();
}

}  // namespace smsd::road
