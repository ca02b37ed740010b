// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/dispatcher-set.h"

#include <kj/debug.h>

#include <algorithm>
#include <climits>

namespace smsd::road {
namespace {

template <typename Is>
kj::Maybe<std::size_t> firstWhere(const Keepers& keepers, Is is) {
  for (std::size_t place = 0; place < keepers.size(); ++place)
    if (is(*keepers[place])) return place;
  return nullptr;
}

}  // namespace

std::size_t DispatcherSet::indexOf(const std::string& name) {
  auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
  names_.push_back(name);
  return names_.size() - 1;
}

void DispatcherSet::use(Keepers keepers) {
  KJ_REQUIRE(keepers_.empty(), "the dispatchers are set already");
  for (auto& keeper : keepers) KJ_REQUIRE(indexOf(keeper->name()) == keeper->index(), "another index");
  keepers_ = std::move(keepers);
}

void DispatcherSet::replace(const std::vector<config::DispatcherConfig>& order, Keepers added) {
  for (auto& keeper : added) KJ_REQUIRE(indexOf(keeper->name()) == keeper->index(), "another index");
  for (auto& entry : order) {
    auto isIt = [&entry](auto& keeper) { return keeper->name() == entry.name; };
    KJ_REQUIRE(std::any_of(begin(), end(), isIt) != std::any_of(added.begin(), added.end(), isIt),
               "a configured dispatcher has one keeper", entry.name);
  }
  Keepers before = std::exchange(keepers_, {});
  for (auto& entry : order)
    for (auto* from : {&before, &added})
      for (auto& keeper : *from)
        if (keeper != nullptr && keeper->name() == entry.name) keepers_.push_back(std::move(keeper));
  for (auto& keeper : before)
    if (keeper != nullptr) leave(std::move(keeper));
}

kj::Maybe<std::size_t> DispatcherSet::find(const std::string& name) const {
  return firstWhere(keepers_, [&name](auto& keeper) { return keeper.name() == name; });
}

std::vector<std::string> DispatcherSet::names() const {
  std::vector<std::string> names;
  for (auto& keeper : keepers_) names.push_back(keeper->name());
  return names;
}

std::vector<keeper::Keeper*> DispatcherSet::withRemoved() const {
  std::vector<keeper::Keeper*> all;
  for (auto& keeper : keepers_) all.push_back(keeper.get());
  for (auto* keeper : removed()) all.push_back(keeper);
  return all;
}

std::vector<keeper::Keeper*> DispatcherSet::removed() const {
  std::vector<keeper::Keeper*> all;
  for (auto& one : leaving_) all.push_back(one->keeper.get());
  return all;
}

kj::Maybe<std::size_t> DispatcherSet::firstUsable() const {
  auto begins = firstWhere(keepers_, [](auto& keeper) { return keeper.usable() && !keeper.stalls(INT_MAX); });
  if (begins != nullptr) return begins;
  return firstWhere(keepers_, [](auto& keeper) { return keeper.usable(); });
}

kj::Maybe<std::size_t> DispatcherSet::firstThatTries() const {
  return firstWhere(keepers_, [](auto& keeper) { return keeper.triesForSome(); });
}

DispatcherSet::Outlook DispatcherSet::outlook() const {
  auto works = [](auto& keeper) { return keeper->believed(); };
  auto hopes = [](auto& keeper) {
    auto state = keeper->state();
    return keeper->undecided() || state == keeper::State::starting || state == keeper::State::ready;
  };
  auto broken = [](auto& keeper) { return keeper->state() == keeper::State::broken; };
  if (std::any_of(begin(), end(), works)) return Outlook::works;
  if (std::any_of(begin(), end(), hopes)) return Outlook::mayWork;
  return !keepers_.empty() && std::all_of(begin(), end(), broken) ? Outlook::allBroken : Outlook::none;
}

bool DispatcherSet::undecidedBefore(std::size_t places) const {
  KJ_REQUIRE(places <= keepers_.size(), "there are fewer dispatchers", places);
  const auto end = keepers_.begin() + static_cast<std::ptrdiff_t>(places);
  return std::any_of(keepers_.begin(), end, [](auto& keeper) { return keeper->undecided(); });
}

bool DispatcherSet::maybeLater(const Item& item) const {
  return std::any_of(begin(), end(), [&item](auto& keeper) {
    return item.at(keeper->index()).tried == Tried::no && keeper->allowance(item.submission.severity) > 0 &&
           (keeper->state() == keeper::State::starting || keeper->state() == keeper::State::ready ||
            keeper->out() > 0);
  });
}

kj::Maybe<std::size_t> DispatcherSet::keptBackBy(const Item& item) const {
  return firstWhere(keepers_, [&item](auto& keeper) {
    return item.at(keeper.index()).tried == Tried::no && keeper.usable() &&
           keeper.allowance(item.submission.severity) == 0;
  });
}

void DispatcherSet::wanted() {
  for (auto& keeper : keepers_) {
    if (keeper->usable()) break;
    keeper->wanted();
  }
}

kj::Promise<void> DispatcherSet::drain() {
  auto drains = kj::heapArrayBuilder<kj::Promise<void>>(keepers_.size());
  for (auto& keeper : keepers_) drains.add(keeper->drain().catch_([](kj::Exception&&) {}));
  return kj::joinPromises(drains.finish());
}

void DispatcherSet::smsEnded() {
  if (!leaving_.empty()) dismiss_.in(Milliseconds(0));
}

/// Lets a removed dispatcher finish. It keeps its index, so that its outcomes find their SMS, and begins no
/// more.
void DispatcherSet::leave(std::unique_ptr<keeper::Keeper> keeper) {
  auto& one = *leaving_.emplace_back(std::make_unique<Leaving>());
  one.keeper = std::move(keeper);
  one.draining = one.keeper->drain()
                     .catch_([](kj::Exception&&) {})  // its worker exited, which gives its SMS their outcomes
                     .then([this, &one]() {
                       one.drained = Leaving::Drained::yes;
                       dismiss_.in(Milliseconds(0));
                     })
                     .eagerlyEvaluate(nullptr);
}

/// Deletes the removed dispatchers that have nothing in progress. Runs from an alarm, because a keeper must
/// not be deleted within one of its own calls.
void DispatcherSet::dismiss() {
  std::erase_if(leaving_,
                [](auto& one) { return one->drained == Leaving::Drained::yes && one->keeper->idle(); });
}

}  // namespace smsd::road
