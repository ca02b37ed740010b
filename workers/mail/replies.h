// Replies: what a mail server's reply, or its silence, says of an SMS.
//
// Owns the table of stage and reply code (RFC 5321, section 4.2; RFC 3207 and 4954 for TLS and login; RFC
// 3463 for the enhanced codes), and the rule for a conversation that ended without a reply. Called by the
// mail dispatcher when a conversation is over. Pure: no I/O, no clock. Has an answer for everything. A reason
// holds codes and our own words, never the server's: those like to quote the address, which is the number.
#pragma once

#include <string>
#include <string_view>

#include "workers/kit/dispatcher.h"
#include "workers/net/answers.h"

namespace smsd::mail {

/// What the last reply answered, or should have.
enum class Stage {
  connection,  // none yet
  greeting,
  hello,      // EHLO or HELO
  startTls,   // STARTTLS and the session that follows
  login,      // AUTH
  sender,     // MAIL
  recipient,  // RCPT
  data,       // DATA
  content,    // the mail itself, up to its final dot: from here on the server may have taken it
};

/// What ended a conversation early.
enum class End {
  none,
  failure,  // as `failure` says
  noTls,    // the server offers no STARTTLS, and we were not to go on without
  noLogin,  // the server offers no way to log in, and we were to do so
};

/// What is known of a conversation that is over.
struct Conversation {
  Stage stage = Stage::connection;
  int reply = 0;           // to what was said in this stage; 0: there was none
  std::string enhanced{};  // 5.1.1, or empty
  End end = End::none;
  net::Failure failure = net::Failure::none;
  std::string reference{};  // what the server calls the mail that it took, if it said
  std::string detail{};     // the library's words on a connection that was not made
};

/// Whose fault a rejected address is.
enum class Addressee {
  ofTheSms,   // it is made of the recipient
  ofTheFile,  // it is the same for all
};

/// Whether the server is known to take mail from us: one that relays nothing says to each address what others
/// say to a wrong one.
enum class Relay {
  unproven,
  proven,  // it took a mail, and has rejected no address without saying why since then
};

/// `origin` is what a reason may name of the server: scheme://host:port.
kit::Outcome outcomeOf(const Conversation& conversation, std::string_view origin, Addressee addressee,
                       Relay relay);

/// What is known of the server after this conversation.
Relay relayAfter(const Conversation& conversation, Relay before);

/// What a reply's text names as the server's own id of a mail ("queued as 4Xy1", "id=1pQ..."), or nothing.
std::string referenceIn(std::string_view replyText);

}  // namespace smsd::mail
