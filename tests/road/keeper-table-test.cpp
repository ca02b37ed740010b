// SPDX-License-Identifier: GPL-3.0-or-later
// The keeper as a table: every event in every state.
#include <gtest/gtest.h>

#include <functional>

#include "tests/road/keeper-bench.h"

namespace smsd::keeper {
namespace {

const std::map<std::string, std::function<void(Bench&)>> events = {
    {"ready", [](Bench& bench) { bench.worker.ready(); }},
    {"accepted", [](Bench& bench) { bench.worker.sayAll(accepted()); }},
    {"refused", [](Bench& bench) { bench.worker.sayAll(refused()); }},
    {"deferred", [](Bench& bench) { bench.worker.sayAll(deferred()); }},
    {"broken", [](Bench& bench) { bench.worker.sayAll(broken()); }},
    {"unknown", [](Bench& bench) { bench.worker.sayAll(unknown()); }},
    {"dies", [](Bench& bench) { bench.worker.die(); }},
    {"breach", [](Bench& bench) { bench.worker.breach(); }},
    {"probe time", [](Bench& bench) { bench.advance(bench.keeper.untilProbe()); }},
    {"drain", [](Bench& bench) { bench.keeper.drain().detach([](kj::Exception&&) {}); }},
    {"end", [](Bench& bench) { bench.keeper.end(); }},
    {"well",
     [](Bench& bench) {
       bench.worker.condition.broken.clear();
       bench.advance(bench.keeper.untilProbe());
     }},
    {"pause", [](Bench& bench) { bench.keeper.pause(); }},
    {"resume", [](Bench& bench) { bench.keeper.resume(); }},
    {"restart", [](Bench& bench) { bench.keeper.restart("the operator said so"); }},
    {"restart, in the end",
     [](Bench& bench) {
       bench.keeper.restart("the operator said so");
       bench.advance(10s);
     }},
};

struct Row {
  std::string situation;
  std::string event;
  State state;
  std::size_t room;
  Milliseconds untilProbe{0};
  unsigned starts = 1;
};

const std::vector<Row> table = {
    {"starting", "ready", State::ready, 4},
    {"starting", "dies", State::resting, 0, 1s},
    {"starting", "breach", State::resting, 0, 1s},
    {"starting", "probe time", State::starting, 0},
    {"starting", "drain", State::starting, 0},
    {"starting", "end", State::resting, 0},

    {"fresh", "dies", State::ready, 4, 0s, 2},  // once
    {"fresh", "breach", State::resting, 0, 1s},

    {"ready", "accepted", State::ready, 4},
    {"ready", "refused", State::ready, 4},
    {"ready", "deferred", State::ready, 4},
    {"ready", "unknown", State::ready, 4},
    {"ready", "broken", State::broken, 0, 1min},
    {"ready", "dies", State::ready, 4, 0s, 2},
    {"ready", "breach", State::resting, 0, 1s},
    {"ready", "probe time", State::ready, 3},
    {"ready", "drain", State::ready, 0},
    {"ready", "end", State::resting, 0},

    {"resting", "accepted", State::ready, 4},
    {"resting", "refused", State::ready, 4},
    {"resting", "deferred", State::resting, 0, 5s},
    {"resting", "unknown", State::resting, 0, 5s},
    {"resting", "broken", State::broken, 0, 2min},
    {"resting", "dies", State::resting, 0, 5s, 2},
    {"resting", "breach", State::resting, 0, 1s},
    {"resting", "probe time", State::resting, 0},  // what was out before is not answered yet
    {"resting", "drain", State::resting, 0, 5s},
    {"resting", "end", State::resting, 0},

    {"probing", "accepted", State::ready, 4},
    {"probing", "refused", State::ready, 4},
    {"probing", "deferred", State::resting, 0, 10s},
    {"probing", "unknown", State::resting, 0, 10s},
    {"probing", "broken", State::broken, 0, 2min},
    {"probing", "dies", State::resting, 0, 10s, 2},
    {"probing", "breach", State::resting, 0, 1s},
    {"probing", "drain", State::resting, 0},

    {"broken", "accepted", State::ready, 4},
    {"broken", "refused", State::ready, 4},
    {"broken", "deferred", State::broken, 0, 1min},
    {"broken", "unknown", State::broken, 0, 1min},
    {"broken", "broken", State::broken, 0, 1min},
    {"broken", "dies", State::broken, 0, 1min, 2},
    {"broken", "breach", State::resting, 0, 1s},
    {"broken", "probe time", State::broken, 0},
    {"broken", "drain", State::broken, 0, 1min},

    {"broken, probing", "accepted", State::ready, 4},
    {"broken, probing", "refused", State::ready, 4},
    {"broken, probing", "deferred", State::broken, 0, 10s},
    {"broken, probing", "unknown", State::broken, 0, 10s},
    {"broken, probing", "broken", State::broken, 0, 2min},
    {"broken, probing", "dies", State::broken, 0, 10s, 2},

    {"throttled", "probe time", State::ready, 4, 0s, 2},
    {"throttled", "drain", State::resting, 0},
    {"throttled", "end", State::resting, 0},
    {"throttled, had been ready", "probe time", State::ready, 4, 0s, 3},
    {"well for a while", "dies", State::ready, 4, 0s, 3},

    {"sick", "probe time", State::broken, 0, 15s},
    {"sick", "well", State::ready, 4},
    {"sick", "dies", State::broken, 0, 15s, 2},
    {"sick", "restart, in the end", State::broken, 0, 15s, 2},
    {"sick", "pause", State::paused, 0, 15s},

    {"sick", "drain", State::broken, 0, 15s},

    {"starting", "pause", State::paused, 0},
    {"ready", "pause", State::paused, 0},
    {"ready", "resume", State::ready, 3},
    {"resting", "pause", State::paused, 0, 5s},
    {"throttled", "pause", State::paused, 0, 1s},
    {"paused", "accepted", State::paused, 0},
    {"paused", "dies", State::paused, 0, 0s, 2},
    {"paused", "resume", State::ready, 3},
    {"paused, resting", "resume", State::resting, 1},
    {"paused, resting", "restart, in the end", State::paused, 0, 0s, 2},

    {"starting", "restart", State::starting, 0, 0s, 2},
    {"ready", "restart", State::starting, 0},  // what is out may finish
    {"ready", "restart, in the end", State::ready, 4, 0s, 2},
    {"resting", "restart, in the end", State::ready, 4, 0s, 2},
    {"broken", "restart, in the end", State::ready, 4, 0s, 2},
    {"throttled", "restart", State::ready, 4, 0s, 2},
    {"draining", "restart, in the end", State::ready, 0},  // the daemon's end goes before

    {"draining", "accepted", State::ready, 0},
    {"draining", "unknown", State::ready, 0},
    {"draining", "broken", State::broken, 0, 1min},
    {"draining", "dies", State::resting, 0},
    {"draining", "breach", State::resting, 0},
    {"draining", "end", State::resting, 0},
};

TEST(Keeper, GoesFromEachStateWhereTheTableSaysAtEachEvent) {
  for (auto& row : table) {
    SCOPED_TRACE(row.situation + ": " + row.event);
    Bench bench;
    situations.at(row.situation)(bench);
    events.at(row.event)(bench);
    bench.turn();
    EXPECT_EQ(static_cast<int>(bench.keeper.state()), static_cast<int>(row.state));
    EXPECT_EQ(bench.keeper.room(), row.room);
    EXPECT_EQ(bench.keeper.usable(), row.room > 0);
    EXPECT_EQ(bench.keeper.untilProbe().count(), row.untilProbe.count());
    EXPECT_EQ(bench.worker.hired, row.starts);
  }
}

}  // namespace
}  // namespace smsd::keeper
