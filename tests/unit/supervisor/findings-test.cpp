// SPDX-License-Identifier: GPL-3.0-or-later
// What `smsctl status` and `systemctl status` find wrong: the words, how bad it is, since when, and the
// command to type.
#include "supervisor/control/findings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace smsd::control {
namespace {

using keeper::State;
using keeper::Trouble;

constexpr const char* ranks[] = {"unhealthy", "cause", "decision", "attention", "news"};

DispatcherPicture dispatcher(const std::string& name, State state = State::ready,
                             Trouble trouble = Trouble::none, const std::string& reason = "") {
  DispatcherPicture one;
  one.name = name;
  one.state = state;
  one.trouble = trouble;
  one.reason = reason;
  one.since = 70s;
  one.doubtful = state != State::ready;
  return one;
}

/// A daemon with two dispatchers that does its work.
Picture healthy() {
  Picture picture;
  picture.queueFolder = "/var/lib/smsd";
  picture.looked = Picture::Looked::yes;
  picture.dispatchers = {dispatcher("gateway"), dispatcher("modem")};
  picture.sent = 1204;
  return picture;
}

std::string shown(const Finding& finding) {
  std::string text = fmt::format("{}: {}", ranks[static_cast<std::size_t>(finding.rank)], finding.what);
  if (finding.since) text += fmt::format(" [{}]", finding.since->count());
  if (!finding.next.empty()) text += " $ " + finding.next;
  if (!finding.when.empty()) text += " # " + finding.when;
  return text;
}

std::vector<std::string> shown(const Picture& picture) {
  std::vector<std::string> all;
  for (const auto& one : findingsOf(picture)) all.push_back(shown(one));
  return all;
}

struct Case {
  const char* name;
  std::function<void(Picture&)> change;
  std::vector<std::string> expected;
};

void becomes(Picture& picture, std::size_t i, State state, Trouble trouble, const std::string& reason) {
  picture.dispatchers[i] = dispatcher(picture.dispatchers[i].name, state, trouble, reason);
}

const std::vector<Case> cases = {
    {"nothing is wrong", [](Picture&) {}, {}},
    {"the queue is away",
     [](Picture& p) {
       p.away = "no connection";
       p.awayFor = 250s;
     },
     {"unhealthy: the queue cannot be reached: no connection [250] $ smsctl db check"}},
    {"the disk of the queue is full",
     [](Picture& p) {
       p.strain = "the disk is full";
       p.strainedFor = 70s;
     },
     {"unhealthy: the queue: the disk is full [70] $ df -h /var/lib/smsd"}},
    {"the folder of the queue has a blank in its name",
     [](Picture& p) {
       p.strain = "the disk is full";
       p.queueFolder = "/my queue";
     },
     {"unhealthy: the queue: the disk is full $ df -h '/my queue'"}},
    {"a heartbeat is missing",
     [](Picture& p) {
       p.heartbeats.push_back({.name = "backup", .known = true, .lastAgo = 1s});
       p.heartbeats.push_back({.name = "nav", .known = true, .lastAgo = 15min, .missingFor = 8500ms});
       p.heartbeats.push_back({.name = "never", .known = true, .missingFor = 1s});
     },
     {"attention: the heartbeat nav is missing, the last one came 15m ago: does the program that sends it "
      "still "
      "run? [8] $ smsctl heartbeat # after its repair, to see that it comes",
      "attention: the heartbeat never is missing: does the program that sends it still run? [1] $ smsctl "
      "heartbeat "
      "# after its repair, to see that it comes"}},
    {"no heartbeat is watched",
     [](Picture& p) {
       p.heartbeats.push_back({.name = "nav"});
       p.heartbeatsProblem = "this queue keeps no heartbeats";
     },
     {"attention: no heartbeat is watched: this queue keeps no heartbeats $ smsctl db check"}},
    {"pace is on, and the schema is older",
     [](Picture& p) {
       p.paces = Picture::Paces::notKept;
       p.schema = {.installed = 6, .known = 7, .used = 6};
     },
     {"attention: pace.window is set, but nothing is paced: the schema of the queue is too old $ smsctl db "
      "install # as its owner",
      "news: the schema of the queue has version 6, smsd knows 7 $ smsctl db install # as its owner"}},
    {"pace is on, and another supervisor or the queue does not know it",
     [](Picture& p) { p.paces = Picture::Paces::notKept; },
     {"attention: pace.window is set, but nothing is paced: the queue, or another supervisor of it, does not "
      "know how $ smsctl db check"}},
    {"messages wait as paced, and a dispatcher has not answered its last SMS",
     [](Picture& p) {
       p.depth.unsent = p.depth.paced = 2;
       for (auto& one : p.dispatchers) one.doubtful = true;
     },
     {}},
    {"NAV's own smsd runs",
     [](Picture& p) {
       p.otherSettler = "NAV's own smsd is connected";
       p.otherSettlerFor = 30s;
     },
     {"unhealthy: NAV's own smsd is connected [30] $ nav stop smsd # on the host of NAV"}},
    {"notifications do not arrive",
     [](Picture& p) {
       p.bell = queue::Bell::State::silent;
       p.bellProblem = "a pooler drops them";
       p.bellStateFor = 60s;
     },
     {"unhealthy: new messages wait for the next poll: a pooler drops them [60] $ systemctl restart smsd # "
      "after "
      "its repair"}},
    {"nothing notifies",
     [](Picture& p) {
       p.bell = queue::Bell::State::unannounced;
       p.bellProblem = "smsq has no trigger";
     },
     {"attention: new messages wait for the next poll: smsq has no trigger $ smsctl db install --notify # as "
      "the owner of "
      "smsq"}},
    {"no dispatcher can be used",
     [](Picture& p) {
       p.withoutDispatcher = 12s;
       becomes(p, 0, State::broken, Trouble::sickness, "rejects the credentials (401)");
       becomes(p, 1, State::resting, Trouble::gateway, "no network");
     },
     {"unhealthy: no dispatcher can be used [12]",
      "cause: gateway is broken: rejects the credentials (401) [70] $ smsctl reload && smsctl dispatcher "
      "restart gateway # after its repair",
      "cause: modem is resting: no network [70] $ smsctl dispatcher resume modem # after its repair"}},
    {"the only dispatchers still start",
     [](Picture& p) {
       p.dispatchers.pop_back();
       becomes(p, 0, State::starting, Trouble::worker, "");
     },
     {"unhealthy: no dispatcher can be used"}},
    {"one dispatcher of two is broken",
     [](Picture& p) { becomes(p, 0, State::broken, Trouble::sickness, "no SIM"); },
     {"attention: gateway is broken: no SIM [70] $ smsctl reload && smsctl dispatcher restart gateway # "
      "after "
      "its repair"}},
    {"only a fresh process of systemd's reads its file",
     [](Picture& p) {
       becomes(p, 0, State::resting, Trouble::worker, "unknown key 'ulr'");
       p.dispatchers[0].activation = config::Activation::socket;
     },
     {"attention: gateway is resting: unknown key 'ulr' [70] $ smsctl dispatcher restart gateway # after its "
      "repair"}},
    {"one is paused",
     [](Picture& p) { becomes(p, 1, State::paused, Trouble::none, "paused by the operator"); },
     {"attention: modem is paused by an operator [70] $ smsctl dispatcher resume modem"}},
    {"messages wait, and none has answered",
     [](Picture& p) {
       for (auto& one : p.dispatchers) one.doubtful = true;
       p.dispatchers[0].reason = "refused the connection";
       p.dispatchers[0].troubleAgo = 3s;
       p.depth.unsent = 1;
     },
     {"unhealthy: messages wait, and no dispatcher has answered the last SMS that it was given",
      "cause: gateway has not answered its last SMS: refused the connection [3] $ smsctl reload && smsctl "
      "dispatcher restart gateway # after its repair"}},
    {"none has answered, and only held messages wait",
     [](Picture& p) {
       for (auto& one : p.dispatchers) one.doubtful = true;
       p.depth.unsent = p.depth.held = 2;
     },
     {"decision: 2 messages may have been sent, and are held until you decide $ smsctl queue held"}},
    {"messages are held for a day",
     [](Picture& p) {
       p.depth.unsent = p.depth.held = 1;
       p.depth.oldestHeld = 86400s;
     },
     {"decision: 1 message may have been sent, and is held until you decide [86400] $ smsctl queue held"}},
    {"one was restarted without a repair",
     [](Picture& p) {
       p.dispatchers[0].retried = true;
       p.dispatchers[0].reason = "rejects the credentials (401)";
       p.dispatchers[0].troubleAgo = 90s;
     },
     {"attention: gateway has sent nothing since it was restarted; its last failure: rejects the credentials "
      "(401) [90] $ smsctl reload && smsctl dispatcher restart gateway # after its repair"}},
    {"a worker ends again and again",
     [](Picture& p) {
       becomes(p, 0, State::resting, Trouble::worker, "killed by signal 11");
       p.dispatchers[0].ends = {4, 95s};
     },
     {"attention: gateway is in a crash loop: its worker has ended 4 times in 1m 35s: killed by signal 11 "
      "[70] $ smsctl reload && smsctl dispatcher restart gateway # after its repair"}},
    {"a worker ends again and again, and works in between",
     [](Picture& p) {
       p.dispatchers[0].ends = {3, 60s};
       p.dispatchers[0].reason = "killed by signal 11";
       p.dispatchers[0].troubleAgo = 2s;
     },
     {"attention: gateway is in a crash loop: its worker has ended 3 times in 1m: killed by signal 11 [2] $ "
      "smsctl reload && smsctl dispatcher restart gateway # after its repair"}},
    {"a worker ended twice, and its dispatcher works",
     [](Picture& p) {
       p.dispatchers[0].ends = {2, 60s};
       p.dispatchers[0].reason = "killed by signal 11";
     },
     {}},
    {"a message is late",
     [](Picture& p) {
       p.depth.unsent = 3;
       p.depth.late = 61s;
     },
     {"unhealthy: a message waits for more than 1m [61] $ smsctl queue list"}},
    {"a message is nearly late", [](Picture& p) { p.depth.late = 60s; }, {}},
    {"the queue was not looked at yet",
     [](Picture& p) {
       p.looked = Picture::Looked::notYet;
       p.depth.late = 61s;
       p.depth.held = 1;
     },
     {}},
    {"a message was given up",
     [](Picture& p) {
       p.lost = Lost{1, "no such number", 7200s, 17};
     },
     {"decision: 1 message was not sent in the last 24 h (counted since smsd started). Latest: no such "
      "number "
      "[7200] $ smsctl explain 17"}},
    {"messages expired",
     [](Picture& p) {
       p.lost = Lost{1200, "it was older than queue.expire_after", 5s, 0};
     },
     {"decision: 1,200 messages were not sent in the last 24 h (counted since smsd started). Latest: "
      "it was older than queue.expire_after [5] $ smsctl queue list --status I"}},
    {"a canary was not accepted",
     [](Picture& p) {
       p.dispatchers[1].canary = CanaryFailure{"refused", "no such number", 7200s};
     },
     {"attention: the canary of modem was refused: no such number [7200] $ smsctl canary run modem # after "
      "its repair"}},
    {"a dispatcher that a canary found broken",
     [](Picture& p) {
       becomes(p, 1, State::broken, Trouble::sickness, "no SIM");
       p.dispatchers[1].canary = CanaryFailure{"broken", "no SIM", 60s};
     },
     {"attention: modem is broken: no SIM [70] $ smsctl reload && smsctl dispatcher restart modem # after "
      "its "
      "repair",
      "attention: the canary of modem was broken: no SIM [60] $ smsctl reload && smsctl dispatcher restart "
      "modem "
      "&& smsctl canary run modem # after its repair"}},
    {"a dispatcher that rests when its canary is due",
     [](Picture& p) {
       becomes(p, 1, State::resting, Trouble::gateway, "dead");
       p.dispatchers[1].canary = CanaryFailure{"not tried", "it is resting", 60s};
     },
     {"attention: modem is resting: dead [70] $ smsctl dispatcher resume modem # after its repair",
      "attention: the canary of modem was not tried: it is resting [60] $ smsctl dispatcher resume modem && "
      "smsctl "
      "canary run modem # after its repair"}},
    {"a limit of the day is reached",
     [](Picture& p) { p.dispatchers[0].usedUp = true; },
     {"attention: gateway has used up its SMS of today (per_day, reserve) $ smsctl reload # after you have "
      "raised per_day"}},
    {"the state cannot be written",
     [](Picture& p) {
       p.stateFolder = FolderTrouble{"it is read-only", "findmnt --target /x"};
     },
     {"attention: it is read-only $ findmnt --target /x"}},
    {"no mail is accepted",
     [](Picture& p) {
       p.mailDown = MailPicture{"mail", "refused", 9s};
     },
     {"attention: no mail to the administrators: refused [9] $ smsctl dispatcher restart mail # after its "
      "repair; it tries a mail at once"}},
    {"answers were not understood",
     [](Picture& p) {
       p.dispatchers[0].notUnderstood = 2;
       p.dispatchers[0].lastNotUnderstood = "200 with 'queued'";
     },
     {"attention: gateway: its configuration did not cover 2 answers, the last one: 200 with 'queued' $ "
      "smsctl "
      "reload # after you have corrected it"}},
    {"a worker is of another build",
     [](Picture& p) { p.dispatchers[1].otherBuild = "smsd-worker 0.9"; },
     {"attention: modem: its worker is of another build than smsd: smsd-worker 0.9 $ smsctl dispatcher "
      "restart "
      "modem # after you have upgraded its package"}},
    {"an upgrade of the schema is due",
     [](Picture& p) { p.schema = {.installed = 4, .known = 5, .used = 4}; },
     {"news: the schema of the queue has version 4, smsd knows 5 $ smsctl db install # as its owner"}},
    {"another supervisor is older",
     [](Picture& p) { p.schema = {.installed = 5, .known = 5, .used = 4}; },
     {"news: the schema of the queue has version 5, of which smsd uses 4 until every supervisor is "
      "upgraded"}},
    {"the clock was stepped",
     [](Picture& p) {
       p.happened = {{"the database's clock was stepped back by 2h", 60s}};
     },
     {"news: the database's clock was stepped back by 2h [60]"}},
};

TEST(Findings, AreAsTheTableHasThem) {
  for (const auto& one : cases) {
    Picture picture = healthy();
    one.change(picture);
    EXPECT_EQ(shown(picture), one.expected) << one.name;
    EXPECT_EQ(isHealthy(findingsOf(picture)),
              one.expected.empty() || !one.expected[0].starts_with("unhealthy"))
        << one.name;
  }
}

TEST(Findings, BeginWithTheWorst) {
  Picture picture = healthy();
  picture.happened = {{"the clock was stepped", 1s}};
  becomes(picture, 0, State::resting, Trouble::gateway, "dead");
  picture.lost = Lost{1, "why", 1s, 1};
  picture.depth.held = picture.depth.unsent = 1;
  picture.bell = queue::Bell::State::unannounced;
  becomes(picture, 1, State::resting, Trouble::gateway, "dead, too");
  std::vector<Rank> ranks;
  for (const auto& one : findingsOf(picture)) ranks.push_back(one.rank);
  EXPECT_EQ(ranks, (std::vector<Rank>{Rank::unhealthy, Rank::cause, Rank::cause, Rank::decision,
                                      Rank::decision, Rank::attention, Rank::news}));
}

TEST(Findings, FollowTheConfiguredBoundOfALateMessage) {
  Picture picture = healthy();
  picture.depth.late = 5s;
  picture.lateAfter = 4s;
  EXPECT_EQ(
      shown(picture),
      (std::vector<std::string>{"unhealthy: a message waits for more than 4s [5] $ smsctl queue list"}));
}

TEST(StatusLine, SaysTheSameInOneLineWithoutTimes) {
  Picture picture = healthy();
  picture.underWay = 3;
  EXPECT_EQ(lineOf(picture), "healthy: 2 of 2 dispatchers ready, 3 under way, 1,204 sent");
  becomes(picture, 0, State::resting, Trouble::gateway, "no\nanswer");
  picture.happened = {{"the clock was stepped", 1s}};
  EXPECT_EQ(lineOf(picture),
            "healthy: 1 of 2 dispatchers ready, 3 under way, 1,204 sent; gateway is resting: no answer");
  picture.away = "gone";
  picture.awayFor = 5s;
  const auto line = lineOf(picture);
  EXPECT_EQ(
      line,
      "NOT HEALTHY: 1 of 2 dispatchers ready, 3 under way, 1,204 sent; the queue cannot be reached: gone; "
      "gateway is resting: no answer");
  picture.awayFor = 6s;
  EXPECT_EQ(lineOf(picture), line);
  picture.away = std::string(1000, 'x');
  EXPECT_LT(lineOf(picture).size(), 400u) << "systemd's line has a bound";
}

TEST(StatusLine, HasABoundHoweverManyDispatchersAreInTrouble) {
  Picture picture = healthy();
  picture.dispatchers.clear();
  for (int i = 0; i < 60; ++i)
    picture.dispatchers.push_back(dispatcher(fmt::format("gateway-{}", i), State::resting, Trouble::gateway,
                                             "the connection was refused, and so on, and so on"));
  const auto line = lineOf(picture);
  EXPECT_LT(line.size(), 850u);
  EXPECT_TRUE(line.starts_with("NOT HEALTHY: 0 of 60 dispatchers ready")) << line;
  const auto at = line.rfind("; and ");
  ASSERT_NE(at, std::string::npos) << line;
  const auto named = std::count(line.begin(), line.end(), ';') - 2;  // without the first, and this one
  EXPECT_EQ(line.substr(at), fmt::format("; and {} more", 60 - named));
}

}  // namespace
}  // namespace smsd::control
