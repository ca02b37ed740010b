// SPDX-License-Identifier: GPL-3.0-or-later
// The connections to a mail server: kept for the next mail, and none held up by another one.
#include "tests/workers/mail-bench.h"

namespace smsd::mail {
namespace {

TEST_F(MailTest, AConnectionIsKeptForTheNextMail) {
  auto server = MailServer::faulty();
  serve(server, "window: 1\n");
  for (int i = 0; i < 5; ++i) ASSERT_EQ(kindOf(send()), "accepted");
  EXPECT_EQ(server.mails().size(), 5U);
  EXPECT_EQ(server.connections(), 1U);
}

// Older than a deadline: it is the mail that has one, not the connection.
TEST_F(MailTest, AKeptConnectionOutlivesTheDeadlineOfAMail) {
  auto server = MailServer::faulty({"rcpt=wait:0.3"});
  serve(server, "window: 1\n");
  for (int i = 0; i < 4; ++i) {
    auto outcome = send("+4799887766", "text", 700ms);
    ASSERT_EQ(kindOf(outcome), "accepted") << i << wordsOf(outcome);
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(MailTest, AKeptConnectionThatTheServerHasHadEnoughOfIsNoFaultOfTheMail) {
  for (std::string how : {"again=cut", "again=421 4.7.0 too many", "again=reset"}) {
    auto server = MailServer::faulty({how});
    serve(server, "window: 1\n");
    for (int i = 0; i < 3; ++i) {
      auto outcome = send();
      EXPECT_EQ(kindOf(outcome), "accepted") << how << " " << wordsOf(outcome);
    }
    EXPECT_EQ(server.mails().size(), 3U) << how;
    EXPECT_EQ(server.connections(), 3U) << how;
  }
}

// libcurl waits for the answer to QUIT; a mail that was rejected must not wait with it.
TEST_F(MailTest, NobodyWaitsForTheAnswerToQuit) {
  auto server = MailServer::faulty({"rcpt=550 5.1.1 no,quit=silent"});
  serve(server, "window: 1\n");
  auto start = io.provider->getTimer().now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(kindOf(send()), "refused");
  auto took = (io.provider->getTimer().now() - start) / kj::MILLISECONDS;
  EXPECT_LT(took, 10'000);  // one answer would be waited for a minute or more
  RecordProperty("milliseconds", static_cast<int>(took));
}

TEST_F(MailTest, ASlowMailHoldsUpNoOther) {
  auto server = MailServer::faulty({"content=silent", ""});
  serve(server, "window: 2\n");
  auto slow =
      dispatcher->send({.attempt = 1, .recipient = "1", .text = "x", .key = "a", .deadline = 3s}).fork();
  // The first connection is the one that hangs: it has taken its mail before the others begin.
  while (server.mails().empty()) io.provider->getTimer().afterDelay(10 * kj::MILLISECONDS).wait(io.waitScope);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(kindOf(send()), "accepted");
  EXPECT_EQ(kindOf(slow.addBranch().wait(io.waitScope)), "unknown");
}

TEST_F(MailTest, TheEndOfTheDispatcherWaitsForNoServer) {
  auto server = MailServer::faulty({"content=silent"});
  serve(server, "window: 1\n");
  auto hanging =
      dispatcher->send({.attempt = 1, .recipient = "1", .text = "x", .key = "a", .deadline = 600s});
  while (server.mails().empty()) io.provider->getTimer().afterDelay(10 * kj::MILLISECONDS).wait(io.waitScope);
  auto start = io.provider->getTimer().now();
  dispatcher.reset();
  EXPECT_LT((io.provider->getTimer().now() - start) / kj::MILLISECONDS, 10'000);
}

}  // namespace
}  // namespace smsd::mail
