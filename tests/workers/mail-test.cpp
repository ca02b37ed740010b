// SPDX-License-Identifier: GPL-3.0-or-later
// The mail dispatcher as the kit sees it: what arrives at a mail server, over which TLS and login.
#include <algorithm>

#include "tests/workers/mail-bench.h"

namespace smsd::mail {
namespace {

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
  EXPECT_NE(wordsOf(outcome).find("offers no login"), std::string::npos) << wordsOf(outcome);
  for (auto& command : server.commands()) EXPECT_FALSE(command.starts_with("MAIL")) << command;
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

}  // namespace
}  // namespace smsd::mail
