// SPDX-License-Identifier: GPL-3.0-or-later
// One modem, real libgammu, a modem that is made to fail: how it is brought up, and the condition it shows.
#include <chrono>
#include <map>

#include "tests/workers/gammu-modem.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using test::Emulator;

TEST(GammuModem, NoticesThatItWasUnplugged) {
  Emulator emulator({"late 1000 1"});
  Modem modem(settingsFor(emulator));
  ASSERT_EQ(problemOf(modem.open()), "");
  std::thread hand([&] {
    while (emulator.status()["sms"] == 0) std::this_thread::yield();
    emulator.tell("hang-up");
  });
  SendResult sent = modem.send(anSms());
  hand.join();
  EXPECT_EQ(said(sent), "unknown unplugged after the text was handed over");
  EXPECT_EQ(sent.then, SendResult::Then::open);
  EXPECT_EQ(said(modem.send(anSms())), "deferred unplugged before the text was handed over");
  const ModemCondition gone = modem.open();
  EXPECT_EQ(problemOf(gone), "no modem at its path");
  EXPECT_TRUE(gone.details.empty()) << gone.details[0].first << " of a modem that is not there";
  emulator.tell("plug");
  EXPECT_EQ(problemOf(modem.open()), "");
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
  const ModemCondition mute = modem.look();
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
  EXPECT_EQ(said(modem.send(anSms())), "deferred " + outcomeOf(ModemEvent::noPrompt).words);
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
  SerialLine holder;
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

}  // namespace
}  // namespace smsd::gammu
