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

struct Row {
  Stage stage;
  int first, last;
  Meaning meaning;
  std::string_view words;
};

// The first row that fits decides. A temporary failure (4yz) defers in any stage. A permanent one (5yz)
// concerns the configuration up to MAIL, except for 552. After MAIL, an SMS is given up only for a reply that
// concerns its address alone (see rowOfNever), because no other 5yz means that a retry or another dispatcher
// would fail.
constexpr Row table[] = {
    {Stage::greeting, 400, 499, Meaning::deferred, "is not available now"},
    {Stage::greeting, 500, 599, Meaning::broken, "refuses the connection"},
    {Stage::hello, 400, 499, Meaning::deferred, "is not available now"},
    {Stage::hello, 500, 599, Meaning::broken, "does not accept the name of this host (helo)"},
    {Stage::startTls, 400, 499, Meaning::deferred, "offers no TLS now"},
    {Stage::startTls, 500, 599, Meaning::broken, "refuses TLS"},
    {Stage::login, 400, 499, Meaning::deferred, "cannot check the credentials now"},
    {Stage::login, 500, 599, Meaning::broken, "rejects the credentials"},
    {Stage::sender, 400, 499, Meaning::deferred, "does not accept the sender now"},
    {Stage::sender, 530, 530, Meaning::broken, "requires a login or TLS first"},
    {Stage::sender, 552, 552, Meaning::deferred, "has no room for the mail"},
    {Stage::sender, 500, 599, Meaning::broken, "rejects the sender (from)"},
    {Stage::recipient, 400, 499, Meaning::deferred, "does not accept the address now"},
    {Stage::recipient, 530, 530, Meaning::broken, "requires a login or TLS first"},
    {Stage::recipient, 500, 599, Meaning::deferred, "refuses the address, but not as wrong"},
    {Stage::data, 400, 499, Meaning::deferred, "does not accept the mail now"},
    {Stage::data, 500, 599, Meaning::deferred, "refuses the mail"},
    {Stage::content, 200, 299, Meaning::accepted, ""},
    {Stage::content, 400, 499, Meaning::deferred, "did not accept the mail this time"},
    {Stage::content, 500, 599, Meaning::deferred, "refuses the mail"},
};

// Before the final dot the mail is not handed over, whatever this reply means.
constexpr Row outOfTurn = {Stage::connection, 0, 0, Meaning::deferred,
                           "gives a reply that SMTP does not define"};
constexpr Row nonsense = {Stage::content, 0, 0, Meaning::unknown,
                          "answers the mail with a reply that SMTP does not define"};
// RFC 5321, section 3.8: allowed at any time
constexpr Row closing = {Stage::connection, 421, 421, Meaning::deferred, "closes the connection"};
// RFC 3463, X.7.y: security or policy. The code does not show whether relaying is forbidden to us, which an
// operator can fix, or this number or text. Therefore the SMS goes to another dispatcher or is tried again,
// and is not given up at once.
constexpr Row policy = {Stage::recipient, 500, 599, Meaning::deferred,
                        "refuses the address because of a policy"};

// RFC 3463, X.1.y and X.2.y: bad mailbox, bad syntax, has moved, disabled
constexpr std::string_view codesOfAddress[] = {"5.1.1", "5.1.3", "5.1.6", "5.2.1"};
constexpr Row wrongAddress = {Stage::recipient, 500, 599, Meaning::refusedOrBroken,
                              "rejects the address (to)"};
constexpr Row anyAddress = {Stage::recipient, 550, 553, Meaning::deferredOrBroken,
                            "rejects the address (to), perhaps like every address"};

/// The three codes for a mailbox that does not exist, is not local or is not allowed, without an enhanced
/// code. Exim sends no enhanced code: "550 Unknown user" and "550 relay not permitted" look the same.
bool rejectsWithoutReason(const Conversation& conversation) {
  int reply = conversation.reply;
  return conversation.stage == Stage::recipient && conversation.enhanced.empty() &&
         (reply == 550 || reply == 551 || reply == 553);
}

/// Returns the row for a 5yz from RCPT on, or null if the table has to decide.
const Row* rowOfNever(const Conversation& conversation, Relay relay) {
  if (conversation.enhanced.starts_with("5.7.")) return &policy;
  if (std::find(std::begin(codesOfAddress), std::end(codesOfAddress), conversation.enhanced) !=
      std::end(codesOfAddress))
    return &wrongAddress;
  if (rejectsWithoutReason(conversation)) return relay == Relay::proven ? &wrongAddress : &anyAddress;
  return nullptr;
}

const Row& rowOf(const Conversation& conversation, Relay relay) {
  Stage stage = conversation.stage;
  int reply = conversation.reply;
  if (reply == 421) return closing;
  if (reply >= 500 && reply <= 599 && stage >= Stage::recipient)
    if (auto* row = rowOfNever(conversation, relay)) return *row;
  auto row = std::find_if(std::begin(table), std::end(table), [&](const Row& r) {
    return r.stage == stage && reply >= r.first && reply <= r.last;
  });
  if (row != std::end(table)) return *row;
  return stage == Stage::content ? nonsense : outOfTurn;
}

/// Before the address was named, no failure concerns the SMS or its recipient.
kit::Outcome later(const Conversation& conversation, const std::string& reason) {
  bool named = conversation.stage >= Stage::recipient;
  return kit::Deferred{.reason = reason, .farEnd = named ? kit::FarEnd::reached : kit::FarEnd::notReached};
}

kit::Outcome outcomeOfReply(const Conversation& conversation, std::string_view origin, Addressee addressee,
                            Relay relay) {
  const Row& row = rowOf(conversation, relay);
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

std::string_view placeOf(Stage stage) {
  switch (stage) {
    case Stage::connection:
      return "";
    case Stage::greeting:
      return " before its greeting";
    case Stage::hello:
      return " after EHLO";
    case Stage::startTls:
      return " after STARTTLS";
    case Stage::login:
      return " after AUTH";
    case Stage::sender:
      return " after MAIL";
    case Stage::recipient:
      return " after RCPT";
    case Stage::data:
      return " after DATA";
    case Stage::content:
      return " after the whole mail was sent";
  }
  return "";
}

kit::Outcome outcomeOfSilence(const Conversation& conversation, std::string_view origin) {
  std::string reason(origin);
  if (conversation.end == End::noTls) return kit::Broken{reason + " offers no TLS, which `tls` requires"};
  if (conversation.end == End::noLogin)
    return kit::Broken{reason + " offers no login that this worker supports, which `username` requires"};
  reason += " " + std::string(wordsOf(conversation.failure)) + std::string(placeOf(conversation.stage));
  if (conversation.stage == Stage::content) return kit::Unknown{reason};
  if (!conversation.detail.empty()) reason += ": " + text::printable(conversation.detail, 200);
  if (conversation.failure == net::Failure::security) return kit::Broken{reason};
  return later(conversation, reason);
}

}  // namespace

kit::Outcome outcomeOf(const Conversation& conversation, std::string_view origin, Addressee addressee,
                       Relay relay) {
  // Before the mail itself, a 2yz or 3yz only means that the conversation continues: a later failure ended
  // it.
  bool answered = conversation.reply != 0 && (conversation.stage == Stage::content ||
                                              conversation.reply >= 400 || conversation.end == End::none);
  return answered ? outcomeOfReply(conversation, origin, addressee, relay)
                  : outcomeOfSilence(conversation, origin);
}

// One accepted mail vouches for one rejection without a reason, so that a server that begins to reject every
// address costs no more than one SMS.
Relay relayAfter(const Conversation& conversation, Relay before) {
  if (rejectsWithoutReason(conversation)) return Relay::unproven;
  bool taken = conversation.stage == Stage::content && conversation.reply / 100 == 2;
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
