// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/sms-under-way.h"

#include <kj/debug.h>

#include <algorithm>
#include <climits>
#include <iterator>
#include <tuple>

namespace smsd::road {

/// Takes the SMS from the list of `from` and puts it on the list of `to`.
void SmsUnderWay::move(Item& item, Stage from, Stage to) {
  StageRecord& record = item.record;
  const queue::SubmissionId id = item.submission.id;
  KJ_REQUIRE(record.among_ == this, "the SMS is not under way", id);
  KJ_REQUIRE(record.stage_ == from, "the SMS is in another stage than that in which the move starts", id,
             static_cast<int>(record.stage_), static_cast<int>(from), static_cast<int>(to));
  std::size_t taken = 1;
  switch (from) {
    case Stage::deciding:
      break;
    case Stage::pending:
      // Found by its place instead of a search, which each SMS would pay once for each attempt.
      taken = record.place_->second == &item && record.place_->first == orderOf(item) ? 1 : 0;
      if (taken == 1) pending_.erase(record.place_);
      break;
    case Stage::recording:
      taken = std::min<std::size_t>(recording_, 1);
      recording_ -= taken;
      break;
    case Stage::inFlight:
      taken = inFlight_.erase(item.submission.attempt);
      break;
    case Stage::waiting:
      taken = waiting_.erase({record.due_, id});
      break;
  }
  KJ_ASSERT(taken == 1, "the SMS is not on the list of its stage", id, static_cast<int>(from));
  bool put = true;
  switch (to) {
    case Stage::deciding:
      break;
    case Stage::pending:
      std::tie(record.place_, put) = pending_.emplace(orderOf(item), &item);
      break;
    case Stage::recording:
      ++recording_;
      break;
    case Stage::inFlight:
      put = inFlight_.emplace(item.submission.attempt, &item).second;
      break;
    case Stage::waiting:
      put = waiting_.try_emplace({record.due_, id}, &item).second;
      break;
  }
  KJ_ASSERT(put, "another SMS has its place on the list of its stage", id, static_cast<int>(to));
  record.stage_ = to;
}

Item& SmsUnderWay::enter(std::unique_ptr<Item> item) {
  Item& entered = *item;
  const queue::SubmissionId id = entered.submission.id;
  const bool isNew = items_.try_emplace(id, std::move(item)).second;
  KJ_REQUIRE(isNew, "the SMS is under way already", id);
  entered.record = {};
  entered.record.among_ = this;
  return entered;
}

void SmsUnderWay::waitForRound(Item& item, kj::TimePoint due) {
  KJ_REQUIRE(item.record.stage_ == Stage::deciding, "the SMS is in a stage already", item.submission.id);
  item.record.due_ = due;
  move(item, Stage::deciding, Stage::waiting);
}

Item* SmsUnderWay::recorded(queue::SubmissionId id) {
  auto found = items_.find(id);
  if (found == items_.end()) return nullptr;
  Item& item = *found->second;
  move(item, Stage::recording, Stage::deciding);
  return &item;
}

Item* SmsUnderWay::ended(queue::AttemptId attempt) {
  auto found = inFlight_.find(attempt);
  if (found == inFlight_.end()) return nullptr;
  Item& item = *found->second;
  move(item, Stage::inFlight, Stage::deciding);
  return &item;
}

void SmsUnderWay::reconsider(Item& item) {
  move(item, item.record.stage_ == Stage::waiting ? Stage::waiting : Stage::pending, Stage::deciding);
}

std::unique_ptr<Item> SmsUnderWay::leave(Item& item) {
  KJ_REQUIRE(item.record.among_ == this, "the SMS is not under way", item.submission.id);
  KJ_REQUIRE(item.record.stage_ == Stage::deciding, "the SMS leaves while it is in a stage",
             item.submission.id, static_cast<int>(item.record.stage_));
  auto found = items_.find(item.submission.id);
  auto left = std::move(found->second);
  items_.erase(found);
  left->record = {};
  return left;
}

void SmsUnderWay::clear() {
  pending_.clear();
  inFlight_.clear();
  waiting_.clear();
  recording_ = 0;
  items_.clear();
}

std::size_t SmsUnderWay::count(Stage stage) const {
  switch (stage) {
    case Stage::deciding:
      return items_.size() - pending_.size() - recording_ - inFlight_.size() - waiting_.size();
    case Stage::pending:
      return pending_.size();
    case Stage::recording:
      return recording_;
    case Stage::inFlight:
      return inFlight_.size();
    case Stage::waiting:
      return waiting_.size();
  }
  return 0;
}

std::optional<std::pair<Item*, Stage>> SmsUnderWay::find(queue::SubmissionId id) const {
  auto found = items_.find(id);
  if (found == items_.end()) return std::nullopt;
  return std::pair(found->second.get(), found->second->record.stage_);
}

std::vector<Item*> SmsUnderWay::due(kj::TimePoint now) const {
  std::vector<Item*> due;
  for (auto& [when, item] : waiting_) {
    if (when.first > now) break;
    due.push_back(item);
  }
  return due;
}

std::vector<Item*> SmsUnderWay::waiting() const {
  std::vector<Item*> all;
  for (auto& [when, item] : waiting_) all.push_back(item);
  return all;
}

std::optional<kj::TimePoint> SmsUnderWay::nextRound() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first.first;
}

ClaimPlan::InHand SmsUnderWay::inHand(std::size_t capacity) const {
  ClaimPlan::InHand hand{
      .capacity = capacity, .all = pending_.size() + recording_, .waiting = pending_.size()};
  if (pending_.empty()) return hand;
  hand.mildest = std::get<0>(pending_.rbegin()->first);
  auto milder = pending_.upper_bound({std::get<0>(pending_.begin()->first), true, INT64_MAX, INT64_MAX});
  hand.milder = static_cast<std::size_t>(std::distance(milder, pending_.end()));
  return hand;
}

}  // namespace smsd::road
