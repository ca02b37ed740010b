// SPDX-License-Identifier: GPL-3.0-or-later
// The dispatchers, in order of preference, and those that a reload has removed but that still have SMS.
//
// Owns their keepers. Called by the road, which hands SMS over; by the test SMS, the control server and the
// daemon, which look at the keepers one by one. Answers the questions that concern dispatchers alone, or one
// SMS and its history with them. Decides nothing about an SMS.
//
// The place of a dispatcher in the order changes with a reload. Its index (Keeper::index) never does, so that
// outcomes, and the history of an SMS, find their dispatcher whatever has changed meanwhile.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/kj/alarm.h"
#include "supervisor/keeper/keeper.h"
#include "supervisor/road/item.h"

namespace smsd::road {

using Keepers = std::vector<std::unique_ptr<keeper::Keeper>>;

class DispatcherSet {
 public:
  explicit DispatcherSet(kj::Timer& timer) : dismiss_(timer, [this]() { dismiss(); }) {}

  /// Returns the index of the dispatcher `name`, for its keeper. It stays the same for the life of the
  /// process.
  std::size_t indexOf(const std::string& name);
  /// Sets the dispatchers, in order of preference. Called once, before the road starts.
  void use(Keepers keepers);
  /// Applies a reload. Dispatchers that are here already stay, in the order of `order`; `added` holds the
  /// others. A dispatcher that is no longer in `order` finishes its SMS in progress and is then deleted.
  void replace(const std::vector<config::DispatcherConfig>& order, Keepers added);

  // --- those in use, in order of preference
  Keepers::const_iterator begin() const { return keepers_.begin(); }
  Keepers::const_iterator end() const { return keepers_.end(); }
  std::size_t size() const { return keepers_.size(); }
  keeper::Keeper& operator[](std::size_t place) const { return *keepers_.at(place); }
  /// Returns the place of the dispatcher `name`; none: it is not in use.
  kj::Maybe<std::size_t> find(const std::string& name) const;
  std::vector<std::string> names() const;
  /// Returns those in use, and those that a reload has removed.
  std::vector<keeper::Keeper*> withRemoved() const;
  std::vector<keeper::Keeper*> removed() const;

  // --- questions; the answers are places
  /// The first usable one. One whose worker does not begin its SMS comes after all others.
  kj::Maybe<std::size_t> firstUsable() const;
  /// The first that is not usable, but takes an SMS that is severe enough as an early probe.
  kj::Maybe<std::size_t> firstThatTries() const;
  /// Whether any dispatcher can be used.
  enum class Outlook {
    works,      // one is ready, and not only because one more worker has started after several that died
    mayWork,    // one starts, or is ready for the moment
    allBroken,  // each one needs a repair
    none,
  };
  Outlook outlook() const;
  /// Whether one of the first `places` may still become ready for the first time.
  bool undecidedBefore(std::size_t places) const;
  /// Whether a dispatcher that has not been tried with this SMS is (re)starting, ready or probing, so that a
  /// short wait is worthwhile.
  bool maybeLater(const Item& item) const;
  /// Returns the first dispatcher that this SMS could use if it had not reached its daily limit.
  kj::Maybe<std::size_t> keptBackBy(const Item& item) const;

  // --- for all of them
  /// There is something to send: wakes those before the first usable one.
  void wanted();
  /// Resolves when no dispatcher in use has an SMS in flight. They begin no more.
  kj::Promise<void> drain();
  /// Called when an SMS has ended: a removed dispatcher may have nothing in progress any more.
  void smsEnded();

 private:
  /// A dispatcher that is no longer configured.
  struct Leaving {
    std::unique_ptr<keeper::Keeper> keeper;
    enum class Drained { no, yes } drained = Drained::no;
    kj::Promise<void> draining = nullptr;
  };
  void leave(std::unique_ptr<keeper::Keeper> keeper);
  void dismiss();

  std::vector<std::string> names_;  // of all dispatchers since the start, by index
  Keepers keepers_;                 // in order of preference
  std::vector<std::unique_ptr<Leaving>> leaving_;
  Alarm dismiss_;
};

}  // namespace smsd::road
