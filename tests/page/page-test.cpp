// SPDX-License-Identifier: GPL-3.0-or-later
// What is on the page, in which words, and that nothing on it is longer than a screen or the bound.
#include "clients/exporter/page.h"

#include <capnp/message.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "clients/exporter/dispatcher-rows.h"
#include "clients/exporter/finding-list.h"
#include "supervisor/smsctl/status/screen.h"
#include "tests/page/prepared-states.h"

namespace smsd::exporter {
namespace {

using status_words::StatusFinding;

std::tm at(int hour, int minute, int second, long east = 3600) {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 10;
  time.tm_mday = 27;
  time.tm_wday = 5;
  time.tm_hour = hour;
  time.tm_min = minute;
  time.tm_sec = second;
  time.tm_gmtoff = east;
  return time;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class PageTest : public testing::Test {
 protected:
  ~PageTest() noexcept override {}

  std::string page() const { return pageOf(status.asReader(), at(15, 4, 31)); }
  void dispatcher(proto::DispatcherState state) {
    auto list = status.initDispatchers(1);
    list[0].setName("gateway");
    list[0].setState(state);
  }

  capnp::MallocMessageBuilder message;
  proto::Status::Builder status = message.initRoot<proto::Status>();
};

TEST_F(PageTest, HasTheVerdictInTheTitleAndInTheHead) {
  prepare("healthy", status);
  EXPECT_TRUE(contains(page(), "<title>smsd: healthy</title>"));
  EXPECT_TRUE(contains(page(), "<header>\n<h1>"));
  status.setHealthy(false);
  EXPECT_TRUE(contains(page(), "<title>smsd: NOT HEALTHY</title>"));
  EXPECT_TRUE(contains(page(), "<header class=\"band\">"));
}

TEST_F(PageTest, HasAWordAndAShapeOfItsOwnForEachState) {
  const std::pair<proto::DispatcherState, const char*> table[] = {
      {proto::DispatcherState::STARTING, "starting"}, {proto::DispatcherState::READY, "ready"},
      {proto::DispatcherState::RESTING, "resting"},   {proto::DispatcherState::BROKEN, "broken"},
      {proto::DispatcherState::PAUSED, "paused"},     {static_cast<proto::DispatcherState>(9), "unknown"}};
  std::vector<std::string> shapes;
  for (const auto& [state, word] : table) {
    dispatcher(state);
    const std::string html = page();
    const auto begin = html.find("<svg", html.find("<td class=\"state\">")), end = html.find("</svg>", begin);
    EXPECT_EQ(html.compare(end, std::string_view("</svg></span>").size(), "</svg></span>"), 0);
    EXPECT_TRUE(contains(html.substr(end), fmt::format("</span>{}</td>", word))) << word;
    EXPECT_EQ(std::count(shapes.begin(), shapes.end(), html.substr(begin, end - begin)), 0) << word;
    shapes.push_back(html.substr(begin, end - begin));
  }
}

TEST_F(PageTest, HasTheTimeOfTheAnswerForPeopleAndForPrograms) {
  const std::pair<long, const char*> table[] = {{3600, "2026-11-27T03:04:05+01:00"},
                                                {0, "2026-11-27T03:04:05+00:00"},
                                                {-12600, "2026-11-27T03:04:05-03:30"},
                                                {20700, "2026-11-27T03:04:05+05:45"}};
  for (const auto& [east, stamp] : table)
    EXPECT_TRUE(
        contains(pageOf(status.asReader(), at(3, 4, 5, east)),
                 fmt::format("Friday 27 November</span> <time datetime=\"{}\">03:04:05</time>", stamp)))
        << stamp;
}

TEST_F(PageTest, WritesWhySmsdDoesNotAnswerAndForHowLong) {
  const std::string known =
      pageOf(NoAnswer{"no program listens at <socket>", std::chrono::seconds(250)}, at(15, 4, 31));
  EXPECT_TRUE(contains(known, "smsd does not answer"));
  EXPECT_TRUE(contains(known, "for 4m 10s</span> no program listens at &lt;socket&gt;"));
  EXPECT_TRUE(contains(known, "<code>smsctl status</code>"));
  EXPECT_FALSE(contains(pageOf(NoAnswer{"no answer"}, at(15, 4, 31)), "class=\"age\""));
  EXPECT_TRUE(contains(pageOf(NoAnswer{"no answer", std::chrono::seconds(-5)}, at(15, 4, 31)), "for 0s"));
}

TEST_F(PageTest, HasTheWordsOfTheScreenOfSmsctl) {
  for (const auto* state : {"healthy", "gateway-dead", "decision"}) {
    prepare(state, status);
    std::string screen;
    smsctl::Frame frame;
    frame.columns = 1000;
    for (const auto& line : smsctl::screenOf(status.asReader(), {}, frame))
      for (const auto& span : line) screen += span.text;
    const std::string html = page();
    for (const auto* word : {"waiting", "under way", "dispatcher", "kind", "state", "for", "in use",
                             "accepted", "failed", "last minute ", "last hour", "since the start 18,204",
                             "1 beside this one: nms2[2188]", "ready by relay, last 15h ago"}) {
      EXPECT_TRUE(contains(html, word)) << word;
      EXPECT_TRUE(contains(screen, word)) << word << " in " << screen;
    }
    for (auto one : status.asReader().getFindings()) {
      EXPECT_TRUE(contains(html, one.getWhat().cStr())) << one.getWhat().cStr();
      EXPECT_TRUE(contains(screen, one.getWhat().cStr())) << one.getWhat().cStr();
    }
  }
  EXPECT_TRUE(contains(page(), "in the last 24 h</dt><dd class=\"count\">4</dd>"));
  EXPECT_TRUE(contains(page(), "3 because every dispatcher refused it, 1 because its text is empty"));
  EXPECT_TRUE(contains(page(), "oldest 70m 10s (severity 3)"));
}

TEST_F(PageTest, HasTheStateOfTheMailInTheFoot) {
  prepare("healthy", status);
  EXPECT_TRUE(contains(page(), "<p>mail ready by relay, last 15h ago</p>"));
  status.setAdminMailDown(true);
  status.getAdminMail().setWaiting(4);
  EXPECT_TRUE(contains(page(), "<p>mail not accepted by relay, last 15h ago, 4 entries wait</p>"));
  status.setAdminMailDown(false);
  status.getAdminMail().setSentEver(false);
  EXPECT_TRUE(contains(page(), "<p>mail not tried yet by relay, none yet, 4 entries wait</p>"));
  status.getAdminMail().setState(proto::DispatcherState::BROKEN);
  EXPECT_TRUE(contains(page(), "<p>mail broken by relay"));
  status.getAdminMail().setEnabled(false);
  EXPECT_FALSE(contains(page(), "by relay"));
}

TEST_F(PageTest, DoesNotCountWhatCannotBeSeenInAQueueThatIsAway) {
  prepare("queue-away", status);
  EXPECT_TRUE(
      contains(page(), "<dt>waiting</dt><dd class=\"count\">?</dd><dd class=\"rest\">postgresql: away</dd>"));
  EXPECT_TRUE(contains(page(), "<dt>held</dt><dd class=\"count\">?</dd>"));
}

TEST_F(PageTest, ShowsTheWordsOfADaemonThatReportsNoFindings) {
  status.initTroubles(1).set(0, "no dispatcher can be used");
  EXPECT_TRUE(contains(page(), "<p class=\"what\">no dispatcher can be used</p>"));
}

TEST_F(PageTest, IsBoundedWhateverTheStatusHolds) {
  const std::string longest(20'000, '"');
  status.setVersion(longest.c_str());
  auto dispatchers = status.initDispatchers(1000);
  for (auto one : dispatchers) one.setName(longest.c_str()), one.setKind(longest.c_str());
  auto findings = status.initFindings(1000);
  for (auto one : findings)
    one.setWhat(longest.c_str()), one.setNext(longest.c_str()), one.setWhen(longest.c_str());
  auto queue = status.initQueue();
  queue.setBackend(longest.c_str());
  for (auto one : queue.initIgnoredLastDay(1000)) one.setWhy(longest.c_str());
  auto others = queue.initOthers(1000);
  for (unsigned i = 0; i < others.size(); ++i) others.set(i, longest.c_str());
  status.initAdminMail().setEnabled(true);
  status.getAdminMail().setDispatcher(longest.c_str());
  EXPECT_LE(page().size(), longestPage);
  EXPECT_TRUE(contains(page(), "and 993 more dispatchers: "));
  EXPECT_TRUE(contains(page(), "and 960 more dispatchers: "));
  EXPECT_TRUE(contains(page(), "and 988 more findings: "));
}

TEST_F(PageTest, ShowsOnTheWallTheDispatchersThatAreNotReadyAndThenTheOthersInTheirOrder) {
  auto list = status.initDispatchers(12);
  for (unsigned i = 0; i < 12; ++i) {
    list[i].setName(fmt::format("d{}", i));
    list[i].setState(i == 5 || i == 11 ? proto::DispatcherState::BROKEN : proto::DispatcherState::READY);
  }
  const std::string html = page();
  for (unsigned i = 0; i < 12; ++i) {
    const bool wall = i < 6 || i == 11;
    EXPECT_TRUE(
        contains(html, fmt::format("<tr{}><th scope=\"row\">d{}<", wall ? "" : " class=\"extra\"", i)))
        << i;
  }
  EXPECT_TRUE(contains(html, "and 5 more dispatchers: "));
}

TEST(Shortened, HasAtMostSevenCharacters) {
  const std::pair<std::uint64_t, const char*> table[] = {{0, "0"},
                                                         {999, "999"},
                                                         {1000, "1,000"},
                                                         {999'999, "999,999"},
                                                         {1'000'000, "1.0 M"},
                                                         {1'250'000, "1.2 M"},
                                                         {99'949'999, "99.9 M"},
                                                         {100'000'000, "100 M"},
                                                         {999'999'999, "999 M"},
                                                         {1'000'000'000, "1.0 G"},
                                                         {UINT64_MAX, "18.4 E"}};
  for (const auto& [count, expected] : table) EXPECT_EQ(shortened(count), expected);
  EXPECT_EQ(shortened(100'000, 99'999), "100 k");
  EXPECT_EQ(shortened(999'999, 99'999), "999 k");
}

StatusFinding finding(std::size_t letters, const std::string& next = "") {
  return {StatusFinding::Rank::cause, std::string(letters, 'x'), {}, next};
}

TEST(LinesOnWall, GiveThePlaceToTheFirstOnes) {
  const std::string command(30, 'c'), longCommand(70, 'c');
  const std::pair<std::vector<StatusFinding>, std::vector<std::size_t>> table[] = {
      {{finding(10)}, {1}},
      {{finding(1000)}, {8}},
      {{finding(100), finding(100)}, {3, 3}},
      {{finding(300, longCommand), finding(300, longCommand)}, {7, 2}},
      {{finding(100, longCommand), finding(100, longCommand), finding(100, longCommand)}, {3, 2, 2}},
      {{finding(100, longCommand), finding(100, longCommand), finding(100, longCommand), finding(10)},
       {2, 2, 2}},
      {std::vector<StatusFinding>(8, finding(10, command)), {1, 1, 1, 1, 1}},
      {{}, {}},
  };
  for (const auto& [findings, lines] : table) EXPECT_EQ(linesOnWall(findings), lines);
}

TEST(LinesOnWall, NeverNeedMoreThanThereIs) {
  for (std::size_t count = 2; count < 30; ++count)
    for (std::size_t letters : {1, 40, 90, 400})
      for (std::size_t ofCommand : {0, 20, 100}) {
        const auto lines =
            linesOnWall(std::vector<StatusFinding>(count, finding(letters, std::string(ofCommand, 'c'))));
        double height = lines.size() < count ? 1.25 : 0;
        for (const auto one : lines)
          height += 1.25 * static_cast<double>(one + (ofCommand == 0 ? 0 : ofCommand == 20 ? 1 : 2)) + .6;
        EXPECT_LE(height, 18.3) << count << ' ' << letters << ' ' << ofCommand;
        EXPECT_FALSE(lines.empty());
      }
}

}  // namespace
}  // namespace smsd::exporter
