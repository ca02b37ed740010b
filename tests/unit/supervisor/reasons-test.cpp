// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/reasons.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace smsd::keeper {
namespace {

kj::TimePoint at(int seconds) { return kj::origin<kj::TimePoint>() + seconds * kj::SECONDS; }

using Happens = std::function<void(Reasons&)>;
const Happens died = [](Reasons& all) { all.workerFailed("died", at(1)); };
const Happens busy = [](Reasons& all) { all.notAnswered("busy", at(2)); };
const Happens noSim = [](Reasons& all) { all.gatewayFailed("no SIM", at(3)); };
const Happens answered = [](Reasons& all) { all.answered(); };
const Happens repaired = [](Reasons& all) { all.repaired(); };
const Happens over = [](Reasons& all) { all.over(); };
const Happens restarted = [](Reasons& all) { all.setWorker("restarted"); };
const Happens mend = [](Reasons& all) { all.setGateway("mend it"); };

TEST(Reasons, AreOneOfTheWorkerOneOfTheGatewayAndTheLastTroubleOfBoth) {
  struct Row {
    std::vector<Happens> events;
    std::string worker, gateway, trouble;
    bool unanswered;
  };
  for (const auto& [events, worker, gateway, trouble, unanswered] :
       {Row{{}, "", "", "", false}, Row{{died}, "died", "", "died", false},
        Row{{busy}, "", "busy", "busy", true}, Row{{noSim}, "", "no SIM", "no SIM", false},
        Row{{died, busy}, "died", "busy", "busy", true}, Row{{busy, died}, "died", "busy", "died", true},
        Row{{busy, noSim}, "", "no SIM", "no SIM", true}, Row{{busy, answered}, "", "busy", "", false},
        Row{{died, over}, "", "", "died", false},  // it has not shown yet that it works
        Row{{busy, over}, "", "", "busy", true}, Row{{busy, over, answered}, "", "", "", false},
        Row{{died, restarted}, "restarted", "", "died", false},
        Row{{busy, mend}, "", "mend it", "busy", true}}) {
    Reasons all(at(0));
    for (const auto& event : events) event(all);
    EXPECT_EQ(all.worker(), worker);
    EXPECT_EQ(all.gateway(), gateway);
    EXPECT_EQ(all.trouble(), trouble);
    EXPECT_EQ(all.unanswered(), unanswered) << trouble;
  }
}

TEST(Reasons, KeepTheFailureOfAnSmsAfterARestartUntilAnSmsIsAnswered) {
  struct Row {
    std::vector<Happens> events;
    std::string trouble;
    bool retried;
  };
  for (const auto& [events, trouble, retried] :
       {Row{{busy, repaired}, "busy", true}, Row{{busy, repaired, over}, "busy", true},
        Row{{busy, repaired, repaired}, "busy", true}, Row{{busy, repaired, answered}, "", false},
        Row{{busy, repaired, busy}, "busy", false}, Row{{busy, repaired, died}, "died", false},
        Row{{busy, repaired, died, repaired}, "", false},  // a worker that is ready shows that it is over
        Row{{noSim, repaired}, "", false}, Row{{died, repaired}, "", false}, Row{{repaired}, "", false},
        Row{{busy, answered, repaired}, "", false}}) {
    Reasons all(at(0));
    for (const auto& event : events) event(all);
    EXPECT_EQ(all.trouble(), trouble);
    EXPECT_EQ(all.retried(), retried) << trouble;
  }
}

TEST(Reasons, CountTheWorkersThatEndedByThemselvesUntilARestart) {
  Reasons all(at(0));
  EXPECT_EQ(all.ends(at(1)).count, 0u);
  for (const int second : {0, 100, 130}) all.workerEnded("killed by signal 11", at(second));
  EXPECT_EQ(all.worker(), "killed by signal 11");
  EXPECT_EQ(all.ends(at(140)).count, 3u);
  EXPECT_EQ(all.ends(at(140)).within, std::chrono::seconds(140));
  EXPECT_EQ(all.ends(at(620)).count, 2u) << "the first was more than ten minutes ago";
  all.repaired();
  EXPECT_EQ(all.ends(at(140)).count, 0u);
}

TEST(Reasons, KnowTheAgeOfTheLastTrouble) {
  Reasons all(at(0));
  EXPECT_TRUE(all.troubleFor(at(10)) == nullptr);
  died(all);
  EXPECT_EQ(all.troubleFor(at(10)).orDefault(0 * kj::SECONDS), 9 * kj::SECONDS);
  noSim(all);
  EXPECT_EQ(all.troubleFor(at(10)).orDefault(0 * kj::SECONDS), 7 * kj::SECONDS);
  answered(all);
  EXPECT_TRUE(all.troubleFor(at(10)) == nullptr);
}

}  // namespace
}  // namespace smsd::keeper
