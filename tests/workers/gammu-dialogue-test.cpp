// SPDX-License-Identifier: GPL-3.0-or-later
// What a driver reads of what a modem says, and what is proven about an SMS: by tables, in every way the
// bytes may be cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "workers/gammu/dialogue.h"
#include "workers/gammu/part-outcome.h"

namespace smsd::gammu {
namespace {

using namespace std::string_literals;

/// Steps of a conversation: what the driver writes, what the modem says.
struct Step {
  enum class Who { driver, modem } who;
  std::string bytes;
};
Step driver(std::string bytes) { return {Step::Who::driver, std::move(bytes)}; }
Step modem(std::string bytes) { return {Step::Who::modem, std::move(bytes)}; }

/// Everything that can be seen of a conversation, as text.
std::string traceOf(const std::vector<Step>& steps, std::size_t piece) {
  AtDialogue dialogue;
  std::string toModem, toDriver;
  for (auto& [who, bytes] : steps) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      auto part = std::string_view(bytes).substr(at, piece);
      if (who == Step::Who::driver)
        toModem += dialogue.fromDriver(part);
      else
        dialogue.fromModem(part);
      toDriver += dialogue.takeForDriver();
    }
  }
  const ModemOutcome found =
      outcomeOf(dialogue.evidence(), dialogue.evidence().end ? Waited::answered : Waited::tooLong);
  return "to the modem: " + toModem + "\nto the driver: " + toDriver + "\n" + std::string(name(found.kind)) +
         " " + found.words;
}

/// The same, and that the size of the pieces makes no difference.
std::string trace(const std::vector<Step>& steps) {
  const std::string whole = traceOf(steps, 1'000'000);
  for (std::size_t piece : {1, 2, 3, 5, 7, 16}) EXPECT_EQ(traceOf(steps, piece), whole) << piece;
  return whole;
}

/// Of the answer to one command: what libgammu reads behind its echo.
std::string answerTo(const std::string& command, const std::string& said) {
  const std::string whole = trace({driver(command + "\r"), modem(said)});
  const std::string begin = "to the modem: " + command + "\r\nto the driver: " + command + "\r";
  EXPECT_TRUE(whole.starts_with(begin)) << whole;
  return whole.substr(begin.size(), whole.rfind('\n') - begin.size());
}

TEST(GammuDialogue, GivesTheDriverItsEchoItsLinesAndOneEndHoweverTheModemWritesThem) {
  const std::string canonical = "\r\n+CPIN: READY\r\n\r\nOK\r\n";
  for (const std::string& said :
       {"AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n"s,  // an echo, as the standard has it
        "\r\n+CPIN: READY\r\n\r\nOK\r\n"s,            // none
        "AT+CPIN?\r\n+CPIN: READY\r\nOK\r\n"s,        // no empty lines
        "at+cpin?\r+cpin: READY\rok\r"s,              // no line feeds, small letters
        "\n\nAT+CPIN?\n+CPIN: READY  \n OK \n"s,      // no carriage returns, blanks
        "\0\xff\r\nAT+CPIN?\r\r\n+CPIN: READY\r\n\0OK\r\n"s}) {
    std::string expected = said.starts_with("at") ? "\r\n+cpin: READY\r\n\r\nOK\r\n" : canonical;
    EXPECT_EQ(answerTo("AT+CPIN?", said), expected) << said;
  }
  EXPECT_EQ(answerTo("AT", "OK\r\n"), "\r\nOK\r\n");
  EXPECT_EQ(answerTo("AT+CMEE=1", "COMMAND NOT SUPPORT\r\n"), "\r\nERROR\r\n");
  EXPECT_EQ(answerTo("AT+CSCA?", "+CMS ERROR: SIM busy\r\n"), "\r\n+CMS ERROR: 314\r\n");
  EXPECT_EQ(answerTo("AT+CSCA?", "+CME ERROR: 0\r\n"), "\r\n+CME ERROR: 100\r\n");
  EXPECT_EQ(answerTo("AT+CSCA?", "+CME ERROR: whatever\r\n"), "\r\n+CME ERROR: 100\r\n");
}

// Real modems' lines; none of them is on a list in the code but those without a sign in front.
const char* const unasked[] = {"OVER-VOLTAGE WARNNING",
                               "UNDER-VOLTAGE WARNNING",
                               "+QIND: \"csq\",28,99",
                               "+CGEV: NW DETACH",
                               "+CMTI: \"SM\",3",
                               "^HCSQ:\"LTE\",46,39,101,24",
                               "+ZUSIMR:2",
                               "^RSSI:18",
                               "RING",
                               "+CLIP: \"+4790000000\",145",
                               "NO CARRIER",
                               "Call Ready",
                               "SMS Ready",
                               "*PSUTTZ: 2026,11,26",
                               "$QCRMI: 1",
                               "_OSIGQ: 3,0",
                               "%CTZV: 26",
                               "+CREG: 5",
                               "+CUSD: 0,\"OK\",15",
                               "+CMGSX: 4",
                               "+CMGF: 0x"};

TEST(GammuDialogue, LeavesOutWhatTheDriverDidNotAskFor) {
  for (std::string line : unasked) {
    const std::string noise = "\r\n" + line + "\r\n";
    const std::string asked = "\r\n+CSCA: \"+4790002100\",145\r\n";
    for (std::string said :
         {noise + "AT+CSCA?\r" + asked + "\r\nOK\r\n", "AT+CSCA?\r" + noise + asked + "\r\nOK\r\n",
          "AT+CSCA?\r" + asked + noise + "\r\nOK\r\n", noise + noise + asked + noise + "\r\nOK\r\n",
          // in the middle of an echo
          "AT+CS" + noise + "CA?\r" + asked + "\r\nOK\r\n"})
      EXPECT_EQ(answerTo("AT+CSCA?", said), asked + "\r\nOK\r\n") << said;
    EXPECT_EQ(answerTo("AT+CGMM", "AT+CGMM\r" + noise + "\r\nE173\r\n" + noise + "\r\nOK\r\n"),
              "\r\nE173\r\n\r\nOK\r\n")
        << line;
    EXPECT_EQ(answerTo("AT+CG"
                       "MM",
                       "AT+CG" + noise + "MM\r\r\nE173\r\n\r\nOK\r\n"),
              "\r\nE173\r\n\r\nOK\r\n")
        << line;
  }
  EXPECT_EQ(trace({modem("\r\n+CMTI: \"SM\",1\r\n\r\nOK\r\n")}),
            "to the modem: \nto the driver: \ndeferred no prompt for the text");
}

TEST(GammuDialogue, TakesALateAnswerForTheCommandItAnswered) {
  AtDialogue dialogue;
  dialogue.fromDriver("AT\r");
  dialogue.fromModem("AT\r\r\nOK\r\n");  // it repeats what it is told
  dialogue.fromDriver("AT+CSQ\r");       // given up
  dialogue.fromDriver("AT+CPIN?\r");
  dialogue.fromModem("AT+CSQ\r\r\n+CSQ: 3,99\r\n\r\nOK\r\n");
  EXPECT_FALSE(dialogue.reply());
  EXPECT_TRUE(dialogue.hasHeldAnswer());
  dialogue.fromModem("AT+CPIN?\r\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n");
  ASSERT_TRUE(dialogue.reply());
  EXPECT_EQ(dialogue.reply()->after("+CPIN:"), " SIM PIN");
  // A message in the middle of what it repeats, while the driver is still typing.
  dialogue.fromDriver("AT+C");
  dialogue.fromModem("A\r\nRING\r\nT+C\r\nRING\r\n");
  dialogue.fromDriver("PIN?\r");
  dialogue.fromModem("PI\r\nRING\r\nN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n");
  ASSERT_TRUE(dialogue.reply());
  // One that stops to repeat them is believed after a while.
  dialogue.fromDriver("AT+CPIN?\r");
  dialogue.fromModem("\r\n+CPIN: READY\r\n\r\nOK\r\n");
  EXPECT_FALSE(dialogue.reply());
  dialogue.acceptHeld();
  ASSERT_TRUE(dialogue.reply());
  EXPECT_EQ(dialogue.reply()->after("+CPIN:"), " READY");
}

// --- an SMS
// -------------------------------------------------------------------------------------------------

const std::string pdu = "0011000A9174998877660000FF05E8329BFD06";

/// Of what the modem says after ^Z.
std::string outcomeAfter(const std::string& said) {
  const std::string whole = trace({driver("AT+CMGS=18\r"), modem("AT+CMGS=18\r\r\n> "), driver(pdu + "\x1a"),
                                   modem(pdu + "\r\n" + said)});
  return whole.substr(whole.rfind('\n') + 1);
}

TEST(GammuVerdict, IsAcceptedOnlyOnAReferenceWithoutAnErrorAfterTheText) {
  const std::string silence = "unknown no answer after the text was handed over";
  const std::string lone = "unknown an OK without +CMGS after the text";
  const std::string bare = "unknown an error without a number after the text";
  const std::string contradiction = "unknown +CMGS after the text, and then an error";
  const std::pair<std::string, std::string> rows[] = {
      {"\r\n+CMGS: 12\r\n\r\nOK\r\n", "accepted 12"},
      {"+cmgs:0\rok\r", "accepted 0"},
      {"\r\n+CMGS: 12,\"26/11/26,01:02:03+04\"\r\n\r\nOK\r\n", "accepted 12"},
      {"\r\n+CMGS: 12 sent\r\n\r\nOK\r\n", "accepted 12"},
      {"\r\n+CMGS: 12\r\n", "accepted 12"},  // the OK is missing: the reference is the proof
      {"\r\nRING\r\n\r\n+CLIP: \"1\",145\r\n\r\n+CMGS: 12\r\n\r\n^RSSI:3\r\n\r\nOK\r\n", "accepted 12"},
      {"\r\nOK\r\n\r\n+CMGS: 12\r\n\r\nOK\r\n", "accepted 12"},
      {"\r\n+CMGS: 12\r\n\r\n+CMGS: 13\r\n\r\nOK\r\n", "accepted 12"},
      {"", silence},
      {"\r\n+CMGS", silence},
      {"\r\n+CMGS: 12", silence},  // it may be 120, or the beginning of something else
      {"\r\n+CMGS\r\n", silence},
      {"\r\n+CMGS:\r\n\r\nOK\r\n", lone},
      {"\r\n+CMGS: OK\r\n\r\nOK\r\n", lone},
      {"\r\n+CMGS: -1\r\n\r\nOK\r\n", lone},
      {"\r\n+CMGS: 12OK\r\n", silence},
      {"\r\n+CMGS: 99999999999\r\n\r\nOK\r\n", lone},
      {"\r\n+CMGSX: 12\r\n\r\nOK\r\n", lone},
      {"\r\n+CMGS: 12" + std::string(300, ' ') + "\r\n\r\nOK\r\n", lone},
      {"\r\nOK\r\n", lone},
      {"\r\nOK\r\n\r\n+CMS ERROR: 38\r\n", "deferred CMS 38: the network is out of order"},
      {"\r\n+CMGS: 12\r\n\r\n+CMS ERROR: 38\r\n", contradiction},
      {"\r\n+CMGS: 12\r\n\r\nERROR\r\n\r\nOK\r\n", contradiction},
      {"\r\nERROR\r\n", bare},
      {"\r\n+CMS ERROR: 38\r\n\r\n+CMGS: 12\r\n\r\nOK\r\n", "deferred CMS 38: the network is out of order"}};
  for (auto& [said, outcome] : rows) EXPECT_EQ(outcomeAfter(said), outcome) << said;
}

TEST(GammuVerdict, ReadsNumbersWholeAndWordsFromTheTable) {
  const std::string noWords = "unknown CMS error, in words on no list: ";
  const std::pair<std::string, std::string> rows[] = {
      {"+CMS ERROR: 38", "deferred CMS 38: the network is out of order"},
      {"+CMS ERROR:38", "deferred CMS 38: the network is out of order"},
      {"+cms error : 38", "deferred CMS 38: the network is out of order"},
      {"+CMS ERROR: Network out of order", "deferred CMS 38: the network is out of order"},
      {"+CMS ERROR: NETWORK OUT OF ORDER.", "deferred CMS 38: the network is out of order"},
      {"+CMS ERROR: SIM busy", "deferred CMS 314: the SIM is busy"},
      {"+CMS ERROR: (U)SIM busy", "deferred CMS 314: the SIM is busy"},
      {"+CMS ERROR: Unknown error", "unknown CMS 500: an error that the modem has no number for"},
      {"+CMS ERROR: Network timeout", "unknown CMS 332: the network did not answer"},
      {"+CMS ERROR: Unassigned (unallocated) number", "refused CMS 1: the number is not assigned"},
      {"+CME ERROR: Operation not allowed", "deferred CME 3: not allowed now"},
      {"+CME ERROR: 0", "deferred CME 0: failure in the modem"},
      {"+CMS ERROR: 0", "deferred CMS 0: a cause on no list"},
      // The same number and the same words, and another meaning.
      {"+CMS ERROR: 10", "refused CMS 10: SMS to this number are barred"},
      {"+CME ERROR: 10", "broken CME 10: no SIM"},
      {"+CME ERROR: network timeout", "unknown CME 31: the network did not answer"},
      // No number is made of what is none.
      {"+CMS ERROR: -1", "unknown CMS -1: the modem's own number"},
      {"+CMS ERROR: 1.0", noWords + "?.?"},
      {"+CMS ERROR: 1 8", noWords + "? ?"},
      {"+CMS ERROR: 99999999999999", noWords + "??????????????"},
      {"+CMS ERROR: 99887766", noWords + "????????"},
      {"+CMS ERROR:", noWords},
      {"+CMS ERROR", noWords},
      {"+CMS ERROR: 1" + std::string(300, ' ') + "8", noWords + "?"},
      {"+CMS ERROR: to +4790000001 \x1b[31m\xc3\xa6", noWords + "to +?????????? ???m??"},
      {"+CMS ERROR: " + std::string(150, 'x'), noWords + std::string(60, 'x')}};
  for (auto& [line, outcome] : rows) {
    EXPECT_EQ(outcomeAfter("\r\n" + line + "\r\n"), outcome) << line;
  }
}

TEST(GammuVerdict, IsNeverUnknownAndNeverAcceptedWhereTheTextWasNotHandedOver) {
  const std::pair<std::string, std::string> rows[] = {
      {"", "deferred no prompt for the text"},
      {"\r\nOK\r\n", "deferred no prompt for the text"},
      {"\r\n+CMGS: 12\r\n\r\nOK\r\n", "deferred no prompt for the text"},
      {"\r\nERROR\r\n", "deferred an error without a number before the text"},
      {"\r\n+CMS ERROR: 500\r\n", "deferred CMS 500: an error that the modem has no number for"},
      {"\r\n+CMS ERROR: 304\r\n", "refused CMS 304: the modem finds a fault in this SMS"},
      {"\r\n+CMS ERROR: whatever\r\n", "deferred CMS error, in words on no list: whatever"}};
  for (auto& [said, outcome] : rows) {
    const std::string whole = trace({driver("AT+CMGS=18\r"), modem("AT+CMGS=18\r" + said)});
    EXPECT_EQ(whole.substr(whole.rfind('\n') + 1), outcome) << said;
  }
  // An error while the text is written: the modem is back at commands, and the rest is none.
  EXPECT_EQ(trace({driver("AT+CMGS=18\r"), modem("\r\n> "), driver("0011"), modem("\r\n+CMS ERROR: 304\r\n"),
                   driver("000A\x1a"), driver("AT\r"), modem("\r\nOK\r\n")}),
            "to the modem: AT+CMGS=18\r0011AT\r\nto the driver: AT+CMGS=18\r\r\n> \r\n+CMS ERROR: "
            "304\r\nAT\r\r\nOK\r\n\n"
            "refused CMS 304: the modem finds a fault in this SMS");
  // The driver gives up: nothing that comes later speaks of this text.
  EXPECT_EQ(trace({driver("AT+CMGS=18\r"), modem("\r\n> "), driver("0011\x1b"),
                   modem("\r\n+CMGS: 12\r\n\r\nOK\r\n")}),
            "to the modem: AT+CMGS=18\r0011\x1b\nto the driver: AT+CMGS=18\r\r\n> \ndeferred no prompt for "
            "the text");
}

TEST(GammuVerdict, TakesNoFormerAnswerForThatOfThisText) {
  // The deadline of the first is over, and its answer comes before the second text is handed over.
  const std::string whole =
      trace({driver("AT+CMGS=18\r"), modem("AT+CMGS=18\r\r\n> "), driver(pdu + "\x1a"), driver("\x1b\r"),
             driver("AT+CMGS=18\r"), modem("\r\n+CMGS: 7\r\n\r\nOK\r\nAT+CMGS=18\r\r\n> "), driver(pdu),
             modem("\r\n+CMGS: 7\r\n\r\nOK\r\n"), driver("\x1a"), modem("\r\n+CMS ERROR: 42\r\n")});
  EXPECT_EQ(whole.substr(whole.rfind('\n') + 1), "deferred CMS 42: congestion");
}

TEST(GammuDialogue, KeepsLittleWhateverTheModemSends) {
  constexpr std::size_t bound = 32 * 1024;
  const std::function<std::string(std::size_t)> floods[] = {
      [](std::size_t) { return std::string(1000, 'x'); },
      [](std::size_t) { return std::string("\r\n+CSCA: ") + std::string(150, '1'); },
      [](std::size_t) { return std::string("AT+CSCA?\r"); },
      [](std::size_t n) { return std::string(n % 2 == 0 ? "\r\nOK\r\n" : "\r\n> \r\n"); },
      [](std::size_t) { return std::string("\r\n+CMS ERROR: ") + std::string(190, 'e') + "\r\n"; }};
  for (auto& flood : floods)
    for (const char* command : {"AT+CSCA?\r", "AT+CMGS=18\r", "AT+CGMM\r"}) {
      AtDialogue dialogue;
      dialogue.fromDriver("AT\r");
      dialogue.fromModem("AT\r\r\nOK\r\n");
      dialogue.fromDriver(command);
      std::size_t most = 0;
      for (std::size_t n = 0; n < 2000; ++n) {
        dialogue.fromModem(flood(n));
        most = std::max(most, dialogue.bytesKept());
      }
      EXPECT_LT(most, bound) << command;
    }
  AtDialogue dialogue;
  for (int n = 0; n < 2000; ++n) dialogue.fromDriver(std::string(1000, 'A'));
  EXPECT_LT(dialogue.bytesKept(), bound);
}

}  // namespace
}  // namespace smsd::gammu
