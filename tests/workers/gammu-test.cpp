// SPDX-License-Identifier: GPL-3.0-or-later
// The Gammu dispatcher as the kit sees it: its file, its lock, and what it says while it has no modem.
#include "workers/gammu/gammu.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <regex>

#include "tests/workers/gammu-modem.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using test::Emulator;

std::string problemsOf(const std::string& yaml) {
  GammuDispatcher dispatcher;
  config::Keys keys;
  dispatcher.declare(keys);
  return config::describe(keys.read(yaml, "modem.yaml"));
}

TEST(GammuConfig, SaysAtTheStartWhereAndWhatIsWrongC59) {
  test::Folder folder;
  const std::string rc = folder.path / "gammurc";
  std::ofstream(rc) << "[gammu]\ndevice = /dev/ttyUSB0\nconnection = at115200\n[gammu1]\nconnection = fbus\n"
                       "device = /dev/ttyS0\n";
  const std::pair<std::string, std::string> rows[] = {
      {"{}", "expected the path of a serial device, or gammurc"},
      {"device: ttyUSB0", "absolute"},
      {"device: /dev/x\nconnection: fbus", "only AT modems"},
      {"device: /dev/x\nconnection: at12", "only AT modems"},
      {"device: /dev/x\nsmsc: centre", "telephone number"},
      {"device: /dev/x\nvalidity: 1m", "5m..441d"},
      {"device: /dev/x\npin: 1234", "pin"},
      {"device: /dev/x\npin_file: /no/such", "no such file"},
      {"device: /dev/x\ngammurc: " + rc, "either device or gammurc"},
      {"gammurc: gammurc", "absolute"},
      {"gammurc: /no/such/gammurc", "cannot be read (No such file or directory)"},
      {"gammurc: /dev/zero", "cannot be read (it is not a regular file)"},
      {"gammurc: /etc", "cannot be read (it is not a regular file)"},
      {"gammurc: " + rc + "\nsection: 1", "expected `at` and a speed"},
      {"gammurc: " + rc + "\nsection: 7", "section"}};
  for (auto& [yaml, words] : rows) {
    std::string said = problemsOf(yaml);
    EXPECT_TRUE(said.starts_with("modem.yaml")) << yaml << ": " << said;
    EXPECT_NE(said.find(words), std::string::npos) << yaml << ": " << said;
  }
  EXPECT_EQ(problemsOf("gammurc: " + rc), "");
  EXPECT_EQ(problemsOf("device: /dev/serial/by-id/x\nvalidity: longest\nflash: true\nsmsc: \"+4790002100\""),
            "");
}

std::string namesIn(const kit::Condition& condition) {
  std::string names;
  for (auto& [name, value] : condition.details) names += (names.empty() ? "" : " ") + name;
  return names;
}

class GammuTest : public testing::Test {
 protected:
  ~GammuTest() noexcept override = default;
  void serve(const std::string& yaml) {
    config::Keys keys;
    dispatcher.declare(keys);
    ASSERT_EQ(config::describe(keys.read(yaml, "modem.yaml")), "");
    policy = dispatcher.policy();
    dispatcher.start(io).wait(io.waitScope);
  }
  kit::Outcome send(const std::string& recipient, const std::string& text = "router down") {
    return dispatcher.send({.attempt = 1, .recipient = recipient, .text = text, .key = "k", .deadline = 5s})
        .wait(io.waitScope);
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  GammuDispatcher dispatcher;
  sandbox::Policy policy;
};

TEST_F(GammuTest, ReachesItsDeviceItsOwnTerminalAndTheClockAndNothingElse) {
  Emulator emulator({"sim absent"});
  serve("device: " + emulator.link());
  ASSERT_EQ(policy.devices.size(), 2U);
  EXPECT_EQ(policy.devices[0], emulator.link());
  EXPECT_TRUE(policy.devices[1].string().starts_with("/dev/pts/")) << policy.devices[1];
  EXPECT_EQ(policy.readable, (std::vector<std::filesystem::path>{"/etc/localtime"}));
  EXPECT_TRUE(policy.writable.empty());
  EXPECT_EQ(policy.network, sandbox::Network::none);
}

TEST_F(GammuTest, ServesWithoutAModemAndSaysWhatIsMissing) {
  test::Folder folder;
  serve("device: " + (folder.path / "modem").string());
  EXPECT_EQ(dispatcher.condition().broken, "no modem at its path");
  auto outcome = send("+4799887766");
  ASSERT_TRUE(std::holds_alternative<kit::Broken>(outcome));
  EXPECT_EQ(std::get<kit::Broken>(outcome).reason, "no modem at its path");
  EXPECT_TRUE(std::holds_alternative<kit::Refused>(send("kari")))
      << "that is the number's fault, modem or not";
  EXPECT_TRUE(dispatcher.alive());
}

TEST_F(GammuTest, LeavesWhenAnotherDeviceIsWhereNoneWas) {
  Emulator emulator({"hang-up"});
  serve("device: " + emulator.link());
  auto spent = dispatcher.spent();
  EXPECT_FALSE(spent.poll(io.waitScope));
  emulator.tell("plug");
  auto why = io.provider->getTimer().timeoutAfter(30 * kj::SECONDS, kj::mv(spent)).wait(io.waitScope);
  EXPECT_EQ(why, "the modem is another device now");
}

TEST_F(GammuTest, MissesAnIdleModemAtOnceWhenItIsUnplugged) {
  Emulator emulator;
  serve("device: " + emulator.link() + "\ncheck_interval: 1h");
  auto spent = dispatcher.spent();
  ASSERT_EQ(dispatcher.condition().broken, "");
  EXPECT_EQ(namesIn(dispatcher.condition()), "device SIM modem registration operator signal battery seen");
  EXPECT_TRUE(std::holds_alternative<kit::Accepted>(send("+4799887766")));
  const auto seen = dispatcher.condition().details.back();
  EXPECT_TRUE(std::regex_match(seen.second, std::regex("at [0-9]{2}:[0-9]{2}:[0-9]{2}"))) << seen.second;
  // Nobody asks for its condition, which would be a reason to look.
  emulator.tell("hang-up");
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (dispatcher.condition().broken.empty() && std::chrono::steady_clock::now() < end)
    io.provider->getTimer().afterDelay(10 * kj::MILLISECONDS).wait(io.waitScope);
  EXPECT_EQ(namesIn(dispatcher.condition()), "device seen") << "and no SIM that is ready";
  EXPECT_EQ(dispatcher.condition().details.back(), seen) << "it has not been seen since";
  emulator.tell("plug");
  auto why = io.provider->getTimer().timeoutAfter(30 * kj::SECONDS, kj::mv(spent)).wait(io.waitScope);
  EXPECT_EQ(why, "the modem is another device now");
}

// Seven queries of 1.6 s.
TEST_F(GammuTest, IsStillLookedAtAfterALookThatTookLong) {
  Emulator emulator({"registration searching"});
  serve("device: " + emulator.link() + "\nregistration_check: false\ncheck_interval: 5s");
  auto spent = dispatcher.spent();
  ASSERT_EQ(dispatcher.condition().broken, "");
  auto detail = [this](const std::string& name) {
    for (auto& [known, value] : dispatcher.condition().details)
      if (known == name) return value;
    return std::string("none");
  };
  auto await = [this](auto done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < end)
      io.provider->getTimer().afterDelay(10 * kj::MILLISECONDS).wait(io.waitScope);
    return done();
  };
  emulator.tell("battery 42");
  emulator.tell("slow 1.6");
  EXPECT_TRUE(await([&] { return detail("battery") == "42%"; })) << "the last query of the look";
  emulator.tell("slow 0");
  emulator.tell("hang-up");
  EXPECT_TRUE(await([&] { return !dispatcher.condition().broken.empty(); }));
  EXPECT_EQ(dispatcher.condition().broken, "no modem at its path");
}

TEST_F(GammuTest, SendsAboutAsFastAsLibgammuByItself) {
  constexpr int count = 8;
  Emulator emulator;
  auto secondsFor = [](const std::function<void()>& one) {
    auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) one();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / count;
  };
  double bare = 0;
  {
    Phone phone;
    ASSERT_EQ(phone.open({emulator.link(), "at115200", ""}), noError);
    Envelope envelope{.number = "+4799887766", .centre = "+4790002100", .validity = {}};
    bare = secondsFor([&] {
      ASSERT_EQ(phone.submit({u"router down", {}}, Alphabet::gsm7, envelope), noError);
      while (!phone.isSettled()) {
      }
    });
  }
  serve("device: " + emulator.link());
  auto spent = dispatcher.spent();
  double ours = secondsFor([&] { EXPECT_TRUE(std::holds_alternative<kit::Accepted>(send("+4799887766"))); });
  EXPECT_EQ(emulator.status()["starts"], 2);  // one initialisation each
  std::printf("a part: libgammu by itself %.3f s, the dispatcher %.3f s: %.1f%%\n", bare, ours,
              100 * bare / ours);
  EXPECT_GT(bare / ours, 0.75);
}

TEST_F(GammuTest, NamesTheProgramThatHasTheDevice) {
  Emulator emulator({"sim absent"});
  // another process, as the emulator is: it has the other end open, and here the line too
  SerialLine line;
  ASSERT_EQ(line.open(emulator.link(), 115200), LineError::none);
  serve("device: " + emulator.link());
  EXPECT_TRUE(dispatcher.condition().broken.starts_with("another program has the device: python3"))
      << dispatcher.condition().broken;
}

TEST_F(GammuTest, AnswersWithinTheDeadlineAndHelpsTheModemUpAgainC56) {
  Emulator emulator;
  serve("device: " + emulator.link());
  auto spent = dispatcher.spent();
  EXPECT_EQ(dispatcher.condition().broken, "");
  emulator.tell("silent 1");
  auto before = std::chrono::steady_clock::now();
  auto outcome = dispatcher.send({.attempt = 1, .recipient = "1", .text = "x", .key = "k", .deadline = 3s})
                     .wait(io.waitScope);
  EXPECT_TRUE(std::holds_alternative<kit::Unknown>(outcome));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_NE(dispatcher.condition().broken, "") << "it is being opened anew";
  EXPECT_TRUE(std::holds_alternative<kit::Deferred>(send("2"))) << "and nobody waits for that";
  auto end = std::chrono::steady_clock::now() + 30s;
  while (!dispatcher.condition().broken.empty() && std::chrono::steady_clock::now() < end)
    io.provider->getTimer().afterDelay(50 * kj::MILLISECONDS).wait(io.waitScope);
  EXPECT_TRUE(std::holds_alternative<kit::Accepted>(send("3")));
  EXPECT_EQ(emulator.status()["starts"], 2);
}

}  // namespace
}  // namespace smsd::gammu
