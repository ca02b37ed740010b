// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/mail/message.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "common/text/utf.h"

namespace smsd::mail {
namespace {

bool isAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// RFC 5321: atoms of `one` characters, with single dots between them
template <typename Character>
bool isDotted(std::string_view text, Character one) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return c == '.' || one(c); });
}

bool isAtom(char c) {
  return isAlphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool isDomain(std::string_view text) {
  if (!isDotted(text, [](char c) { return isAlphanumeric(c) || c == '-'; })) return false;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t end = std::min(text.find('.', at), text.size());
    if (text[at] == '-' || text[end - 1] == '-' || end - at > 63) return false;
    at = end + 1;
  }
  return true;
}

std::string base64(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned long group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) result += j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return result;
}

std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (end < text.size() && line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// "From " at the start of a line marks the next mail in a Unix mailbox, so some programs on the way change
// it. Blanks at the end of a line may be lost.
bool endangered(std::string_view line) {
  return line.starts_with("From ") || line.ends_with(' ') || line.ends_with('\t');
}

// RFC 5322, section 2.1.1: 998 characters without the CR LF
bool survivesAsItIs(std::string_view line) {
  return line.size() <= 998 && !endangered(line) &&
         std::all_of(line.begin(), line.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

std::string quotedPrintable(std::string_view line) {
  constexpr std::size_t most = 76;  // including the "=" of a soft line break
  std::string result;
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    bool last = i + 1 == line.size();
    bool asItIs = (c > ' ' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !last);
    if (i == 0 && line.starts_with("From ")) asItIs = false;
    std::string piece = asItIs ? std::string(1, c) : fmt::format("={:02X}", static_cast<unsigned char>(c));
    if (column + piece.size() > most - 1) {
      result += "=\r\n";
      column = 0;
    }
    result += piece;
    column += piece.size();
  }
  return result;
}

}  // namespace

bool isAddress(std::string_view text) {
  std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || text.size() > 254 || at > 64) return false;
  return isDotted(text.substr(0, at), isAtom) && isDomain(text.substr(at + 1));
}

std::string headerText(std::string_view utf8) {
  std::string line(utf8);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  bool plain = line.size() <= 60 && !line.starts_with(' ') && !line.ends_with(' ') &&
               line.find("=?") == std::string::npos &&
               std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (plain) return line;
  // An encoded word has at most 75 characters, and the first one follows the header's name on its line.
  constexpr std::size_t bytesOfWord = 36;
  std::string result;
  for (std::string_view rest = line; !rest.empty();) {
    std::string_view word = text::truncated(rest, bytesOfWord);
    rest.remove_prefix(word.size());
    if (!result.empty()) result += "\r\n ";
    result += "=?UTF-8?B?" + base64(word) + "?=";
  }
  return result;
}

EncodedBody encodeBody(std::string_view utf8) {
  std::vector<std::string_view> lines = linesOf(utf8);
  bool plain = std::all_of(lines.begin(), lines.end(), survivesAsItIs);
  EncodedBody body{plain ? "7bit" : "quoted-printable", {}};
  for (std::string_view line : lines) {
    body.text += plain ? std::string(line) : quotedPrintable(line);
    body.text += "\r\n";
  }
  return body;
}

std::string compose(const MailParts& parts) {
  std::time_t seconds = std::chrono::system_clock::to_time_t(parts.date);
  tm utc{};
  gmtime_r(&seconds, &utc);
  EncodedBody body = encodeBody(parts.body);
  // Auto-Submitted (RFC 3834) suppresses automatic replies, such as holiday notices.
  return fmt::format(
      "Date: {:%a, %d %b %Y %H:%M:%S} +0000\r\n"
      "From: {}\r\n"
      "To: {}\r\n"
      "Subject: {}\r\n"
      "Message-ID: <{}>\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: {}\r\n"
      "\r\n"
      "{}",
      utc, parts.from, parts.to, headerText(parts.subject), parts.messageId, body.encoding, body.text);
}

}  // namespace smsd::mail
