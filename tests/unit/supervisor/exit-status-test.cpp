// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/startup/exit-status.h"

#include <gtest/gtest.h>

namespace smsd::startup {
namespace {

using Kind = queue::QueueError::Kind;

TEST(ExitStatus, IsTheSameForEveryProgramThatMeetsAnErrorOfTheQueue) {
  struct Row {
    Kind kind;
    int status;
  };
  for (auto [kind, status] : {Row{Kind::unreachable, EX_TEMPFAIL},
                              {Kind::denied, EX_NOPERM},
                              {Kind::notInstalled, EX_CONFIG},
                              {Kind::fenced, EX_TEMPFAIL},
                              {Kind::busy, EX_TEMPFAIL},
                              {Kind::replaced, EX_TEMPFAIL},
                              {Kind::invalid, EX_DATAERR},
                              {Kind::failed, EX_TEMPFAIL}})
    EXPECT_EQ(exitStatus(queue::QueueError(kind, "the reason")), status) << static_cast<int>(kind);
}

}  // namespace
}  // namespace smsd::startup
