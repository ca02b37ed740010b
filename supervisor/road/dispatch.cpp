// The part of the road that hands SMS to dispatchers.
#include <algorithm>

#include "supervisor/road/road.h"

namespace smsd {

struct Road::Hands {
  std::vector<std::size_t> rooms;
  std::size_t left = 0;
  Batches batches;
};

/// The first usable dispatcher, in order of preference, that has not been tried in this round.
kj::Maybe<std::size_t> Road::target(const Item& item, const Hands& hands) const {
  for (std::size_t i = 0; i < keepers_.size(); ++i)
    if (item.at(keepers_[i]->index()).tried == Tried::no && keepers_[i]->usable() &&
        keepers_[i]->allowance(item.submission.severity) > hands.batches[i].size())
      return i;
  return nullptr;
}

/// The first dispatcher that could be used, were it not for its limit of the day.
kj::Maybe<std::size_t> Road::keptBackBy(const Item& item) const {
  for (std::size_t i = 0; i < keepers_.size(); ++i)
    if (item.at(keepers_[i]->index()).tried == Tried::no && keepers_[i]->usable() &&
        keepers_[i]->allowance(item.submission.severity) == 0)
      return i;
  return nullptr;
}

/// An untried dispatcher is only just (re)starting or probing: worth the moment.
bool Road::maybeLater(const Item& item) const {
  for (auto& keeper : keepers_)
    if (item.at(keeper->index()).tried == Tried::no && keeper->allowance(item.submission.severity) > 0 &&
        (keeper->state() == keeper::State::starting || keeper->state() == keeper::State::ready ||
         keeper->out() > 0))
      return true;
  return false;
}

void Road::dispatchPending() {
  if (pending_.empty() || ledger_.away() || ledger_.leaseRanOut() || stopping_) return;
  bool anyUsable = firstUsable() != nullptr;
  if (!anyUsable && noDispatcherSince_ != nullptr && out_.empty()) return giveBackPending();
  Hands hands;
  for (auto& keeper : keepers_) hands.left += hands.rooms.emplace_back(keeper->room());
  hands.batches.resize(keepers_.size());
  std::vector<std::unique_ptr<Item>> stranded;

  for (auto it = pending_.begin(); it != pending_.end() && anyUsable;) {
    if (handed_ >= oldestsTurn_ && hands.left > 0) {
      giveTheOldestItsTurn(hands, it);
      if (it == pending_.end()) break;
    }
    Item& item = *it->second;
    KJ_IF_MAYBE (to, target(item, hands)) {
      if (hands.rooms[*to] == 0) {
        if (hands.left == 0) break;
        ++it;
        continue;
      }
      give(it++, *to, hands);
    } else if (maybeLater(item)) {
      ++it;
    } else {
      stranded.push_back(std::move(it->second));
      it = pending_.erase(it);
    }
  }
  handOver(std::move(hands.batches));
  // All usable ones were tried and the others are not worth waiting for.
  for (auto& item : stranded) {
    Outcome last = item->last;
    // Until midnight, or until something more severe comes, which may have the reserve.
    KJ_IF_MAYBE (by, keptBackBy(*item))
      last = {.kind = OutcomeKind::deferred,
              .words = keepers_[*by]->name() + " has sent what it may send today (per_day, reserve)",
              .after = keeper::untilTomorrow(),
              .farEnd = FarEnd::notReached};
    waitOrGiveUp(std::move(item), last);
  }
}

/// `at` stays where it is, or moves on when it was the one.
void Road::giveTheOldestItsTurn(Hands& hands, Pending::iterator& at) {
  auto severity = [](auto& entry) { return std::get<0>(entry.first); };
  if (severity(*pending_.begin()) < lastSeverity_)
    return;  // something more severe than of late does not wait for it
  oldestsTurn_ = handed_ + share;
  if (severity(*pending_.begin()) == severity(*pending_.rbegin())) return;  // it is first anyway
  auto oldest = std::min_element(pending_.begin(), pending_.end(), [](auto& a, auto& b) {
    return a.second->submission.first < b.second->submission.first;
  });
  KJ_IF_MAYBE (to, target(*oldest->second, hands)) {
    if (hands.rooms[*to] == 0) return;
    if (oldest == at) ++at;
    give(oldest, *to, hands);
  }
}

void Road::give(Pending::iterator which, std::size_t to, Hands& hands) {
  --hands.rooms[to];
  --hands.left;
  ++handed_;
  lastSeverity_ = std::get<0>(which->first);
  auto item = std::move(which->second);
  pending_.erase(which);
  if (item->attempt == Item::Attempt::fresh && item->submission.dispatcher == keepers_[to]->name())
    hands.batches[to].push_back(std::move(item));
  else
    record(std::move(item), to);
}

/// No dispatcher can be used here, but another supervisor's may: what may not have been sent is anybody's.
void Road::giveBackPending() {
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second->maybeSent) {
      ++it;
      continue;
    }
    returnUntried(std::move(it->second), "no dispatcher can be used");
    it = pending_.erase(it);
    plan_.sweep();
  }
}

void Road::handOver(Batches batches) {
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (batches[i].empty()) continue;
    std::vector<const queue::Submission*> batch;
    for (auto& item : batches[i]) {
      item->attempt = Item::Attempt::used;
      item->since = timer_.now();
      batch.push_back(&item->submission);
    }
    keepers_[i]->dispatch(batch);
    for (auto& item : batches[i]) out_.emplace(item->submission.attempt, std::move(item));
  }
}

/// Another attempt has to be durable before it leaves.
void Road::record(std::unique_ptr<Item> item, std::size_t target) {
  queue::Submission& submission = item->submission;
  bool wasOut = item->attempt == Item::Attempt::used;
  const std::string& next = keepers_[target]->name();
  if (wasOut && submission.dispatcher != next) log_.failedOver(submission, item->last, next);
  ledger_.record(
      {.id = submission.id,
       .outcome = wasOut ? std::string(name(item->last)) : "deferred",
       .reason = wasOut ? item->last.words : "not handed over: the dispatcher was not usable any more",
       .dispatcher = next});
  recording_.emplace(submission.id, std::move(item));
}

void Road::recorded(std::vector<queue::NextAttempt> next, std::vector<queue::AttemptId> attempts) {
  moved();
  for (std::size_t i = 0; i < next.size() && i < attempts.size(); ++i) {
    auto found = recording_.extract(next[i].id);
    if (found.empty()) continue;
    auto item = std::move(found.mapped());
    item->submission.attempt = attempts[i];
    item->submission.dispatcher = next[i].dispatcher;
    item->attempt = Item::Attempt::fresh;
    hold(std::move(item));
  }
  pump();
}

}  // namespace smsd
