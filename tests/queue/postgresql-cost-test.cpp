// SPDX-License-Identifier: GPL-3.0-or-later
// What a message costs in rows read: neither the history, nor the depth of the queue, nor the planner's
// statistics may show.
//
// Counters of the server are the measure, never time. The shapes are the two that matter, a queue that is
// full at the start and a burst into an empty one, each with the statistics that would mislead a planner
// most.
#include <tuple>

#include "supervisor/queue/postgresql/sql-claim.h"
#include "supervisor/queue/postgresql/sql-session.h"
#include "tests/queue/store-postgresql.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue::postgresql {

namespace {

constexpr int history = 20'000;
constexpr std::size_t batch = 100;

struct Shape {
  const char* name;
  int depth;
  enum class Arrival { before, afterAFirstLook } arrival;
  const char* statistics;  // run before the messages arrive
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class PostgresqlCost : public testing::TestWithParam<Shape> {
 protected:
  PostgresqlCost() {
    store_.sql(
        "INSERT INTO smsq (time, phone, msg, sent, severity) SELECT now() - interval '1 day', n % 500, "
        "'old', 'Y', n % 6 FROM "
        "generate_series(1, " +
        std::to_string(history) + ") n");
  }

  void arrive(int depth) {
    store_.sql(
        "INSERT INTO smsq (time, phone, msg, severity) SELECT now(), 'p' || n, 'text', nullif(n % 5, 0) FROM "
        "generate_series(1, " +
        std::to_string(depth) + ") n");
  }

  static ClaimRequest request() {
    ClaimRequest request;
    request.limit = batch;
    request.dispatcher = "modem";
    request.format = joined;
    return request;
  }

  /// How many SMS it were.
  static std::size_t drain(Queue& queue, Fate fate = Fate::sent) {
    std::size_t settled = 0;
    for (bool atEnd = false; !atEnd;) {
      auto result = queue.claim(request());
      std::vector<Settlement> done;
      for (const auto& submission : result.submissions)
        done.push_back({submission, fate, fate == Fate::sent ? "accepted" : "unknown", "", "", std::nullopt});
      queue.settle(done);
      settled += done.size();
      atEnd = result.atEnd;
    }
    return settled;
  }

  /// The server has counted everything when a session has ended.
  void end(std::unique_ptr<Queue> queue) {
    queue.reset();
    ASSERT_TRUE(eventually([&] {
      return store_.one(
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'smsd' AND datname = "
                 "current_database()") == "0";
    }));
  }

  std::int64_t counted(const std::string& what, const std::string& relation) {
    store_.sql("SELECT pg_stat_force_next_flush()");  // what the scene itself read is not to be counted later
    return std::stoll(store_.one("SELECT coalesce(sum(" + what + "), 0) FROM " + relation));
  }

  PostgresqlStore store_;
};

const char* tables =
    "pg_stat_user_tables WHERE relname IN ('smsq', 'live', 'submission', 'attempt', 'wait', 'held')";
const char* smsq = "pg_stat_user_indexes WHERE relname = 'smsq'";
const char* heldRows = "pg_stat_user_indexes WHERE relname = 'held'";
const char* submissions = "pg_stat_user_indexes WHERE relname IN ('live', 'submission')";

}  // namespace

TEST_P(PostgresqlCost, AMessageCostsAFewRowsWhateverElseIsThere) {
  const Shape& shape = GetParam();
  store_.sql(shape.statistics);
  if (shape.arrival == Shape::Arrival::before) arrive(shape.depth);
  const auto before = counted("seq_tup_read", tables);
  auto queue = store_.open();
  queue->enlist("here", longLease);
  if (shape.arrival == Shape::Arrival::afterAFirstLook) {
    EXPECT_TRUE(queue->claim(request()).submissions.empty());
    arrive(shape.depth);
  }
  EXPECT_EQ(drain(*queue), std::size_t(shape.depth));
  end(std::move(queue));
  const double sms = shape.depth;
  EXPECT_EQ(counted("seq_tup_read", tables), before) << "a table was read as a whole";
  EXPECT_LT(counted("idx_tup_read", smsq) / sms, 12);
  EXPECT_LT(counted("idx_tup_read", submissions) / sms, 24);
}

const char* none = "SELECT 1";
const char* analysed = "ANALYZE smsq; ANALYZE smsd.submission; ANALYZE smsd.wait";
// The worst: statistics of a table that was big and is empty. A planner takes its pages for free of rows,
// however full.
const char* emptied = "DELETE FROM smsq; ANALYZE smsq; ANALYZE smsd.submission";

INSTANTIATE_TEST_SUITE_P(Shapes, PostgresqlCost,
                         testing::Values(Shape{"FullAtStart", 2000, Shape::Arrival::before, none},
                                         Shape{"DeepAtStart", 8000, Shape::Arrival::before, none},
                                         Shape{"AnalysedBefore", 2000, Shape::Arrival::before, analysed},
                                         Shape{"BurstIntoEmpty", 2000, Shape::Arrival::afterAFirstLook, none},
                                         Shape{"DeepBurst", 8000, Shape::Arrival::afterAFirstLook, analysed},
                                         Shape{"BurstIntoEmptied", 8000, Shape::Arrival::afterAFirstLook,
                                               emptied}),
                         [](const auto& shape) { return std::string(shape.param.name); });

// Statistics that know of nothing unsent make the two partial indexes cost the same, and the wrong one reads
// a thousand rows a recipient. So the wrong one must not do: without the right one there is a sort, which is
// off.
TEST(PostgresqlPlan, NeitherOfThePartialIndexesStandsInForTheOther) {
  for (auto [index, statement, call] :
       {std::tuple("smsq_unsent_phone", sql::readByIndex.literal(), "('{1}', NULL, 10, 1000)"),
        std::tuple("smsq_unsent_order", sql::walkGraded.literal(), "(0, '-infinity', 0, 500, 1000)")}) {
    PostgresqlStore store;
    store.sql(sql::planByIndex);
    store.sql(std::string("PREPARE plan AS ") + statement);
    auto dear = [&, arguments = call] {
      std::string plan;
      for (const auto& line : store.sql(std::string("EXPLAIN EXECUTE plan") + arguments))
        plan += line.at(0) + "\n";
      // A plan with what is off costs ten thousand millions, and from PostgreSQL 18 on says so.
      return plan.find("cost=1000000") != std::string::npos || plan.find("Disabled") != std::string::npos;
    };
    EXPECT_FALSE(dear()) << index;
    store.sql(std::string("DROP INDEX ") + index);
    EXPECT_TRUE(dear()) << index;
  }
}

class PostgresqlCostOfOne : public PostgresqlCost {};
INSTANTIATE_TEST_SUITE_P(Shapes, PostgresqlCostOfOne,
                         testing::Values(Shape{"One", 1, Shape::Arrival::before, none}));

// One recipient with a flood of messages must not make each of its SMS a sort of all of them.
TEST_P(PostgresqlCostOfOne, ARecipientsThousandMessagesAreReadWithoutTheOtherThousands) {
  store_.sql(
      "INSERT INTO smsq (time, phone, msg, severity) SELECT now(), 'flood', 'text', 3 FROM "
      "generate_series(1, 20000)");
  auto queue = store_.open();
  queue->enlist("here", longLease);
  auto claimed = queue->claim(request()).submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].sms.sent.size(), 1000u);
  end(std::move(queue));
  EXPECT_LT(counted("idx_tup_read", smsq), 4000);
}

// A thousand SMS that wait for an operator stand before everything else, for days.
TEST_P(PostgresqlCostOfOne, AThousandHeldSmsCostASweepTheirOwnRowsAndNoneIsWritten) {
  store_.sql(
      "INSERT INTO smsq (time, phone, msg, severity) SELECT now(), 'h' || n, 'text', 0 FROM "
      "generate_series(1, 1000) n");
  auto queue = store_.open();
  queue->enlist("here", longLease);
  EXPECT_EQ(drain(*queue, Fate::held), 1000u);
  end(std::move(queue));
  const auto sequential = counted("seq_tup_read", tables);
  const auto rows = counted("idx_tup_read", smsq), probes = counted("idx_tup_read", heldRows);
  const auto written = counted("n_tup_ins", "pg_stat_user_tables WHERE relname = 'submission'");
  queue = store_.open();
  queue->enlist("here again", longLease);
  EXPECT_EQ(drain(*queue), 0u);
  end(std::move(queue));
  EXPECT_EQ(counted("n_tup_ins", "pg_stat_user_tables WHERE relname = 'submission'"), written);
  EXPECT_LE(counted("idx_tup_read", smsq) - rows, 1100);
  EXPECT_LE(counted("idx_tup_read", heldRows) - probes, 1100);
  constexpr int others = 2000;
  arrive(others);
  queue = store_.open();
  queue->enlist("here once more", longLease);
  EXPECT_EQ(drain(*queue), std::size_t(others));
  end(std::move(queue));
  EXPECT_EQ(counted("seq_tup_read", tables), sequential) << "a table was read as a whole";
  EXPECT_LT(double(counted("idx_tup_read", smsq) - rows) / others, 13);
}

// After an outage thousands may wait at the head: a look passes them by at the price of a row and a probe
// each.
TEST_P(PostgresqlCostOfOne, AThousandWaitingRecipientsCostALookTheirOwnRowsAndNoneIsWritten) {
  store_.sql(
      "INSERT INTO smsq (time, phone, msg, severity) SELECT now(), 'w' || n, 'text', 1 FROM "
      "generate_series(1, 1000) n;"
      "INSERT INTO smsd.wait (recipient, rounds, due, severity) SELECT 'w' || n, 1, now() + interval '1 "
      "hour', 1 "
      "FROM generate_series(1, 1000) n");
  arrive(10);
  store_.sql("INSERT INTO smsq (time, phone, msg, severity) VALUES (now(), 'w500', 'worse', 0)");
  const auto before = counted("seq_tup_read", tables);
  auto queue = store_.open();
  queue->enlist("here", longLease);
  EXPECT_EQ(drain(*queue), 11u);
  end(std::move(queue));
  EXPECT_EQ(counted("seq_tup_read", tables), before) << "a table was read as a whole";
  EXPECT_LE(counted("idx_tup_read", smsq), 1200);
  EXPECT_EQ(counted("n_tup_ins", "pg_stat_user_tables WHERE relname = 'submission'"), 11);
}

// In a storm to one telephone, each new message to another one is a look of its own.
TEST_P(PostgresqlCostOfOne, TenThousandRowsOfAPacedRecipientCostALookNoMoreThanAFew) {
  for (const char* statistics : {none, analysed, emptied}) {
    store_.sql("TRUNCATE smsq, smsd.pace, smsd.live, smsd.submission");
    store_.sql(statistics);
    store_.sql(
        "INSERT INTO smsq (time, phone, msg, severity) SELECT now(), 'storm', 'text', 2 + n % 4 FROM "
        "generate_series(1, 10000) n;"
        "INSERT INTO smsd.pace (recipient, due, hour, sent, exempt) VALUES ('storm', now() + interval '1 "
        "hour', "
        "now(), 1, 1)");
    auto queue = store_.open();
    queue->enlist("here", longLease);
    queue->takeOver();
    ClaimRequest paced = request();
    paced.pacing = PacedClaim{{.window = 60s}, {}};
    const auto sequential = counted("seq_tup_read", tables);
    const auto rows = counted("idx_tup_read", smsq);
    constexpr int looks = 20;
    for (int i = 0; i < looks; ++i) {
      paced.look = i % 2 == 0 ? Look::head : Look::onward;
      store_.put({.phone = "p" + std::to_string(i), .severity = 9});
      const auto result = queue->claim(paced);
      EXPECT_EQ(result.submissions.size(), 1u);
      EXPECT_EQ(result.paced.size(), 1u);
    }
    end(std::move(queue));
    EXPECT_EQ(counted("seq_tup_read", tables), sequential) << "a table was read as a whole";
    EXPECT_LT(double(counted("idx_tup_read", smsq) - rows) / looks, 250) << statistics;
  }
}

TEST_P(PostgresqlCostOfOne, IndexesThatAreMadeWhileItRunsAreUsedFromTheNextLookOn) {
  store_.sql("DROP INDEX smsq_unsent_order, smsq_unsent_phone");
  auto queue = store_.open();
  queue->enlist("here", longLease);
  arrive(10);
  EXPECT_EQ(drain(*queue), 10u);
  installAdvised(store_.connection("postgres"));
  arrive(10);
  EXPECT_EQ(drain(*queue), 10u);
  end(std::move(queue));
  EXPECT_GT(counted("idx_scan", "pg_stat_user_indexes WHERE indexrelname = 'smsq_unsent_phone'"), 0);
}

TEST_P(PostgresqlCostOfOne, WithoutIndexesAClaimReadsTheTableAsOftenAsItHasToAndNotOnceARecipient) {
  store_.sql("DROP INDEX smsq_unsent_order, smsq_unsent_phone");
  arrive(batch);
  auto queue = store_.open();
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->claim(request()).submissions.size(), batch);
  end(std::move(queue));
  EXPECT_LE(counted("seq_scan", "pg_stat_user_tables WHERE relname = 'smsq'"), 4);
}

}  // namespace smsd::queue::postgresql
