// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/text/number-form.h"

#include <gtest/gtest.h>

namespace smsd::text {
namespace {

TEST(NumberForm, IsTheSameForAllSpellingsOfANumber) {
  const struct {
    const char *written, *form;
  } rows[] = {
      {"+4799887766", "4799887766"},
      {"004799887766", "4799887766"},
      {"4799887766", "4799887766"},
      {"+47 99 88 77 66", "4799887766"},
      {"+47-998.877/66", "4799887766"},
      {"(+47) 99887766", "4799887766"},
      {"99887766", "99887766"},
      {"0", "0"},
      {"00", ""},
      {"+", ""},
      {"", ""},
      {" ", ""},
      {"+0047", "0047"},
      {"noc@example.org", ""},
      {"47+99", ""},
      {"++47", ""},
      {"47x", ""},
      {"\xc3\xa5", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(numberForm(row.written), row.form) << row.written;
}

TEST(OneForm, OfANumberIsWhatSmsdWritesIntoTheQueue) {
  const struct {
    const char *written, *country, *number;
  } rows[] = {
      {"+4790000001", "47", "+4790000001"},
      {"+47 90 00 00 01", "47", "+4790000001"},
      {"004790000001", "47", "+4790000001"},
      {"0047 900 00 001", "", "+4790000001"},
      {"90000001", "47", "+4790000001"},
      {"900 00 001", "47", "+4790000001"},
      {"90000001", "", "90000001"},
      {"(+47) 900-00.001", "47", "+4790000001"},
      {"+47\xc2\xa0"
       "90\xe2\x80\xaf"
       "00\xe2\x80\x91"
       "0001",
       "47", "+4790000001"},
      {"0171 2345678", "49", "+491712345678"},
      {"+49 0171 2345678", "49", "+4901712345678"},
      {"1881", "47", "1881"},
      {"07979", "44", "07979"},
      {"02", "47", "02"},
      {"+12345678901234", "47", "+12345678901234"},
  };
  for (const auto& row : rows) {
    const auto form = oneForm(row.written, row.country);
    EXPECT_EQ(form.number, row.number) << row.written;
    EXPECT_EQ(form.problem, "") << row.written;
    EXPECT_EQ(oneForm(form.number, row.country).number, form.number) << "is the same when it comes again";
  }
}

TEST(OneForm, RefusesWhatCannotBeANumberWithTheReason) {
  const struct {
    const char *written, *country, *problem;
  } rows[] = {
      {"kari", "47", "kari cannot be a telephone number: expected digits, perhaps with + before them"},
      {"noc@example.org", "", "expected digits"},
      {"", "47", "expected a telephone number, found nothing"},
      {"+", "47", "it has no digits"},
      {"00", "47", "it has no digits"},
      {"47+90000001", "", "expected digits"},
      {"++47", "", "expected digits"},
      {"+0047900001", "", "no country's code begins with 0"},
      {"1234567890123456", "", "it has more than 15 digits"},
      {"12345678901234", "47", "it has more than 15 digits"},
      {"+123456789012345", "", "it has more than the 15 characters that the queue holds"},
      {"90\x01\x1b[2J", "", "expected digits"},
      {"\xff\xfe", "", "expected digits"},
  };
  for (const auto& row : rows) {
    const auto form = oneForm(row.written, row.country);
    EXPECT_EQ(form.number, "") << row.written;
    EXPECT_NE(form.problem.find(row.problem), std::string::npos) << form.problem;
    for (const char c : form.problem) EXPECT_GE(static_cast<unsigned char>(c), 0x20u) << row.written;
  }
}

}  // namespace
}  // namespace smsd::text
