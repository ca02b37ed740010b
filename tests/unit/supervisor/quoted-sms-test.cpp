// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/quoted-sms.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "common/text/utf.h"
#include "supervisor/keeper/given-sms.h"

namespace smsd::keeper {
namespace {

const QuotedSms sms{"+4799887766", "core-gw1 is down: \"no\nroute\" to blåbær & 100%"};

struct Case {
  const char* words;
  const char* shown;
};

TEST(QuotedSms, ANumberIsFoundInEachSpelling) {
  const Case cases[] = {
      {"invalid number +4799887766", "invalid number (recipient)"},
      {"invalid number 4799887766.", "invalid number (recipient)."},
      {"004799887766: no such user", "(recipient): no such user"},
      {"to=%2B4799887766&x=1", "to=(recipient)&x=1"},
      {"+47 99 88 77 66 is blocked", "(recipient) is blocked"},
      {"(47) 998-87-766", "((recipient)"},
      {"national 99887766", "national (recipient)"},
      {"099887766 and +4799887766", "(recipient) and (recipient)"},
      {"cut 4799887", "cut (recipient)"},
      {"id 479988776612", "id (recipient)"},
      {"last digits 887766", "last digits 887766"},
      {"HTTP 402, +4791234567", "HTTP 402, +4791234567"},
      {"{\"to\": \"\\u002b4799887766\"}", "{\"to\": \"(recipient)\"}"},
  };
  for (const auto& [words, shown] : cases) EXPECT_EQ(withoutQuotation(words, sms), shown) << words;
}

TEST(QuotedSms, ARecipientOfAnotherFormIsFoundAsWell) {
  struct Row {
    const char* recipient;
    Case test;
  };
  const Row rows[] = {
      {"004799887766", {"to 4799887766", "to (recipient)"}},
      {"99887766", {"to +4799887766", "to (recipient)"}},
      {"112", {"to 112 or 1123", "to (recipient) or 1123"}},
      {"112", {"to 00112", "to (recipient)"}},
      {"12", {"to 12", "to 12"}},
      {"duty@example.org", {"to <Duty@Example.org>", "to <(recipient)>"}},
      {"", {"to nobody", "to nobody"}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(withoutQuotation(row.test.words, {row.recipient, ""}), row.test.shown) << row.recipient;
}

TEST(QuotedSms, ATextIsFoundWholeAndInLongParts) {
  const Case cases[] = {
      {"rejected: core-gw1 is down: \"no\nroute\" to blåbær & 100%.", "rejected: (text)%."},
      {"rejected: core-gw1 is down: \"no route\" to blåb...", "rejected: (text)..."},
      {"rejected: CORE-GW1 IS DOWN: NO ROUTE TO", "rejected: (text)"},
      {R"({"text": "core-gw1 is down: \"no\nroute\" to bl\u00e5b\u00e6r & 100%"})", R"({"text": "(text)%"})"},
      {R"('core-gw1 is down: "no\nroute" to bl\xe5b\xe6r & 100%')", "'(text)%'"},
      {"text=core-gw1+is+down%3A+%22no%0Aroute%22+to+bl%C3%A5b%C3%A6r+%26+100%25", "text=(text)%25"},
      {"<m>core-gw1 is down: &quot;no&#10;route&quot; to bl&#xe5;b&#230;r &amp; 100%</m>", "<m>(text)%</m>"},
      {"core-gw1 cannot be reached", "core-gw1 cannot be reached"},
      {"no route to host", "no route to host"},
  };
  for (const auto& [words, shown] : cases) EXPECT_EQ(withoutQuotation(words, sms), shown) << words;
}

TEST(QuotedSms, AShortTextIsFoundWhole) {
  EXPECT_EQ(withoutQuotation("cannot send 'Disk full!'", {"", "disk full"}), "cannot send '(text)!'");
  EXPECT_EQ(withoutQuotation("the disk is full", {"", "disk full"}), "the disk is full");
  EXPECT_EQ(withoutQuotation("ok", {"", "ok"}), "ok") << "fewer than four letters";
}

/// Each form in which a program may repeat a value.
const std::vector<std::function<std::string(const std::string&)>> forms = {
    [](const std::string& value) { return value; },
    [](const std::string& value) { return text::printable(value); },
    [](const std::string& value) {
      std::string escaped;
      for (unsigned char c : value) escaped += fmt::format("%{:02X}", c);
      return escaped;
    },
    [](const std::string& value) {
      std::string escaped;
      for (const char32_t c : text::decode(value))
        escaped += c < 0x10000
                       ? fmt::format("\\u{:04x}", std::uint32_t(c))
                       : fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((std::uint32_t(c) - 0x10000) >> 10),
                                     0xDC00 + ((std::uint32_t(c) - 0x10000) & 0x3FF));
      return escaped;
    },
    [](const std::string& value) {
      std::string escaped;
      for (const char32_t c : text::decode(value)) escaped += fmt::format("&#{};", std::uint32_t(c));
      return escaped;
    },
};

TEST(QuotedSms, NoNumberAndNoTextComesThroughWhateverTheyAreAndWhereverTheyStand) {
  std::mt19937 random(7);
  const auto pick = [&random](std::size_t count) { return random() % count; };
  const char32_t alphabet[] = {U'a', U'Z',  U'7', U'q', U'w', U'e',  U'r', U't',    U'y', U' ', U':',
                               U'ø', U'\n', U'€', U'"', U'%', U'\\', U'&', U'🙂', U'м', U'x', U'k'};
  for (int round = 0; round < 3000; ++round) {
    std::string digits(7 + pick(9), '1');
    for (char& c : digits) c = static_cast<char>('0' + pick(10));
    digits[0] = static_cast<char>('1' + pick(9));
    std::u32string points(20 + pick(150), U'a');
    for (char32_t& c : points) c = alphabet[pick(std::size(alphabet))];
    points = U"begin" + points + U"finis";
    const QuotedSms one{(pick(2) == 0 ? "+" : pick(2) == 0 ? "00" : "") + digits, text::encode(points)};
    for (const auto& form : forms) {
      for (const char* prefix : {"+", "00", ""}) {
        const std::string words = withoutQuotation("sent to " + form(prefix + digits) + ": no", one);
        ASSERT_EQ(words, "sent to (recipient): no") << digits;
      }
      const std::string words = withoutQuotation("said <" + form(one.text) + ">", one);
      ASSERT_NE(words.find("(text)"), std::string::npos) << words << "\n" << one.text;
      ASSERT_EQ(words.find(form("egin")), std::string::npos) << words << "\n" << one.text;
      ASSERT_EQ(words.find(form("fini")), std::string::npos) << words << "\n" << one.text;
    }
  }
}

TEST(QuotedSms, OtherWordsStayAsTheyAreAndAnyBytesAreRead) {
  std::mt19937 random(8);
  for (int round = 0; round < 3000; ++round) {
    std::string words(random() % 60, ' ');
    for (char& c : words) c = "abc\\ux%2&#;d0\xC3 \xFF"[random() % 17];
    EXPECT_EQ(withoutQuotation(words, {"+4799887766", "a quite different text, which it has not"}), words);
  }
}

TEST(QuotedSms, ALongTextOfOneLetterTakesLittleTime) {
  const std::string long_(16384, 'a'), words(400, 'a');
  for (int round = 0; round < 100; ++round) EXPECT_EQ(withoutQuotation(words, {"", long_}), "(text)");
}

TEST(QuotedSms, AReferenceLosesAWholeLongNumberOnly) {
  EXPECT_EQ(referenceWithoutQuotation("4799887766-17", sms), "(recipient)-17");
  EXPECT_EQ(referenceWithoutQuotation("9988776", sms), "9988776") << "may be a counter";
  EXPECT_EQ(referenceWithoutQuotation("112", {"112", ""}), "112") << "may be a modem's";
  EXPECT_EQ(referenceWithoutQuotation("id core-gw1 is down: no route to", sms), "id (text)");
}

TEST(GivenSms, WordsAboutNoSmsQuoteNoneThatIsWithAWorkerOrWasAMomentAgo) {
  GivenSms given;
  for (queue::AttemptId attempt = 1; attempt <= 100; ++attempt) {
    queue::Submission submission;
    submission.attempt = attempt;
    submission.recipient = fmt::format("+47998877{:02}", attempt % 100);
    given.add(submission);
    EXPECT_EQ(given.withoutQuotations("last: " + submission.recipient), "last: (recipient)");
    given.end(attempt);
    EXPECT_EQ(given.withoutQuotations("last: " + submission.recipient), "last: (recipient)");
  }
  EXPECT_EQ(given.find(100), nullptr);
  GivenSms other;
  queue::Submission submission;
  submission.attempt = 1;
  submission.recipient = "+4711223344";
  other.add(submission);
  other.end(1);
  submission.recipient = "+4755667788";
  for (queue::AttemptId attempt = 2; attempt <= 1 + GivenSms::mostEnded; ++attempt) {
    submission.attempt = attempt;
    other.add(submission);
    other.end(attempt);
  }
  EXPECT_EQ(other.withoutQuotations("last: +4711223344"), "last: +4711223344") << "too long ago to be known";
}

}  // namespace
}  // namespace smsd::keeper
