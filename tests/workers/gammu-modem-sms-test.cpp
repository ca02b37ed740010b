// SPDX-License-Identifier: GPL-3.0-or-later
// One SMS through real libgammu and a modem that is made to fail: its outcome.
#include <chrono>
#include <map>

#include "common/text/utf.h"
#include "tests/workers/gammu-modem.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using test::Emulator;

constexpr auto soon = 700ms;  // in place of an SMS's deadline

TEST(GammuModem, SendsEveryCharacterOfTheAlphabetAsItIsC58) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  std::u32string all =
      U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
      U"abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€";
  const std::string gsm = text::encode(all);
  const std::string ucs2 = "\xC2\xAB smart \xE2\x80\x99 \xF0\x9F\x94\xA5 \xE4\xB8\xAD";
  std::string parts;
  for (int i = 0; parts.size() < 130; ++i) parts += std::to_string(i) + "\xF0\x9F\x94\xA5";
  EXPECT_EQ(said(modem.send(anSms(gsm))), "accepted 1");
  EXPECT_EQ(said(modem.send(anSms(ucs2, "99 88 77 66"))), "accepted 2");
  EXPECT_EQ(said(modem.send(anSms(parts))), "accepted 3,4");
  auto sms = emulator.sms();
  ASSERT_EQ(sms.size(), 3U);
  EXPECT_EQ(sms[0]["text"], gsm);
  EXPECT_EQ(sms[0]["alphabet"], "gsm7");
  EXPECT_EQ(sms[0]["number"], "+4799887766");
  EXPECT_EQ(sms[0]["smsc"], "+4790002100");
  EXPECT_EQ(sms[0]["class"], nullptr);
  EXPECT_EQ(sms[0]["validity"], 63 * 7 * 24 * 60);  // the longest: the network cuts it
  EXPECT_EQ(sms[0]["report"], false);
  EXPECT_EQ(sms[1]["text"], ucs2);
  EXPECT_EQ(sms[1]["alphabet"], "ucs2");
  EXPECT_EQ(sms[1]["number"], "99887766");
  EXPECT_EQ(sms[2]["text"], parts);
  EXPECT_EQ(sms[2]["parts"].size(), 2U);
  EXPECT_EQ(emulator.status()["starts"], 1);  // C55
}

TEST(GammuModem, AsksForClassValidityReportAndCentreAsConfigured) {
  Emulator emulator({"smsc "});  // the SIM has none
  ModemSettings settings = settingsFor(emulator);
  settings.messageClass = Envelope::Class::flash;
  settings.validity = std::chrono::hours(24);
  settings.report = Envelope::Report::wanted;
  settings.centre = "+4711111111";
  Modem modem(std::move(settings));
  ASSERT_EQ(problemOf(modem.open()), "");
  EXPECT_EQ(said(modem.send(anSms())), "accepted 1");
  EXPECT_EQ(said(modem.send(anSms("smart \xE2\x80\x99"))), "accepted 2");
  for (auto& sms : emulator.sms()) {
    EXPECT_EQ(sms["class"], 0);
    EXPECT_EQ(sms["validity"], 24 * 60);
    EXPECT_EQ(sms["report"], true);
    EXPECT_EQ(sms["smsc"], "+4711111111");
  }
}

TEST(GammuModem, TurnsNumbersIntoOutcomesAndGoesOnC57) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  const std::pair<std::string, std::string> rows[] = {
      {"cms 38 1", "deferred CMS 38: the network is out of order"},
      {"cms 42 1", "deferred CMS 42: congestion"},
      {"cms 1 1", "refused CMS 1: the number is not assigned"},
      {"cms 50 1", "broken CMS 50: SMS are not part of this subscription"},
      {"cms 500 1", "unknown CMS 500: an error that the modem has no number for"},
      // The same number, and another meaning.
      {"cms 30 1", "deferred CMS 30: unknown subscriber"},
      {"cme 10 1", "broken CME 10: no SIM"},
      {"cms 10 1", "refused CMS 10: SMS to this number are barred"},
      // Where nothing was handed over it is known not to have been sent.
      {"cms 500 1 at-prompt", "deferred CMS 500: an error that the modem has no number for"},
      {"cme 30 1 at-prompt", "deferred CME 30: no network"},
      {"cms 304 1 at-prompt", "refused CMS 304: the modem finds a fault in this SMS"},
      {"error 1 at-prompt", "deferred an error without a number before the text"}};
  for (auto& [fault, outcome] : rows) {
    emulator.tell(fault);
    SendResult sent = modem.send(anSms());
    EXPECT_EQ(said(sent), outcome) << fault;
    EXPECT_EQ(sent.then, SendResult::Then::look) << fault;
  }
  EXPECT_TRUE(emulator.sms().empty());
  EXPECT_EQ(said(modem.send(anSms())), "accepted 1");
  EXPECT_EQ(said(modem.send(anSms("x", "not a number"))), "refused not a telephone number");
  EXPECT_EQ(emulator.status()["starts"], 1);
  emulator.tell("error 1");
  EXPECT_EQ(said(modem.send(anSms())), "unknown an error without a number after the text");
}

TEST(GammuModem, SaysUnknownOfSilenceAfterTheTextAndDeferredOfSilenceBefore) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("no-prompt 1");
  {
    Alarm alarm(modem, soon);
    auto before = std::chrono::steady_clock::now();
    SendResult sent = modem.send(anSms());
    EXPECT_EQ(said(sent), "deferred no prompt for the text");
    EXPECT_EQ(sent.then, SendResult::Then::open);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s) << "libgammu alone waits for 28.8 s";
  }
  ASSERT_EQ(problemOf(modem.open()), "");  // and it works again
  emulator.tell("half 1");
  {
    Alarm alarm(modem, 2 * soon);
    EXPECT_EQ(said(modem.send(anSms("half"))), "unknown no answer after the text was handed over");
  }
  EXPECT_EQ(emulator.sms().size(), 1U);  // the half-answered one
}

TEST(GammuModem, SaysUnknownWhereOnlySomePartsWereTaken) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("late 0 1");  // the first part: answered well
  emulator.tell("cms 42 1");
  EXPECT_EQ(said(modem.send(anSms(std::string(200, 'x')))),
            "unknown only some parts were accepted (1 of 2): CMS 42: congestion");
  EXPECT_EQ(emulator.status()["incomplete"].size(), 1U);
  // The same key again: the telephone puts the parts of both attempts together.
  EXPECT_EQ(modem.send(anSms(std::string(200, 'x'))).outcome.kind, OutcomeKind::accepted);
  EXPECT_EQ(emulator.sms().size(), 1U);
  EXPECT_EQ(emulator.status()["incomplete"].size(), 0U);
}

TEST(GammuModem, IsNotConfusedByWhatNobodyAskedFor) {
  Emulator emulator({"chatter 3 +CREG: 2", "garbage 1"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("unsolicited +CMTI: \"SM\",3");
  emulator.tell("unsolicited RING");
  SendResult sent = modem.send(anSms());
  EXPECT_EQ(said(sent), "accepted 1");
  emulator.tell("garbage 3");
  // Rubbish in the middle of an answer may cost the answer, never the truth.
  Alarm alarm(modem, 5s);
  sent = modem.send(anSms("second"));
  EXPECT_TRUE(sent.outcome.kind == OutcomeKind::unknown || sent.outcome.kind == OutcomeKind::accepted)
      << said(sent);
}

TEST(GammuModem, CountsAnErrorInWordsAndAnOkWithoutAReferenceAsNotAccepted) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  const std::pair<std::string, std::string> rows[] = {
      {"+CMS ERROR: Unknown error", "unknown CMS 500: an error that the modem has no number for"},
      {"+CMS ERROR: Network timeout", "unknown CMS 332: the network did not answer"},
      {"+CME ERROR: Operation not allowed", "deferred CME 3: not allowed now"},
      {"+CMS ERROR: no such words", "unknown CMS error, in words on no list: no such words"},
      {"+CMS ERROR: 0", "deferred CMS 0: a cause on no list"},
      {"+CME ERROR: 0", "deferred CME 0: failure in the modem"},
      {"+CMS ERROR: -1", "unknown CMS -1: the modem's own number"},
      {"OK|+CMS ERROR: 38", "deferred CMS 38: the network is out of order"},
      {"+CMGS: 12|+CMS ERROR: 38", "unknown +CMGS after the text, and then an error"},
      {"RING|+CMTI: \"SM\",1|+CMS ERROR: congestion|OVER-VOLTAGE WARNNING", "deferred CMS 42: congestion"}};
  for (auto& [lines, outcome] : rows) {
    emulator.tell("answer 1 " + lines);
    SendResult sent = modem.send(anSms());
    EXPECT_EQ(said(sent), outcome) << lines;
    EXPECT_EQ(sent.then, SendResult::Then::look) << lines;
  }
  EXPECT_TRUE(emulator.sms().empty());
  EXPECT_EQ(said(modem.send(anSms())), "accepted 1");  // libgammu has kept in step
  emulator.tell("answer 1 OK");
  EXPECT_EQ(said(modem.send(anSms())), "unknown an OK without +CMGS after the text");
  EXPECT_EQ(emulator.sms().size(), 1U);
  EXPECT_EQ(emulator.status()["starts"], 1);
}

TEST(GammuModem, AcceptsOnAReferenceThoughTheModemFallsSilentAfterIt) {
  Emulator emulator({"answer 1 +CMGS: 12"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  SendResult sent = modem.send(anSms());
  EXPECT_EQ(said(sent), "accepted 12");
  EXPECT_EQ(sent.then, SendResult::Then::open);
}

TEST(GammuModem, ServesOneThatRepeatsNoCommand) {
  Emulator emulator({"echo off"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  EXPECT_EQ(said(modem.send(anSms())), "accepted 1");
  EXPECT_EQ(said(modem.send(anSms(std::string(200, 'x')))), "accepted 2,3");
  EXPECT_EQ(problemOf(modem.look()), "");
}

TEST(GammuModem, IsNotHeldUpByLinesThatNobodyAskedFor) {
  auto timeOf = [](Emulator& emulator) {
    const auto begin = std::chrono::steady_clock::now();
    Modem modem(settingsFor(emulator));
    EXPECT_EQ(problemOf(modem.open()), "");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(said(modem.send(anSms())), "accepted " + std::to_string(i + 1));
    return std::chrono::steady_clock::now() - begin;
  };
  Emulator quiet;
  const auto usual = timeOf(quiet);
  // Each falls into the middle of some echo and some answer.
  for (std::string line : {"OVER-VOLTAGE WARNNING", "+CMTI: \"SM\",3"}) {
    Emulator talkative({"storm 0.01 " + line});
    EXPECT_LT(timeOf(talkative), usual * 3 / 2) << line;
    EXPECT_EQ(talkative.sms().size(), 2U) << line;
  }
}

}  // namespace
}  // namespace smsd::gammu
