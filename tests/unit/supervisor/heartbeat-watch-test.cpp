// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/watchkeeping/heartbeat-watch.h"

#include <gtest/gtest.h>

namespace smsd::watchkeeping {
namespace {

using Change = queue::HeartbeatVerdict::Change;
using namespace std::chrono_literals;

constexpr Milliseconds every = 60s, grace = 20s;

struct Row {
  const char* what;
  Milliseconds waited, sinceLook;
  std::optional<Milliseconds> ownAgo;              // of this supervisor's own last look
  enum class Last { mine, others, nobodys } last;  // who had the last look; `others`: of one that lives
  std::optional<Milliseconds> beat;                // age of a heartbeat that came since
  enum class Is { there, missing } is;
  Change change;
  Milliseconds then;  // waited, afterwards
};

constexpr auto mine = Row::Last::mine;
constexpr auto others = Row::Last::others;
constexpr auto nobodys = Row::Last::nobodys;
constexpr auto there = Row::Is::there;
constexpr auto gone = Row::Is::missing;

const Row rows[] = {
    // one supervisor: its own clock decides
    {"time passes", 10s, 5s, 5s, mine, {}, there, Change::none, 15s},
    {"a moment before it is due", 74s, 5s, 5999ms, mine, {}, there, Change::none, 79999ms},
    {"due", 75s, 5s, 5s, mine, {}, there, Change::missing, 80s},
    {"due, and the alert was written", 75s, 5s, 5s, mine, {}, gone, Change::none, 80s},
    {"a heartbeat", 10s, 5s, 5s, mine, 2s, there, Change::none, 2s},
    {"a heartbeat in the last moment", 79s, 5s, 5s, mine, 3s, there, Change::none, 3s},
    {"a heartbeat after the alert", 90s, 5s, 5s, mine, 1s, gone, Change::back, 1s},
    {"a heartbeat that is older than the last look", 10s, 5s, 5s, mine, 1h, there, Change::none, 5s},
    {"a heartbeat from the future", 10s, 5s, 5s, mine, -1h, there, Change::none, 0s},
    // steps of the queue's clock
    {"a step ahead", 10s, 2h, 5s, mine, {}, there, Change::none, 15s},
    {"a step back", 10s, -2h, 5s, mine, {}, there, Change::none, 15s},
    {"a step ahead, two supervisors", 10s, 2h, 5s, others, {}, there, Change::none, 15s},
    {"a step back, two supervisors", 10s, -2h, 5s, others, {}, there, Change::none, 10s},
    {"a step ahead at the moment of a heartbeat", 10s, 2h, 5s, mine, 2h, there, Change::none, 5s},
    // two supervisors
    {"another one looked in between", 10s, 2s, 5s, others, {}, there, Change::none, 12s},
    {"due, and the other one would have been next", 79s, 2s, 5s, others, {}, there, Change::missing, 81s},
    {"this one comes, and another one watches", 79s, 3s, {}, others, {}, there, Change::missing, 82s},
    {"this one comes, and the other one has not looked when it should",
     79s,
     7s,
     {},
     others,
     {},
     there,
     Change::none,
     79s},
    {"this one comes, and nobody could look for long", 79s, 15s, {}, others, {}, there, Change::none, 0s},
    {"this one was frozen, and another one watched", 10s, 3s, 1h, others, {}, there, Change::none, 13s},
    {"the other one has died, and this one watched", 79s, 3s, 4s, nobodys, {}, there, Change::missing, 82s},
    // times without a supervisor, or without the queue
    {"a restart", 70s, 4s, {}, nobodys, {}, there, Change::none, 70s},
    {"a restart in the last moment", 80s, 4s, {}, nobodys, {}, there, Change::missing, 80s},
    {"a pause that is too long for a sender", 79s, 11s, {}, nobodys, {}, there, Change::none, 0s},
    {"a night without smsd", 79s, 12h, {}, nobodys, {}, there, Change::none, 0s},
    {"a night without smsd, and the clock was set back", 79s, -1h, {}, nobodys, {}, there, Change::none, 0s},
    {"a night without smsd after the alert", 90s, 12h, {}, nobodys, {}, gone, Change::none, 0s},
    {"a heartbeat during a night without smsd", 79s, 12h, {}, nobodys, 5h, there, Change::none, 0s},
    {"a heartbeat after the alert, during a pause", 90s, 12h, {}, nobodys, 5h, gone, Change::back, 0s},
    {"this one was frozen, and nobody watched", 79s, 1h, 1h, mine, {}, there, Change::none, 0s},
    {"a call that took long", 10s, 17s, 17s, mine, {}, there, Change::none, 27s},
    {"a call that took too long", 10s, 18s, 18s, mine, {}, there, Change::none, 0s},
};

TEST(HeartbeatWatch, JudgesByTheTimeInWhichASupervisorWatched) {
  for (const auto& row : rows) {
    queue::HeartbeatRecord record;
    record.name = "nav";
    record.waited = row.waited;
    record.sinceLook = row.sinceLook;
    record.looks = 7;
    record.otherWatches = row.last == others;
    if (row.beat) {
      record.came = 1;
      record.sinceBeat = *row.beat;
    }
    if (row.is == gone) record.missing = 1;
    std::optional<OwnLook> own;
    if (row.ownAgo) own = OwnLook{row.last == mine ? 7 : 5, *row.ownAgo};
    const auto judged = judge(record, own, every, grace);
    EXPECT_EQ(judged.change, row.change) << row.what;
    EXPECT_EQ(judged.waited, row.then) << row.what;
  }
}

// A sender that is never more than an interval apart must not be reported, whatever is stopped and when.
TEST(HeartbeatWatch, NeverReportsALivingSenderWhateverPausesThereAre) {
  for (Milliseconds length = 1s; length <= 200s; length += 1s)
    for (Milliseconds start = 0s; start < every; start += 500ms) {
      // The pause loses the heartbeat in it if the sender gives up before its end; then the next one is due
      // an interval later.
      const bool survives = length <= std::min(shortPause, grace);
      queue::HeartbeatRecord record;
      record.waited = start;
      record.sinceLook = length;
      const auto judged = judge(record, std::nullopt, every, grace);
      EXPECT_EQ(judged.change, Change::none);
      const Milliseconds next = survives ? std::max(every - start - length, Milliseconds(0)) : every;
      EXPECT_LT(judged.waited + next, every + grace) << length.count() << " " << start.count();
    }
}

TEST(HeartbeatWatch, IsNotFooledByAGraceThatIsShorterThanAPause) {
  queue::HeartbeatRecord record;
  record.waited = 59s;
  record.sinceLook = 5s;
  EXPECT_EQ(judge(record, std::nullopt, every, 2s).waited, 0s);
  EXPECT_EQ(judge(record, std::nullopt, every, 5s).waited, 59s);
}

// Two supervisors lose the queue for longer than a short interval: neither watched.
TEST(HeartbeatWatch, DoesNotTakeAnotherSupervisorThatLostTheQueueForOneThatWatched) {
  queue::HeartbeatRecord record;
  record.waited = 2500ms;
  record.sinceLook = 8s;
  record.otherWatches = true;
  const auto judged = judge(record, std::nullopt, 3s, 1s);
  EXPECT_EQ(judged.change, Change::none);
  EXPECT_EQ(judged.waited, 0s);
  record.sinceLook = 1500ms;
  EXPECT_EQ(judge(record, std::nullopt, 3s, 1s).change, Change::missing) << "2.5 s and 1.5 s";
}

}  // namespace
}  // namespace smsd::watchkeeping
