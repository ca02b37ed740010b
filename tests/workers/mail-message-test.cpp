// SPDX-License-Identifier: GPL-3.0-or-later
// The mail that carries an SMS, byte by byte.
#include "workers/mail/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <sstream>

namespace smsd::mail {
namespace {

MailParts mailParts(const std::string& subject, const std::string& body) {
  return {.from = "smsd@example.org",
          .to = "sms@gw.example.org",
          .subject = subject,
          .body = body,
          .messageId = "364e34-1@example.org",
          .date = std::chrono::system_clock::from_time_t(1'700'000'000)};
}

TEST(MailMessage, HasTheseHeadersAndNoOthers) {
  EXPECT_EQ(compose(mailParts("sms +4799887766", "core-gw1 is down")),
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
            "From: smsd@example.org\r\n"
            "To: sms@gw.example.org\r\n"
            "Subject: sms +4799887766\r\n"
            "Message-ID: <364e34-1@example.org>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "core-gw1 is down\r\n");
}

TEST(MailMessage, NoTextAndNoNumberAddsAHeader) {
  const std::string header = compose(mailParts("x", "x"));
  const auto lines = std::count(header.begin(), header.end(), '\n');
  for (std::string evil :
       {"a\r\nBcc: me@evil.org", "a\nBcc: me@evil.org", "a\rBcc: x", "a\r\n\r\nbody", "a\x0b\x0c"}) {
    std::string mail = compose(mailParts(evil, "x"));
    EXPECT_EQ(std::count(mail.begin(), mail.end(), '\n'), lines) << mail;
    EXPECT_EQ(mail.find("\nBcc"), std::string::npos) << mail;
    EXPECT_EQ(mail.find('\r', mail.find("Subject")), mail.find("\r\n", mail.find("Subject"))) << mail;
  }
}

TEST(MailMessage, AHeaderIsPlainOrEncodedWords) {
  const std::pair<std::string, std::string> rows[] = {
      {"sms +4799887766", "sms +4799887766"},
      {"", ""},
      {" leading", "=?UTF-8?B?IGxlYWRpbmc=?="},
      {"=?UTF-8?B?aGk=?=", "=?UTF-8?B?PT9VVEYtOD9CP2FHaz0/PQ==?="},  // not to be decoded into something else
      {"bl\xC3\xA5", "=?UTF-8?B?YmzDpQ==?="},
      {std::string(61, 'x'),
       "=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4?=\r\n "
       "=?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA==?="}};
  for (auto& [text, expected] : rows) EXPECT_EQ(headerText(text), expected);
}

TEST(MailMessage, AnEncodedWordHoldsWholeCharactersAndFitsItsLine) {
  std::string fires;
  for (int i = 0; i < 50; ++i) fires += "\xF0\x9F\x94\xA5";
  std::istringstream lines("Subject: " + headerText(fires));
  std::size_t words = 0;
  for (std::string line; std::getline(lines, line); ++words) {
    EXPECT_LE(line.size(), 77U);  // with the CR
    std::size_t open = line.find("?B?") + 3, close = line.find("?=", open);
    std::size_t padding = std::count(line.begin() + open, line.begin() + close, '=');
    EXPECT_EQ(((close - open) / 4 * 3 - padding) % 4, 0U) << "a flame has 4 bytes: " << line;
  }
  EXPECT_GT(words, 1U);
}

TEST(MailMessage, ABodyIsSentAsItIsOnlyWhereNothingOnTheWayChangesIt) {
  struct Row {
    std::string text, encoding, encoded;
  };
  const Row rows[] = {{"core-gw1 is down", "7bit", "core-gw1 is down\r\n"},
                      {"a\nb\r\nc", "7bit", "a\r\nb\r\nc\r\n"},
                      {"a\n\nb\n", "7bit", "a\r\n\r\nb\r\n"},
                      {".\n.a", "7bit", ".\r\n.a\r\n"},  // doubled when it goes out, not here
                      {"100% = all", "7bit", "100% = all\r\n"},
                      {"bl\xC3\xA5 = 1", "quoted-printable", "bl=C3=A5 =3D 1\r\n"},
                      {"trailing ", "quoted-printable", "trailing=20\r\n"},
                      {"a\t\nb", "quoted-printable", "a=09\r\nb\r\n"},
                      {"From here", "quoted-printable", "=46rom here\r\n"},
                      {"a\rb", "quoted-printable", "a=0Db\r\n"},
                      {"\x7f", "quoted-printable", "=7F\r\n"},
                      {"", "7bit", ""}};
  for (auto& row : rows) {
    EncodedBody body = encodeBody(row.text);
    EXPECT_EQ(body.encoding, row.encoding) << row.text;
    EXPECT_EQ(body.text, row.encoded);
  }
}

TEST(MailMessage, NoLineIsLongerThanAMailMayHave) {
  EncodedBody quoted = encodeBody(std::string(2000, 'x'));
  EXPECT_EQ(quoted.encoding, "quoted-printable");
  EXPECT_EQ(encodeBody(std::string(998, 'x')).encoding, "7bit");
  std::size_t column = 0, longest = 0;
  for (char c : quoted.text) {
    column = c == '\n' ? 0 : column + 1;
    longest = std::max(longest, column);
  }
  EXPECT_LE(longest, 77U);  // with the CR
}

TEST(MailMessage, AnAddressIsNoMoreThanAnAddress) {
  for (std::string good : {"noc@example.org", "+4799887766@sms.example.org", "a.b-c_d@x",
                           "o'neil@example.org", "%47/1@gw.example"})
    EXPECT_TRUE(isAddress(good)) << good;
  const std::string longLocal = std::string(65, 'x') + "@example.org";
  const std::string longAll = "a@" + std::string(60, 'x') + "." + std::string(60, 'x') + "." +
                              std::string(60, 'x') + "." + std::string(60, 'x') + "." + std::string(20, 'x');
  for (std::string bad : {std::string(""),
                          std::string("noc"),
                          std::string("@x"),
                          std::string("a@"),
                          std::string("a@b@c"),
                          std::string("a b@x"),
                          std::string("a@x>\r\nRCPT TO:<b@y"),
                          std::string("a\n@x"),
                          std::string("<a@x>"),
                          std::string("a@x y"),
                          std::string(".a@x"),
                          std::string("a.@x"),
                          std::string("a..b@x"),
                          std::string("a@x..y"),
                          std::string("a@-x"),
                          std::string("a@x-"),
                          std::string("a@.x"),
                          std::string("\"a b\"@x"),
                          std::string("a,b@x"),
                          std::string("a@[127.0.0.1]"),
                          std::string("bl\xC3\xA5@x"),
                          std::string("a@x\0y", 5),
                          std::string("Noc <a@x>"),
                          longLocal,
                          longAll})
    EXPECT_FALSE(isAddress(bad)) << bad;
}

}  // namespace
}  // namespace smsd::mail
