// SPDX-License-Identifier: GPL-3.0-or-later
// Follows a conversation with a mail server: the last command and its reply.
//
// Owns the parsing of replies (RFC 5321, section 4.2) and the order of the stages. Called by a connection,
// which passes each command that it sends and each line that it receives. Pure: no I/O, no clock. The server
// is untrusted: for any replies in any order, the stage of a mail only moves forward, and only the codes of a
// reply and the server's id of the mail are kept.
#pragma once

#include <string_view>

#include "workers/mail/replies.h"

namespace smsd::mail {

class SmtpDialogue {
 public:
  /// `over`: later replies do not concern this mail.
  enum class State { goesOn, over };

  /// Begins a new mail, on the existing connection or on a new one.
  void begin();
  /// A connection was opened for this mail.
  void connected();
  /// A command was sent. Nothing of it is kept, because AUTH holds the password.
  State sent(std::string_view command);
  /// A line was received. `line` may include its line end.
  State received(std::string_view line);
  /// The whole mail was handed over, so that the final dot can no longer be stopped.
  void handedOver();

  const Conversation& soFar() const { return now_; }
  Conversation take() { return std::exchange(now_, {}); }
  bool usesNewConnection() const { return connected_; }
  bool isLoggedIn() const { return loggedIn_; }
  /// The connection is gone.
  void forgetLogin() { loggedIn_ = false; }

 private:
  void enter(SmtpStage stage);

  Conversation now_;
  char earlier_ = '\0';  // the first digit of the lines before the last one of the reply; 'x' if they differ
  State state_ = State::goesOn;
  bool connected_ = false;
  bool loggedIn_ = false;
};

}  // namespace smsd::mail
