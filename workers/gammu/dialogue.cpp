// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/dialogue.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "workers/gammu/error-words.h"

namespace smsd::gammu {
namespace {

constexpr std::size_t mostLines = 32;
constexpr std::size_t longestLine = 200;
constexpr std::size_t longestCommand = 200;
constexpr char controlZ = '\x1a';
constexpr char escape = '\x1b';

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

bool startsWith(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [](char a, char b) { return upper(a) == upper(b); });
}
bool endsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && startsWith(text.substr(text.size() - suffix.size()), suffix);
}
bool isSame(std::string_view a, std::string_view b) { return a.size() == b.size() && startsWith(a, b); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

constexpr std::size_t longestNumber = 6;  // a longer one is not an error's, but may be a telephone number

/// Returns the number that `text` consists of; nothing if it is not a number or has more than 6 characters.
std::optional<int> numberOf(std::string_view text) {
  int value = 0;
  if (text.size() > longestNumber) return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Recognizes final result codes (V.250 5.7.1, TS 27.007 9.1, TS 27.005 3.2.5) and what firmwares write
/// instead.
std::optional<AtReply> finalOf(std::string_view line) {
  if (isSame(line, "OK")) return AtReply::of(AtReply::End::ok);
  for (std::string_view error : {"ERROR", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS"})  // Huawei's
    if (isSame(line, error)) return AtReply::of(AtReply::End::error);
  const std::pair<std::string_view, AtReply::End> numbered[] = {{"+CME ERROR", AtReply::End::cme},
                                                                {"+CMS ERROR", AtReply::End::cms}};
  for (auto& [prefix, end] : numbered) {
    if (!startsWith(line, prefix)) continue;
    auto rest = trimmed(line.substr(prefix.size()));
    if (rest.starts_with(':')) rest = trimmed(rest.substr(1));
    AtReply reply = AtReply::of(end);
    reply.words = rest;
    reply.number = numberOf(rest);
    if (!reply.number)
      reply.number = numberOfWords(end == AtReply::End::cms ? ErrorSource::cms : ErrorSource::cme, rest);
    return reply;
  }
  return std::nullopt;
}

/// Returns `+CPIN` for `AT+CPIN?` and `$TSSPCSW` for `AT$TSSPCSW=?`.
std::string_view nameOf(std::string_view command) {
  if (!startsWith(command, "AT")) return {};
  auto name = command.substr(2);
  return name.substr(0, name.find_first_of("=?; "));
}

/// Whether the command is answered without its name (TS 27.007 5.1 to 5.4, V.250 6.1).
bool isIdentification(std::string_view name) {
  for (std::string_view known : {"+CGMI", "+CGMM", "+CGMR", "+CGSN", "+CIMI", "+GMI", "+GMM", "+GMR", "+GSN"})
    if (isSame(name, known)) return true;
  return !name.empty() && upper(name.front()) == 'I';
}

/// Whether this line could be the name of a maker or a model, a version or a number.
bool looksLikeIdentification(std::string_view line) {
  if (std::string_view("+^*$%#&_>").find(line.front()) != std::string_view::npos) return false;
  if (startsWith(line, "AT")) return false;  // a piece of an echo
  for (std::string_view spoken :
       {"RING", "NO CARRIER", "NO ANSWER", "NO DIALTONE", "BUSY", "CONNECT", "RDY", "OVER-VOLTAGE",
        "UNDER-VOLTAGE", "NORMAL POWER DOWN", "CALL READY", "SMS READY", "SMS DONE", "PB DONE"})
    if (startsWith(line, spoken)) return false;
  return true;
}

/// Returns a number that libgammu takes for an error: it takes 0, and words, for success.
int usable(std::optional<int> number, int otherwise) { return number && *number > 0 ? *number : otherwise; }

/// Returns the result code in the form that libgammu reads: CME and CMS errors always with a number.
std::string canonical(const AtReply& reply) {
  switch (reply.end) {
    case AtReply::End::ok:
      return "OK";
    case AtReply::End::cme:
      return "+CME ERROR: " + std::to_string(usable(reply.number, 100));
    case AtReply::End::cms:
      return "+CMS ERROR: " + std::to_string(usable(reply.number, 500));
    default:
      return "ERROR";
  }
}

}  // namespace

AtReply AtReply::of(End end) {
  AtReply reply;
  reply.end = end;
  return reply;
}

std::optional<std::string> AtReply::after(std::string_view prefix) const {
  auto all = allAfter(prefix);
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

std::vector<std::string> AtReply::allAfter(std::string_view prefix) const {
  std::vector<std::string> found;
  for (auto& line : lines)
    if (startsWith(line, prefix)) found.push_back(line.substr(prefix.size()));
  return found;
}

std::size_t AtDialogue::bytesKept() const {
  std::size_t bytes = typed_.size() + command_.size() + line_.size() + forDriver_.size();
  auto add = [&](const std::vector<std::string>& lines) {
    for (auto& line : lines) bytes += line.size();
  };
  add(lines_);
  for (auto* reply : {&held_, &reply_, &evidence_.end})
    if (*reply) {
      bytes += (*reply)->words.size();
      add((*reply)->lines);
    }
  return bytes;
}

std::string AtDialogue::takeForDriver() { return std::exchange(forDriver_, {}); }

// --- the driver's side
// --------------------------------------------------------------------------------------

std::string AtDialogue::fromDriver(std::string_view bytes) {
  std::string toModem;
  for (char c : bytes) typed(c, toModem);
  return toModem;
}

void AtDialogue::typed(char c, std::string& toModem) {
  if (stage_ == Stage::discard) {
    if (c == controlZ || c == escape) stage_ = Stage::idle;
    return;
  }
  toModem += c;
  if (stage_ == Stage::text) {
    if (c == controlZ) evidence_.handedOver = true;
    if (c == controlZ) stage_ = Stage::answer;
    if (c == escape) stage_ = Stage::idle;
    return;
  }
  if (c == '\r') return begin();
  if (c == escape)
    typed_.clear();
  else if (c != '\n' && typed_.size() < longestCommand)
    typed_ += c;
}

void AtDialogue::begin() {
  auto command = std::string(trimmed(std::exchange(typed_, {})));
  if (command.empty()) return;
  command_ = std::move(command);
  stage_ = startsWith(command_, "AT+CMGS=") ? Stage::prompt : Stage::command;
  if (stage_ == Stage::prompt) evidence_ = {};
  lines_.clear();
  held_.reset();
  reply_.reset();
  echoSeen_ = Seen::no;
  repeated_ = 0;
  forDriver_ += command_ + "\r";
}

// --- the modem's side
// ---------------------------------------------------------------------------------------

void AtDialogue::fromModem(std::string_view bytes) {
  for (char c : bytes) {
    if (c == '\r' || c == '\n') {
      endLine();
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != '\x7f') {
      if (line_.size() < longestLine)
        line_ += c;
      else
        length_ = Length::cut;
    }
    if (stage_ == Stage::prompt && c == '>' && trimmed(line_) == ">") {
      line_.clear();
      stage_ = Stage::text;
      held_.reset();
      forDriver_ += "\r\n> ";
    }
  }
}

void AtDialogue::endLine() {
  std::string line(trimmed(std::exchange(line_, {})));
  const bool isCut = std::exchange(length_, Length::whole) == Length::cut;
  if (line.empty()) return;
  if (!isCut) return take(std::move(line));
  // If an overlong line is an error, only that fact is used: its number may be cut.
  auto final = finalOf(line);
  if (!final || stage_ == Stage::idle || stage_ == Stage::discard) return;
  final->number.reset();
  end(std::move(*final));
}

void AtDialogue::take(std::string line) {
  if (stage_ == Stage::idle || stage_ == Stage::discard) return;
  const Repeats repeats = this->repeats(line);
  if (repeats == Repeats::theEnd) {
    // The lines before the echo answered another command.
    echo_ = Echo::usual;
    echoSeen_ = Seen::yes;
    held_.reset();
    lines_.clear();
  } else if (repeats == Repeats::aPiece) {
    repeated_ += line.size();
  } else if (auto final = finalOf(line)) {
    end(std::move(*final));
  } else if (stage_ == Stage::answer) {
    takeReference(line);
  } else if (belongs(line) && lines_.size() < mostLines) {
    lines_.push_back(std::move(line));
  }
}

/// Recognizes the echo of the current command. Garbage may precede the echo, and unsolicited messages may cut
/// it into pieces, of which the first come before the command is complete.
AtDialogue::Repeats AtDialogue::repeats(std::string_view line) const {
  if (stage_ != Stage::command && stage_ != Stage::prompt) return Repeats::nothing;
  if (endsWith(command_, line) || endsWith(line, command_)) return Repeats::theEnd;
  return startsWith(std::string_view(command_).substr(repeated_), line) ? Repeats::aPiece : Repeats::nothing;
}

bool AtDialogue::belongs(const std::string& line) const {
  const auto name = nameOf(command_);
  if (name.empty()) return false;
  if (startsWith(line, name) && (line.size() == name.size() || line[name.size()] == ':')) return true;
  return isIdentification(name) && looksLikeIdentification(line);
}

/// Reads `+CMGS: <mr>[,<ackpdu>]`. The number is proof enough, because no other line begins like this.
void AtDialogue::takeReference(const std::string& line) {
  constexpr std::string_view prefix = "+CMGS:";
  if (!startsWith(line, prefix)) return;
  auto rest = trimmed(std::string_view(line).substr(prefix.size()));
  auto number = numberOf(rest.substr(0, rest.find_first_of(", ")));
  if (number && *number >= 0 && !evidence_.reference) evidence_.reference = number;
}

void AtDialogue::end(AtReply end) {
  switch (stage_) {
    case Stage::command:
    case Stage::prompt:
      if (stage_ == Stage::prompt && end.end == AtReply::End::ok) return;  // answers an earlier command
      end.lines = std::exchange(lines_, {});
      if (echo_ == Echo::usual && echoSeen_ == Seen::no)
        held_ = std::move(end);
      else
        finish(std::move(end));
      return;
    case Stage::text:
      if (end.end != AtReply::End::ok) finish(std::move(end));
      return;
    case Stage::answer:
      if (end.end == AtReply::End::ok && !evidence_.reference)
        evidence_.bareOk = true;
      else
        finish(std::move(end));
      return;
    case Stage::idle:
    case Stage::discard:
      return;
  }
}

void AtDialogue::acceptHeld() {
  if (held_) finish(std::exchange(held_, std::nullopt).value());
}

void AtDialogue::finish(AtReply end) {
  for (auto& line : end.lines) forDriver_ += "\r\n" + line + "\r\n";
  if (stage_ == Stage::answer && end.end == AtReply::End::ok)
    forDriver_ += "\r\n+CMGS: " + std::to_string(*evidence_.reference) + "\r\n";
  forDriver_ += "\r\n" + canonical(end) + "\r\n";
  held_.reset();
  if (stage_ != Stage::command) evidence_.end = end;
  stage_ = stage_ == Stage::text ? Stage::discard : Stage::idle;
  reply_ = std::move(end);
}

}  // namespace smsd::gammu
