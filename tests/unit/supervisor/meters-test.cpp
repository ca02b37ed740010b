// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/meters.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using delivery::AttemptOutcome;
using delivery::OutcomeKind;

AttemptOutcome said(OutcomeKind kind, std::chrono::milliseconds waited = 20ms) {
  return {
      .attempt = 1, .outcome = {.kind = kind, .words = {}}, .begun = delivery::Begun::yes, .waited = waited};
}

TEST(Meters, CountAttemptsByDispatcherAndOutcomeWithTheirParts) {
  Meters meters;
  EXPECT_EQ(meters.attemptsOf(0), nullptr);
  const OutcomeKind kinds[] = {OutcomeKind::accepted, OutcomeKind::refused, OutcomeKind::deferred,
                               OutcomeKind::broken, OutcomeKind::unknown};
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t n = 0; n <= i; ++n) meters.attemptEnded(1, said(kinds[i]), 2);
  auto untouched = said(OutcomeKind::deferred);
  untouched.begun = delivery::Begun::no;
  meters.attemptEnded(1, untouched, 3);
  const AttemptMeter& one = *meters.attemptsOf(1);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(one.outcomes[i].sms, i + 1) << meteredOutcomes[i];
    EXPECT_EQ(one.outcomes[i].parts, 2 * (i + 1)) << meteredOutcomes[i];
  }
  EXPECT_EQ(one.outcomes[5].sms, 1u);
  EXPECT_EQ(one.outcomes[5].parts, 3u);
  EXPECT_EQ(one.took.sum(), 15 * 20ms) << "without the one that was not begun";
  EXPECT_EQ(meters.attemptsOf(0)->outcomes[0].sms, 0u);
}

TEST(Meters, CountRoundsClaimsAndHeldSms) {
  Meters meters;
  meters.roundFailed(Meters::Counts::no);
  meters.roundFailed(Meters::Counts::towardsTheLimit);
  meters.roundFailed(Meters::Counts::towardsTheLimit);
  meters.claimed(0);
  meters.claimed(7);
  meters.held();
  meters.accepted(3s);
  meters.failedOver(1s);
  EXPECT_EQ(meters.countedRounds(), 2u);
  EXPECT_EQ(meters.notCountedRounds(), 1u);
  EXPECT_EQ(meters.claims(), 2u);
  EXPECT_EQ(meters.claimedSms(), 7u);
  EXPECT_EQ(meters.heldSms(), 1u);
  EXPECT_EQ(meters.latency().sum(), 3s);
  EXPECT_EQ(meters.failover().sum(), 1s);
}

}  // namespace
}  // namespace smsd::road
