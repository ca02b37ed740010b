// The conversation between a driver (libgammu, or the worker itself) and a modem, read byte by byte.
//
// Owns the state of the command under way: which lines of the modem belong to its answer, which end it, and
// what is proven about an SMS. Stands between the port and the driver: the driver gets its own echo, the
// lines it asked for and one end, always in the same form, however the modem writes them and whatever the
// modem says in between. Called by the line and the bridge. Pure. Does not fail: bytes that make no sense are
// dropped. Memory is bounded, whatever comes.
//
// Sources: ITU-T V.250 5.7.1 (result codes), 3GPP TS 27.007 4.1 and 9.2 (information responses begin with the
// command's name; +CME ERROR), TS 27.005 3.2.5 and 3.5.1 (+CMS ERROR; +CMGS, its prompt and its answer).
//
// A line belongs to the answer where it begins with the name of the command: `AT+CPIN?` is answered by
// `+CPIN: ...`. A modem's own messages (`+CMTI`, `^RSSI`, `RING`, `OVER-VOLTAGE WARNNING`) have other names,
// or none, and are dropped without a list of them. Identification (TS 27.007 5) is answered without a name:
// there a list and the look of a line decide.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::gammu {

/// The answer to a command.
struct Reply {
  enum class End { ok, error, cme, cms, silence, gone };
  End end = End::silence;
  std::optional<int> number;       // of cme and cms, also where the modem gave words that stand for one
  std::string words;               // of cme and cms, as the modem wrote them; at most 200 bytes
  std::vector<std::string> lines;  // those that belong to the answer; at most 32, of at most 200 bytes
  static Reply of(End end);
  /// The rest of the first line that starts with `prefix`.
  std::optional<std::string> after(std::string_view prefix) const;
  /// The same, of each line that starts with `prefix`.
  std::vector<std::string> allAfter(std::string_view prefix) const;
};

/// What is proven about the SMS of the last AT+CMGS.
struct Submission {
  bool handedOver = false;       // ^Z went to the modem, so that the text may be on its way
  std::optional<int> reference;  // of +CMGS, read after ^Z: the network took the text (TS 27.005 3.5.1)
  bool bareOk = false;           // an OK came after ^Z, and no +CMGS before it
  std::optional<Reply> end;      // the modem has ended its answer
};

class Dialogue {
 public:
  enum class Stage {
    idle,
    command,  // a command waits for its answer
    prompt,   // AT+CMGS waits for "> "
    text,     // the driver writes the PDU
    answer,   // ^Z is written; +CMGS is to come
    discard,  // the modem ended the text before ^Z: the rest of it is not typed as commands
  };

  /// Takes what the driver writes. Returns the bytes for the modem.
  std::string fromDriver(std::string_view bytes);
  void fromModem(std::string_view bytes);
  /// Returns what the driver is to read, and forgets it.
  std::string takeForDriver();
  /// Nothing came for a while. An answer that came before the echo of its command, and may be that of a
  /// former one, counts as the answer now.
  void settle();
  bool needsSettling() const { return held_.has_value(); }

  Stage stage() const { return stage_; }
  /// The answer to the last command; empty while it is awaited.
  const std::optional<Reply>& reply() const { return reply_; }
  /// No SMS of an earlier one is meant from now on. Call it before the driver sends a text.
  void beginSubmission() { submission_ = {}; }
  const Submission& submission() const { return submission_; }
  /// Bytes kept, for the tests of the bound.
  std::size_t held() const;

 private:
  void typed(char c, std::string& toModem);
  void begin();
  void endLine();
  void take(std::string line);
  enum class Repeats { nothing, aPiece, theEnd };  // of the command under way
  Repeats repeats(std::string_view line) const;
  bool belongs(const std::string& line) const;
  void takeReference(const std::string& line);
  void end(Reply end);
  void finish(Reply end);

  Stage stage_ = Stage::idle;
  std::string typed_;    // by the driver, since the last end of a command
  std::string command_;  // under way
  std::string line_;     // of the modem, not ended yet
  enum class Length { whole, cut } length_ = Length::whole;
  std::vector<std::string> lines_;
  enum class Echo { unknown, usual } echo_ = Echo::unknown;  // does this modem repeat commands?
  enum class Seen { no, yes } echoSeen_ = Seen::no;          // of the command under way
  std::size_t repeated_ = 0;                                 // bytes of it that came in pieces
  std::optional<Reply> held_;  // came before the echo: perhaps the end of a former answer
  std::optional<Reply> reply_;
  Submission submission_;
  std::string forDriver_;
};

}  // namespace smsd::gammu
