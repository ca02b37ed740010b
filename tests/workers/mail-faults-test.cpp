// SPDX-License-Identifier: GPL-3.0-or-later
// A mail server that fails, refuses or is silent: the outcome of the mail at each stage.
#include "tests/workers/mail-bench.h"

namespace smsd::mail {
namespace {

struct Fault {
  std::string spec;
  std::string expected;
  std::string words;
};

// The rows of smsd-mail(7) that a wire can show. Warts C68: an error that is not SMTP's own is an
// outcome like any other.
TEST_F(MailTest, EachFaultAtEachStageHasItsOutcomeC68) {
  std::vector<Fault> rows = {
      {"greeting=554 5.3.2 no", "broken", "554 5.3.2"},
      {"greeting=421 busy", "deferred", "421"},
      {"ehlo=550 5.7.1 no", "broken", "550"},
      {"ehlo=452 4.3.1 later", "deferred", "452"},
      {"mail=550 5.1.8 no", "broken", "550 5.1.8"},
      {"mail=530 5.7.0 login", "broken", "530 5.7.0"},
      {"mail=552 5.3.4 large", "deferred", "552"},
      {"mail=451 4.3.0 later", "deferred", "451 4.3.0"},
      {"rcpt=550 5.1.1 <+4799887766@sms.example.org> who", "refused", "550 5.1.1"},
      {"rcpt=553 no", "deferred", "perhaps like every address (553)"},
      {"rcpt=550 relay not permitted", "deferred", "perhaps like every address (550)"},
      {"rcpt=554 5.4.4 no route", "deferred", "554 5.4.4"},
      {"rcpt=552 5.2.2 mailbox full", "deferred", "552 5.2.2"},
      {"rcpt=552 full", "deferred", "552"},
      {"rcpt=450 4.2.0 greylisted", "deferred", "450 4.2.0"},
      {"rcpt=452 4.2.2 full", "deferred", "452"},
      {"rcpt=554 5.7.1 relay access denied", "deferred", "policy"},
      {"rcpt=421 4.7.0 bye", "deferred", "421"},
      {"data=554 5.5.1 no valid recipients", "deferred", "554"},
      {"data=503 5.5.1 bad sequence", "deferred", "503"},
      {"data=451 4.3.0 later", "deferred", "451"},
      {"content=554 5.6.0 no", "deferred", "554"},
      {"content=550 Administrative prohibition", "deferred", "550"},
      {"content=554 5.3.0 Transaction failed", "deferred", "554 5.3.0"},
      {"content=451 4.3.0 later", "deferred", "451"},
      {"content=421 4.3.0 bye", "deferred", "421"},
      {"content=251 fine", "accepted", ""},
      {"content=600 what", "unknown", "600"},
      {"content=354 what", "unknown", "354"},
      {"late,content=552 5.2.3 large", "deferred", "552"},
      {"middle=cut", "unknown", "whole mail"},  // all of it was in the socket: who knows
  };
  for (std::string stage : {"connect", "greeting", "ehlo", "mail", "rcpt", "data", "content"})
    for (std::string how : {"cut", "reset", "half"})
      rows.push_back({stage + "=" + how, stage == "content" ? "unknown" : "deferred", "smtp://127.0.0.1:"});
  for (auto& row : rows) {
    auto server = MailServer::faulty({row.spec});
    serve(server);
    auto outcome = send();
    EXPECT_EQ(kindOf(outcome), row.expected) << row.spec << ": " << wordsOf(outcome);
    EXPECT_NE(wordsOf(outcome).find(row.words), std::string::npos) << row.spec << ": " << wordsOf(outcome);
    for (std::string hidden : {"4799887766", "core-gw1", "greylisted"})
      EXPECT_EQ(wordsOf(outcome).find(hidden), std::string::npos) << wordsOf(outcome);
  }
}

TEST_F(MailTest, AServerThatSaysNothingOrNonsenseIsGivenUpAtTheDeadline) {
  for (std::string stage : {"connect", "greeting", "ehlo", "mail", "rcpt", "data", "content"})
    for (std::string how : {"silent", "garbage"}) {
      if (stage == "connect" && how == "garbage") continue;  // the greeting that follows counts
      auto server = MailServer::faulty({stage + "=" + how});
      serve(server);
      auto outcome = send("+4799887766", "core-gw1 is down", 400ms);
      EXPECT_EQ(kindOf(outcome), stage == "content" ? "unknown" : "deferred") << stage << " " << how;
    }
  auto server = MailServer::faulty({"ehlo=endless"});
  serve(server);
  EXPECT_EQ(kindOf(send("+4799887766", "core-gw1 is down", 400ms)), "deferred");
}

// RFC 5321, 4.5.3.2.1. Some servers let everybody wait for it, to see who talks before his turn.
TEST_F(MailTest, AGreetingMayComeLaterThanAConnectionAndSoMayTheAnswersToHelloAndLogin) {
  test::Certificates certificates;
  const std::string trusted = "ca_file: " + certificates.authorityFile().string() + "\n";
  for (std::string stage : {"greeting", "ehlo"}) {
    auto server = MailServer::faulty({stage + "=wait:1.5"});
    serve(server, "connect_timeout: 300ms\n");
    auto outcome = send();
    EXPECT_EQ(kindOf(outcome), "accepted") << stage << ": " << wordsOf(outcome);
  }
  auto options = test::withCertificate(certificates.good());
  options.push_back("--smtps");
  auto server = MailServer::faulty({"greeting=wait:1.5"}, options);
  serve(server, "connect_timeout: 1s\n" + trusted, "smtps");
  auto outcome = send();
  EXPECT_EQ(kindOf(outcome), "accepted") << wordsOf(outcome);
}

TEST_F(MailTest, AServerThatTakesTheConnectionAndNeverGreetsIsGivenUpBeforeTheDeadline) {
  auto server = MailServer::faulty({"greeting=silent"});
  serve(server, "connect_timeout: 300ms\ngreeting_timeout: 1s\n");
  auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(kindOf(send("+4799887766", "core-gw1 is down", 60s)), "deferred");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 30s);
}

TEST_F(MailTest, FaultsOfTlsAndLogin) {
  test::Certificates certificates;
  auto options = test::withCertificate(certificates.good());
  const std::string more = "tls: required\nca_file: " + certificates.authorityFile().string() +
                           "\nusername: me\npassword_file: " + passwordFile("hunter2") + "\n";
  const Fault rows[] = {{"starttls=454 4.7.0 later", "deferred", "454"},
                        {"starttls=501 5.5.4 no", "broken", "501"},
                        {"starttls=cut", "deferred", "STARTTLS"},
                        {"tls=cut", "deferred", "TLS"},
                        {"tls=garbage", "deferred", "TLS"},
                        {"offer=AUTH PLAIN,auth=535 5.7.8 no", "broken", "535"},
                        {"offer=AUTH PLAIN,auth=454 4.7.0 later", "deferred", "454"},
                        {"offer=AUTH PLAIN,auth=cut", "deferred", "AUTH"},
                        {"offer=AUTH GSSAPI XOAUTH2", "broken", "offers no login"},
                        {"offer=AUTH PLAIN", "accepted", ""}};
  for (auto& row : rows) {
    auto server = MailServer::faulty({row.spec}, options);
    serve(server, more);
    auto outcome = send();
    EXPECT_EQ(kindOf(outcome), row.expected) << row.spec << ": " << wordsOf(outcome);
    EXPECT_NE(wordsOf(outcome).find(row.words), std::string::npos) << row.spec << ": " << wordsOf(outcome);
    for (std::string hidden : {"hunter2", "AG1lAGh1bnRlcjI="})
      EXPECT_EQ(wordsOf(outcome).find(hidden), std::string::npos) << wordsOf(outcome);
  }
}

TEST_F(MailTest, AnAddressThatIsTheSameForAllIsTheFilesFault) {
  auto server = MailServer::faulty({"rcpt=550 5.1.1 no such user"});
  serve(server, "from: smsd@example.org\nto: sms@gw.example.org\n");
  EXPECT_EQ(kindOf(send()), "broken");
}

// Exim says "550 relay not permitted" to a host that it does not know and "550 Unknown user" to a wrong
// number, and no enhanced code.
TEST_F(MailTest, ANoWithoutAReasonIsBelievedOfAServerThatTakesOthers) {
  auto server = MailServer::real({"--refuse", "+4700000013@sms.example.org=550 Unknown user"});
  serve(server, "window: 1\n");
  const std::string wrong = "+4700000013", right = "+4799887766";
  const std::pair<std::string, std::string> turns[] = {{wrong, "deferred"}, {right, "accepted"},
                                                       {wrong, "refused"},  {wrong, "deferred"},
                                                       {right, "accepted"}, {wrong, "refused"}};
  for (auto& [number, expected] : turns) EXPECT_EQ(kindOf(send(number)), expected) << number;
}

}  // namespace
}  // namespace smsd::mail
