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
