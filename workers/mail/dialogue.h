// What was said in a conversation with a mail server: which command was the last, and what its reply was.
//
// Owns the reading of replies (RFC 5321, section 4.2) and the order of the stages. Called by a lane, which
// hands over each command that goes out and each line that comes in. Pure: no I/O, no clock. A server is
// untrusted: whatever it says, in whatever order, a mail's stage never goes back, and nothing is kept of a
// reply but its codes and the server's id of the mail.
#pragma once

#include <string_view>

#include "workers/mail/replies.h"

namespace smsd::mail {

class Dialogue {
 public:
  /// Over: what follows says nothing of this mail.
  enum class State { goesOn, over };

  /// A mail of its own, on the connection that is there or on another one.
  void begin();
  /// A connection was opened for it.
  void connected();
  /// A command has gone out. Nothing is kept of it: AUTH holds the password.
  State sent(std::string_view command);
  /// A line has come, with its line end or without.
  State received(std::string_view line);
  /// All of the mail is out of our hands, its final dot too.
  void handedOver();

  const Conversation& soFar() const { return now_; }
  Conversation take() { return std::exchange(now_, {}); }
  bool usesNewConnection() const { return connected_; }
  bool isLoggedIn() const { return loggedIn_; }
  /// The connection is gone.
  void forgetLogin() { loggedIn_ = false; }

 private:
  void enter(Stage stage);

  Conversation now_;
  State state_ = State::goesOn;
  bool connected_ = false;
  bool loggedIn_ = false;
};

}  // namespace smsd::mail
