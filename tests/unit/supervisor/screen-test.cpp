// SPDX-License-Identifier: GPL-3.0-or-later
// The first screen of `smsctl status`: what is on it, and that it never is larger than 80 x 24.
#include "supervisor/smsctl/status/screen.h"

#include <capnp/message.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "supervisor/smsctl/status/absence.h"
#include "supervisor/smsctl/status/status-json.h"

namespace smsd::smsctl {
namespace {

using Rank = proto::Trouble::Rank;

std::vector<std::string> texts(const io::Lines& lines) {
  std::vector<std::string> all;
  for (const auto& line : lines) {
    all.emplace_back();
    for (const auto& span : line) all.back() += span.text;
  }
  return all;
}

std::string joined(const io::Lines& lines) {
  std::string all;
  for (auto& line : texts(lines)) all += line + "\n";
  return all;
}

void expectFits(const io::Lines& lines) {
  EXPECT_LE(lines.size(), 23u) << joined(lines);
  for (auto& line : texts(lines)) EXPECT_LE(widthOf(line), 80u) << line;
}

class ScreenTest : public testing::Test {
 protected:
  ScreenTest() {
    status.setVersion("1.2");
    status.setPid(4711);
    status.setUpFor(11'520);
    status.setHealthy(true);
    auto queue = status.initQueue();
    queue.setBackend("postgresql");
    queue.setReachable(true);
    queue.setSent(1204);
    queue.setSentLastMinute(1);
    queue.setSentLastHour(40);
  }
  ~ScreenTest() noexcept override {}

  void dispatchers(unsigned count, proto::DispatcherState state = proto::DispatcherState::READY) {
    auto list = status.initDispatchers(count);
    for (unsigned i = 0; i < count; ++i) {
      list[i].setName(fmt::format("gateway-{}", i));
      list[i].setKind("http");
      list[i].setState(state);
      list[i].setSince(250);
      list[i].setAccepted(7 + i);
    }
  }
  void findings(unsigned count, const std::string& what, Rank rank = Rank::UNHEALTHY) {
    auto list = status.initFindings(count);
    for (unsigned i = 0; i < count; ++i) {
      list[i].setRank(rank);
      list[i].setWhat(what);
      list[i].setSinceKnown(true);
      list[i].setSince(250);
      list[i].setNext(fmt::format("smsctl dispatcher resume gateway-{}", i));
      list[i].setWhen("after its repair");
    }
    status.setHealthy(rank != Rank::UNHEALTHY);
  }
  io::Lines lines(const Frame& frame = {}, const std::vector<StatusFinding>& more = {}) const {
    return screenOf(status.asReader(), more, frame);
  }

  capnp::MallocMessageBuilder message;
  proto::Status::Builder status = message.initRoot<proto::Status>();
};

TEST_F(ScreenTest, IsShortWhenAllIsWell) {
  dispatchers(2);
  EXPECT_EQ(joined(lines()),
            "smsd 1.2  healthy  up 3h 12m, pid 4711\n"
            "\n"
            "queue    postgresql: 0 waiting, 0 under way\n"
            "sent     last minute 1, last hour 40, since the start 1,204\n"
            "\n"
            "dispatcher              kind       state          for in use  accepted   failed\n"
            "gateway-0               http       ready       4m 10s      0         7        0\n"
            "gateway-1               http       ready       4m 10s      0         8        0\n");
}

TEST_F(ScreenTest, ShowsTheFindingsFirstEachWithItsAgeAndTheCommandToType) {
  dispatchers(1, proto::DispatcherState::BROKEN);
  findings(
      1, "gateway-0 is broken: http://127.0.0.1:1/ rejects the credentials (401): correct them in its file");
  const auto shown = texts(lines());
  ASSERT_GT(shown.size(), 5u);
  EXPECT_EQ(shown[0], "smsd 1.2  NOT HEALTHY  up 3h 12m, pid 4711");
  EXPECT_EQ(shown[2], "!! for 4m 10s  gateway-0 is broken: http://127.0.0.1:1/ rejects the credentials");
  EXPECT_EQ(shown[3], "               (401): correct them in its file");
  EXPECT_EQ(shown[4], "   $ smsctl dispatcher resume gateway-0  # after its repair");
}

TEST_F(ScreenTest, ShowsWhenToTypeALongCommandOnALineOfItsOwn) {
  dispatchers(1, proto::DispatcherState::BROKEN);
  findings(1, "gateway-0 is broken");
  const Frame frame{.option = " --config /srv/smsd-of-the-north/smsd.yaml"};
  const auto shown = texts(lines(frame));
  EXPECT_EQ(shown[3], "   $ smsctl --config /srv/smsd-of-the-north/smsd.yaml dispatcher resume \\");
  EXPECT_EQ(shown[4], "     gateway-0  # after its repair");
  const auto whole = texts(lines({.option = " --config /srv/smsd-of-the-n/smsd.yaml"}));
  EXPECT_EQ(whole[3], "   $ smsctl --config /srv/smsd-of-the-n/smsd.yaml dispatcher resume gateway-0");
  EXPECT_EQ(whole[4], "     # after its repair");
}

TEST_F(ScreenTest, ShowsAdviceInTheWordsOfAFindingWithTheOption) {
  findings(1, "the queue is not installed: run `smsctl db install`");
  const auto shown = texts(lines({.option = " --config /x.yaml"}));
  EXPECT_EQ(shown[2], "!! for 4m 10s  the queue is not installed: run `smsctl --config /x.yaml db");
}

TEST_F(ScreenTest, ShowsAllThatAnOperatorAsks) {
  dispatchers(1);
  auto queue = status.getQueue();
  queue.setUnsent(12);
  queue.setOldest(250);
  queue.setOldestSeverity(1);
  queue.setHeld(3);
  queue.setUnderWay(2);
  auto ignored = queue.initIgnoredLastDay(2);
  ignored[0].setWhy("every dispatcher refused it");
  ignored[0].setCount(3);
  ignored[1].setWhy("its text is empty");
  ignored[1].setCount(1);
  auto others = queue.initOthers(1);
  others.set(0, "nms2[99]");
  auto mail = status.initAdminMail();
  mail.setEnabled(true);
  mail.setDispatcher("mail");
  mail.setState(proto::DispatcherState::READY);
  mail.setSentEver(true);
  mail.setSentAgo(10'800);
  mail.setInterval(600);
  mail.setWaiting(4);
  const auto shown = texts(lines());
  const std::vector<std::string> facts(shown.begin() + 2, shown.begin() + 7);
  EXPECT_EQ(facts, (std::vector<std::string>{
                       "queue    postgresql: 12 waiting, oldest 4m 10s (severity 1), 3 held, 2 under way",
                       "sent     last minute 1, last hour 40, since the start 1,204",
                       "ignored  4 in the last 24 h: 3 because every dispatcher refused it, 1 because...",
                       "mail     ready by mail, last 3h ago, 4 entries wait, one in 10m at most",
                       "smsd     1 beside this one: nms2[99]"}));
  const auto whole = joined(lines({.whole = true}));
  EXPECT_NE(whole.find("\n         its text is empty\n"), std::string::npos) << whole;
}

TEST_F(ScreenTest, ShowsHowManyMessagesWaitAsPaced) {
  status.getQueue().setUnsent(12);
  status.getQueue().setPaced(4);
  const auto shown = joined(lines());
  EXPECT_NE(shown.find("12 waiting"), std::string::npos) << shown;
  EXPECT_NE(shown.find(", 4 paced, "), std::string::npos) << shown;
}

TEST_F(ScreenTest, FitsWhateverTheNumbersAre) {
  for (unsigned dispatcherCount : {0u, 1u, 6u, 7u, 60u})
    for (unsigned findingCount : {0u, 1u, 3u, 5u, 40u})
      for (const auto* what : {"short",
                               "a long one that needs more than a line, because it quotes an answer of a "
                               "gateway, which may be of any length and is cut, or so it should be"}) {
        dispatchers(dispatcherCount);
        findings(findingCount, what);
        expectFits(lines());
      }
}

TEST_F(ScreenTest, FitsWithAllFactsAndWideCharacters) {
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "線";
  dispatchers(9, proto::DispatcherState::RESTING);
  findings(9, wide);
  auto queue = status.getQueue();
  auto ignored = queue.initIgnoredLastDay(1);
  ignored[0].setWhy(wide.c_str());
  ignored[0].setCount(3);
  auto others = queue.initOthers(1);
  others.set(0, wide.c_str());
  auto mail = status.initAdminMail();
  mail.setEnabled(true);
  mail.setDispatcher(wide.c_str());
  expectFits(lines());
}

TEST_F(ScreenTest, CountsWhatHasNoRoomAndNamesTheCommandThatShowsIt) {
  dispatchers(9);
  findings(9, "gateway rests");
  const auto shown = joined(lines());
  EXPECT_NE(shown.find("   and 5 more findings: smsctl status --verbose\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("   and 3 more dispatchers: smsctl status --verbose\n"), std::string::npos) << shown;
}

TEST_F(ScreenTest, KeepsTheDispatchersThatAreNotReady) {
  dispatchers(30);
  auto list = status.getDispatchers();
  list[28].setState(proto::DispatcherState::BROKEN);
  const auto shown = joined(lines());
  EXPECT_NE(shown.find("gateway-28"), std::string::npos) << shown;
  EXPECT_NE(shown.find("gateway-0 "), std::string::npos) << shown;
  EXPECT_EQ(shown.find("gateway-29"), std::string::npos) << shown;
}

TEST_F(ScreenTest, NeverCutsACommand) {
  dispatchers(1);
  findings(1, "what");
  const std::string name(90, 'x');
  EXPECT_NE(joined(lines({.option = " --config '" + name + "'"}))
                .find("   $ smsctl --config \\\n     '" + name + "' \\\n     dispatcher resume gateway-0"),
            std::string::npos)
      << "quotes keep a word together";
  const auto shown = lines({.option = " --config /tmp/" + name});
  expectFits(shown);
  EXPECT_NE(joined(shown).find("   $ smsctl --config \\\n     /tmp/" + std::string(69, 'x') + "\\\n" +
                               std::string(21, 'x') + " dispatcher resume gateway-0"),
            std::string::npos)
      << joined(shown);
}

TEST(BrokenForShell, IsTheCommandAgainForAShell) {
  const std::string command =
      "smsctl --config /a/rather/long/path/with/many/folders/smsd.yaml reload && smsctl --config "
      "/a/rather/long/path/with/many/folders/smsd.yaml dispatcher restart a-long-name";
  for (std::size_t width = 12; width < 120; ++width) {
    std::string again;
    for (const auto& line : brokenForShell(command, width)) {
      EXPECT_LE(widthOf(line.text), width) << line.text;
      again += (line.continuesWord || again.empty() ? "" : "  ") + line.text;
      if (again.ends_with('\\')) again.pop_back();
    }
    for (std::size_t at; (at = again.find("  ")) != std::string::npos;) again.erase(at, 1);
    EXPECT_EQ(again, command) << width;
  }
  EXPECT_EQ(brokenForShell(command, 1000).size(), 1u);
}

TEST_F(ScreenTest, SaysWhatADaemonOfAnOlderVersionSays) {
  dispatchers(1);
  status.setHealthy(false);
  auto troubles = status.initTroubles(1);
  troubles.set(0, "no dispatcher can be used");
  EXPECT_EQ(texts(lines())[2], "!! no dispatcher can be used");
}

TEST_F(ScreenTest, PutsAFindingOfItsOwnAmongThoseOfTheDaemonByItsRank) {
  findings(1, "the daemon's", Rank::NEWS);
  const auto shown = texts(lines({}, {{StatusFinding::Rank::attention, "smsd could not start again"}}));
  EXPECT_EQ(shown[2], "!  smsd could not start again");
}

TEST_F(ScreenTest, ColoursWhatIsWrong) {
  dispatchers(1, proto::DispatcherState::BROKEN);
  findings(1, "what");
  const auto shown = lines();
  EXPECT_EQ(shown[0][1].style, io::Style::bad);
  EXPECT_EQ(shown[2][0].style, io::Style::bad);
  EXPECT_EQ(shown.back()[2].style, io::Style::bad);
  status.setHealthy(true);
  EXPECT_EQ(lines()[0][1].style, io::Style::good);
}

TEST_F(ScreenTest, ShowsTheRateOfAWatch) {
  EXPECT_EQ(texts(screenOf(status.asReader(), {}, {}, WatchRate{12.34}))[3],
            "sent     last minute 1, last hour 40, since the start 1,204, now 12.3 a second");
}

TEST(NoDaemon, IsSaidWithTheReason) {
  const auto shown = joined(screenOf(
      "smsd is not running: no program listens at /run/smsd/control.sock",
      {{StatusFinding::Rank::unhealthy, "smsd.yaml:3:1: unknown key 'quue'", {}, "smsctl config check"}},
      {.option = " --config x.yaml"}));
  EXPECT_EQ(shown,
            "smsd is not running: no program listens at /run/smsd/control.sock\n"
            "\n"
            "!! smsd.yaml:3:1: unknown key 'quue'\n"
            "   $ smsctl --config x.yaml config check\n");
}

TEST(Typed, NamesTheConfigurationAfterEachSmsctl) {
  EXPECT_EQ(typed("smsctl reload && smsctl dispatcher resume a", " --config x"),
            "smsctl --config x reload && smsctl --config x dispatcher resume a");
  EXPECT_EQ(typed("runuser -u smsd -- smsctl config check", " --config x"),
            "runuser -u smsd -- smsctl --config x config check");
  EXPECT_EQ(typed("df -h /var/smsctl it", ""), "df -h /var/smsctl it");
  EXPECT_EQ(typed("df -h /var/smsctl it", " --config x"), "df -h /var/smsctl it");
}

TEST(Typed, ChecksWithTheRightsOfSmsd) {
  EXPECT_EQ(typed("smsctl db check", " --config x", "smsd"), "runuser -u smsd -- smsctl --config x db check");
  EXPECT_EQ(typed("smsctl config check", "", "my smsd"), "runuser -u 'my smsd' -- smsctl config check");
  EXPECT_EQ(typed("smsctl db check", "", ""), "smsctl db check");
  EXPECT_EQ(typed("runuser -u smsd -- smsctl db check", "", "smsd"), "runuser -u smsd -- smsctl db check");
  EXPECT_EQ(typed("smsctl queue held", "", "smsd"), "smsctl queue held");
}

TEST_F(ScreenTest, ShowsMailThatIsNotAcceptedAndMailThatWasNeverTried) {
  const auto mailLine = [this]() {
    for (const auto& line : texts(lines()))
      if (line.starts_with("mail ")) return line;
    return std::string();
  };
  auto mail = status.initAdminMail();
  mail.setEnabled(true);
  mail.setDispatcher("mail");
  mail.setState(proto::DispatcherState::READY);
  mail.setInterval(600);
  EXPECT_EQ(mailLine(), "mail     not tried yet by mail, none yet, one in 10m at most");
  status.setAdminMailDown(true);
  EXPECT_EQ(mailLine(), "mail     not accepted by mail, none yet, one in 10m at most");
  mail.setState(proto::DispatcherState::BROKEN);
  EXPECT_EQ(mailLine(), "mail     broken by mail, none yet, one in 10m at most");
}

TEST(Wrapped, BreaksBetweenWordsAndCutsTheLastLine) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped("", 5, 2), (Lines{""}));
  EXPECT_EQ(wrapped("12345", 5, 2), (Lines{"12345"}));
  EXPECT_EQ(wrapped("one two three", 7, 2), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("one two three", 7, 1), (Lines{"one ..."}));
  EXPECT_EQ(wrapped("0123456789", 4, 3), (Lines{"0123", "4567", "89"}));
  EXPECT_EQ(wrapped("0123456789", 4, 2), (Lines{"0123", "4..."}));
  EXPECT_EQ(wrapped("線線線", 4, 2), (Lines{"線線", "線"}));
}

TEST_F(ScreenTest, IsJsonOfFormat1WithTheFindings) {
  dispatchers(1);
  findings(1, "what is wrong");
  const auto json = asJson(status.asReader(), status_words::shownFindings(status.asReader()));
  EXPECT_EQ(json.begin().key(), "format");
  EXPECT_EQ(json["format"], 1);
  EXPECT_EQ(json["version"], "1.2");
  EXPECT_EQ(
      json["findings"].dump(),
      R"([{"rank":"unhealthy","what":"what is wrong","since_seconds":250,"next":"smsctl dispatcher resume )"
      R"(gateway-0","when":"after its repair"}])");
  EXPECT_TRUE(json["admin_mail"].is_null());
}

TEST_F(ScreenTest, IsTheSameJsonWithoutADaemon) {
  dispatchers(1);
  const auto present = asJson(status.asReader(), {});
  auto absence = whenInDoubt("nobody knows", 75);
  absence.findings = {{StatusFinding::Rank::unhealthy, "why", {}, "ls"}};
  const auto absent = asJson(absence);
  for (const auto& [name, value] : present.items()) EXPECT_TRUE(absent.contains(name)) << name;
  EXPECT_EQ(absent["format"], 1);
  EXPECT_EQ(absent["healthy"], false);
  EXPECT_TRUE(absent["running"].is_null());
  EXPECT_TRUE(absent["queue"].is_null());
  EXPECT_EQ(absent["troubles"].dump(), R"(["nobody knows"])");
  EXPECT_EQ(absent["findings"][0]["next"], "ls");
  EXPECT_EQ(present["running"], true);
  absence.runs = Absence::Runs::no;
  EXPECT_EQ(asJson(absence)["running"], false);
}

TEST(Lock, IsFoundByTheFileThatItIsOn) {
  const std::string locks =
      "1: POSIX  ADVISORY  READ 900 08:01:5678 128 128\n"
      "2: -> FLOCK  ADVISORY  WRITE 77 08:01:5678 0 EOF\n"
      "3: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF\n"
      "4: FLOCK  ADVISORY  WRITE 99 fe:0b:5678 0 EOF\n";
  EXPECT_EQ(holderOf(locks, makedev(8, 1), 5678), 1234);
  EXPECT_EQ(holderOf(locks, makedev(0xfe, 11), 5678), 99);
  EXPECT_EQ(holderOf(locks, makedev(8, 1), 1), std::nullopt);
  EXPECT_EQ(holderOf("", makedev(8, 1), 1), std::nullopt);
}

TEST(ProcessState, FollowsTheNameOfTheProgram) {
  EXPECT_EQ(processState("12 (smsd) T 1 12 12"), 'T');
  EXPECT_EQ(processState("12 (a) b) S 1 12 12"), 'S');
  EXPECT_EQ(processState(""), '\0');
}

}  // namespace
}  // namespace smsd::smsctl
