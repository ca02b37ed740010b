// SPDX-License-Identifier: GPL-3.0-or-later
// Styled lines on a terminal: no text can act on it, and a screen is drawn over the last one.
#include "common/io/output.h"

#include <gtest/gtest.h>

#include <functional>

namespace smsd::io {
namespace {

std::string printed(const std::function<void()>& act) {
  testing::internal::CaptureStdout();
  act();
  flush();
  return testing::internal::GetCapturedStdout();
}

const Lines lines = {{{"NOT HEALTHY", Style::bad}, {" up 3s"}}, {}, {{"one\ntwo \x1b[2J"}}};

TEST(StyledLines, ArePlainTextWithoutColour) {
  EXPECT_EQ(printed([] { print(lines, Colour::no); }), "NOT HEALTHY up 3s\n\none two ?[2J\n");
}

TEST(StyledLines, HaveTheirColoursAndNoSequenceOfTheText) {
  EXPECT_EQ(printed([] { print(lines, Colour::yes); }),
            "\x1b[1;31mNOT HEALTHY\x1b[0m up 3s\n\none two ?[2J\n");
}

TEST(StyledLines, AreDrawnOverTheFormerScreenWithoutClearingItFirst) {
  const auto text = printed([] { redraw(lines, Colour::no); });
  EXPECT_EQ(text, "\x1b[HNOT HEALTHY up 3s\x1b[K\n\x1b[K\none two ?[2J\x1b[K\n\x1b[J");
  EXPECT_EQ(text.find("\x1b[2J"), std::string::npos) << "an empty screen in between flickers";
}

}  // namespace
}  // namespace smsd::io
