// SPDX-License-Identifier: GPL-3.0-or-later
// Derives the outcome of an SMS from a mail server's reply, or from its silence.
//
// Owns the table of stage and reply code (RFC 5321, section 4.2; RFC 3207 and 4954 for TLS and login; RFC
// 3463 for the enhanced codes), and the rule for a conversation that ended without a reply. Called by the
// mail dispatcher when a conversation is over. Pure: no I/O, no clock. Covers every reply. A reason holds
// codes and our own words, never the server's, because those often quote the address, which holds the number.
#pragma once

#include <string>
#include <string_view>

#include "workers/kit/dispatcher.h"
#include "workers/net/answers.h"

namespace smsd::mail {

/// The step of the conversation that the last reply answered, or should have answered.
enum class SmtpStage {
  connection,  // not connected yet
  greeting,
  hello,      // EHLO or HELO
  startTls,   // STARTTLS and the session that follows
  login,      // AUTH
  sender,     // MAIL
  recipient,  // RCPT
  data,       // DATA
  content,    // the mail itself, up to its final dot: from here on the server may have taken it
};

/// Why a conversation ended early.
enum class EarlyEnd {
  none,
  failure,  // see Conversation::failure
  noTls,    // the server offers no STARTTLS, which is required
  noLogin,  // the server offers no usable login, which is required
};

/// The result of a conversation.
struct Conversation {
  SmtpStage stage = SmtpStage::connection;
  int reply = 0;           // the last one in this stage; 0: none
  std::string enhanced{};  // such as 5.1.1; empty: none
  /// Whether the codes of the reply have one meaning: those of its lines (RFC 5321, 4.2.1), and the enhanced
  /// code (RFC 2034, 4).
  enum class Codes { agree, differ };
  Codes codes = Codes::agree;
  EarlyEnd end = EarlyEnd::none;
  net::Failure failure = net::Failure::none;
  std::string reference{};  // the server's id of the accepted mail; empty: none
  std::string detail{};     // libcurl's message; empty once a credential or an address was sent
};

/// The origin of the address, which decides who is at fault if it is rejected.
enum class Addressee {
  ofTheSms,   // made from the recipient
  ofTheFile,  // the same for every SMS
};

/// Whether the server is known to accept mail from us. A server that does not relay for us rejects each
/// address with the same reply with which others reject a wrong one.
enum class Relay {
  unproven,
  proven,  // it accepted a mail, and since then rejected no address without a reason
};

/// `origin` is scheme://host:port, all that a reason may reveal of the server.
kit::Outcome outcomeOf(const Conversation& conversation, std::string_view origin, Addressee addressee,
                       Relay relay);

/// Returns the state of the server after `conversation`; `before` is its state until then.
Relay relayAfter(const Conversation& conversation, Relay before);

/// Returns the server's own id of a mail from the text of a reply ("queued as 4Xy1", "id=1pQ..."), or an
/// empty string.
std::string referenceIn(std::string_view replyText);

}  // namespace smsd::mail
