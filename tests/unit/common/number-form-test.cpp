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

}  // namespace
}  // namespace smsd::text
