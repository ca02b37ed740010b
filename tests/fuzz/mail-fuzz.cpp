// SPDX-License-Identifier: GPL-3.0-or-later
// Any conversation with a mail server, and any mail (libFuzzer).
//
// The first byte chooses. A conversation: its lines begin with a byte that says what they are. A mail:
// sender, recipient, subject and body, separated by 0x1E, read back as a mail program reads them.
#include <cstdint>
#include <variant>

#include "common/text/utf.h"
#include "tests/fuzz/demand.h"
#include "workers/mail/dialogue.h"
#include "workers/mail/message.h"

namespace {

using namespace smsd;
using fuzz::demand;
using mail::SmtpStage;

constexpr const char* origin = "smtp://mx:25";

void checkOutcome(mail::Conversation conversation, std::uint8_t how) {
  conversation.failure = static_cast<net::Failure>(how % 10);
  conversation.end = static_cast<mail::EarlyEnd>((how >> 4) % 4);
  auto addressee = (how & 0x80) != 0 ? mail::Addressee::ofTheSms : mail::Addressee::ofTheFile;
  auto relay = (how & 0x40) != 0 ? mail::Relay::proven : mail::Relay::unproven;
  auto outcome = mail::outcomeOf(conversation, origin, addressee, relay);
  bool content = conversation.stage == SmtpStage::content;
  if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) {
    demand("accepted is what a 2yz says of the whole mail", content && conversation.reply / 100 == 2);
    demand("a reference is short", accepted->reference.size() <= 64);
    return;
  }
  if (std::holds_alternative<kit::Refused>(outcome))
    demand("only a 5yz refuses, and never before the address was named",
           conversation.reply / 100 == 5 && conversation.stage >= SmtpStage::recipient);
  if (std::holds_alternative<kit::Unknown>(outcome))
    demand("only a mail that was handed over is unknown", content);
  bool said = conversation.reply >= 400 && conversation.reply < 600;
  if (content && !said && conversation.end != mail::EarlyEnd::noTls &&
      conversation.end != mail::EarlyEnd::noLogin)
    demand("a mail that was handed over is not sent again without a word",
           std::holds_alternative<kit::Unknown>(outcome));
  std::visit(
      [](auto& o) {
        if constexpr (requires { o.reason; }) {
          demand("a reason says whom it is about", o.reason.starts_with(origin));
          demand("a reason is one short line", o.reason.size() < 400 && o.reason.find('\n') == o.reason.npos);
          demand("a reason quotes nothing", o.reason.find("hunter2") == o.reason.npos);
        }
      },
      outcome);
}

void converse(std::string_view bytes, std::uint8_t how) {
  mail::SmtpDialogue dialogue;
  SmtpStage before = SmtpStage::connection;
  for (auto line : fuzz::split(bytes)) {
    if (line.empty()) continue;
    const std::string rest = std::string(line.substr(1)) + "hunter2";
    switch (line[0]) {
      case '+':
        dialogue.connected();
        break;
      case '.':
        dialogue.handedOver();
        break;
      case 'n':
        dialogue.begin();
        before = SmtpStage::connection;
        break;
      case '>':
        dialogue.sent(rest);
        break;
      default:
        dialogue.received(rest);
    }
    auto& now = dialogue.soFar();
    bool again = before == SmtpStage::startTls && now.stage == SmtpStage::hello;
    demand("no stage comes again", now.stage >= before || again);
    before = now.stage;
    demand("a code has three digits", now.reply >= 0 && now.reply <= 999);
    demand("an enhanced code is one", now.enhanced.find_first_not_of("0123456789.") == now.enhanced.npos);
    checkOutcome(now, how);
  }
}

std::string decodedBase64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  unsigned bits = 0, have = 0;
  for (char c : text) {
    std::size_t digit = digits.find(c);
    if (digit == digits.npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    result += static_cast<char>(bits >> have & 0xFF);
  }
  return result;
}

std::string decodedHeader(std::string_view text) {
  if (!text.starts_with("=?")) return std::string(text);
  std::string result;
  while (text.starts_with("=?UTF-8?B?")) {
    std::size_t end = text.find("?=");
    demand("a word of a header has at most 75 characters", end != text.npos && end + 2 <= 75);
    std::string word = decodedBase64(text.substr(10, end - 10));
    result += word;
    text.remove_prefix(end + 2);
    if (text.starts_with("\r\n ")) text.remove_prefix(3);
  }
  demand("a header is words alone", text.empty());
  return result;
}

std::string decodedBody(std::string_view text, bool quoted) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find("\r\n", at);
    demand("each line ends", end != text.npos);
    std::string_view line = text.substr(at, end - at);
    demand("a line is no longer than SMTP allows", line.size() <= 998 && (!quoted || line.size() <= 76));
    at = end + 2;
    for (std::size_t i = 0; i < line.size(); ++i) {
      demand("a mail is ASCII", (line[i] >= ' ' && line[i] <= '~') || line[i] == '\t');
      if (!quoted || line[i] != '=') {
        result += line[i];
      } else if (i + 1 < line.size()) {
        result += static_cast<char>(std::stoi(std::string(line.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      }
    }
    if (!quoted || !line.ends_with('=')) result += '\n';
  }
  return result;
}

std::string normalized(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') result += text[i];
  if (!result.empty() && result.back() != '\n') result += '\n';
  return result;
}

void checkAddress(std::string_view address) {
  if (!mail::isAddress(address)) return;
  demand("an address is bounded", address.size() <= 254);
  for (char c : address)
    demand("an address has nothing that ends it",
           c > ' ' && c <= '~' && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos);
}

void write(std::string_view bytes) {
  auto parts = fuzz::split(bytes);
  parts.resize(4);
  for (auto part : parts) checkAddress(part);
  const std::string subject = text::repair(parts[2]), body = text::repair(parts[3]);
  const std::string whole = mail::compose(
      {.from = "a@b", .to = "c@d", .subject = subject, .body = body, .messageId = "k@b", .date = {}});
  std::size_t end = whole.find("\r\n\r\n");
  demand("headers end", end != whole.npos);
  const std::string head = whole.substr(0, end + 2);
  std::size_t headers = 0, at = 0;
  for (; at < head.size(); at = head.find("\r\n", at) + 2) headers += head[at] != ' ';
  demand("there are nine headers", headers == 9);
  std::size_t from = head.find("\r\nSubject: ") + 11;
  std::string expected = subject;
  for (char& c : expected)
    if ((c >= 0 && c < ' ') || c == 0x7F) c = ' ';
  demand("the subject arrives",
         decodedHeader(head.substr(from, head.find("\r\nMessage-ID:") - from)) == expected);
  bool quoted = head.find("quoted-printable") != head.npos;
  demand("the body arrives",
         decodedBody(std::string_view(whole).substr(end + 4), quoted) == normalized(body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (data[0] % 2 == 0)
    converse(rest, data[1]);
  else
    write(rest);
  return 0;
}
