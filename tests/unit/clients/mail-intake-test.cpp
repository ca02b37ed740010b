// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>
#include <sysexits.h>

#include "clients/mail-intake/mail-result.h"
#include "clients/mail-intake/mail.h"
#include "common/text/utf.h"

namespace smsd::mailintake {
namespace {

using shapes::Target;
using shapes::WebFate;

constexpr const char* header =
    "From: argus@example.org\r\nTo: sms@example.org\r\nDate: Fri, 27 Nov 2026 12:00:00 -0000\r\n"
    "Message-ID: <176424.7.123@argus>\r\nMIME-Version: 1.0\r\n";

std::string mailWith(const std::string& fields, const std::string& body) {
  return header + fields + "\r\n" + body;
}

/// `NUMBER,NUMBER: TEXT`, with = before a group; or the problem.
std::string shown(const std::string& mail, const std::string& to = "") {
  const auto read = readMail(mail, to, 2);
  if (!read.problem.empty()) return read.problem;
  std::string all;
  for (const auto& alert : read.alerts) {
    all += (all.empty() ? "" : ",") + std::string(alert.to.kind == Target::Kind::group ? "=" : "") +
           alert.to.name;
    EXPECT_EQ(alert.severity, 2);
    EXPECT_EQ(alert.key.size(), 37u);
  }
  return all + ": " + read.alerts.front().text;
}

constexpr const char* plain = "Content-Type: text/plain; charset=\"utf-8\"\r\n";
constexpr const char* noSubject = "the subject has to be `sms NUMBER`, for example `sms +4799887766`";
constexpr const char* noText =
    "the mail has no part of the type text/plain, or it is empty: send the alert as plain text";

TEST(MailIntake, ReadsTheNumberFromTheSubject) {
  const struct {
    const char* subject;
    const char* expected;
  } rows[] = {
      // Argus 2.x, src/argus/notificationprofile/media/sms_as_email.py: subject=f"sms {phone_number}", in
      // E.164
      {"Subject: sms +4799887766", "+4799887766: x"},
      // NAV 5.x, python/nav/smsd/uninettmaildispatcher.py: subject="sms {}".format(phone)
      {"Subject: sms 99887766", "99887766: x"},
      {"subject:SMS   +47 99 88 77 66  ", "+4799887766: x"},
      {"Subject: sms\t+4799887766", "+4799887766: x"},
      {"Subject: sms\r\n +4799887766", "+4799887766: x"},
      {"Subject: sms +4799887766, +4799887765", "+4799887766,+4799887765: x"},
      {"Subject: sms ops", "=ops: x"},
      {"Subject: =?utf-8?q?sms_=2B4799887766?=", "+4799887766: x"},
      {"Subject: =?iso-8859-1?b?c21zICs0Nzk5ODg3NzY2?=", "+4799887766: x"},
      {"Subject: =?utf-8?q?sms?= =?utf-8?q?_ops?=", "=ops: x"},
      {"Subject: sms", noSubject},
      {"Subject: sms+4799887766", noSubject},
      {"Subject: Re: sms +4799887766", noSubject},
      {"Subject: smsx +4799887766", noSubject},
      {"Subject: +4799887766", noSubject},
      {"Subject:", noSubject},
      {"X-Subject: sms +4799887766", noSubject},
      {"Subject: sms 99887766 112",
       "99887766 112 may be one number or several: write each number without blanks"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(shown(mailWith(std::string(row.subject) + "\r\n" + plain, "x\r\n")), row.expected)
        << row.subject;
}

TEST(MailIntake, ReadsTheNumberFromTheAddress) {
  const std::string mail = mailWith("Subject: link 7 is down\r\n", "");
  EXPECT_EQ(shown(mail, "4799887766"), "+4799887766: link 7 is down");
  EXPECT_EQ(shown(mail, "ops"), "=ops: link 7 is down");
  EXPECT_EQ(shown(mailWith("Subject: Alert\r\n", "link 7 is down\n"), "ops"), "=ops: link 7 is down");
}

TEST(MailIntake, ReadsTheTextOfTheFirstTextPart) {
  const std::string two =
      "--b\r\nContent-Type: text/html\r\n\r\n<b>no</b>\r\n--b\r\nContent-Type: text/plain; "
      "charset=utf-8\r\n\r\nlink down\r\n--b--\r\n";
  const struct {
    std::string fields, body, expected;
  } rows[] = {
      {plain, "Bø: link 7 is down\r\n\r\nsince 12:00\r\n", "Bø: link 7 is down\n\nsince 12:00"},
      {"", "no type\r\n", "no type"},
      {"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n",
       "B=F8 is=\r\n down\r\n", "Bø is down"},
      {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n",
       "QsO4IGlzIGRvd24K\r\n", "Bø is down"},
      {"Content-Type: text/plain; charset=windows-1252\r\n", "100 \x80 more", "100 € more"},
      {"Content-Type: text/plain; charset=CP1252\r\n", "100 \x80 more", "100 € more"},
      {"Content-Type: text/plain; charset=ISO-8859-15\r\n", "\xA4", "€"},
      {"Content-Type: text/plain; charset=koi8-r\r\n", "\xF3\xED\xF3", "СМС"},
      {"Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n", "QgD4AA==\r\n",
       "Bø"},
      {"Content-Type: text/plain; charset=iso-2022-jp\r\n", "\x1b$B8N>c\x1b(B", "故障"},
      {"Content-Type: text/plain; charset=no-such-set\r\n", "B\xF8", "Bø"},
      {"Content-Type: text/plain; charset=\"../../tmp/x\"\r\n", "down", "down"},
      {"Content-Type: text/plain; charset=us-ascii\r\n", "B\xC3\xB8", "Bø"},
      {"Content-Type: multipart/alternative; boundary=b\r\n", two, "link down"},
      {"Content-Type: multipart/mixed; boundary=a\r\n",
       "preamble\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" + two + "--a--\r\n",
       "link down"},
      {"Content-Type: multipart/mixed; boundary=b\r\n",
       "--b\r\nContent-Disposition: attachment\r\n\r\nno\r\n--b\r\n\r\nyes\r\n--b--\r\n", "yes"},
      {"Content-Type: multipart/mixed; boundary=b\r\n",
       "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nno\r\n--b\r\n\r\nyes\r\n--b--\r\n",
       "yes"},
      {"Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n\r\nthe end is missing",
       "the end is missing"},
      {"Content-Type: text/html\r\n", "<b>no</b>", noText},
      {"Content-Type: multipart/mixed; boundary=b\r\n", "no part\r\n", noText},
      {plain, "", noText},
      {plain, "\r\n \r\n", noText},
  };
  for (const auto& row : rows) {
    const std::string found = shown(mailWith("Subject: sms ops\r\n" + row.fields, row.body));
    EXPECT_EQ(found, row.expected == noText ? row.expected : "=ops: " + row.expected)
        << row.fields << row.body;
  }
}

TEST(MailIntake, HasOneKeyForAMailThatComesTwice) {
  const auto keyOf = [](const std::string& mail) { return readMail(mail, "", 0).alerts.at(0).key; };
  const std::string fields = std::string("Subject: sms ops\r\n") + plain, mail = mailWith(fields, "x");
  EXPECT_EQ(keyOf(mail), keyOf("Received: from elsewhere\r\n" + mail));
  EXPECT_EQ(keyOf(mail), keyOf("From argus@example.org  Fri Nov 27 12:00:00 2026\n" + mail));
  EXPECT_NE(keyOf(mail), keyOf(mailWith(fields, "y"))) << "a Message-ID alone keeps no other text away";
  const std::string without = "Subject: sms ops\n\nx",
                    another = "Date: Fri, 27 Nov 2026 12:00:00\n" + without;
  EXPECT_EQ(keyOf(without), keyOf(without));
  EXPECT_NE(keyOf(without), keyOf(another));
}

TEST(MailIntake, BoundsAMail) {
  const std::string fields = "Subject: sms ops\r\n";
  EXPECT_EQ(shown(""), "the mail has no header");
  EXPECT_EQ(shown("From "), "the mail has no header");
  EXPECT_EQ(shown(std::string(maxMail + 10, 'x')), "the header of the mail has more than 64 KiB");
  EXPECT_EQ(shown(mailWith(fields + "X-Long: " + std::string(maxHeader, 'x') + "\r\n", "x")),
            "the header of the mail has more than 64 KiB");
  const std::string tooMany = "the mail has more than 200 parts or lines that begin with --";
  std::string parts, levels = fields + "Content-Type: message/rfc822\r\n\r\n", folded = levels;
  for (int n = 0; n < 201; ++n) parts += "--b\r\n\r\n";
  for (int n = 0; n < 201; ++n)
    levels += "Content-Type: message/rfc822\r\n\r\n", folded += "A:\nContent-Type:\n message/rfc822\n\n";
  EXPECT_EQ(shown(mailWith(fields + "Content-Type: multipart/mixed; boundary=b\r\n", parts)), tooMany);
  EXPECT_EQ(shown(levels), tooMany);
  EXPECT_EQ(shown(folded), tooMany);
  std::string deep = fields;
  for (int n = 0; n < 20; ++n) {
    const std::string boundary = "b" + std::to_string(n);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  EXPECT_EQ(shown(deep + "Content-Type: text/plain\r\n\r\nx"), noText);
  const auto read = readMail(mailWith(fields, std::string(2 * maxMail, 'x')), "", 0);
  ASSERT_EQ(read.alerts.size(), 1u);
  EXPECT_EQ(text::decode(read.alerts[0].text).size(), shapes::maxText);
}

TEST(MailIntake, EndsAsPostfixExpects) {
  using Result = WebFate::Result;
  using Refusal = WebFate::Refusal;
  const WebFate queued{Result::queued}, duplicate{Result::duplicate};
  const auto refused = [](Refusal refusal) { return WebFate{Result::refused, refusal, "why"}; };
  const struct {
    std::vector<WebFate> fates;
    int status;
    std::string words;
  } rows[] = {
      {{queued, duplicate}, EX_OK, ""},
      {{refused(Refusal::recipient)}, EX_DATAERR, "no SMS to n0: why; write it as +4799887766\n"},
      {{refused(Refusal::text)}, EX_DATAERR, "no SMS to n0: why\n"},
      {{refused(Refusal::group)},
       EX_NOUSER,
       "no SMS to n0: why; the administrator of smsd can add it to groups.yaml\n"},
      {{queued, refused(Refusal::notAllowed)},
       EX_NOPERM,
       "no SMS to n1: why; the administrator of smsd can allow it (intake.callers in smsd.yaml)\n"},
      {{refused(Refusal::severity), refused(Refusal::rate)},
       EX_TEMPFAIL,
       "no SMS to n0: why\nno SMS to n1: why; the mail is tried again\n"},
      {{refused(Refusal::rate), refused(Refusal::text)},
       EX_TEMPFAIL,
       "no SMS to n0: why; the mail is tried again\nno SMS to n1: why\n"},
  };
  std::vector<shapes::IncomingAlert> alerts(2);
  alerts[0].to.name = "n0", alerts[1].to.name = "n1";
  for (const auto& row : rows) {
    const auto result = resultOf(alerts, {"", 0, row.fates});
    EXPECT_EQ(result.status, row.status) << row.words;
    EXPECT_EQ(result.words, row.words);
  }
  const auto away = resultOf(alerts, {"smsd is away", 5, {}});
  EXPECT_EQ(away.status, EX_TEMPFAIL);
  EXPECT_EQ(away.words, "smsd is away; the mail is tried again\n");
}

}  // namespace
}  // namespace smsd::mailintake
