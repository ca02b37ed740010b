// SPDX-License-Identifier: GPL-3.0-or-later
// One modem, real libgammu, a modem that is made to fail: what comes of an SMS, and how it is brought up.
#include <chrono>
#include <map>

#include "common/text/utf.h"
#include "tests/workers/gammu-modem.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using test::Emulator;

constexpr auto soon = 700ms;  // in place of an SMS's deadline

Letter letter(const std::string& text = "router down", const std::string& number = "+4799887766") {
  return {number, text, "key-1"};
}

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
  EXPECT_EQ(said(modem.send(letter(gsm))), "accepted 1");
  EXPECT_EQ(said(modem.send(letter(ucs2, "99 88 77 66"))), "accepted 2");
  EXPECT_EQ(said(modem.send(letter(parts))), "accepted 3,4");
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
  EXPECT_EQ(said(modem.send(letter())), "accepted 1");
  EXPECT_EQ(said(modem.send(letter("smart \xE2\x80\x99"))), "accepted 2");
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
      {"cms 1 1", "refused CMS 1: the number is not assigned to anybody"},
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
    Sent sent = modem.send(letter());
    EXPECT_EQ(said(sent), outcome) << fault;
    EXPECT_EQ(sent.then, Sent::Then::look) << fault;
  }
  EXPECT_TRUE(emulator.sms().empty());
  EXPECT_EQ(said(modem.send(letter())), "accepted 1");
  EXPECT_EQ(said(modem.send(letter("x", "not a number"))), "refused not a telephone number");
  EXPECT_EQ(emulator.status()["starts"], 1);
  emulator.tell("error 1");
  EXPECT_EQ(said(modem.send(letter())), "unknown an error without a number after the text");
}

TEST(GammuModem, SaysUnknownOfSilenceAfterTheTextAndDeferredOfSilenceBefore) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("no-prompt 1");
  {
    Alarm alarm(modem, soon);
    auto before = std::chrono::steady_clock::now();
    Sent sent = modem.send(letter());
    EXPECT_EQ(said(sent), "deferred no prompt for the text");
    EXPECT_EQ(sent.then, Sent::Then::open);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s) << "libgammu alone waits for 28.8 s";
  }
  ASSERT_EQ(problemOf(modem.open()), "");  // and it works again
  emulator.tell("half 1");
  {
    Alarm alarm(modem, 2 * soon);
    EXPECT_EQ(said(modem.send(letter("half"))), "unknown no answer after the text was handed over");
  }
  EXPECT_EQ(emulator.sms().size(), 1U);  // the half-answered one
}

TEST(GammuModem, SaysUnknownWhereOnlySomePartsWereTaken) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("late 0 1");  // the first part: answered well
  emulator.tell("cms 42 1");
  EXPECT_EQ(said(modem.send(letter(std::string(200, 'x')))),
            "unknown only some parts were taken (1 of 2): CMS 42: congestion");
  EXPECT_EQ(emulator.status()["incomplete"].size(), 1U);
  // The same key again: the telephone puts the parts of both attempts together.
  EXPECT_EQ(modem.send(letter(std::string(200, 'x'))).fate, Fate::accepted);
  EXPECT_EQ(emulator.sms().size(), 1U);
  EXPECT_EQ(emulator.status()["incomplete"].size(), 0U);
}

TEST(GammuModem, NoticesThatItWasUnplugged) {
  Emulator emulator({"late 1000 1"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  std::thread hand([&] {
    while (emulator.status()["sms"] == 0) std::this_thread::yield();
    emulator.tell("hang-up");
  });
  Sent sent = modem.send(letter());
  hand.join();
  EXPECT_EQ(said(sent), "unknown unplugged after the text was handed over");
  EXPECT_EQ(sent.then, Sent::Then::open);
  EXPECT_EQ(said(modem.send(letter())), "deferred unplugged before the text was handed over");
  const Condition gone = modem.open();
  EXPECT_EQ(problemOf(gone), "no modem at its path");
  EXPECT_TRUE(gone.details.empty()) << gone.details[0].first << " of a modem that is not there";
  emulator.tell("plug");
  EXPECT_EQ(problemOf(modem.open()), "");
}

TEST(GammuModem, IsNotConfusedByWhatNobodyAskedFor) {
  Emulator emulator({"chatter 3 +CREG: 2", "garbage 1"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("unsolicited +CMTI: \"SM\",3");
  emulator.tell("unsolicited RING");
  Sent sent = modem.send(letter());
  EXPECT_EQ(said(sent), "accepted 1");
  emulator.tell("garbage 3");
  // Rubbish in the middle of an answer may cost the answer, never the truth.
  Alarm alarm(modem, 5s);
  sent = modem.send(letter("second"));
  EXPECT_TRUE(sent.fate == Fate::unknown || sent.fate == Fate::accepted) << said(sent);
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
    Sent sent = modem.send(letter());
    EXPECT_EQ(said(sent), outcome) << lines;
    EXPECT_EQ(sent.then, Sent::Then::look) << lines;
  }
  EXPECT_TRUE(emulator.sms().empty());
  EXPECT_EQ(said(modem.send(letter())), "accepted 1");  // libgammu has kept in step
  emulator.tell("answer 1 OK");
  EXPECT_EQ(said(modem.send(letter())), "unknown an OK without +CMGS after the text");
  EXPECT_EQ(emulator.sms().size(), 1U);
  EXPECT_EQ(emulator.status()["starts"], 1);
}

TEST(GammuModem, AcceptsOnAReferenceThoughTheModemFallsSilentAfterIt) {
  Emulator emulator({"answer 1 +CMGS: 12"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  Sent sent = modem.send(letter());
  EXPECT_EQ(said(sent), "accepted 12");
  EXPECT_EQ(sent.then, Sent::Then::open);
}

TEST(GammuModem, ServesOneThatRepeatsNoCommand) {
  Emulator emulator({"echo off"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  EXPECT_EQ(said(modem.send(letter())), "accepted 1");
  EXPECT_EQ(said(modem.send(letter(std::string(200, 'x')))), "accepted 2,3");
  EXPECT_EQ(problemOf(modem.look()), "");
}

TEST(GammuModem, IsNotHeldUpByLinesThatNobodyAskedFor) {
  auto timeOf = [](Emulator& emulator) {
    const auto begin = std::chrono::steady_clock::now();
    Modem modem(settingsFor(emulator));
    EXPECT_EQ(problemOf(modem.open()), "");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(said(modem.send(letter())), "accepted " + std::to_string(i + 1));
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

TEST(GammuModem, ShowsHowItIsAndNoticesWhenThatChanges) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  auto details = modem.open().details;
  std::map<std::string, std::string> shown(details.begin(), details.end());
  EXPECT_EQ(shown["SIM"], "ready");
  EXPECT_EQ(shown["registration"], "home");
  EXPECT_EQ(shown["operator"], "Telenor (24201)");
  EXPECT_EQ(shown["signal"], "-71 dBm");
  EXPECT_EQ(shown["battery"], "80%");
  EXPECT_EQ(shown["modem"], "smsd Emulated");
  emulator.tell("registration searching");
  EXPECT_EQ(problemOf(modem.look()), "not registered with a network");
  emulator.tell("registration denied");
  EXPECT_EQ(problemOf(modem.look()), "the network denies registration");
  emulator.tell("registration roaming");
  EXPECT_EQ(problemOf(modem.look()), "");
  emulator.tell("sim absent");
  EXPECT_EQ(problemOf(modem.look()), "no SIM");
  emulator.tell("sim ready");
  EXPECT_EQ(problemOf(modem.look()), "");
  const auto seen = modem.look().seen;
  emulator.tell("mute");
  const Condition mute = modem.look();
  EXPECT_EQ(problemOf(mute), "the modem does not answer");
  EXPECT_TRUE(mute.details.empty()) << mute.details[0].first << " of a modem that does not answer";
  EXPECT_EQ(mute.seen, seen) << "it was not seen since";
  emulator.tell("speak");
  EXPECT_EQ(problemOf(modem.look()), "");
  // a message that comes with the answer is not the answer
  emulator.tell("chatter 9 +CREG: 2");
  EXPECT_EQ(problemOf(modem.look()), "");
  emulator.tell("chatter 0 x");
  // somebody is in a hurry: what is known stays
  std::thread hand([&] { modem.hurry(); });
  auto hurried = modem.look();
  hand.join();
  EXPECT_FALSE(hurried.details.empty());
  EXPECT_EQ(problemOf(modem.look()), "");
}

TEST(GammuModem, GivesNoAnswerThatItDidNotAskFor) {
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  EXPECT_EQ(problemOf(modem.look()), "no modem at its path") << "it was never opened";
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("slow 1");
  {
    Alarm alarm(modem, 300ms);
    EXPECT_EQ(problemOf(modem.look()), "the modem does not answer") << "it was aborted";
  }
  emulator.tell("slow 0");
  EXPECT_EQ(problemOf(modem.look()), "the modem does not answer") << "libgammu was aborted, too";
  EXPECT_EQ(said(modem.send(letter())), "deferred " + finding(Event::noPrompt).reason);
  ASSERT_EQ(problemOf(modem.open()), "");
  emulator.tell("sim absent");
  EXPECT_EQ(problemOf(modem.look()), "no SIM");
  emulator.tell("hang-up");
  modem.abort();
  EXPECT_EQ(problemOf(modem.look()), "no modem at its path");
}

TEST(GammuModem, IsGoodOnceItIsRegisteredThoughTheRestIsInterrupted) {
  Emulator emulator({"registration searching"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "not registered with a network");
  emulator.tell("registration home");
  emulator.tell("slow 0.5");
  const auto commands = emulator.status()["commands"].get<int>();
  std::thread hand([&] {
    // SIM, registration and operator
    while (emulator.status()["commands"].get<int>() < commands + 3) std::this_thread::yield();
    modem.hurry();
  });
  EXPECT_EQ(problemOf(modem.look()), "");
  hand.join();
}

TEST(GammuModem, SaysWhyItCannotBeOpened) {
  Emulator emulator({"mute", "reset-does-not-heal"});
  Modem modem(settingsFor(emulator));
  auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(problemOf(modem.open()), "the modem does not answer");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 20s) << "libgammu alone waits for 30 s";
  emulator.tell("speak");
  const std::pair<std::string, std::string> sims[] = {
      {"sim absent", "no SIM"},
      {"sim failure", "the SIM fails"},
      {"sim busy", "the SIM is busy"},
      {"sim pin", "the SIM asks for a PIN, and pin_file is not set"},
      {"sim puk", "the SIM is locked and asks for its PUK"}};
  for (auto& [state, reason] : sims) {
    emulator.tell(state);
    EXPECT_EQ(problemOf(modem.open()), reason) << state;
  }
  emulator.tell("sim ready");
  modem.close();
  Line holder;
  ASSERT_EQ(holder.open(emulator.link(), 115200), LineError::none);
  EXPECT_EQ(problemOf(modem.open()), "another program has the device");
  holder.close();
  emulator.tell("hang-up");
  EXPECT_EQ(problemOf(modem.open()), "no modem at its path");
  ModemSettings wrong = settingsFor(emulator);
  wrong.phone.device = "/dev/null";
  EXPECT_EQ(problemOf(Modem(std::move(wrong)).open()), "no modem at its path");
}

TEST(GammuModem, NeedsTheNumberOfAServiceCentre) {
  Emulator emulator({"smsc "});
  Modem modem(settingsFor(emulator));
  EXPECT_EQ(problemOf(modem.open()), "no number of a service centre: set smsc");
}

ModemSettings withPin(const Emulator& emulator, const std::string& pin) {
  ModemSettings settings = settingsFor(emulator);
  settings.pin = config::Secret(pin);
  return settings;
}

TEST(GammuModem, EntersThePinOnceWhereAllTriesAreLeft) {
  Emulator emulator({"sim pin", "pin 4711", "counter huawei", "tries 2"});
  EXPECT_EQ(problemOf(Modem(withPin(emulator, "4711")).open()),
            "the PIN is not tried: a try was used up already");
  emulator.tell("counter cpinr");
  EXPECT_EQ(problemOf(Modem(withPin(emulator, "4711")).open()),
            "the PIN is not tried: a try was used up already");
  EXPECT_EQ(emulator.status()["pin attempts"], 0);
  emulator.tell("counter huawei");
  emulator.tell("tries 3");
  EXPECT_EQ(problemOf(Modem(withPin(emulator, "4711")).open()), "");
  EXPECT_EQ(emulator.status()["pin attempts"], 1);
}

TEST(GammuModem, NeverTriesAPinTwice) {
  Emulator emulator({"sim pin", "pin 4711"});
  {
    Modem modem(withPin(emulator, "0000"));
    EXPECT_EQ(problemOf(modem.open()), "the SIM refused the PIN; it is not tried again");
    EXPECT_EQ(problemOf(modem.open()), "the SIM refused the PIN; it is not tried again");
  }
  for (int restarts = 0; restarts < 3; ++restarts)
    EXPECT_EQ(problemOf(Modem(withPin(emulator, "0000")).open()),
              "the PIN is not tried: a try was used up already");
  EXPECT_EQ(emulator.status()["pin attempts"], 1);
  EXPECT_EQ(emulator.status()["tries"], 2);
}

TEST(GammuModem, TriesNoPinWhereTheModemCannotSayHowManyTriesAreLeftUnlessTold) {
  Emulator emulator({"sim pin", "pin 4711", "counter none"});
  EXPECT_EQ(problemOf(Modem(withPin(emulator, "0000")).open()),
            "the PIN is not tried: tries left are not known");
  EXPECT_EQ(emulator.status()["pin attempts"], 0);
  ModemSettings settings = withPin(emulator, "0000");
  settings.counter = ModemSettings::Counter::optional;
  Modem modem(std::move(settings));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(problemOf(modem.open()), "the SIM refused the PIN; it is not tried again");
  EXPECT_EQ(emulator.status()["pin attempts"], 1);
}

TEST(GammuModem, IsHealedByAskingItToStartItselfAnew) {
  Emulator emulator({"mute"});
  Modem modem(settingsFor(emulator));
  EXPECT_EQ(problemOf(modem.open()), "the modem does not answer");
  modem.restart();
  EXPECT_EQ(emulator.status()["resets"], 1);
  EXPECT_EQ(problemOf(modem.open()), "");
}

TEST(GammuModem, LeaksNoDescriptorHoweverOftenItIsOpenedAndAborted) {
  auto open = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  Emulator emulator;
  Modem modem(settingsFor(emulator));
  const auto before = open();
  for (int i = 0; i < 4; ++i) {
    Alarm alarm(modem, std::chrono::milliseconds(500 + 300 * i));
    EXPECT_NE(problemOf(modem.open()), "");
  }
  modem.close();
  EXPECT_EQ(open(), before);
}

TEST(GammuLine, WritesWhatTheLineTakesAtOnceThoughTheTimeIsOver) {
  Emulator emulator;
  Line line;
  ASSERT_EQ(line.open(emulator.link(), 115200), LineError::none);
  line.write("AT+CFUN=1\r", 0ms);
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (emulator.status()["starts"] == 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  EXPECT_EQ(emulator.status()["starts"], 1);
}

TEST(GammuPhone, SaysAPeriodInTheNetworksSteps) {
  using std::chrono::minutes;
  const std::pair<int, int> rows[] = {{1, 0},
                                      {5, 0},
                                      {6, 1},
                                      {60, 11},
                                      {12 * 60, 143},
                                      {12 * 60 + 1, 144},
                                      {24 * 60, 167},
                                      {24 * 60 + 1, 168},
                                      {48 * 60, 168},
                                      {30 * 24 * 60, 196},
                                      {35 * 24 * 60, 197},
                                      {441 * 24 * 60, 255}};
  for (auto& [period, code] : rows) EXPECT_EQ(relativeValidity(minutes(period)), code) << period;
}

}  // namespace
}  // namespace smsd::gammu
