// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/worker-lifecycle.h"

#include <gtest/gtest.h>
#include <kj/exception.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace smsd::keeper {
namespace {

using namespace std::chrono_literals;
using Phase = Life::Phase;
using Event = Life::Event;
using Action = Life::Action;

const std::vector<std::pair<std::string, Phase>> phases = {
    {"off", Phase::off},       {"waiting", Phase::waiting},    {"starting", Phase::starting},
    {"fresh", Phase::fresh},   {"proven", Phase::proven},      {"replacing", Phase::replacing},
    {"ending", Phase::ending}, {"failing", Phase::failing},    {"leaving", Phase::leaving},
    {"over", Phase::over},     {"reopening", Phase::reopening}};
const std::vector<std::pair<std::string, Event>> events = {
    {"start", Event::start},     {"cannot start", Event::cannotStart},
    {"ready", Event::ready},     {"served", Event::served},
    {"hung", Event::hung},       {"gone", Event::gone},
    {"breach", Event::breach},   {"restart", Event::restart},
    {"drained", Event::drained}, {"restart now", Event::restartNow},
    {"stop", Event::stop},       {"end", Event::end},
    {"shut out", Event::shutOut}};
const std::map<Action, std::string> actions = {
    {Action::hire, "hire"},   {Action::retry, "retry"}, {Action::wait, "wait"},  {Action::welcome, "welcome"},
    {Action::drain, "drain"}, {Action::end, "end"},     {Action::again, "again"}};

std::string wordFor(Phase phase) {
  return std::find_if(phases.begin(), phases.end(), [&](auto& one) { return one.second == phase; })->first;
}

/// "next: action"; "-" where nothing changes and nothing is to be done.
std::string said(Phase phase, Life::Step step) {
  std::string next = step.next == phase ? "" : wordFor(step.next);
  if (step.action == Action::none) return next.empty() ? "-" : next;
  return next.empty() ? ": " + actions.at(step.action) : next + ": " + actions.at(step.action);
}

/// Each phase: what follows from each event, in their order above.
const std::map<std::string, std::vector<std::string>> expected = {
    // start, cannot start, ready, served, hung, gone, breach, restart, drained, restart now, stop, end, shut
    // out
    {"off", {"starting: hire", "-", "-", "-", "-", "-", "-", "-", "-", "-", "over", "over", "-"}},
    {"waiting",
     {"starting: hire", "-", "-", "-", "-", "-", "-", "starting: hire", "-", "-", "over", "over", "-"}},
    {"reopening",
     {"starting: hire", "-", "-", "-", "-", "-", "-", "starting: hire", "-", "-", "over", "over", "-"}},
    {"starting",
     {"-", "waiting: wait", "fresh: welcome", "-", "failing: end", "waiting: wait", "waiting: wait",
      "ending: end", "-", "ending: end", "leaving", "leaving: end", "reopening: again"}},
    {"fresh",
     {"-", "-", "-", "proven", "failing: end", "starting: retry", "waiting: wait", "replacing: drain", "-",
      "ending: end", "leaving: drain", "leaving: end", "-"}},
    {"proven",
     {"-", "-", "-", "-", "ending: end", "starting: hire", "waiting: wait", "replacing: drain", "-",
      "ending: end", "leaving: drain", "leaving: end", "-"}},
    {"replacing",
     {"-", "-", "-", "-", "ending: end", "starting: hire", "waiting: wait", "-", "ending: end", "ending: end",
      "leaving: drain", "leaving: end", "-"}},
    {"ending",
     {"-", "-", "-", "-", "-", "starting: hire", "waiting: wait", "-", "-", "-", "leaving", "leaving: end",
      "-"}},
    {"failing",
     {"-", "-", "-", "-", "-", "waiting: wait", "waiting: wait", "ending", "-", "-", "leaving",
      "leaving: end", "-"}},
    {"leaving", {"-", "-", "-", "-", ": end", "over", "over", "-", "-", ": end", "-", ": end", "-"}},
    {"over", {"-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"}},
};

TEST(Life, GoesFromEachPhaseAtEachEventWhereTheTableSays) {
  ASSERT_EQ(phases.size(), std::size_t(Life::phases));
  ASSERT_EQ(events.size(), std::size_t(Life::events));
  for (auto& [word, phase] : phases)
    for (std::size_t i = 0; i < events.size(); ++i)
      EXPECT_EQ(said(phase, Life::step(phase, events[i].second)), expected.at(word).at(i))
          << word << ", " << events[i].first;
}

// Whatever happens, in whatever order: a worker is hired only where there is none, and never after the stop.
TEST(Life, HiresOnlyWhereThereIsNoWorkerAndNothingAfterTheStop) {
  const std::set<Phase> without = {Phase::off, Phase::waiting, Phase::reopening, Phase::over};
  for (auto& [word, phase] : phases) {
    for (auto& [name, event] : events) {
      auto step = Life::step(phase, event);
      bool worker = !without.contains(phase) && event != Event::gone && event != Event::shutOut &&
                    event != Event::breach;
      if (step.action == Action::hire || step.action == Action::retry) {
        EXPECT_FALSE(worker) << word << ", " << name;
        EXPECT_FALSE(phase == Phase::leaving || phase == Phase::over) << word << ", " << name;
      }
      if (phase == Phase::leaving || phase == Phase::over) {
        EXPECT_TRUE(step.next == Phase::leaving || step.next == Phase::over) << word << ", " << name;
      }
      if (step.action == Action::end || step.action == Action::drain) {
        EXPECT_TRUE(worker) << word << ", " << name;
      }
    }
  }
}

TEST(Life, IgnoresALateWordOfAGenerationThatIsGone) {
  Life life;
  life.happens(Event::start);
  life.said(1, Event::ready);
  life.said(1, Event::served);
  EXPECT_EQ(life.said(1, Event::gone), Action::hire);
  EXPECT_EQ(life.generation(), 2u);
  for (auto& [name, event] : events) {
    EXPECT_EQ(life.said(1, event), Action::none) << name;
    EXPECT_EQ(life.phase(), Phase::starting) << name;
  }
  EXPECT_EQ(life.said(2, Event::ready), Action::welcome);
}

/// Dies as often as is asked, each time before it served; what followed.
std::vector<std::chrono::milliseconds> waits(Life& life, int deaths, bool ready) {
  std::vector<std::chrono::milliseconds> result;
  for (int i = 0; i < deaths; ++i) {
    if (ready) life.happens(Event::ready);
    auto action = life.happens(Event::gone);
    if (action == Action::wait) life.happens(Event::start);
    result.push_back(action == Action::wait ? life.wait() : 0ms);
  }
  return result;
}

TEST(Life, WaitsLongerEachTimeAWorkerDiesBeforeItServedUpToAMinute) {
  Life life;
  life.happens(Event::start);
  EXPECT_EQ(waits(life, 9, false),
            (std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}));
  EXPECT_TRUE(life.suspect());
}

TEST(Life, ReplacesAtOnceTheFirstReadyOneThatDiesBeforeItServedAndThrottlesTheNext) {
  Life life;
  life.happens(Event::start);
  EXPECT_EQ(waits(life, 4, true), (std::vector<std::chrono::milliseconds>{0s, 1s, 2s, 4s}));
}

TEST(Life, ForgetsEarlyDeathsWhenAWorkerServesAndWhenAnOperatorRestartsIt) {
  for (Event event : {Event::served, Event::restart}) {
    Life life;
    life.happens(Event::start);
    waits(life, 5, true);
    life.happens(Event::ready);
    life.happens(event);
    EXPECT_FALSE(life.suspect());
    EXPECT_EQ(life.happens(Event::gone), Action::hire);
    EXPECT_EQ(waits(life, 2, true), (std::vector<std::chrono::milliseconds>{0s, 1s}));
  }
}

TEST(Life, ABreachCostsAWaitEvenWhereTheWorkerHadServed) {
  Life life;
  life.happens(Event::start);
  life.happens(Event::ready);
  life.happens(Event::served);
  EXPECT_EQ(life.happens(Event::breach), Action::wait);
  EXPECT_EQ(life.wait(), 1s);
}

TEST(Life, StandsByItsPhaseAndByWhatIsKnownOfItsWorker) {
  using Standing = Life::Standing;
  using Present = Life::Present;
  struct Row {
    Phase phase;
    Standing notReady, ready, declined;
  };
  const Standing absent = Standing::absent, coming = Standing::coming, working = Standing::working,
                 leaving = Standing::leaving;
  std::size_t rows = 0;
  for (auto [phase, notReady, ready, declined] : {Row{Phase::off, coming, coming, coming},
                                                  {Phase::waiting, absent, absent, absent},
                                                  {Phase::starting, coming, coming, coming},
                                                  {Phase::fresh, coming, working, coming},
                                                  {Phase::proven, coming, working, coming},
                                                  {Phase::replacing, coming, coming, coming},
                                                  {Phase::reopening, coming, coming, coming},
                                                  {Phase::ending, coming, coming, coming},
                                                  {Phase::failing, coming, coming, coming},
                                                  {Phase::leaving, coming, leaving, coming},
                                                  {Phase::over, absent, absent, absent}}) {
    ++rows;
    EXPECT_EQ(Life::standingOf(phase, Present::notReady), notReady) << wordFor(phase);
    EXPECT_EQ(Life::standingOf(phase, Present::ready), ready) << wordFor(phase);
    EXPECT_EQ(Life::standingOf(phase, Present::declined), declined) << wordFor(phase);
  }
  EXPECT_EQ(rows, std::size_t(Life::phases));
}

TEST(Life, KnowsOfItsWorkerWhetherItIsReadyTakesMoreAndShallBeReplaced) {
  struct Row {
    std::string what;
    std::vector<Event> events;
    std::string known;
  };
  const Event start = Event::start, ready = Event::ready, restart = Event::restart, gone = Event::gone;
  for (const auto& [what, happened, known] :
       {Row{"before the start", {}, "undecided"}, Row{"starting", {start}, "undecided"},
        Row{"cannot start", {start, Event::cannotStart}, ""}, Row{"died at the start", {start, gone}, ""},
        Row{"shut out", {start, Event::shutOut}, ""}, Row{"ready", {start, ready}, "ready"},
        Row{"ready, and gone", {start, ready, gone}, ""},
        Row{"ready, and broke the contract", {start, ready, Event::breach}, ""},
        Row{"drained", {start, ready, restart, Event::drained}, "ready restarting"},
        Row{"ended for others", {start, ready, Event::restartNow}, "ready"},
        Row{"restarted", {start, ready, restart}, "ready restarting"},
        Row{"restarted before it was ready", {start, restart}, "restarting undecided"},
        Row{"restarted, and gone", {start, ready, restart, gone}, ""},
        Row{"restarted while it waited", {start, gone, restart}, ""},
        Row{"stopped", {start, ready, Event::stop}, "ready"},
        Row{"restarted, then stopped", {start, ready, restart, Event::stop}, "ready restarting"},
        Row{"restarted after the stop", {start, ready, Event::stop, restart}, "ready"},
        Row{"ready after the stop", {start, Event::stop, ready}, "undecided"}}) {
    Life life;
    for (Event event : happened) life.happens(event);
    std::string found;
    for (const auto& [word, is] : {std::pair<std::string, bool>("ready", life.ready()),
                                   {"restarting", life.restarting()},
                                   {"undecided", life.undecided()}})
      if (is) found += (found.empty() ? "" : " ") + word;
    EXPECT_EQ(found, known) << what;
  }
}

TEST(Life, TakesNoMoreFromTheDeclineToTheEndOfThatWorker) {
  Life life;
  EXPECT_FALSE(life.declines(0)) << "there is no worker";
  life.happens(Event::start);
  life.happens(Event::ready);
  EXPECT_FALSE(life.declines(2)) << "another generation";
  EXPECT_TRUE(life.declines(1));
  EXPECT_EQ(life.standing(), Life::Standing::coming);
  life.happens(Event::served);
  EXPECT_TRUE(life.declined()) << "although it has served since";
  life.happens(Event::gone);
  EXPECT_FALSE(life.declined());
}

TEST(Life, AssertsThatOnlyAWorkerThatIsThereEnds) {
  for (Event event : {Event::gone, Event::breach, Event::shutOut, Event::cannotStart}) {
    Life life;
    EXPECT_THROW(life.happens(event), kj::Exception);
    EXPECT_EQ(life.phase(), Phase::off);
  }
}

}  // namespace
}  // namespace smsd::keeper
