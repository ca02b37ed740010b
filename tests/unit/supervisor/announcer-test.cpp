// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/announcer.h"

#include <gtest/gtest.h>
#include <kj/exception.h>

#include <string>
#include <vector>

namespace smsd::keeper {
namespace {

using Entry = Announcer::Entry;
using Reputation = Announcer::Reputation;

kj::TimePoint at(int seconds) { return kj::origin<kj::TimePoint>() + seconds * kj::SECONDS; }

struct Look {
  State state;
  Trouble trouble;
  Reputation worker;
  Entry entry;
};
constexpr Look ready(Entry entry, Reputation worker = Reputation::trusted) {
  return {State::ready, Trouble::none, worker, entry};
}
constexpr Look starting() { return {State::starting, Trouble::worker, Reputation::trusted, Entry::none}; }
constexpr Look waits(Entry entry) { return {State::resting, Trouble::worker, Reputation::suspect, entry}; }
constexpr Look rests(Entry entry) { return {State::resting, Trouble::gateway, Reputation::trusted, entry}; }
constexpr Look sick(Entry entry) { return {State::broken, Trouble::sickness, Reputation::trusted, entry}; }
constexpr Look paused() { return {State::paused, Trouble::none, Reputation::trusted, Entry::none}; }

TEST(Announcer, LogsEachChangeOnce) {
  struct Row {
    std::string what;
    std::vector<Look> looks;
  };
  const Entry none = Entry::none;
  for (const auto& [what, looks] :
       {Row{"ready", {starting(), ready(Entry::ready), ready(none)}},
        Row{"ready again", {ready(Entry::ready), starting(), ready(none)}},
        Row{"a trouble", {ready(Entry::ready), rests(Entry::resting), rests(none), ready(Entry::ready)}},
        Row{"while workers are tried",
            {waits(Entry::resting), starting(), waits(none), starting(), waits(none)}},
        Row{"two troubles", {rests(Entry::resting), sick(Entry::broken), rests(none), sick(none)}},
        Row{"each trouble", {waits(Entry::resting), rests(Entry::resting), sick(Entry::broken), waits(none)}},
        Row{"again after ready", {rests(Entry::resting), ready(Entry::ready), rests(Entry::resting)}},
        Row{"a suspect worker", {waits(Entry::resting), ready(none, Reputation::suspect), waits(none)}},
        Row{"until its proof",
            {waits(Entry::resting), ready(none, Reputation::suspect), ready(Entry::ready)}},
        Row{"a pause", {ready(Entry::ready), paused(), ready(none)}},
        Row{"a pause before", {starting(), paused(), ready(Entry::ready)}}}) {
    Announcer announcer(at(0));
    for (std::size_t i = 0; i < looks.size(); ++i) {
      announcer.becomes(looks[i].state, at(0));
      EXPECT_EQ(announcer.next(looks[i].trouble, looks[i].worker), looks[i].entry) << what << ", look " << i;
    }
  }
}

TEST(Announcer, TakesTheEndOfAPauseForTheEntryReady) {
  struct Row {
    State state;
    Entry entry;  // at the next look at a ready dispatcher
  };
  for (auto [state, entry] : {Row{State::ready, Entry::none},
                              {State::starting, Entry::ready},
                              {State::resting, Entry::ready},
                              {State::broken, Entry::ready}}) {
    Announcer announcer(at(0));
    announcer.resumed(state);
    announcer.becomes(State::ready, at(0));
    EXPECT_EQ(announcer.next(Trouble::none, Reputation::trusted), entry) << int(state);
  }
}

TEST(Announcer, LogsTheStartOfASuspectWorkerWithItsProof) {
  Announcer announcer(at(0));
  EXPECT_TRUE(announcer.workerStarted(Reputation::trusted));
  EXPECT_FALSE(announcer.workerProven()) << "it is logged already";
  EXPECT_FALSE(announcer.workerStarted(Reputation::suspect));
  EXPECT_TRUE(announcer.workerProven());
  EXPECT_FALSE(announcer.workerProven()) << "only once";
  announcer.workerStarted(Reputation::suspect);
  announcer.workerStarted(Reputation::trusted);
  EXPECT_FALSE(announcer.workerProven()) << "of the worker before";
}

TEST(Announcer, CountsAStateFromItsBegin) {
  Announcer announcer(at(1));
  EXPECT_EQ(announcer.since(), at(1));
  announcer.becomes(State::starting, at(2));
  EXPECT_EQ(announcer.since(), at(1));
  announcer.becomes(State::ready, at(3));
  announcer.becomes(State::ready, at(4));
  EXPECT_EQ(announcer.since(), at(3));
}

TEST(Announcer, AssertsThatStateAndTroubleAgree) {
  for (auto [state, trouble] : {std::pair(State::ready, Trouble::gateway),
                                {State::resting, Trouble::none},
                                {State::broken, Trouble::none}}) {
    Announcer announcer(at(0));
    announcer.becomes(state, at(0));
    EXPECT_THROW(announcer.next(trouble, Reputation::trusted), kj::Exception) << int(state);
  }
}

}  // namespace
}  // namespace smsd::keeper
