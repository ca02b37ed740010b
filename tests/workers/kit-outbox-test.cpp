// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/kit/outbox.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <string>

namespace smsd::kit {
namespace {

using Source = Outbox::Source;

TEST(Outbox, WritesEachReportInOrderAndCountsTheSmsThatBegin) {
  const std::string tooLong(2 * proto::MAX_REASON, 'x');
  Outbox outbox;
  outbox.begun(1, Source::kit);
  outbox.outcome(2, Accepted{"17"}, Source::kit);
  outbox.notBegun(3, Source::kit);
  outbox.begun(4, Source::kit);
  outbox.begun(5, Source::raw);
  outbox.outcome(6, Refused{tooLong}, Source::kit);
  outbox.outcome(7, Refused{tooLong}, Source::raw);
  ASSERT_EQ(outbox.size(), 7u);

  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<proto::OutcomeSink::ReportParams>().initReports(outbox.size());
  EXPECT_EQ(outbox.write(list), 2u) << "1 and 4: a raw report begins no SMS";
  EXPECT_TRUE(outbox.empty());
  struct Row {
    std::uint64_t attempt;
    proto::Report::Which which;
    std::size_t reason;
  };
  using Report = proto::Report;
  const Row rows[] = {{1, Report::BEGUN, 0},
                      {2, Report::OUTCOME, 0},
                      {3, Report::NOT_BEGUN, 0},
                      {4, Report::BEGUN, 0},
                      {5, Report::BEGUN, 0},
                      {6, Report::OUTCOME, proto::MAX_REASON},
                      {7, Report::OUTCOME, 2 * proto::MAX_REASON}};
  for (unsigned i = 0; i < 7; ++i) {
    EXPECT_EQ(list[i].getAttempt(), rows[i].attempt);
    EXPECT_EQ(list[i].which(), rows[i].which) << rows[i].attempt;
    if (rows[i].reason == 0) continue;
    if (rows[i].attempt == 6) {
      EXPECT_LE(list[i].getOutcome().getRefused().size(), rows[i].reason);
    } else {
      EXPECT_EQ(list[i].getOutcome().getRefused().size(), rows[i].reason);
    }
  }
  EXPECT_EQ(list[1].getOutcome().asReader().getAccepted(), "17");
}

TEST(Outbox, AssertsThatTheCallHasRoomForAllReports) {
  Outbox outbox;
  outbox.begun(1, Source::kit);
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<proto::OutcomeSink::ReportParams>().initReports(2);
  EXPECT_THROW(outbox.write(list), kj::Exception);
  EXPECT_EQ(outbox.size(), 1u);
}

}  // namespace
}  // namespace smsd::kit
