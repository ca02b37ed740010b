// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/road/lease.h"

#include <gtest/gtest.h>

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Time = Lease::Time;

kj::TimePoint at(Time time) { return kj::origin<kj::TimePoint>() + time.count() * kj::MILLISECONDS; }
/// The host has been up for an hour more than the loop.
Lease::Moment moment(Time loop, Time asleep = 0s) { return {at(loop), at(loop + asleep + 1h)}; }

TEST(Lease, RunsOutByEachOfTheTwoClocks) {
  struct Row {
    Time loop, asleep;
    bool ranOut;
  };
  for (auto [loop, asleep, ranOut] : {Row{0s, 0s, false},
                                      {30s, 0s, false},
                                      {30001ms, 0s, true},
                                      {10s, 20s, false},     // the loop did not notice that it was stopped
                                      {10s, 20001ms, true},  // likewise, for too long
                                      {0s, 1h, true}}) {
    Lease lease(30s, at(0s));
    lease.enlisted(moment(0s));
    EXPECT_EQ(lease.ranOut(moment(loop, asleep)), ranOut) << loop.count() << ' ' << asleep.count();
  }
}

TEST(Lease, IsRunOutBeforeTheFirstEnlistment) {
  Lease lease(30s, at(0s));
  EXPECT_FALSE(lease.isEnlisted());
  EXPECT_TRUE(lease.ranOut(moment(0s)));
}

TEST(Lease, IsRenewedAtOnceAfterTheEnlistmentAndThenTwiceInItsTime) {
  Lease lease(30s, at(0s));
  lease.enlisted(moment(100s));
  EXPECT_TRUE(lease.isEnlisted());
  EXPECT_TRUE(lease.isDue(at(100s)));
  lease.renewed(moment(100s));
  EXPECT_FALSE(lease.isDue(at(114999ms)));
  EXPECT_TRUE(lease.isDue(at(115s)));
  EXPECT_EQ(lease.renewAt(), at(115s));
  EXPECT_FALSE(lease.ranOut(moment(130s)));
  EXPECT_TRUE(lease.ranOut(moment(130001ms))) << "it counts from the request";
}

TEST(Lease, IsEnlistedAgainAfterALoss) {
  Lease lease(30s, at(0s));
  lease.enlisted(moment(0s));
  lease.lost();
  EXPECT_FALSE(lease.isEnlisted());
  lease.enlisted(moment(1s));
  EXPECT_TRUE(lease.isEnlisted());
}

TEST(Lease, AssertsThatItIsHeldWhenItIsRenewedAndThatItHasALength) {
  Lease lease(30s, at(0s));
  EXPECT_THROW(lease.renewed(moment(0s)), kj::Exception);
  lease.enlisted(moment(0s));
  lease.lost();
  EXPECT_THROW(lease.renewed(moment(0s)), kj::Exception);
  EXPECT_THROW(Lease(0s, at(0s)), kj::Exception);
}

}  // namespace
}  // namespace smsd::road
