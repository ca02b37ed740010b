// SPDX-License-Identifier: GPL-3.0-or-later
// Any conversation between a driver and a modem past its start-up (libFuzzer): commands, answers, an SMS.
//
// Parts between 0x1E are said by turns, the driver's first. However the bytes are cut, the conversation is
// the same; the driver reads nothing but lines without control bytes, and the modem nothing that the driver
// did not write; an SMS is accepted only where the modem said +CMGS with a number after ^Z, and refused only
// where it said an error; a reason is short and has no telephone number in it; and memory is bounded.
#include <cctype>
#include <cstdint>

#include "tests/fuzz/demand.h"
#include "workers/gammu/dialogue.h"
#include "workers/gammu/part-outcome.h"

namespace {

using namespace smsd::gammu;

constexpr std::size_t mostKept = 32 * 1024;

struct Course {
  std::string toModem, toDriver;
  ModemOutcome outcome;
  bool operator==(const Course& other) const {
    return toModem == other.toModem && toDriver == other.toDriver && outcome.kind == other.outcome.kind &&
           outcome.words == other.outcome.words;
  }
};

Course courseOf(const std::vector<std::string_view>& parts, std::size_t piece) {
  AtDialogue dialogue;
  Course course;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t at = 0; at < parts[i].size(); at += piece) {
      if (i % 2 == 0)
        course.toModem += dialogue.fromDriver(parts[i].substr(at, piece));
      else
        dialogue.fromModem(parts[i].substr(at, piece));
      smsd::fuzz::demand("memory is bounded", dialogue.bytesKept() < mostKept);
      course.toDriver += dialogue.takeForDriver();
    }
    // A while passes where the driver says nothing.
    if (i % 2 == 0 && parts[i].empty()) dialogue.acceptHeld();
  }
  course.toDriver += dialogue.takeForDriver();
  const bool isEnded = dialogue.evidence().end.has_value();
  course.outcome = outcomeOf(dialogue.evidence(), isEnded ? Waited::answered : Waited::tooLong);
  return course;
}

bool isSubsequence(std::string_view part, std::string_view whole) {
  for (char c : part) {
    const std::size_t at = whole.find(c);
    if (at == whole.npos) return false;
    whole.remove_prefix(at + 1);
  }
  return true;
}

/// `+CMGS:` and a number, anywhere in what the modem said after the first ^Z. Written without the dialogue.
bool saysReference(const std::vector<std::string_view>& parts) {
  std::string said;
  bool isHandedOver = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % 2 == 0 && parts[i].find('\x1a') != std::string_view::npos) isHandedOver = true;
    if (i % 2 == 0 || !isHandedOver) continue;
    for (unsigned char c : parts[i])
      if ((c > 0x20 && c != 0x7f) || c == '\r' || c == '\n') said += static_cast<char>(std::toupper(c));
  }
  for (std::size_t at = said.find("+CMGS:"); at != said.npos; at = said.find("+CMGS:", at + 1))
    if (at + 6 < said.size() && std::isdigit(static_cast<unsigned char>(said[at + 6])) != 0) return true;
  return false;
}

bool saysError(const std::vector<std::string_view>& parts) {
  std::string said;
  for (std::size_t i = 1; i < parts.size(); i += 2)
    for (unsigned char c : parts[i])
      if (c >= 0x20 && c != 0x7f) said += static_cast<char>(std::toupper(c));
  return said.find("ERROR") != said.npos || said.find("NOT SUPPORT") != said.npos ||
         said.find("TOO MANY") != said.npos;
}

void checkReason(const ModemOutcome& outcome) {
  smsd::fuzz::demand("a reason is short", outcome.words.size() < 200);
  int digits = 0;
  for (unsigned char c : outcome.words) {
    smsd::fuzz::demand("a reason can be printed", c >= 0x20 && c < 0x7f);
    digits = std::isdigit(c) != 0 ? digits + 1 : 0;
    smsd::fuzz::demand("a reason has no telephone number", digits <= 6);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = smsd::fuzz::split({reinterpret_cast<const char*>(data), size});
  const Course whole = courseOf(parts, size + 1);
  for (std::size_t piece : {1, 3})
    smsd::fuzz::demand("pieces make no difference", courseOf(parts, piece) == whole);
  std::string written;
  for (std::size_t i = 0; i < parts.size(); i += 2) written += parts[i];
  smsd::fuzz::demand("the modem reads what was written", isSubsequence(whole.toModem, written));
  if (whole.outcome.kind == OutcomeKind::accepted)
    smsd::fuzz::demand("accepted is what has a reference", saysReference(parts));
  if (whole.outcome.kind == OutcomeKind::refused || whole.outcome.kind == OutcomeKind::broken)
    smsd::fuzz::demand("refused is what has an error", saysError(parts));
  checkReason(whole.outcome);
  return 0;
}
