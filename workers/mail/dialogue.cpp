// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/mail/dialogue.h"

#include <optional>
#include <utility>

namespace smsd::mail {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Returns the enhanced code (RFC 3463: class.subject.detail) before the text, or an empty string.
std::string enhancedIn(std::string_view text) {
  std::size_t end = 0, dots = 0;
  while (end < text.size() && end < 11 && (isDigit(text[end]) || text[end] == '.'))
    dots += text[end++] == '.';
  bool whole = dots == 2 && end >= 5 && (end == text.size() || text[end] == ' ') && text[1] == '.';
  return whole ? std::string(text.substr(0, end)) : std::string();
}

/// Returns the stage that `command` begins when the conversation is in `stage`; nothing if it begins none.
std::optional<SmtpStage> stageOf(std::string_view command, SmtpStage stage) {
  bool hello = command.starts_with("EHLO ") || command.starts_with("HELO ");
  if (stage <= SmtpStage::hello && hello) return SmtpStage::hello;
  if (stage == SmtpStage::startTls && command.starts_with("EHLO ")) return SmtpStage::hello;
  if (stage == SmtpStage::hello && command.starts_with("STARTTLS")) return SmtpStage::startTls;
  if (stage <= SmtpStage::login && command.starts_with("AUTH ")) return SmtpStage::login;
  if (stage <= SmtpStage::sender && command.starts_with("MAIL FROM:")) return SmtpStage::sender;
  if (stage == SmtpStage::sender && command.starts_with("RCPT TO:")) return SmtpStage::recipient;
  if (stage == SmtpStage::recipient && command.starts_with("DATA\r")) return SmtpStage::data;
  if (stage == SmtpStage::login) return stage;  // lines after AUTH answer the server's challenges
  return std::nullopt;
}

}  // namespace

void SmtpDialogue::begin() {
  now_ = {};
  earlier_ = '\0';
  state_ = State::goesOn;
  connected_ = false;
}

void SmtpDialogue::connected() {
  connected_ = true;
  loggedIn_ = false;
}

void SmtpDialogue::enter(SmtpStage stage) {
  now_.stage = stage;
  now_.reply = 0;
  now_.enhanced.clear();
  now_.codes = Conversation::Codes::agree;
  earlier_ = '\0';
}

SmtpDialogue::State SmtpDialogue::sent(std::string_view command) {
  if (command.starts_with("QUIT\r")) return state_ = State::over;
  if (auto stage = stageOf(command, now_.stage)) enter(*stage);
  return state_;
}

SmtpDialogue::State SmtpDialogue::received(std::string_view line) {
  if (state_ == State::over) return state_;
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  bool valid = line.size() >= 3 && isDigit(line[0]) && isDigit(line[1]) && isDigit(line[2]);
  if (!valid) return state_;
  const char digit = line[0];
  if (line.size() > 3 && line[3] != ' ') {  // only the last line counts, unless an earlier one contradicts it
    if (line[3] == '-') earlier_ = earlier_ == '\0' || earlier_ == digit ? digit : 'x';
    return state_;
  }
  if (now_.stage == SmtpStage::connection && connected_) now_.stage = SmtpStage::greeting;
  now_.reply = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view();
  now_.enhanced = enhancedIn(text);
  const char earlier = std::exchange(earlier_, '\0');
  const bool agree =
      (earlier == '\0' || earlier == digit) && (now_.enhanced.empty() || now_.enhanced[0] == digit);
  now_.codes = agree ? Conversation::Codes::agree : Conversation::Codes::differ;
  if (now_.stage == SmtpStage::login && now_.reply == 235) loggedIn_ = true;
  if (now_.stage == SmtpStage::content && now_.reply / 100 == 2) now_.reference = referenceIn(text);
  // Only QUIT can follow.
  if (now_.stage >= SmtpStage::sender && now_.reply >= 400) state_ = State::over;
  return state_;
}

void SmtpDialogue::handedOver() {
  if (now_.stage == SmtpStage::data) enter(SmtpStage::content);
}

}  // namespace smsd::mail
