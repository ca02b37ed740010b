// SPDX-License-Identifier: GPL-3.0-or-later
// What the supervisor's pure rooms cost for each SMS or outcome, and its configuration for a reading.
#include "supervisor/config/config.h"
#include "supervisor/delivery/blame.h"
#include "supervisor/delivery/breaker.h"
#include "supervisor/delivery/quota.h"
#include "supervisor/delivery/verdict.h"
#include "supervisor/keeper/worker-lifecycle.h"
#include "supervisor/queue/postgresql/values.h"
#include "supervisor/queue/smsid.h"
#include "tests/bench/work-loads.h"

namespace smsd::bench {
namespace {

using namespace std::chrono_literals;

/// What the road and the keeper make of one outcome of each kind, in turn.
std::size_t judge() {
  delivery::Breaker breaker;
  delivery::Streak streak;
  delivery::Quota quota({.perDay = 100, .reserve = 20, .reserveFor = 2});
  std::size_t sum = 0;
  auto now = 1000ms;
  for (auto kind :
       {delivery::OutcomeKind::accepted, delivery::OutcomeKind::refused, delivery::OutcomeKind::deferred,
        delivery::OutcomeKind::unknown, delivery::OutcomeKind::deferred, delivery::OutcomeKind::broken}) {
    delivery::Outcome outcome{kind, "the gateway is busy (503)", 30s, delivery::Reached::yes};
    delivery::Situation situation;
    situation.othersLeft = sum % 2 == 0;
    situation.sameKnowsKeys = true;
    sum += 1 + static_cast<std::size_t>(verdict(outcome, situation));
    sum += static_cast<std::size_t>(streak.judge("+4799887766", outcome));
    breaker.record(kind, now += 1s, 200ms);
    sum += static_cast<std::size_t>(breaker.state(now));
    quota.count(17);
    sum += quota.left(3, 4, 17);
  }
  return sum;
}

/// A worker that serves, dies, is replaced, cannot be started, and is back in the end.
std::size_t live() {
  using Event = keeper::Life::Event;
  keeper::Life life;
  std::size_t sum = 0;
  for (auto event : {Event::start, Event::ready, Event::served, Event::gone, Event::ready, Event::breach,
                     Event::start, Event::cannotStart, Event::start, Event::ready, Event::served}) {
    sum += 1 + static_cast<std::size_t>(life.said(life.generation(), event));
    sum += static_cast<std::size_t>(life.wait() / 1ms);
  }
  return sum + life.generation();
}

/// What goes to PostgreSQL and comes from it for one SMS: claim, texts, settlement.
std::size_t convertValues() {
  const std::string texts[] = {"1: ups-3: on battery; 2: \"core-gw1\" C:\\> down", "+4799887766", "4711"};
  const std::vector<format::MessageId> ids = {4001, 4002, 123456789012};
  std::size_t sum = queue::postgresql::arrayOf(texts).size() + queue::postgresql::arrayOf(ids).size();
  for (auto id : queue::postgresql::idsOf("{4001,4002,123456789012}")) sum += id > 0;
  return sum + static_cast<std::size_t>(queue::smsidOf("4711") + queue::smsidOf("a8-17"));
}

std::size_t readExample() {
  auto read = config::readConfig(SMSD_SOURCE_DIR "/deploy/examples/smsd.yaml", config::Reach::valuesOnly);
  return read.problems.empty() ? read.config.dispatchers.size() : 0;
}

}  // namespace

std::vector<WorkLoad> supervisorLoads() {
  return {
      {"judge-outcomes", "six outcomes", 200, judge},
      {"worker-life", "life", 200, live},
      {"queue-values", "SMS", 200, convertValues},
      {"config-read", "file", 2, readExample},
  };
}

}  // namespace smsd::bench
