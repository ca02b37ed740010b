// SPDX-License-Identifier: GPL-3.0-or-later
// The dispatchers as a set, over real keepers and fake workers.
#include "supervisor/road/dispatcher-set.h"

#include <gtest/gtest.h>

#include "tests/road/set-bench.h"

namespace smsd::road {
namespace {

using Place = std::optional<std::size_t>;
constexpr Place no = std::nullopt;

Place placeOf(kj::Maybe<std::size_t> answer) {
  KJ_IF_MAYBE (place, answer) return *place;
  return no;
}

TEST(DispatcherSet, AnswersByTheSituationOfEach) {
  struct Row {
    const char* situations;
    Place usable, tries;
    std::size_t undecidedFrom;  // the least n for which one of the first n is undecided
    bool later;
    Place keptBack;
    DispatcherSet::Outlook outlook;
  };
  using enum DispatcherSet::Outlook;
  constexpr std::size_t decided = SIZE_MAX;
  for (auto& row : {
           Row{"", no, no, decided, false, no, none},       Row{"r", 0, no, decided, true, no, works},
           Row{"s", no, no, 1, true, no, mayWork},          Row{"d", no, no, decided, false, no, none},
           Row{"p", no, no, decided, false, no, none},      Row{"o", no, no, decided, true, no, none},
           Row{"l", no, 0, decided, false, no, none},       Row{"q", 0, no, decided, false, 0, works},
           Row{"b", no, no, decided, false, no, allBroken}, Row{"bb", no, no, decided, false, no, allBroken},
           Row{"bp", no, no, decided, false, no, none},     Row{"bs", no, no, 2, true, no, mayWork},
           Row{"dsr", 2, no, 2, true, no, works},           Row{"rs", 0, no, 2, true, no, works},
           Row{"pll", no, 1, decided, false, no, none},     Row{"pqq", 1, no, decided, false, 1, works},
           Row{"hr", 0, no, decided, true, no, works},      Row{"Hr", 1, no, decided, true, no, works},
           Row{"HH", 0, no, decided, true, no, works},
       }) {
    SetBench bench(row.situations);
    const DispatcherSet& set = bench.set;
    Item item;
    EXPECT_EQ(placeOf(set.firstUsable()), row.usable) << row.situations;
    EXPECT_EQ(placeOf(set.firstThatTries()), row.tries) << row.situations;
    for (std::size_t n = 0; n <= set.size(); ++n)
      EXPECT_EQ(set.undecidedBefore(n), n >= row.undecidedFrom) << row.situations << n;
    EXPECT_ANY_THROW(set.undecidedBefore(set.size() + 1)) << row.situations;
    EXPECT_EQ(set.maybeLater(item), row.later) << row.situations;
    EXPECT_EQ(placeOf(set.keptBackBy(item)), row.keptBack) << row.situations;
    EXPECT_EQ(set.outlook(), row.outlook) << row.situations;
    for (std::size_t i = 0; i < set.size(); ++i) item.at(i).tried = Tried::refused;
    EXPECT_FALSE(set.maybeLater(item)) << row.situations << ", all tried";
    EXPECT_EQ(placeOf(set.keptBackBy(item)), no) << row.situations << ", all tried";
  }
}

TEST(DispatcherSet, KeepsTheIndexOfANameWhateverAReloadDoes) {
  SetBench bench("rrr");
  Keepers added;
  added.push_back(bench.keeper("new", 'r'));
  bench.set.replace(SetBench::order({"c", "new", "a"}), std::move(added));
  EXPECT_EQ(bench.set.names(), (Names{"c", "new", "a"}));
  std::vector<std::size_t> indices;
  for (auto& keeper : bench.set) indices.push_back(keeper->index());
  EXPECT_EQ(indices, (std::vector<std::size_t>{2, 3, 0}));
  EXPECT_EQ(placeOf(bench.set.find("a")), 2u);
  EXPECT_EQ(placeOf(bench.set.find("b")), no);
  EXPECT_EQ(bench.set.indexOf("b"), 1u) << "it may come back";
}

TEST(DispatcherSet, DeletesARemovedDispatcherWhenItsSmsHaveEnded) {
  SetBench bench("rr");
  auto attempt = bench.hand(0);
  bench.workers[0]->begin(attempt);
  bench.set.replace(SetBench::order({"b"}), {});
  bench.turn();
  ASSERT_EQ(bench.set.removed().size(), 1u);
  EXPECT_EQ(bench.set.removed()[0]->name(), "a");
  EXPECT_EQ(bench.set.withRemoved().size(), 2u);
  bench.set.smsEnded();
  bench.turn();
  EXPECT_EQ(bench.set.removed().size(), 1u) << "its SMS is in progress";
  bench.workers[0]->say(attempt, accepted());
  bench.turn();
  bench.set.smsEnded();
  bench.turn();
  EXPECT_TRUE(bench.set.removed().empty());
  EXPECT_EQ(bench.road.of(attempt), "accepted");
}

TEST(DispatcherSet, RefusesKeepersThatDoNotFitTheConfiguration) {
  struct Row {
    const char* what;
    Names order, added;
    bool fits;
  };
  for (auto& row : {
           Row{"the same", {"a", "b"}, {}, true},
           Row{"one less", {"b"}, {}, true},
           Row{"one more", {"a", "c", "b"}, {"c"}, true},
           Row{"one more without a keeper", {"a", "c"}, {}, false},
           Row{"a second keeper for one", {"a", "b"}, {"a"}, false},
       }) {
    SetBench bench("rr");
    Keepers added;
    for (auto& name : row.added) added.push_back(bench.keeper(name, 'r'));
    if (row.fits) {
      bench.set.replace(SetBench::order(row.order), std::move(added));
      EXPECT_EQ(bench.set.names(), row.order) << row.what;
    } else {
      EXPECT_ANY_THROW(bench.set.replace(SetBench::order(row.order), std::move(added))) << row.what;
      EXPECT_EQ(bench.set.names(), (Names{"a", "b"})) << row.what << ": nothing has changed";
    }
  }
}

TEST(DispatcherSet, RefusesAKeeperWithTheIndexOfAnotherOne) {
  SetBench bench("");
  bench.set.indexOf("first");
  auto config = keeper::named("second", config::Activation::spawn);
  FakeDispatcher worker{{2, 2, false, {}}};
  auto made = [&](std::size_t index) {
    Keepers keepers;
    keepers.push_back(
        std::make_unique<keeper::Keeper>(bench.timer, config, worker.hire(), index, bench.log, bench.road));
    return keepers;
  };
  EXPECT_ANY_THROW(bench.set.use(made(0)));
  EXPECT_ANY_THROW(bench.set.replace(SetBench::order({"second"}), made(0)));
  bench.set.use(made(1));
  EXPECT_ANY_THROW(bench.set.use(made(1))) << "a second time";
  EXPECT_EQ(bench.set.size(), 1u);
}

}  // namespace
}  // namespace smsd::road
