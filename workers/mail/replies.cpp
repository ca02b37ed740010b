// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/mail/replies.h"

#include <algorithm>
#include <cctype>

#include "common/text/utf.h"

namespace smsd::mail {
namespace {

enum class Meaning {
  accepted,
  refused,
  deferred,
  broken,
  unknown,
  refusedOrBroken,  // refused if the address is made from the recipient, otherwise broken
  deferredOrBroken,
};

struct ReplyRow {
  SmtpStage stage;
  int first, last;
  Meaning meaning;
  std::string_view words;
};

// The first row that fits decides. A temporary failure (4yz) defers in any stage. A permanent one (5yz)
// concerns the configuration up to MAIL, except for 552. After MAIL, an SMS is given up only for a reply that
// concerns its address alone (see rowOfNever), because no other 5yz means that a retry or another dispatcher
// would fail.
constexpr ReplyRow table[] = {
    {SmtpStage::greeting, 400, 499, Meaning::deferred, "is not available now"},
    {SmtpStage::greeting, 500, 599, Meaning::broken, "refuses the connection"},
    {SmtpStage::hello, 400, 499, Meaning::deferred, "is not available now"},
    {SmtpStage::hello, 500, 599, Meaning::broken, "does not accept the name of this host (helo)"},
    {SmtpStage::startTls, 400, 499, Meaning::deferred, "offers no TLS now"},
    {SmtpStage::startTls, 500, 599, Meaning::broken, "refuses TLS"},
    {SmtpStage::login, 400, 499, Meaning::deferred, "cannot check the credentials now"},
    {SmtpStage::login, 500, 599, Meaning::broken, "rejects the credentials"},
    {SmtpStage::sender, 400, 499, Meaning::deferred, "does not accept the sender now"},
    {SmtpStage::sender, 530, 530, Meaning::broken, "requires a login or TLS first"},
    {SmtpStage::sender, 552, 552, Meaning::deferred, "has no room for the mail"},
    {SmtpStage::sender, 500, 599, Meaning::broken, "rejects the sender (from)"},
    {SmtpStage::recipient, 400, 499, Meaning::deferred, "does not accept the address now"},
    {SmtpStage::recipient, 530, 530, Meaning::broken, "requires a login or TLS first"},
    {SmtpStage::recipient, 500, 599, Meaning::deferred, "refuses the address, but not as wrong"},
    {SmtpStage::data, 400, 499, Meaning::deferred, "does not accept the mail now"},
    {SmtpStage::data, 500, 599, Meaning::deferred, "refuses the mail"},
    {SmtpStage::content, 200, 299, Meaning::accepted, ""},
    {SmtpStage::content, 400, 499, Meaning::deferred, "did not accept the mail this time"},
    {SmtpStage::content, 500, 599, Meaning::deferred, "refuses the mail"},
};

// Before the final dot the mail is not handed over, whatever this reply means.
constexpr ReplyRow outOfTurn = {SmtpStage::connection, 0, 0, Meaning::deferred,
                                "gives a reply that SMTP does not define"};
constexpr ReplyRow nonsense = {SmtpStage::content, 0, 0, Meaning::unknown,
                               "answers the mail with a reply that SMTP does not define"};
// RFC 5321, section 3.8: allowed at any time
constexpr ReplyRow closing = {SmtpStage::connection, 421, 421, Meaning::deferred, "closes the connection"};
// RFC 3463, X.7.y: security or policy. The code does not show whether relaying is forbidden to us, which an
// operator can fix, or this number or text. Therefore the SMS goes to another dispatcher or is tried again,
// and is not given up at once.
constexpr ReplyRow policy = {SmtpStage::recipient, 500, 599, Meaning::deferred,
                             "refuses the address because of a policy"};

// RFC 3463, X.1.y and X.2.y: bad mailbox, bad syntax, has moved, disabled
constexpr std::string_view codesOfAddress[] = {"5.1.1", "5.1.3", "5.1.6", "5.2.1"};
constexpr ReplyRow wrongAddress = {SmtpStage::recipient, 500, 599, Meaning::refusedOrBroken,
                                   "rejects the address (to)"};
constexpr ReplyRow anyAddress = {SmtpStage::recipient, 550, 553, Meaning::deferredOrBroken,
                                 "rejects the address (to), perhaps like every address"};

/// The three codes for a mailbox that does not exist, is not local or is not allowed, without an enhanced
/// code. Exim sends no enhanced code: "550 Unknown user" and "550 relay not permitted" look the same.
bool rejectsWithoutReason(const Conversation& conversation) {
  int reply = conversation.reply;
  return conversation.stage == SmtpStage::recipient && conversation.enhanced.empty() &&
         (reply == 550 || reply == 551 || reply == 553);
}

/// Returns the row for a 5yz from RCPT on, or null if the table has to decide.
const ReplyRow* rowOfNever(const Conversation& conversation, Relay relay) {
  if (conversation.enhanced.starts_with("5.7.")) return &policy;
  if (std::find(std::begin(codesOfAddress), std::end(codesOfAddress), conversation.enhanced) !=
      std::end(codesOfAddress))
    return &wrongAddress;
  if (rejectsWithoutReason(conversation)) return relay == Relay::proven ? &wrongAddress : &anyAddress;
  return nullptr;
}

const ReplyRow& rowOf(const Conversation& conversation, Relay relay) {
  SmtpStage stage = conversation.stage;
  int reply = conversation.reply;
  if (stage == SmtpStage::content && reply / 100 == 2 && conversation.codes == Conversation::Codes::differ)
    return nonsense;
  if (reply == 421) return closing;
  if (reply >= 500 && reply <= 599 && stage >= SmtpStage::recipient)
    if (auto* row = rowOfNever(conversation, relay)) return *row;
  auto row = std::find_if(std::begin(table), std::end(table), [&](const ReplyRow& r) {
    return r.stage == stage && reply >= r.first && reply <= r.last;
  });
  if (row != std::end(table)) return *row;
  return stage == SmtpStage::content ? nonsense : outOfTurn;
}

/// Before the address was named, no failure concerns the SMS or its recipient.
kit::Outcome later(const Conversation& conversation, const std::string& reason) {
  bool named = conversation.stage >= SmtpStage::recipient;
  return kit::Deferred{.reason = reason, .reached = named ? kit::Reached::yes : kit::Reached::no};
}

kit::Outcome outcomeOfReply(const Conversation& conversation, std::string_view origin, Addressee addressee,
                            Relay relay) {
  const ReplyRow& row = rowOf(conversation, relay);
  std::string code = std::to_string(conversation.reply);
  if (!conversation.enhanced.empty()) code += " " + conversation.enhanced;
  std::string reason = std::string(origin) + " " + std::string(row.words) + " (" + code + ")";
  switch (row.meaning) {
    case Meaning::accepted:
      return kit::Accepted{conversation.reference};
    case Meaning::refused:
      return kit::Refused{reason};
    case Meaning::deferred:
      return later(conversation, reason);
    case Meaning::broken:
      return kit::Broken{reason};
    case Meaning::refusedOrBroken:
      if (addressee == Addressee::ofTheSms) return kit::Refused{reason};
      return kit::Broken{reason};
    case Meaning::deferredOrBroken:
      if (addressee == Addressee::ofTheSms) return later(conversation, reason);
      return kit::Broken{reason};
    case Meaning::unknown:
      break;
  }
  return kit::Unknown{reason};
}

std::string_view wordsOf(net::Failure failure) {
  switch (failure) {
    case net::Failure::unreachable:
      return "cannot be reached";
    case net::Failure::handshake:
      return "does not establish a TLS session";
    case net::Failure::security:
      return "cannot be trusted";
    case net::Failure::timeout:
      return "took too long";
    case net::Failure::cut:
      return "ended the connection";
    case net::Failure::garbage:
      return "does not answer in SMTP";
    default:
      return "cannot be used";
  }
}

std::string_view placeOf(SmtpStage stage) {
  switch (stage) {
    case SmtpStage::connection:
      return "";
    case SmtpStage::greeting:
      return " before its greeting";
    case SmtpStage::hello:
      return " after EHLO";
    case SmtpStage::startTls:
      return " after STARTTLS";
    case SmtpStage::login:
      return " after AUTH";
    case SmtpStage::sender:
      return " after MAIL";
    case SmtpStage::recipient:
      return " after RCPT";
    case SmtpStage::data:
      return " after DATA";
    case SmtpStage::content:
      return " after the whole mail was sent";
  }
  return "";
}

kit::Outcome outcomeOfSilence(const Conversation& conversation, std::string_view origin) {
  std::string reason(origin);
  if (conversation.end == EarlyEnd::noTls)
    return kit::Broken{reason + " offers no TLS, which `tls` requires"};
  if (conversation.end == EarlyEnd::noLogin)
    return kit::Broken{reason + " offers no login that this worker supports, which `username` requires"};
  reason += " " + std::string(wordsOf(conversation.failure)) + std::string(placeOf(conversation.stage));
  if (conversation.stage == SmtpStage::content) return kit::Unknown{reason};
  if (!conversation.detail.empty()) reason += ": " + text::printable(conversation.detail, 200);
  if (conversation.failure == net::Failure::security) return kit::Broken{reason};
  return later(conversation, reason);
}

}  // namespace

kit::Outcome outcomeOf(const Conversation& conversation, std::string_view origin, Addressee addressee,
                       Relay relay) {
  // Before the mail itself, a 2yz or 3yz only means that the conversation continues: a later failure ended
  // it.
  bool answered =
      conversation.reply != 0 && (conversation.stage == SmtpStage::content || conversation.reply >= 400 ||
                                  conversation.end == EarlyEnd::none);
  return answered ? outcomeOfReply(conversation, origin, addressee, relay)
                  : outcomeOfSilence(conversation, origin);
}

// One accepted mail vouches for one rejection without a reason, so that a server that begins to reject every
// address costs no more than one SMS.
Relay relayAfter(const Conversation& conversation, Relay before) {
  if (rejectsWithoutReason(conversation)) return Relay::unproven;
  bool taken = conversation.stage == SmtpStage::content && conversation.reply / 100 == 2 &&
               conversation.codes == Conversation::Codes::agree;
  return taken ? Relay::proven : before;
}

std::string referenceIn(std::string_view replyText) {
  for (std::string_view mark : {"queued as ", " id="}) {
    std::size_t at = replyText.find(mark);
    if (at == std::string_view::npos) continue;
    std::string_view rest = replyText.substr(at + mark.size());
    std::size_t end = 0;
    while (end < rest.size() && end < 64 &&
           (std::isalnum(static_cast<unsigned char>(rest[end])) != 0 || rest[end] == '-'))
      ++end;
    return std::string(rest.substr(0, end));
  }
  return {};
}

}  // namespace smsd::mail
