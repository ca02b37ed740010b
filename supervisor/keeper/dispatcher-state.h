// SPDX-License-Identifier: GPL-3.0-or-later
// The state of a dispatcher as one function of its worker's standing, the breaker, the worker's own report
// and the operator. Pure.
//
// Called by the keeper, which has the four of them. The state is shown to operators and logged; what may be
// handed over follows from the same four.
#pragma once

#include "supervisor/delivery/breaker.h"
#include "supervisor/keeper/worker-lifecycle.h"

namespace smsd::keeper {

enum class State { starting, ready, resting, broken, paused };

/// The source of a `broken` state, because each ends in its own way.
enum class Sick {
  no,
  byOutcome,  // by an outcome: an SMS that the gateway accepts or refuses ends it
  byHealth,   // by the worker's report: it can detect the end without an SMS
};

/// Why a dispatcher cannot be used.
enum class Trouble { none, worker, gateway, sickness };

enum class Paused { no, byOperator };

struct DispatcherSituation {
  Life::Standing standing = Life::Standing::coming;
  delivery::Breaker::State breaker = delivery::Breaker::State::closed;
  Sick sick = Sick::no;
  Paused paused = Paused::no;

  State state() const {
    if (paused != Paused::no) return State::paused;
    if (standing == Life::Standing::absent) return State::resting;
    if (standing == Life::Standing::coming) return State::starting;
    switch (trouble()) {
      case Trouble::none:
        return State::ready;
      case Trouble::sickness:
        return State::broken;
      case Trouble::worker:
      case Trouble::gateway:
        break;
    }
    return State::resting;
  }

  Trouble trouble() const {
    if (standing == Life::Standing::absent || standing == Life::Standing::coming) return Trouble::worker;
    if (sick == Sick::byHealth) return Trouble::sickness;
    if (breaker == delivery::Breaker::State::closed) return Trouble::none;
    return sick == Sick::byOutcome ? Trouble::sickness : Trouble::gateway;
  }

  /// SMS may be handed over as far as the breaker allows it.
  bool takesSms() const {
    return standing == Life::Standing::working && sick != Sick::byHealth && paused == Paused::no;
  }
};

}  // namespace smsd::keeper
