// SPDX-License-Identifier: GPL-3.0-or-later
// Mail to the administrators over a fake worker, with the clock moved by hand. Wart C50 throughout.
#include "supervisor/admin-mail/admin-mail.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/road/fake-dispatcher.h"
#include "tests/road/story.h"

namespace smsd::road {
namespace {

using namespace std::chrono_literals;
using Start = FakeDispatcher::Start;

config::AdminMailConfig toNoc() {
  config::AdminMailConfig config;
  config.to = "noc@example.org";
  config.lines = 3;
  return config;
}

class AdminMailTest : public testing::Test {
 protected:
  AdminMailTest() { open(toNoc()); }
  ~AdminMailTest() noexcept override { std::filesystem::remove_all(folder); }

  void open(const config::AdminMailConfig& config) {
    mail = std::make_unique<admin_mail::AdminMail>(timer, config, log, "nms1", "a1b2", folder);
    mail->use(std::make_unique<keeper::Keeper>(timer, config.worker, worker.hire(), 0, log, *mail));
    watch = nullptr;
    watch = std::make_unique<journal::Watch>([this](const journal::Entry& entry) { mail->heard(entry); });
  }
  void start() {
    mail->start();
    turn();
  }
  void turn() {
    timer.advanceTo(timer.now());
    scope.poll();
  }
  void advance(Milliseconds by) {
    auto until = timer.now() + static_cast<std::int64_t>(by.count()) * kj::MILLISECONDS;
    for (;;) {
      auto next = timer.nextEvent();
      kj::TimePoint at = until;
      KJ_IF_MAYBE (due, next) at = std::min(until, std::max(*due, timer.now()));
      timer.advanceTo(at);
      scope.poll();
      if (at == until) return turn();
    }
  }
  void error(const std::string& words = "something is wrong") {
    journal::Entry(journal::Level::error, words, "queue-away").write();
  }
  /// The mail that is out meets this.
  void meets(const delivery::Outcome& outcome) {
    auto out = worker.out();
    ASSERT_EQ(out.size(), 1U);
    worker.begin(out[0]);
    worker.say(out[0], outcome);
    turn();
  }
  std::size_t mails() const { return worker.handed.size(); }
  const queue::Submission& last() const { return worker.handed.back(); }

  std::filesystem::path folder = [] {
    char name[] = "/tmp/smsd-admin-mail-XXXXXX";
    return std::filesystem::path(mkdtemp(name));
  }();
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  Story story;
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  events::EventLog log{config::RecipientInLog::plain};
  FakeDispatcher worker{{1, 0, false, {}}};
  std::unique_ptr<admin_mail::AdminMail> mail;
  std::unique_ptr<journal::Watch> watch;
};

TEST_F(AdminMailTest, TheFirstErrorWaitsForWhatComesWithIt) {
  start();
  error("first");
  advance(9s);
  EXPECT_EQ(mails(), 0U);
  error("second");
  advance(1s);
  ASSERT_EQ(mails(), 1U);
  EXPECT_EQ(last().recipient, "noc@example.org");
  EXPECT_NE(last().sms.text.find("2 errors"), std::string::npos) << last().sms.text;
  EXPECT_NE(last().sms.text.find("error: first\n"), std::string::npos) << last().sms.text;
}

TEST_F(AdminMailTest, AStormIsFewMailsWhoseCountsAddUp) {
  start();
  for (int second = 0; second < 1'800; ++second) {
    for (int i = 0; i < 10; ++i) error();
    advance(1s);
    if (!worker.out().empty()) meets(accepted());
  }
  advance(10min);
  if (!worker.out().empty()) meets(accepted());
  EXPECT_EQ(mails(), 4U);  // at 10 s, and each 10 minutes
  std::uint64_t sum = 0;
  for (auto& submission : worker.handed) {
    auto at = submission.sms.text.find("  queue-away (error)");
    ASSERT_NE(at, std::string::npos);
    sum += std::stoull(submission.sms.text.substr(at - 9, 9));
    EXPECT_LE(submission.sms.text.size(), 16'384U);
  }
  EXPECT_EQ(sum, 18'000U);
}

TEST_F(AdminMailTest, BelowTheLevelNothingIsMailed) {
  start();
  log.queueBack();
  log.takenOver(1);
  advance(1h);
  EXPECT_EQ(mails(), 0U);
  auto config = toNoc();
  config.level = journal::Level::warning;
  open(config);
  start();
  log.takenOver(1);
  advance(10s);
  EXPECT_EQ(mails(), 1U);
}

TEST_F(AdminMailTest, WhatConcernsMailItselfIsNotMailed) {
  worker.start = Start::fails;
  start();
  advance(1h);  // its worker cannot be started, over and over
  log.dispatcherBroken("mail", "no", 1min);
  log.contractBroken("mail", 1, "lies", 1);
  log.adminMailDown("mail", "no");
  worker.start = Start::ready;
  advance(1h);
  EXPECT_TRUE(mail->keeper().usable());
  EXPECT_EQ(mails(), 0U);
}

TEST_F(AdminMailTest, WhileMailIsDownItIsSaidOnceAndKept) {
  worker.start = Start::fails;
  start();
  for (int i = 0; i < 100; ++i) {
    error("number " + std::to_string(i));
    advance(1min);
  }
  EXPECT_EQ(mails(), 0U);
  EXPECT_EQ(story.count("mail to the administrators cannot be sent"), 1U);
  auto outage = KJ_ASSERT_NONNULL(mail->outage());
  EXPECT_NE(outage.why, "");
  EXPECT_GT(outage.lasted, 90 * kj::MINUTES);
  worker.start = Start::ready;
  advance(2min);
  ASSERT_EQ(mails(), 1U);
  EXPECT_NE(last().sms.text.find("100 errors"), std::string::npos) << last().sms.text;
  EXPECT_NE(last().sms.text.find("The last 3 of 100"), std::string::npos) << last().sms.text;
  EXPECT_NE(last().sms.text.find("number 99"), std::string::npos) << last().sms.text;
  meets(accepted());
  EXPECT_EQ(story.count("mail to the administrators is sent again, with 100 entries"), 1U);
  EXPECT_TRUE(mail->outage() == nullptr);
}

TEST_F(AdminMailTest, WhatWasNotTakenGoesWithTheNextOne) {
  for (auto& outcome : {refused(), deferred(), broken()}) {
    SCOPED_TRACE(name(outcome.kind));
    open(toNoc());
    start();
    error("first");
    advance(10s);
    auto key = last().key;
    meets(outcome);
    error("second");
    auto before = mails();
    advance(15min);
    ASSERT_EQ(mails(), before + 1);
    EXPECT_NE(last().key, key);
    EXPECT_NE(last().sms.text.find("2 errors"), std::string::npos) << last().sms.text;
    EXPECT_LT(last().sms.text.find("first"), last().sms.text.find("second"));
    meets(accepted());
    advance(1h);
    EXPECT_EQ(mails(), before + 1);
    std::filesystem::remove(folder / "admin-mail");
  }
}

TEST_F(AdminMailTest, WhatMayHaveArrivedGoesAgainAsItIs) {
  start();
  error("first");
  advance(10s);
  auto first = last();
  meets(unknown());
  error("second");
  advance(15min);
  ASSERT_EQ(mails(), 2U);
  EXPECT_EQ(last().key, first.key);
  EXPECT_EQ(last().sms.text, first.sms.text);
  EXPECT_NE(last().attempt, first.attempt);
  meets(accepted());
  advance(10min);
  ASSERT_EQ(mails(), 3U);
  EXPECT_NE(last().sms.text.find("second"), std::string::npos);
}

TEST_F(AdminMailTest, AWorkerThatDiesWithAMailLosesNothing) {
  start();
  error("first");
  advance(10s);
  worker.die();
  advance(15min);
  ASSERT_EQ(mails(), 2U);
  EXPECT_NE(last().sms.text.find("first"), std::string::npos);
}

TEST_F(AdminMailTest, AFailureDoesNotMakeEachErrorATry) {
  start();
  error();
  advance(10s);
  meets(deferred());
  for (int i = 0; i < 60; ++i) {
    error();
    advance(1s);
    if (!worker.out().empty()) meets(deferred());
  }
  EXPECT_LE(mails(), 4U);  // after 10, 20 and 40 seconds
}

TEST_F(AdminMailTest, AttemptsAreNoneOfTheQueuesAndNeverRepeat) {
  start();
  std::set<queue::AttemptId> seen;
  for (int i = 0; i < 3; ++i) {
    error();
    advance(10min);
    EXPECT_EQ(last().attempt >> 62, 1U);
    EXPECT_TRUE(seen.insert(last().attempt).second);
    for (char c : last().key) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) || c == '-');
    EXPECT_LE(last().key.size(), 64U);
    meets(accepted());
  }
}

TEST_F(AdminMailTest, NumbersAreMaskedEvenWhereTheJournalShowsThem) {
  start();
  queue::Submission submission;
  submission.recipient = "+4799887766";
  submission.sms.text = "canary";
  submission.sms.sent = {1};
  log.ignored(submission, "gateway refuses +4799887766");
  EXPECT_EQ(story.count("+4799887766"), 2U);
  advance(10s);
  ASSERT_EQ(mails(), 1U);
  EXPECT_EQ(last().sms.text.find("99887766"), std::string::npos) << last().sms.text;
  EXPECT_NE(last().sms.text.find(events::masked("+4799887766")), std::string::npos) << last().sms.text;
  EXPECT_EQ(last().sms.text.find("canary"), std::string::npos);
}

TEST_F(AdminMailTest, ADaemonThatFailedSaysSoAtOnce) {
  start();
  error("first");
  advance(10s);
  meets(accepted());
  error("the end");
  auto finished = mail->finish(admin_mail::AdminMail::Ending::failed);
  turn();
  ASSERT_EQ(mails(), 2U);
  EXPECT_NE(last().sms.text.find("the end"), std::string::npos);
  EXPECT_FALSE(finished.poll(scope));
  meets(accepted());
  EXPECT_TRUE(finished.poll(scope));
}

TEST_F(AdminMailTest, ADaemonThatFailsWithAMailOutStillHasItsLastWord) {
  start();
  error("first");
  advance(10s);
  error("the end");
  auto finished = mail->finish(admin_mail::AdminMail::Ending::failed);
  meets(accepted());
  ASSERT_EQ(mails(), 2U);
  EXPECT_NE(last().sms.text.find("the end"), std::string::npos);
  meets(accepted());
  EXPECT_TRUE(finished.poll(scope));
}

TEST_F(AdminMailTest, TheLastWordWaitsForAWorkerThatStarts) {
  worker.start = Start::silent;
  start();
  error("the end");
  auto finished = mail->finish(admin_mail::AdminMail::Ending::failed);
  advance(1s);
  EXPECT_FALSE(finished.poll(scope));
  worker.ready();
  turn();
  ASSERT_EQ(mails(), 1U);
  meets(accepted());
  EXPECT_TRUE(finished.poll(scope));
}

TEST_F(AdminMailTest, TheLastWordDoesNotWaitForAWorkerThatCannotBeStarted) {
  worker.start = Start::fails;
  start();
  error("the end");
  auto finished = mail->finish(admin_mail::AdminMail::Ending::failed);
  turn();
  EXPECT_TRUE(finished.poll(scope));
}

TEST_F(AdminMailTest, ADaemonThatWasToldToEndKeepsThePace) {
  start();
  error("first");
  advance(10s);
  meets(accepted());
  error("second");
  auto finished = mail->finish(admin_mail::AdminMail::Ending::asTold);
  turn();
  EXPECT_EQ(mails(), 1U);
  EXPECT_TRUE(finished.poll(scope));
}

TEST_F(AdminMailTest, TheEndWaitsForNoMailServer) {
  start();
  error("first");
  advance(10s);
  auto finished = mail->finish(admin_mail::AdminMail::Ending::failed);
  advance(4s);
  EXPECT_FALSE(finished.poll(scope));
  advance(2s);
  EXPECT_TRUE(finished.poll(scope));
}

TEST_F(AdminMailTest, NothingHeardIsNothingMailedAtTheEnd) {
  start();
  auto finished = mail->finish(admin_mail::AdminMail::Ending::failed);
  turn();
  EXPECT_TRUE(finished.poll(scope));
  EXPECT_EQ(mails(), 0U);
}

TEST_F(AdminMailTest, AnotherRunKeepsTheInterval) {
  start();
  error();
  advance(10s);
  meets(accepted());
  open(toNoc());  // daemons come and go
  start();
  error();
  advance(9min);
  EXPECT_EQ(mails(), 1U);
  advance(2min);
  EXPECT_EQ(mails(), 2U);
}

TEST_F(AdminMailTest, AReloadChangesTheAddressTheLevelAndTheIntervalAndKeepsWhatWaits) {
  start();
  error("first");
  advance(10s);
  meets(accepted());
  error("second");
  auto config = toNoc();
  config.to = "boss@example.org";
  config.level = journal::Level::warning;
  config.interval = 1min;
  mail->use(config);
  log.takenOver(1);
  advance(61s);
  ASSERT_EQ(mails(), 2U) << "a minute after the first one";
  EXPECT_EQ(last().recipient, "boss@example.org");
  EXPECT_NE(last().sms.text.find("1 error, 1 warning"), std::string::npos) << last().sms.text;
  meets(accepted());
  config.interval = 1h;
  mail->use(config);
  error("third");
  advance(58min);
  EXPECT_EQ(mails(), 2U);
  advance(2min);
  EXPECT_EQ(mails(), 3U);
}

TEST_F(AdminMailTest, ReportsItsStateForAnOperator) {
  start();
  auto before = mail->report();
  EXPECT_EQ(before.dispatcher, "mail");
  EXPECT_EQ(before.state, keeper::State::ready);
  EXPECT_TRUE(before.sentAgo == nullptr);
  error("first");
  error("second");
  EXPECT_EQ(mail->report().waiting, 2u);
  advance(10s);
  EXPECT_EQ(mail->report().waiting, 2u) << "under way";
  meets(accepted());
  advance(5s);
  auto after = mail->report();
  EXPECT_EQ(after.sent, 1u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(after.sentAgo), 5 * kj::SECONDS);
}

}  // namespace
}  // namespace smsd::road
