// SPDX-License-Identifier: GPL-3.0-or-later
// One turn of the road: which SMS goes to which dispatcher.
#include "supervisor/road/allotment.h"

#include <gtest/gtest.h>

#include "tests/road/set-bench.h"

namespace smsd::road {
namespace {

/// "5a": severity 5, its attempt names a. "0a-ab": without severity, tried with a and b in this round.
std::unique_ptr<Item> sms(queue::SubmissionId id, const std::string& what) {
  auto item = std::make_unique<Item>();
  item->submission.id = id;
  item->submission.first = id;
  item->submission.attempt = static_cast<queue::AttemptId>(id);
  if (what[0] != '0') item->submission.severity = what[0] - '0';
  item->submission.dispatcher = what.substr(1, 1);
  for (char tried : what.substr(std::min<std::size_t>(3, what.size())))
    item->at(static_cast<std::size_t>(tried - 'a')).tried = Tried::refused;
  return item;
}

enum class FirstWorker { undecided, decided };
enum class Look { done, awaited };

/// The SMS, the oldest first, over dispatchers in these situations. Returns a letter for each: a it leaves
/// with a, A its attempt with a is recorded first, x stranded, . still pending.
std::string allotted(const std::string& situations, const Names& what, unsigned share = 0,
                     FirstWorker decision = FirstWorker::decided, Look look = Look::done) {
  SetBench bench(situations);
  SmsUnderWay held;
  for (auto& each : what) {
    const auto id = static_cast<queue::SubmissionId>(held.size()) + 1;
    held.waitForRoom(held.enter(sms(id, each)));
  }
  Turns turns(share);
  StartDecision start;
  start.begin(bench.timer.now());
  if (decision == FirstWorker::decided) start.look(StartDecision::Preferred::decided);
  Allotment turn({held, bench.set, turns, start, bench.timer.now()},
                 [look](const keeper::Keeper&) { return look == Look::awaited; });
  turn.allot();
  std::string result(what.size(), '.');
  auto mark = [&](const Item& item, char letter, Stage stage) {
    result.at(static_cast<std::size_t>(item.submission.id) - 1) = letter;
    EXPECT_EQ(held.find(item.submission.id)->second, stage);
  };
  for (std::size_t place = 0; place < situations.size(); ++place)
    for (auto* item : turn.batch(place)) mark(*item, static_cast<char>('a' + place), Stage::inFlight);
  for (auto& [item, place] : turn.toRecord()) mark(*item, static_cast<char>('A' + place), Stage::recording);
  for (auto* item : turn.stranded()) mark(*item, 'x', Stage::deciding);
  EXPECT_EQ(static_cast<std::size_t>(std::count(result.begin(), result.end(), '.')),
            held.count(Stage::pending));
  return result;
}

// A ready dispatcher has four places: a window of 2 and a backlog of 2.
TEST(Allotment, GoesBySituationAndHistory) {
  struct Row {
    const char* what;
    const char* situations;
    Names sms;
    std::string expected;
  };
  for (auto& row : {
           Row{"as it was claimed", "r", {"5a"}, "a"},
           Row{"claimed for another one", "r", {"5b"}, "A"},
           Row{"the first that is usable", "dpr", {"5c"}, "c"},
           Row{"the next that is untried", "rr", {"5a-a"}, "B"},
           Row{"all were tried", "rr", {"5a-ab"}, "x"},
           Row{"all were tried but one that starts", "rs", {"5a-a"}, "."},
           Row{"all were tried but one that is paused", "rp", {"5a-a"}, "x"},
           Row{"its limit of the day is reached", "q", {"5a"}, "x"},
           Row{"none can be used", "dp", {"5a", "1a"}, ".."},
           Row{"the most severe first", "r", {"5a", "0a", "5a", "1a", "4a"}, "a.aaa"},
           Row{"the oldest of equals first", "r", {"5a", "5a", "5a", "5a", "5a"}, "aaaa."},
           Row{"no place is left at the first", "rr", {"5a", "5a", "5a", "5a", "5a", "1b-a"}, "aaaa.b"},
           Row{"an early probe", "l", {"5a", "1a"}, ".a"},
           Row{"more severe than what the first has not begun", "hr", {"1a", "0a"}, "B."},
           Row{"what the first has not begun for long", "Hr", {"1a", "0a"}, "BB"},
           Row{"the second does not begin it either", "HH", {"1a"}, "a"},
           Row{"only one, which begins nothing", "h", {"1a", "0a"}, "a."},
           Row{"the second was tried", "Hr", {"1a-b"}, "a"},
           Row{"an early probe only if none is usable", "lr", {"1a"}, "B"},
       })
    EXPECT_EQ(allotted(row.situations, row.sms), row.expected) << row.what;
}

TEST(Allotment, GivesTheOldestItsTurn) {
  const Names severeAndOneThatIsOld = {"5a", "1a", "1a", "1a", "1a"};
  EXPECT_EQ(allotted("r", severeAndOneThatIsOld, 0), ".aaaa");
  EXPECT_EQ(allotted("r", severeAndOneThatIsOld, 2), "aaaa.");
  EXPECT_EQ(allotted("r", severeAndOneThatIsOld, 8), ".aaaa");
}

TEST(Allotment, WaitsAtTheStartForADispatcherThatIsPreferred) {
  EXPECT_EQ(allotted("sr", {"1b"}, 0, FirstWorker::undecided), ".");
  EXPECT_EQ(allotted("rs", {"1a"}, 0, FirstWorker::undecided), "a") << "the second delays nothing";
  EXPECT_EQ(allotted("sr", {"1b"}, 0, FirstWorker::decided), "b");
}

TEST(Allotment, KeepsAPlaceUntilTheQueueWasLookedAt) {
  EXPECT_EQ(allotted("r", {"1a"}, 0, FirstWorker::decided, Look::awaited), ".");
  EXPECT_EQ(allotted("r", {"1a-a"}, 0, FirstWorker::decided, Look::awaited), "x") << "it needs no place";
}

}  // namespace
}  // namespace smsd::road
