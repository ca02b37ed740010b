// SPDX-License-Identifier: GPL-3.0-or-later
// The conversation between a driver (libgammu, or the worker itself) and a modem, read byte by byte.
//
// Owns the state of the current command: which lines of the modem belong to its answer, which line ends it,
// and which facts about an SMS are proven. Filters the modem's output: the driver gets an echo, the lines
// that belong to its command and one final result code, always in the same form, however the modem writes
// them and whatever it sends in between. Called by the line and the bridge. Pure. Never fails: bytes that
// make no sense are dropped. Memory is bounded for any input.
//
// Sources: ITU-T V.250 5.7.1 (result codes), 3GPP TS 27.007 4.1 and 9.2 (information responses begin with the
// command's name; +CME ERROR), TS 27.005 3.2.5 and 3.5.1 (+CMS ERROR; +CMGS, its prompt and its answer).
//
// A line belongs to the answer if it begins with the name of the command: `+CPIN: ...` answers `AT+CPIN?`.
// Unsolicited messages (`+CMTI`, `^RSSI`, `RING`, `OVER-VOLTAGE WARNNING`) have other names or none, so they
// are dropped without a list of them. Identification commands (TS 27.007 5) are answered without a name: for
// them a list of commands and the form of the line decide.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::gammu {

/// The answer to a command.
struct AtReply {
  enum class End { ok, error, cme, cms, silence, gone };
  End end = End::silence;
  std::optional<int> number;       // of cme and cms; words that stand for a number are translated
  std::string words;               // of cme and cms, as the modem wrote them; at most 200 bytes
  std::vector<std::string> lines;  // of the answer; at most 32 lines of at most 200 bytes
  static AtReply of(End end);
  /// Returns the rest of the first line that starts with `prefix`.
  std::optional<std::string> after(std::string_view prefix) const;
  /// Returns the rest of each line that starts with `prefix`.
  std::vector<std::string> allAfter(std::string_view prefix) const;
};

/// The proven facts about the SMS of the last AT+CMGS.
struct SmsEvidence {
  bool handedOver = false;       // ^Z went to the modem, so that the text may be on its way
  std::optional<int> reference;  // of +CMGS after ^Z: the network accepted the text (TS 27.005 3.5.1)
  bool bareOk = false;           // an OK came after ^Z without a +CMGS before it
  std::optional<AtReply> end;    // the end of the modem's answer; empty while it is awaited
};

class AtDialogue {
 public:
  enum class Stage {
    idle,
    command,  // a command waits for its answer
    prompt,   // AT+CMGS waits for "> "
    text,     // the driver writes the PDU
    answer,   // ^Z is written; AT+CMGS waits for +CMGS
    discard,  // the modem ended the text before ^Z: the rest of the text must not reach it as commands
  };

  /// Takes `bytes` written by the driver. Returns the bytes for the modem.
  std::string fromDriver(std::string_view bytes);
  void fromModem(std::string_view bytes);
  /// Returns the bytes for the driver, and forgets them.
  std::string takeForDriver();
  /// Accepts a held answer. An answer is held if it came before the echo of its command, because it may
  /// belong to an earlier command. Call it when nothing has come for a while.
  void acceptHeld();
  bool hasHeldAnswer() const { return held_.has_value(); }

  Stage stage() const { return stage_; }
  /// The answer to the last command; empty while it is awaited.
  const std::optional<AtReply>& reply() const { return reply_; }
  /// Forgets the previous SMS. Call it before the driver sends a text.
  void forgetEvidence() { evidence_ = {}; }
  const SmsEvidence& evidence() const { return evidence_; }
  /// The number of bytes kept in memory, for tests of the bound.
  std::size_t bytesKept() const;

 private:
  void typed(char c, std::string& toModem);
  void begin();
  void endLine();
  void take(std::string line);
  enum class Repeats { nothing, aPiece, theEnd };  // of the current command
  Repeats repeats(std::string_view line) const;
  bool belongs(const std::string& line) const;
  void takeReference(const std::string& line);
  void end(AtReply end);
  void finish(AtReply end);

  Stage stage_ = Stage::idle;
  std::string typed_;    // by the driver, since the end of its last command
  std::string command_;  // the current one
  std::string line_;     // of the modem, still without its end
  enum class Length { whole, cut } length_ = Length::whole;
  std::vector<std::string> lines_;
  enum class Echo { unknown, usual } echo_ = Echo::unknown;  // whether this modem echoes commands
  enum class Seen { no, yes } echoSeen_ = Seen::no;          // of the current command
  std::size_t repeated_ = 0;                                 // bytes of its echo that came in pieces
  std::optional<AtReply> held_;  // came before the echo: perhaps the end of an earlier answer
  std::optional<AtReply> reply_;
  SmsEvidence evidence_;
  std::string forDriver_;
};

}  // namespace smsd::gammu
