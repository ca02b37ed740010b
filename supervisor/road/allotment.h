// SPDX-License-Identifier: GPL-3.0-or-later
// The allotment of one turn: which of the pending SMS go to which dispatcher.
//
// Made by the road for each turn, and gone after it. Moves the SMS on: those that may leave at once are in
// flight, those that need a new attempt first are being recorded, and those that no dispatcher takes wait for
// a decision. The road carries that out, because this class knows neither the ledger nor a worker.
#pragma once

#include <kj/function.h>
#include <kj/time.h>

#include <cstddef>
#include <vector>

#include "supervisor/keeper/keeper.h"
#include "supervisor/road/dispatcher-set.h"
#include "supervisor/road/sms-under-way.h"
#include "supervisor/road/start-decision.h"
#include "supervisor/road/turns.h"

namespace smsd::road {

class Allotment {
 public:
  struct Dependencies {
    SmsUnderWay& sms;
    const DispatcherSet& dispatchers;
    Turns& turns;
    const StartDecision& start;
    kj::TimePoint now;
  };
  /// `awaitsLook` returns whether the places of a dispatcher are given away only after a look at the queue.
  Allotment(Dependencies dependencies, kj::FunctionParam<bool(const keeper::Keeper&)> awaitsLook);

  /// Allots the pending SMS. Called once.
  void allot();

  /// For the dispatcher at `place`: the SMS that leave now.
  const std::vector<Item*>& batch(std::size_t place) const { return hands_.at(place).batch; }
  struct ToRecord {
    Item* item;
    std::size_t place;
  };
  /// SMS whose next attempt, with the dispatcher at `place`, has to be durable first.
  const std::vector<ToRecord>& toRecord() const { return toRecord_; }
  /// SMS that every usable dispatcher was tried with, and whose other ones are not worth waiting for.
  const std::vector<Item*>& stranded() const { return stranded_; }
  /// Whether a dispatcher can be used by any SMS.
  bool anyOpen() const { return anyOpen_; }
  /// Returns the place of the first usable dispatcher, in order of preference, that has not been tried in
  /// this round. One whose worker does not begin its SMS comes after the others, because this SMS would wait
  /// behind them. If there is none, returns a dispatcher that takes this SMS as an early probe. Returns
  /// nothing while the SMS waits for a dispatcher that is still starting.
  kj::Maybe<std::size_t> target(const Item& item) const;

 private:
  enum class Way {
    closed,  // cannot be used
    open,
    probe,    // usable; the next SMS is the probe
    resting,  // backs off, but takes an SMS that is severe enough as an early probe
  };
  /// For which SMS the worker keeps others unbegun for too long.
  enum class Stalls { no, forMoreSevere, forAll };
  /// The places that a dispatcher has left in this turn, and the SMS that it is given.
  struct Hand {
    Way way = Way::closed;
    keeper::Places places;
    Stalls stalls = Stalls::no;
    std::vector<Item*> batch;

    bool passesOver(int rank) const {
      return stalls == Stalls::forAll || (stalls == Stalls::forMoreSevere && rank < places.mildest);
    }
  };
  void giveTheOldestItsTurn(SmsUnderWay::Pending::const_iterator& at);
  void give(Item& item, std::size_t place);

  SmsUnderWay& sms_;
  const DispatcherSet& dispatchers_;
  Turns& turns_;
  const StartDecision& start_;
  kj::TimePoint now_;
  std::vector<Hand> hands_;  // by place
  std::size_t left_ = 0;     // places of all
  bool any_ = false;         // at least one is not closed
  bool anyOpen_ = false;     // at least one is open or probe
  std::vector<ToRecord> toRecord_;
  std::vector<Item*> stranded_;
};

}  // namespace smsd::road
