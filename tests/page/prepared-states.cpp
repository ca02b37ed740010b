// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/page/prepared-states.h"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

namespace smsd::exporter {
namespace {

using Status = proto::Status::Builder;
using State = proto::DispatcherState;
using Rank = proto::Trouble::Rank;

struct Row {
  const char* name;
  const char* kind;
  State state;
  std::uint64_t since;
  std::uint64_t accepted;
};

struct Said {
  Rank rank;
  const char* what;
  std::uint64_t since;  // 0: not known
  const char* next;
  const char* when;
};

void put(Status status, const std::vector<Row>& rows) {
  auto list = status.initDispatchers(static_cast<unsigned>(rows.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    list[i].setName(rows[i].name);
    list[i].setKind(rows[i].kind);
    list[i].setState(rows[i].state);
    list[i].setSince(rows[i].since);
    list[i].setAccepted(rows[i].accepted);
    list[i].setBroken(rows[i].state == State::READY ? 0 : 12);
  }
}

void put(Status status, const std::vector<Said>& said) {
  auto list = status.initFindings(static_cast<unsigned>(said.size()));
  status.setHealthy(true);
  for (unsigned i = 0; i < said.size(); ++i) {
    list[i].setRank(said[i].rank);
    list[i].setWhat(said[i].what);
    list[i].setSinceKnown(said[i].since > 0);
    list[i].setSince(said[i].since);
    list[i].setNext(said[i].next);
    list[i].setWhen(said[i].when);
    if (said[i].rank == Rank::UNHEALTHY) status.setHealthy(false);
  }
}

void ignoredFor(Status status, const std::vector<std::pair<const char*, std::uint64_t>>& reasons) {
  auto list = status.getQueue().initIgnoredLastDay(static_cast<unsigned>(reasons.size()));
  for (unsigned i = 0; i < reasons.size(); ++i) {
    list[i].setWhy(reasons[i].first);
    list[i].setCount(reasons[i].second);
  }
}

void wait(Status status, std::uint64_t unsent, std::uint64_t oldest, int severity, std::uint64_t held) {
  auto queue = status.getQueue();
  queue.setUnsent(unsent);
  queue.setOldest(oldest);
  queue.setOldestSeverity(severity);
  queue.setHeld(held);
  queue.setUnderWay(unsent > 0 ? 2 : 0);
}

void healthy(Status status) {
  status.setVersion("1.4.0");
  status.setPid(4711);
  status.setUpFor(1'987'200);
  status.setHealthy(true);
  auto queue = status.initQueue();
  queue.setBackend("postgresql");
  queue.setReachable(true);
  queue.setSent(18'204);
  queue.setSentLastMinute(1);
  queue.setSentLastHour(37);
  queue.initOthers(1).set(0, "nms2[2188]");
  auto mail = status.initAdminMail();
  mail.setEnabled(true);
  mail.setDispatcher("relay");
  mail.setState(State::READY);
  mail.setSentEver(true);
  mail.setSentAgo(54'000);
  mail.setInterval(600);
  put(status, {{"gateway", "http", State::READY, 1'987'100, 17'951},
               {"second-gateway", "soap", State::READY, 604'900, 211},
               {"modem1", "gammu", State::READY, 93'600, 42},
               {"modem2", "gammu", State::READY, 1'987'000, 0}});
}

void gatewayDead(Status status) {
  healthy(status);
  wait(status, 12, 250, 1, 0);
  put(status,
      {{"gateway", "http", State::RESTING, 250, 17'951}, {"modem1", "gammu", State::STARTING, 31, 42}});
  put(status,
      {{Rank::UNHEALTHY, "no dispatcher can be used", 250, "", ""},
       {Rank::CAUSE, "gateway is resting: connecting to gateway.example.org:443 failed: connection refused",
        250, "smsctl dispatcher resume gateway", "after its repair"},
       {Rank::CAUSE, "modem1 is starting: /dev/serial/by-id/usb-Huawei_HUAWEI_Mobile-if00 is not there", 31,
        "smsctl reload && smsctl dispatcher restart modem1", "after its repair"}});
}

void decision(Status status) {
  healthy(status);
  wait(status, 5, 4210, 3, 3);
  ignoredFor(status, {{"every dispatcher refused it", 3}, {"its text is empty", 1}});
  put(status, {{Rank::DECISION, "3 messages may have been sent, and are held until you decide", 0,
                "smsctl queue held", ""},
               {Rank::ATTENTION, "second-gateway has used up its SMS of today (per_day, reserve)", 0,
                "smsctl reload", "after you have raised per_day"}});
}

void oneTrouble(Status status) {
  healthy(status);
  status.getQueue().setReachable(false);
  put(status, {{Rank::UNHEALTHY,
                "the queue cannot be reached: db.example.org:5432 does not answer: connection timed out; "
                "smsd keeps the "
                "outcomes that it has, hands over nothing, and tries to connect again every 5 s",
                7'300, "smsctl db check", ""}});
}

/// As much as a screen on the wall has to show without scrolling.
void full(Status status) {
  healthy(status);
  wait(status, 100'000, 172'000, 1, 1'204);
  auto queue = status.getQueue();
  queue.setUnderWay(999'999);
  queue.setSent(18'446'744'073'709'551'615ull);
  queue.setSentLastMinute(54'321);
  queue.setSentLastHour(3'259'260);
  ignoredFor(status, {{"no dispatcher accepted it in all rounds of retry.limit; last answer: refused (the "
                       "subscriber is unknown)",
                       12'345},
                      {"expired", 30},
                      {"its text is empty", 9},
                      {"its number is invalid", 3},
                      {"discarded", 1}});
  put(status, {{"gateway-of-the-first-provider", "http", State::BROKEN, 172'000, 1'234'567},
               {"gateway-two", "soap", State::RESTING, 86'399, 999'999},
               {"mail-to-sms", "mail", State::PAUSED, 59, 7},
               {"own-program", "command", State::STARTING, 3, 0},
               {"modem-oslo", "gammu", State::READY, 863'999, 12},
               {"modem-tromso", "gammu", State::READY, 863'999, 12},
               {"pager", "pager-of-the-house", State::READY, 863'999, 12},
               {"debug", "debug", static_cast<State>(99), 863'999, 12}});
  const char* gateway =
      "gateway-of-the-first-provider is broken: https://gateway.example.org/messages rejects the credentials "
      "(401 "
      "Unauthorized: the account is closed, write to the sales department): correct them in its file";
  std::vector<Said> said{{Rank::UNHEALTHY, gateway, 172'000,
                          "smsctl reload && smsctl dispatcher restart gateway-of-the-first-provider",
                          "after its repair"}};
  for (int i = 0; i < 20; ++i)
    said.push_back({i < 15 ? Rank::CAUSE : Rank::NEWS, gateway, 172'000, said[0].next, said[0].when});
  put(status, said);
  auto others = queue.initOthers(12);
  for (unsigned i = 0; i < others.size(); ++i)
    others.set(i, fmt::format("alert-server-{}.example.org[{}]", i, 4'194'000 + i));
}

void eight(Status status) {
  healthy(status);
  put(status, {{"gateway", "http", State::READY, 1'987'100, 917'951},
               {"second-gateway", "soap", State::READY, 604'900, 211},
               {"mail-to-sms", "mail", State::READY, 604'900, 7},
               {"own-program", "command", State::PAUSED, 3'700, 1'234'567},
               {"modem-oslo", "gammu", State::READY, 93'600, 42},
               {"modem-bergen", "gammu", State::STARTING, 12, 0},
               {"modem-trondheim", "gammu", State::READY, 86'399, 0},
               {"modem-tromso", "gammu", State::READY, 172'799, 0}});
}

void crowd(Status status) {
  full(status);
  auto list = status.initDispatchers(60);
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setName(fmt::format("dispatcher-{}", i));
    list[i].setKind("http");
    list[i].setState(i == 41 || i == 59 ? State::BROKEN : State::READY);
    list[i].setSince(60 * i);
  }
}

void empty(Status) {}

const std::vector<std::pair<std::string, std::function<void(Status)>>>& table() {
  static const std::vector<std::pair<std::string, std::function<void(Status)>>> states{
      {"healthy", healthy},   {"gateway-dead", gatewayDead},
      {"decision", decision}, {"queue-away", oneTrouble},
      {"eight", eight},       {"full", full},
      {"crowd", crowd},       {"empty", empty}};
  return states;
}

}  // namespace

std::vector<std::string> preparedStates() {
  std::vector<std::string> names;
  for (const auto& [name, fill] : table()) names.push_back(name);
  return names;
}

bool prepare(const std::string& name, Status status) {
  for (const auto& [known, fill] : table())
    if (known == name) {
      fill(status);
      return true;
    }
  return false;
}

void fillWith(const std::string& text, Status status) {
  healthy(status);
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  put(status, {{text.c_str(), text.c_str(), State::BROKEN, most, most},
               {text.c_str(), text.c_str(), State::READY, most, most}});
  put(status, {{Rank::UNHEALTHY, text.c_str(), most, text.c_str(), text.c_str()},
               {Rank::NEWS, text.c_str(), most, text.c_str(), text.c_str()}});
  ignoredFor(status, {{text.c_str(), most}, {text.c_str(), 1}});
  wait(status, most, most, std::numeric_limits<std::int32_t>::min(), most);
  status.setVersion(text.c_str());
  auto queue = status.getQueue();
  queue.setBackend(text.c_str());
  queue.initOthers(2).set(0, text.c_str());
  queue.getOthers().set(1, text.c_str());
  status.getAdminMail().setDispatcher(text.c_str());
}

}  // namespace smsd::exporter
