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
std::optional<Stage> stageOf(std::string_view command, Stage stage) {
  bool hello = command.starts_with("EHLO ") || command.starts_with("HELO ");
  if (stage <= Stage::hello && hello) return Stage::hello;
  if (stage == Stage::startTls && command.starts_with("EHLO ")) return Stage::hello;
  if (stage == Stage::hello && command.starts_with("STARTTLS")) return Stage::startTls;
  if (stage <= Stage::login && command.starts_with("AUTH ")) return Stage::login;
  if (stage <= Stage::sender && command.starts_with("MAIL FROM:")) return Stage::sender;
  if (stage == Stage::sender && command.starts_with("RCPT TO:")) return Stage::recipient;
  if (stage == Stage::recipient && command.starts_with("DATA\r")) return Stage::data;
  if (stage == Stage::login) return stage;  // lines after AUTH answer the server's challenges
  return std::nullopt;
}

}  // namespace

void Dialogue::begin() {
  now_ = {};
  state_ = State::goesOn;
  connected_ = false;
}

void Dialogue::connected() {
  connected_ = true;
  loggedIn_ = false;
}

void Dialogue::enter(Stage stage) {
  now_.stage = stage;
  now_.reply = 0;
  now_.enhanced.clear();
}

Dialogue::State Dialogue::sent(std::string_view command) {
  if (command.starts_with("QUIT\r")) return state_ = State::over;
  if (auto stage = stageOf(command, now_.stage)) enter(*stage);
  return state_;
}

Dialogue::State Dialogue::received(std::string_view line) {
  if (state_ == State::over) return state_;
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  bool valid = line.size() >= 3 && isDigit(line[0]) && isDigit(line[1]) && isDigit(line[2]);
  if (!valid || (line.size() > 3 && line[3] != ' ')) return state_;  // only a last line counts
  if (now_.stage == Stage::connection && connected_) now_.stage = Stage::greeting;
  now_.reply = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view();
  now_.enhanced = enhancedIn(text);
  if (now_.stage == Stage::login && now_.reply == 235) loggedIn_ = true;
  if (now_.stage == Stage::content && now_.reply / 100 == 2) now_.reference = referenceIn(text);
  // Only QUIT can follow.
  if (now_.stage >= Stage::sender && now_.reply >= 400) state_ = State::over;
  return state_;
}

void Dialogue::handedOver() {
  if (now_.stage == Stage::data) enter(Stage::content);
}

}  // namespace smsd::mail
