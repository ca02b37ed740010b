// SPDX-License-Identifier: GPL-3.0-or-later
// The mail dispatcher as the kit sees it, against a real mail server and one that fails at each stage.
#include "workers/mail/mail.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/workers/mail-peers.h"
#include "tests/workers/outcome-words.h"

namespace smsd::mail {
namespace {

using namespace std::chrono_literals;
using test::kindOf;
using test::MailServer;
using test::wordsOf;

std::vector<config::Problem> problemsOf(const std::string& yaml) {
  MailDispatcher dispatcher;
  config::Keys keys;
  dispatcher.declare(keys);
  return keys.read(yaml, "mail.yaml");
}

const std::string addresses = "from: smsd@example.org\nto: \"{recipient}@sms.example.org\"\n";

class MailTest : public testing::Test {
 protected:
  ~MailTest() noexcept override = default;
  void serve(const MailServer& server, const std::string& more = "", const std::string& scheme = "smtp") {
    dispatcher = std::make_unique<MailDispatcher>();
    config::Keys keys;
    dispatcher->declare(keys);
    std::string yaml = "server: " + scheme + "://127.0.0.1:" + std::to_string(server.port()) + "\n" + more;
    if (more.find("to: ") == std::string::npos) yaml += addresses;
    ASSERT_EQ(config::describe(keys.read(yaml, "mail.yaml")), "");
    dispatcher->start(io).wait(io.waitScope);
  }
  kit::Outcome send(const std::string& recipient = "+4799887766",
                    const std::string& text = "core-gw1 is down", Milliseconds deadline = 20s) {
    return dispatcher
        ->send({.attempt = 1, .recipient = recipient, .text = text, .key = "q-17", .deadline = deadline})
        .wait(io.waitScope);
  }
  std::string passwordFile(const std::string& password) {
    auto path = folder.path / "password";
    std::ofstream(path) << password << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  test::Folder folder;
  std::unique_ptr<MailDispatcher> dispatcher;
};

std::string header(const nlohmann::json& mail, const std::string& name) {
  std::string found = "(none)";
  for (auto& entry : mail["headers"])
    if (entry[0] == name) found = found == "(none)" ? entry[1].get<std::string>() : "(twice)";
  return found;
}

TEST_F(MailTest, ARealServerTakesAMail) {
  auto server = MailServer::real();
  serve(server, "helo: nms1.example.org\n");
  auto outcome = send();
  ASSERT_EQ(kindOf(outcome), "accepted") << wordsOf(outcome);
  EXPECT_EQ(std::get<kit::Accepted>(outcome).reference, "4Xy1Zq2");
  auto mail = server.mails().at(0);
  EXPECT_EQ(mail["from"], "smsd@example.org");
  EXPECT_EQ(mail["to"], nlohmann::json::array({"+4799887766@sms.example.org"}));
  EXPECT_EQ(mail["helo"], "nms1.example.org");
  EXPECT_EQ(header(mail, "Subject"), "sms +4799887766");
  EXPECT_EQ(header(mail, "Message-ID"), "<q-17@example.org>");
  EXPECT_EQ(header(mail, "To"), "+4799887766@sms.example.org");
  EXPECT_EQ(mail["body"], "core-gw1 is down\r\n");
}

// Decoded by a mail library that is not ours.
TEST_F(MailTest, AnyTextArrivesAsItIs) {
  auto server = MailServer::real();
  serve(server,
        "to: sms@gw.example.org\nfrom: smsd@example.org\nsubject: \"{text}\"\nbody: "
        "\"{recipient}\\n{text}\"\n");
  std::string printable;
  for (char c = ' '; c <= '~'; ++c) printable += c;
  const std::string texts[] = {printable,
                               "\"quoted\" 'too' \\ % & + </sms> {text} =?UTF-8?B?aGk=?=",
                               ".\n..\n.leading dots",
                               "From me\ntrailing blank \nend",
                               "bl\xC3\xA5 \xE2\x82\xAC \xF0\x9F\x94\xA5",
                               "line\nBcc: me@evil.org\n\nbody",
                               std::string(1600, 'x'),
                               "=20 is not a blank"};
  for (auto& text : texts) ASSERT_EQ(kindOf(send("+4799887766", text)), "accepted") << text;
  auto mails = server.mails();
  ASSERT_EQ(mails.size(), std::size(texts));
  for (std::size_t i = 0; i < mails.size(); ++i) {
    std::string body = mails[i]["body"];
    std::erase(body, '\r');  // a mail's lines end with CR LF, the last one too
    EXPECT_EQ(body, "+4799887766\n" + texts[i] + "\n");
    std::string subject = texts[i];
    std::replace(subject.begin(), subject.end(), '\n', ' ');
    EXPECT_EQ(header(mails[i], "Subject"), subject);
    EXPECT_EQ(mails[i]["headers"].size(), 9U) << texts[i];
    EXPECT_EQ(header(mails[i], "Bcc"), "(none)");
  }
}

TEST_F(MailTest, DigitsAndSecretsStandWhereTheGatewayWantsThem) {
  auto server = MailServer::real();
  serve(server, "secrets: [{name: pin, file: " + passwordFile("hunt er2=?") +
                    "}]\nfrom: smsd@example.org\nto: \"{digits}@sms.example.org\"\nsubject: \"{pin}\"\nbody: "
                    "\"#{pin}#{digits}#{key}\\n{text}\"\n");
  auto outcome = send("+47 (998) 87-766", "{pin}");
  ASSERT_EQ(kindOf(outcome), "accepted") << wordsOf(outcome);
  auto mail = server.mails().at(0);
  EXPECT_EQ(mail["to"], nlohmann::json::array({"4799887766@sms.example.org"}));
  EXPECT_EQ(header(mail, "To"), "4799887766@sms.example.org");
  EXPECT_EQ(header(mail, "Subject"), "hunt er2=?");
  EXPECT_EQ(mail["body"], "#hunt er2=?#4799887766#q-17\r\n{pin}\r\n") << "a text names no secret";
}

// Whatever is in the file of a secret.
TEST_F(MailTest, ASecretAddsNoHeader) {
  const std::string odd = "p\rBcc: me@evil.org\x01\xFF\xFE\xC3 ";
  auto server = MailServer::faulty();
  serve(server, "secrets: [{name: pin, file: " + passwordFile(odd) +
                    "}]\nsubject: \"{pin}{pin}{pin}\"\nbody: \"{pin}{text}\"\n");
  ASSERT_EQ(kindOf(send()), "accepted");
  std::string raw = server.mails().at(0)["raw"];
  std::string headers = raw.substr(0, raw.find("\r\n\r\n"));
  EXPECT_EQ(headers.find("Bcc"), std::string::npos) << headers;
  EXPECT_EQ(raw.find("\r\n\r\n") != std::string::npos, true);
}

TEST_F(MailTest, AServerThatGivesASecretAsItsIdShowsNone) {
  auto server = MailServer::faulty({"content=250 2.0.0 Ok: queued as hunter2"});
  serve(server, "secrets: [{name: pin, file: " + passwordFile("hunter2") + "}]\nsubject: \"{pin}\"\n");
  auto outcome = send();
  EXPECT_EQ(kindOf(outcome), "accepted");
  EXPECT_EQ(wordsOf(outcome), "(hidden)");
}

TEST_F(MailTest, ADigitsAddressOfWhatIsNoNumberIsRefusedWithoutAsking) {
  auto server = MailServer::faulty({"rcpt=550 5.1.1 who"});
  serve(server, "from: smsd@example.org\nto: \"{digits}@sms.example.org\"\n");
  for (std::string recipient :
       {"+4799o99999", "ring 4712", "abc", "", "+", "me@evil.org", "1>\r\nRCPT TO:<2"}) {
    auto outcome = send(recipient);
    EXPECT_EQ(kindOf(outcome), "refused") << recipient;
    EXPECT_NE(wordsOf(outcome).find("is no number"), std::string::npos) << wordsOf(outcome);
  }
  EXPECT_TRUE(server.commands().empty());
  EXPECT_EQ(kindOf(send("+47 998")), "refused") << "by the server: the address is the SMS's own";
  EXPECT_FALSE(server.commands().empty());
}

TEST_F(MailTest, ANumberThatIsNoPartOfAnAddressIsRefusedWithoutAsking) {
  auto server = MailServer::faulty();
  serve(server);
  for (std::string evil :
       {"1>\r\nRCPT TO:<me@evil.org", "1\nDATA", "a b", "", "me@evil.org,", "bl\xC3\xA5", "<1"}) {
    auto outcome = send(evil);
    EXPECT_EQ(kindOf(outcome), "refused") << evil;
    EXPECT_EQ(wordsOf(outcome).find("evil"), std::string::npos);
  }
  EXPECT_TRUE(server.commands().empty());
}

TEST_F(MailTest, StartTlsAndLoginAreUsedWhereTheyAreWanted) {
  test::Certificates certificates;
  auto options = test::withCertificate(certificates.good());
  options.insert(options.end(), {"--login", "me:hunter2"});
  auto server = MailServer::real(options);
  serve(server, "tls: required\nca_file: " + certificates.authorityFile().string() +
                    "\nusername: me\npassword_file: " + passwordFile("hunter2") + "\n");
  auto outcome = send();
  ASSERT_EQ(kindOf(outcome), "accepted") << wordsOf(outcome);
  EXPECT_EQ(server.mails().at(0)["tls"], true);
  EXPECT_EQ(server.mails().at(0)["login"], "me");
}

TEST_F(MailTest, ARejectedLoginIsForAnOperatorAndShowsNoPassword) {
  test::Certificates certificates;
  auto options = test::withCertificate(certificates.good());
  options.insert(options.end(), {"--login", "me:other"});
  auto server = MailServer::real(options);
  serve(server, "tls: required\nca_file: " + certificates.authorityFile().string() +
                    "\nusername: me\npassword_file: " + passwordFile("hunter2") + "\n");
  auto outcome = send();
  EXPECT_EQ(kindOf(outcome), "broken") << wordsOf(outcome);
  EXPECT_NE(wordsOf(outcome).find("rejects the credentials (535"), std::string::npos) << wordsOf(outcome);
  for (std::string hidden : {"hunter2", "AG1lAGh1bnRlcjI="})
    EXPECT_EQ(wordsOf(outcome).find(hidden), std::string::npos);
}

TEST_F(MailTest, TlsFromTheStart) {
  test::Certificates certificates;
  auto options = test::withCertificate(certificates.good());
  options.push_back("--smtps");
  auto server = MailServer::real(options);
  serve(server, "ca_file: " + certificates.authorityFile().string() + "\n", "smtps");
  auto outcome = send();
  ASSERT_EQ(kindOf(outcome), "accepted") << wordsOf(outcome);
  EXPECT_EQ(server.mails().at(0)["tls"], true);
}

TEST_F(MailTest, ACertificateThatDoesNotVerifyGetsNoMailAndNoPassword) {
  test::Certificates certificates;
  for (auto& certificate : {certificates.expired(), certificates.elsewhere()})
    for (std::string scheme : {"smtp", "smtps"}) {
      auto options = test::withCertificate(certificate);
      if (scheme == "smtps") options.push_back("--smtps");
      auto server = MailServer::faulty({"offer=AUTH PLAIN"}, options);
      serve(server,
            "tls: required\nca_file: " + certificates.authorityFile().string() +
                "\nusername: me\npassword_file: " + passwordFile("hunter2") + "\n",
            scheme);
      auto outcome = send();
      EXPECT_EQ(kindOf(outcome), "broken") << wordsOf(outcome);
      for (auto& command : server.commands()) EXPECT_FALSE(command.starts_with("AUTH")) << command;
      EXPECT_TRUE(server.mails().empty());
      passwordFile("");
    }
}

TEST_F(MailTest, WithoutTheTlsOrTheLoginThatAreWantedNothingGoesOut) {
  auto server = MailServer::faulty();
  serve(server, "tls: required\n");
  auto outcome = send();
  EXPECT_EQ(kindOf(outcome), "broken") << wordsOf(outcome);
  EXPECT_NE(wordsOf(outcome).find("offers no TLS"), std::string::npos) << wordsOf(outcome);
  serve(server, "username: me\npassword_file: " + passwordFile("hunter2") + "\n");
  outcome = send();
  EXPECT_EQ(kindOf(outcome), "broken") << wordsOf(outcome);
  EXPECT_NE(wordsOf(outcome).find("no way to log in"), std::string::npos) << wordsOf(outcome);
  for (auto& command : server.commands()) EXPECT_FALSE(command.starts_with("MAIL")) << command;
}

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
      {"rcpt=553 no", "deferred", "perhaps as any (553)"},
      {"rcpt=550 relay not permitted", "deferred", "perhaps as any (550)"},
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
                        {"offer=AUTH GSSAPI XOAUTH2", "broken", "no way to log in"},
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

TEST_F(MailTest, TellsTheKitWhatItsFileSays) {
  auto server = MailServer::faulty();
  serve(server, "window: 7\nbacklog: 9\n");
  auto traits = dispatcher->traits();
  EXPECT_EQ(traits.kind, "mail");
  EXPECT_EQ(traits.window, 7U);
  EXPECT_EQ(traits.backlog, 9U);
  EXPECT_FALSE(traits.knowsKeys);
  EXPECT_EQ(dispatcher->policy().connectPorts, (std::vector<std::uint16_t>{server.port(), 53}));
  EXPECT_EQ(dispatcher->policy().network, sandbox::Network::outbound);
  EXPECT_TRUE(dispatcher->policy().writable.empty());
}

// Wart C70: NAV's defaults leaked from one section into the other, so that without an address of its own the
// gateway's mail went to the administrator and counted as sent.
TEST(MailConfig, HasNoAddressOfItsOwnC70) {
  auto problems = problemsOf("server: smtp://127.0.0.1:25\n");
  ASSERT_EQ(problems.size(), 2U) << config::describe(problems);
  EXPECT_NE(problems[0].what.find("from"), std::string::npos) << problems[0].what;
  EXPECT_NE(problems[1].what.find("to"), std::string::npos) << problems[1].what;
}

TEST(MailConfig, SaysWhereAndWhatIsWrong) {
  test::Folder folder;
  std::ofstream(folder.path / "empty") << "";
  ASSERT_EQ(::mkfifo((folder.path / "fifo").c_str(), 0600), 0);
  std::ofstream(folder.path / "password") << "hunter2\n";
  std::filesystem::permissions(folder.path / "password", std::filesystem::perms::owner_read);
  const std::string login = "username: me\npassword_file: " + (folder.path / "password").string() + "\n";
  const std::string secret = "secrets: [{name: pin, file: " + (folder.path / "password").string() + "}]\n";
  const std::string server = "server: smtp://127.0.0.1:25\n";
  const std::string good = server + addresses;
  const std::pair<std::string, std::string> rows[] = {
      {addresses, "server"},
      {"server: http://gw\n" + addresses, "smtp://host:port"},
      {"server: smtp://me:hunter2@gw\n" + addresses, "nothing else"},
      {"server: smtp://gw/path\n" + addresses, "nothing else"},
      {"server: smtp://gw:0\n" + addresses, "port"},
      {"server: \"smtp://gw:25\\r\\nX\"\n" + addresses, "nothing else"},
      {good + "tls: maybe", "tls"},
      {"server: smtps://gw\ntls: never\n" + addresses, "smtps"},
      {"server: smtp://gw\ntls: never\n" + login + addresses, "password"},
      {good + "username: me", "password_file"},
      {good + "ca_file: ca.pem", "cannot be read"},
      {good + "ca_file: " + (folder.path / "empty").string(), "PEM"},
      {good + "ca_file: " + (folder.path / "fifo").string(), "not a regular file"},
      {good + "helo: \"a b\"", "host name"},
      {good + "window: 17", "window"},
      {good + "subject: \"{texxt}\"", "not a placeholder"},
      {good + "body: fixed", "{text}"},
      {good + "body: \"{text}{encoding}\"", "not a placeholder"},
      {good + "body: \"{text}{pin}\"", "a name from `secrets`"},
      {"server: smtp://gw\ntls: never\n" + secret + addresses, "secret"},
      {server + "from: smsd@example.org\nto: sms@gw.example.org\nsubject: alert\n",
       "{recipient} or {digits}"},
      {server + "from: me\nto: \"{recipient}@x\"\n", "name@host"},
      {server + "from: \"Me <me@x>\"\nto: \"{recipient}@x\"\n", "name@host"},
      {server + secret + "from: me@x\nto: \"{digits}.{pin}@x y\"\n", "name@host"},
      {server + "from: me@x\nto: \"{text}@x\"\n", "a text cannot stand"}};
  for (auto& [yaml, words] : rows) {
    auto problems = problemsOf(yaml);
    ASSERT_EQ(problems.size(), 1U) << yaml << config::describe(problems);
    EXPECT_NE(config::describe(problems).find(words), std::string::npos) << config::describe(problems);
    EXPECT_EQ(config::describe(problems).find("hunter2"), std::string::npos) << config::describe(problems);
  }
  EXPECT_EQ(config::describe(problemsOf(good + secret + "body: \"{pin} {digits} {text}\"")), "");
  EXPECT_EQ(config::describe(problemsOf(server + "from: me@x\nto: sms@x\nsubject: \"{digits}\"\n")), "");
  EXPECT_EQ(config::describe(problemsOf(good + login)), "");  // this host alone hears the password
  EXPECT_EQ(config::describe(problemsOf("server: smtp://gw\n" + login + addresses)), "");
}

}  // namespace
}  // namespace smsd::mail
