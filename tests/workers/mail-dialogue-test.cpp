// SPDX-License-Identifier: GPL-3.0-or-later
// What is read of a conversation with a mail server: as servers have it, and as none should.
#include "workers/mail/dialogue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace smsd::mail {
namespace {

/// "> " a command, "< " a line that came, "." the mail was handed over, "+" a connection was opened.
SmtpDialogue::State play(SmtpDialogue& dialogue, const std::vector<std::string>& lines) {
  auto state = SmtpDialogue::State::goesOn;
  for (const std::string& line : lines) {
    if (line == "+") dialogue.connected();
    if (line == ".") dialogue.handedOver();
    if (line.starts_with("> ")) state = dialogue.sent(line.substr(2) + "\r\n");
    if (line.starts_with("< ")) state = dialogue.received(line.substr(2) + "\r\n");
  }
  return state;
}

SmtpDialogue after(const std::vector<std::string>& lines) {
  SmtpDialogue dialogue;
  play(dialogue, lines);
  return dialogue;
}

const std::vector<std::string> upToData = {
    "+",     "< 220 mail", "> EHLO me",         "< 250-mail", "< 250 SIZE", "> MAIL FROM:<a@b>",
    "< 250", "> RCPT TO:", "< 250 2.1.5 he is", "> DATA",     "< 354 go"};

std::vector<std::string> with(std::vector<std::string> lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

TEST(MailDialogue, FollowsAMailThatIsTaken) {
  SmtpDialogue dialogue;
  EXPECT_EQ(play(dialogue, with(upToData, {".", "< 250-and", "< 250 2.0.0 Ok: queued as 4Xy1"})),
            SmtpDialogue::State::goesOn);
  EXPECT_EQ(dialogue.soFar().stage, SmtpStage::content);
  EXPECT_EQ(dialogue.soFar().reply, 250);
  EXPECT_EQ(dialogue.soFar().enhanced, "2.0.0");
  EXPECT_EQ(dialogue.soFar().reference, "4Xy1");
  dialogue.begin();
  EXPECT_EQ(dialogue.soFar().stage, SmtpStage::connection);
  EXPECT_FALSE(dialogue.usesNewConnection());
  EXPECT_EQ(play(dialogue, {"> MAIL FROM:<a@b>", "< 250 ok", "> RCPT TO:<c@d>"}),
            SmtpDialogue::State::goesOn);
  EXPECT_EQ(dialogue.soFar().stage, SmtpStage::recipient);
  EXPECT_EQ(dialogue.soFar().reply, 0) << "a reply belongs to its command";
}

TEST(MailDialogue, SeesThatTheCodesOfAReplyDiffer) {
  for (auto& lines : {std::vector<std::string>{"< 550-no", "< 250 ok"},
                      {"< 250-and", "< 550 no"},
                      {"< 250-a", "< 550-b", "< 250-c", "< 250 ok"},
                      {"< 250 5.7.1 rejected"}}) {
    auto dialogue = after(with(upToData, with({"."}, lines)));
    EXPECT_EQ(dialogue.soFar().codes, Conversation::Codes::differ) << lines.front();
    dialogue.begin();
    EXPECT_EQ(dialogue.soFar().codes, Conversation::Codes::agree);
  }
  for (auto& lines :
       {std::vector<std::string>{"< 250-and", "< 251 ok"}, {"< 250 2.0.0 ok"}, {"< 550 5.1.1 no"}})
    EXPECT_EQ(after(with(upToData, with({"."}, lines))).soFar().codes, Conversation::Codes::agree);
}

TEST(MailDialogue, HasNothingMoreToWaitForOnceTheMailIsRejected) {
  for (auto& lines : {std::vector<std::string>{"+", "> MAIL FROM:<a>", "< 550 5.7.1 no"},
                      with(upToData, {".", "< 451 later, queued as X"}), with(upToData, {".", "> QUIT"})}) {
    SmtpDialogue dialogue;
    EXPECT_EQ(play(dialogue, lines), SmtpDialogue::State::over);
    auto before = dialogue.soFar().reply;
    EXPECT_EQ(play(dialogue, {"< 250 2.0.0 queued as X"}), SmtpDialogue::State::over);
    EXPECT_EQ(dialogue.soFar().reply, before) << "what comes afterwards is not about it";
    EXPECT_EQ(dialogue.soFar().reference, "");
  }
}

TEST(MailDialogue, KnowsAServerThatDoesNotServeFromOneThatEndsAnIdleConnection) {
  EXPECT_EQ(after({"+", "< 554 no"}).soFar().stage, SmtpStage::greeting);
  EXPECT_EQ(after({"< 421 idle"}).soFar().stage, SmtpStage::connection);
}

TEST(MailDialogue, CountsALoginOnlyWhereItWasAskedForAndOnThatConnection) {
  EXPECT_TRUE(after({"+", "> EHLO me", "> AUTH PLAIN", "< 235 2.7.0 yes"}).isLoggedIn());
  EXPECT_TRUE(after({"+", "> EHLO me", "> AUTH LOGIN", "< 334 x", "> aHVudGVyMg==", "< 235"}).isLoggedIn());
  EXPECT_FALSE(after({"+", "< 235 2.7.0 yes", "> EHLO me", "< 235 yes"}).isLoggedIn());
  EXPECT_FALSE(after({"+", "> EHLO me", "> AUTH PLAIN", "< 535 5.7.8 no"}).isLoggedIn());
  EXPECT_FALSE(after({"+", "> EHLO me", "> AUTH PLAIN", "< 235 yes", "+"}).isLoggedIn());
}

TEST(MailDialogue, GoesBackToNoEarlierStageWhateverIsSaid) {
  for (std::string command : {"EHLO x", "HELO x", "STARTTLS", "AUTH PLAIN x", "MAIL FROM:<x>", "RCPT TO:<x>"})
    EXPECT_EQ(after(with(upToData, {".", "> " + command})).soFar().stage, SmtpStage::content) << command;
  EXPECT_EQ(after({"+", "> EHLO a", "> STARTTLS", "< 220 go", "> EHLO a"}).soFar().stage, SmtpStage::hello)
      << "but a server is greeted again over TLS";
}

TEST(MailDialogue, ReadsRepliesAndNothingElse) {
  auto reply = [](const std::string& line) {
    auto said = after({"+", "> EHLO me", "< " + line}).soFar();
    return std::to_string(said.reply) + (said.enhanced.empty() ? "" : " " + said.enhanced);
  };
  EXPECT_EQ(reply("451 4.7.1 later"), "451 4.7.1");
  EXPECT_EQ(reply("550 5.1.1"), "550 5.1.1");
  EXPECT_EQ(reply("250"), "250");
  EXPECT_EQ(reply("250 "), "250");
  EXPECT_EQ(reply("999 x"), "999");
  for (auto line : {"", "25", "2x0 ok", "250-more", "2500 ok", "+250 ok", " 250 ok"})
    EXPECT_EQ(reply(line), "0") << line;
  for (auto line : {"550 5.1", "550 51.1.1", "550 5.1.1x", "550 5..1", "550 .5.1", "550 5.1.1.1",
                    "550 5.11111111.1", "550 no 5.1.1"})
    EXPECT_EQ(reply(line), "550") << line;
}

}  // namespace
}  // namespace smsd::mail
