// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/worker-lifecycle.h"

#include <kj/debug.h>

#include <array>

namespace smsd::keeper {
namespace {

using P = Life::Phase;
using E = Life::Event;
using A = Life::Action;

struct Cell {
  P in;
  E at;
  P next;
  A action;
};

// An event missing here cannot occur in that phase, or comes too late: the phase stays, and the action is
// none.
constexpr Cell cells[] = {
    {P::off, E::start, P::starting, A::hire},
    {P::off, E::stop, P::over, A::none},
    {P::off, E::end, P::over, A::none},

    {P::waiting, E::start, P::starting, A::hire},
    {P::waiting, E::restart, P::starting, A::hire},
    {P::waiting, E::stop, P::over, A::none},
    {P::waiting, E::end, P::over, A::none},

    {P::starting, E::cannotStart, P::waiting, A::wait},
    {P::starting, E::ready, P::fresh, A::welcome},
    {P::starting, E::hung, P::failing, A::end},
    {P::starting, E::gone, P::waiting, A::wait},
    {P::starting, E::breach, P::waiting, A::wait},
    {P::starting, E::shutOut, P::reopening, A::again},
    {P::starting, E::restart, P::ending, A::end},
    {P::starting, E::restartNow, P::ending, A::end},
    {P::starting, E::stop, P::leaving, A::none},
    {P::starting, E::end, P::leaving, A::end},

    {P::fresh, E::served, P::proven, A::none},
    {P::fresh, E::hung, P::failing, A::end},
    {P::fresh, E::gone, P::starting, A::retry},
    {P::fresh, E::breach, P::waiting, A::wait},
    {P::fresh, E::restart, P::replacing, A::drain},
    {P::fresh, E::restartNow, P::ending, A::end},
    {P::fresh, E::stop, P::leaving, A::drain},
    {P::fresh, E::end, P::leaving, A::end},

    {P::proven, E::hung, P::ending, A::end},
    {P::proven, E::gone, P::starting, A::hire},
    {P::proven, E::breach, P::waiting, A::wait},
    {P::proven, E::restart, P::replacing, A::drain},
    {P::proven, E::restartNow, P::ending, A::end},
    {P::proven, E::stop, P::leaving, A::drain},
    {P::proven, E::end, P::leaving, A::end},

    {P::replacing, E::hung, P::ending, A::end},
    {P::replacing, E::gone, P::starting, A::hire},
    {P::replacing, E::breach, P::waiting, A::wait},
    {P::replacing, E::drained, P::ending, A::end},
    {P::replacing, E::restartNow, P::ending, A::end},
    {P::replacing, E::stop, P::leaving, A::drain},
    {P::replacing, E::end, P::leaving, A::end},

    {P::reopening, E::start, P::starting, A::hire},
    {P::reopening, E::restart, P::starting, A::hire},
    {P::reopening, E::stop, P::over, A::none},
    {P::reopening, E::end, P::over, A::none},

    {P::ending, E::gone, P::starting, A::hire},
    {P::ending, E::breach, P::waiting, A::wait},
    {P::ending, E::stop, P::leaving, A::none},
    {P::ending, E::end, P::leaving, A::end},

    {P::failing, E::gone, P::waiting, A::wait},
    {P::failing, E::breach, P::waiting, A::wait},
    {P::failing, E::restart, P::ending, A::none},
    {P::failing, E::stop, P::leaving, A::none},
    {P::failing, E::end, P::leaving, A::end},

    {P::leaving, E::hung, P::leaving, A::end},
    {P::leaving, E::gone, P::over, A::none},
    {P::leaving, E::breach, P::over, A::none},
    {P::leaving, E::restartNow, P::leaving, A::end},
    {P::leaving, E::end, P::leaving, A::end},
};

constexpr auto table = []() {
  std::array<std::array<Life::Step, Life::events>, Life::phases> all{};
  for (int phase = 0; phase < Life::phases; ++phase)
    for (auto& step : all[phase]) step = {static_cast<P>(phase), A::none};
  for (const Cell& cell : cells)
    all[static_cast<int>(cell.in)][static_cast<int>(cell.at)] = {cell.next, cell.action};
  return all;
}();

}  // namespace

Life::Step Life::step(Phase phase, Event event) {
  return table[static_cast<int>(phase)][static_cast<int>(event)];
}

bool Life::hasWorker(Phase phase) {
  switch (phase) {
    case P::off:
    case P::waiting:
    case P::reopening:
    case P::over:
      return false;
    case P::starting:
    case P::fresh:
    case P::proven:
    case P::replacing:
    case P::ending:
    case P::failing:
    case P::leaving:
      break;
  }
  return true;
}

Life::Standing Life::standingOf(Phase phase, Present present) {
  switch (phase) {
    case P::waiting:
    case P::over:
      return Standing::absent;
    case P::fresh:
    case P::proven:
      return present == Present::ready ? Standing::working : Standing::coming;
    case P::leaving:
      return present == Present::ready ? Standing::leaving : Standing::coming;
    case P::off:
    case P::starting:
    case P::replacing:
    case P::reopening:
    case P::ending:
    case P::failing:
      break;
  }
  return Standing::coming;
}

/// Updates what is known of the present worker. Called before the phase changes.
void Life::note(Event event, Step step) {
  switch (event) {
    case E::cannotStart:
    case E::gone:
    case E::shutOut:
    case E::breach:
      KJ_REQUIRE(hasWorker(phase_), "a worker ended that was not there", int(phase_), int(event));
      ready_ = declined_ = restarting_ = undecided_ = false;
      break;
    case E::ready:
      if (step.action != A::welcome) break;
      KJ_REQUIRE(!ready_, "a worker became ready twice", int(phase_));
      ready_ = true;
      undecided_ = false;
      break;
    case E::restart:
      if (hasWorker(phase_) && phase_ != P::leaving) restarting_ = true;
      break;
    case E::start:
    case E::served:
    case E::hung:
    case E::drained:
    case E::restartNow:
    case E::stop:
    case E::end:
      break;
  }
}

Life::Action Life::happens(Event event) {
  Step step = Life::step(phase_, event);
  note(event, step);
  // After a repair an operator gets a worker without the waits of earlier deaths.
  if (event == Event::restart || step.next == Phase::proven) forgive();
  if (step.action == Action::retry) {
    if (pardoned_)
      step = {Phase::waiting, Action::wait};
    else
      step.action = Action::hire;
    pardoned_ = true;
  }
  if (step.action == Action::wait) ++earlyDeaths_;
  if (step.action == Action::hire) ++generation_;
  phase_ = step.next;
  const bool sends = phase_ == Phase::fresh || phase_ == Phase::proven || phase_ == Phase::replacing;
  KJ_ASSERT(!sends || ready_, "a worker that is not ready was used", int(phase_), int(event));
  KJ_ASSERT(hasWorker(phase_) || !(ready_ || declined_ || restarting_), "a worker was kept that is gone",
            int(phase_), int(event));
  return step.action;
}

}  // namespace smsd::keeper
