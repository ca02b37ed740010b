// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of the move from NAV: a host in each row.
#include "supervisor/smsctl/nav-move/move-plan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace smsd::smsctl::move {
namespace {

/// A host with NAV's smsd running, systemd, and a database of its own.
HostFacts fresh() {
  HostFacts facts;
  facts.navFolder = "/etc/nav";
  facts.config = "/etc/smsd/smsd.yaml";
  facts.files = {{placeOf("gateway.yaml", "/etc/smsd"), "url: x\n"},
                 {placeOf("gateway.pass", "/etc/smsd"), "canary\n"},
                 {placeOf("smsd.yaml", "/etc/smsd"), "queue:\n"}};
  facts.dispatchers = {{"gateway", "http", true, true, {"gateway.pass"}}};
  facts.dropIns = dropInsOf(facts.dispatchers, facts.config, "/etc/systemd/system");
  facts.systemd = facts.hasTarget = true;
  facts.daemonsFile = "/etc/nav/daemons.yml";
  facts.listed = {"smsd"};
  facts.nav = "/usr/sbin/nav";
  facts.navSmsd = {42};
  return facts;
}

/// The same host after the move.
HostFacts moved() {
  HostFacts facts = fresh();
  facts.existing = HostFacts::Existing::ofNav;
  for (auto* files : {&facts.files, &facts.dropIns})
    for (auto& file : *files) file.state = Placing::inPlace;
  facts.smsdRuns = facts.unitsStarted = facts.takenOut = true;
  facts.listed = {};
  facts.navSmsd = {};
  return facts;
}

std::string linesOf(const std::vector<Step>& steps) {
  std::string lines;
  for (const auto& step : steps) lines += step.name + (step.done ? " (done): " : ": ") + step.shown + "\n";
  return lines;
}

std::string namesToDo(const std::vector<Step>& steps) {
  std::string names;
  for (const auto& step : steps)
    if (!step.done)
      names += (names.empty() ? "" : " ") + step.name + (step.deed == Deed::impossible ? "!" : "");
  return names;
}

TEST(MovePlan, AFreshHostNeedsEveryStepInThisOrder) {
  HostFacts facts = fresh();
  facts.testNumber = "+4799887766";
  EXPECT_EQ(linesOf(planMove(facts)),
            "import: write /etc/smsd/dispatchers/gateway.yaml (root:smsd, mode 0640), "
            "/etc/smsd/dispatchers/gateway.pass "
            "(root:smsd, mode 0640), /etc/smsd/smsd.yaml (root:smsd, mode 0640)\n"
            "activation: start the workers as smsd.yaml has it: gateway: socket (systemd runs, and the units "
            "smsd-http@ "
            "are installed); their secrets are credentials of their units: write "
            "/etc/systemd/system/smsd-http@gateway.service.d/secrets.conf (root:root, mode 0644)\n"
            "reload-units: systemctl daemon-reload\n"
            "database: smsctl --config /etc/smsd/smsd.yaml db install --indexes --notify --role smsd --grant "
            "--as postgres\n"
            "check: runuser -u smsd -- smsd --config /etc/smsd/smsd.yaml --check\n"
            "check-database: runuser -u smsd -- smsctl --config /etc/smsd/smsd.yaml db check\n"
            "stop-nav: /usr/sbin/nav stop smsd, then SIGTERM to process 42 if it still runs\n"
            "take-out: comment NAV's smsd out of /etc/nav/daemons.yml, and keep the old file as "
            "/etc/nav/daemons.yml.before-smsd\n"
            "gone: make sure that no NAV smsd runs on this host\n"
            "start: systemctl enable --now smsd-http@gateway.socket smsd.service\n"
            "test: smsctl --config /etc/smsd/smsd.yaml test +4799887766\n");
}

TEST(MovePlan, EachHostNeedsTheStepsThatAreLeft) {
  struct Row {
    const char* host;
    HostFacts facts;
    const char* toDo;
  };
  const auto with = [](HostFacts facts, auto change) {
    change(facts);
    return facts;
  };
  const Row rows[] = {
      {"moved", moved(), "database check check-database gone"},
      {"NAV's smsd was started by hand", with(moved(), [](auto& f) { f.navSmsd = {7}; }),
       "database check check-database stop-nav gone"},
      {"NAV's update brought the entry back", with(moved(), [](auto& f) { f.listed = {"smsd"}; }),
       "database check check-database take-out gone"},
      {"a file of the import was edited", with(moved(), [](auto& f) { f.files[0].state = Placing::differs; }),
       "database check check-database gone"},
      {"a file has a wrong owner", with(moved(), [](auto& f) { f.files[1].state = Placing::wrongOwner; }),
       "import database check check-database gone"},
      {"the first try ended after the import",
       with(fresh(), [](auto& f) { f.files[0].state = Placing::inPlace; }),
       "import activation reload-units database check check-database stop-nav take-out gone start"},
      {"a file with another content is in the way",
       with(fresh(), [](auto& f) { f.files[0].state = Placing::differs; }),
       "import! activation reload-units database check check-database stop-nav take-out gone start"},
      {"a smsd.yaml of another origin",
       with(fresh(), [](auto& f) { f.existing = HostFacts::Existing::ofAnother; }),
       "import! activation reload-units database check check-database stop-nav take-out gone start"},
      {"smsd runs, but its units are not enabled", with(moved(), [](auto& f) { f.unitsStarted = false; }),
       "database check check-database gone start"},
      {"a list that cannot be edited",
       with(moved(), [](auto& f) { f.listed = {"smsd"}, f.listEditable = false; }),
       "database check check-database take-out! gone"},
      {"no systemd",
       with(fresh(),
            [](auto& f) {
              f.systemd = f.dispatchers[0].bySystemd = false;
              f.dropIns = {};
            }),
       "import database check check-database stop-nav take-out gone start"},
  };
  for (const auto& row : rows) EXPECT_EQ(namesToDo(planMove(row.facts)), row.toDo) << row.host;
}

TEST(MovePlan, SmsdStartsOnlyAfterNavsSmsdIsGone) {
  for (const HostFacts& facts : {fresh(), moved()}) {
    const auto steps = planMove(facts);
    const auto place = [&](const char* name) {
      return std::ranges::find(steps, name, &Step::name) - steps.begin();
    };
    EXPECT_LT(place("check"), place("stop-nav"));
    EXPECT_LT(place("stop-nav"), place("take-out"));
    EXPECT_LT(place("take-out"), place("gone"));
    EXPECT_LT(place("gone"), place("start"));
    EXPECT_FALSE(steps[static_cast<std::size_t>(place("gone"))].done) << "it is looked at each time";
  }
}

TEST(MovePlan, WithoutSystemdAPersonStartsSmsd) {
  HostFacts facts = fresh();
  facts.systemd = facts.dispatchers[0].bySystemd = false;
  const auto steps = planMove(facts);
  EXPECT_EQ(steps.back().deed, Deed::person);
  EXPECT_EQ(steps.back().shown, "start smsd: runuser -u smsd -- smsd --config /etc/smsd/smsd.yaml");
  EXPECT_NE(linesOf(steps).find("gateway: spawn (no systemd runs here"), std::string::npos) << linesOf(steps);
}

TEST(MovePlan, AnotherHostsDatabaseIsPreparedAsNavsRole) {
  HostFacts facts = fresh();
  facts.databaseOwner = "";
  facts.ownRole = false;
  EXPECT_NE(linesOf(planMove(facts))
                .find("database: smsctl --config /etc/smsd/smsd.yaml db install --indexes --notify\n"),
            std::string::npos);
}

TEST(MovePlan, TheWayBackStopsSmsdFirst) {
  HostFacts facts = moved();
  EXPECT_EQ(linesOf(planWayBack(facts)),
            "stop: systemctl disable --now smsd.service smsd-http@gateway.socket smsd.target\n"
            "ended: make sure that no smsd listens at /run/smsd/operator/control.sock\n"
            "put-back: put NAV's smsd back into /etc/nav/daemons.yml\n"
            "start-nav: /usr/sbin/nav start smsd\n"
            "runs: make sure that NAV's smsd runs\n");
  facts.takenOut = facts.hasTarget = false;
  facts.listed = {"smsd"};
  facts.navSmsd = {7};
  EXPECT_EQ(namesToDo(planWayBack(facts)), "stop ended runs");
  EXPECT_EQ(planWayBack(facts)[0].shown, "systemctl disable --now smsd.service smsd-http@gateway.socket");
  facts.systemd = facts.dispatchers[0].bySystemd = false;
  facts.smsdRuns = false;
  EXPECT_EQ(namesToDo(planWayBack(facts)), "ended runs") << "smsd is looked for each time";
}

TEST(MovePlan, TheWayBackIsPossibleWhereNothingWasTakenOut) {
  HostFacts facts = moved();
  facts.takenOut = false;
  const auto deeds = [&]() {
    std::vector<Deed> result;
    for (const auto& step : planWayBack(facts)) result.push_back(step.deed);
    return result;
  };
  EXPECT_EQ(deeds(),
            (std::vector{Deed::run, Deed::confirmEnded, Deed::hint, Deed::person, Deed::confirmRuns}));
  EXPECT_EQ(
      planWayBack(facts)[2].shown,
      "/etc/nav/daemons.yml has no lines that smsctl took out: if `nav start` is to start NAV's smsd, add "
      "it by hand");
  EXPECT_EQ(planWayBack(facts)[3].shown, "start NAV's smsd as it was started before the move");
  facts.daemonsFile = "";  // an older NAV, which has no list
  EXPECT_EQ(deeds(), (std::vector{Deed::run, Deed::confirmEnded, Deed::hint, Deed::run, Deed::confirmRuns}));
  facts.nav = "";
  EXPECT_EQ(deeds(), (std::vector{Deed::run, Deed::confirmEnded, Deed::hint, Deed::person}));
}

TEST(MovePlan, NothingThatIsShownHoldsASecret) {
  EXPECT_EQ(linesOf(planMove(fresh())).find("canary"), std::string::npos);
  EXPECT_EQ(fresh().dropIns.at(0).content.find("canary"), std::string::npos);
}

TEST(MovePlan, TheTimeZonesHaveToAgreeIfMessagesExpire) {
  const std::string with = "host=/run/postgresql options='-c TimeZone=Europe/Oslo'", without = "dbname=nav";
  EXPECT_EQ(timeZoneAdvice("Europe/Oslo", with, true), "");
  EXPECT_EQ(timeZoneAdvice("Europe/Oslo", without, false), "");
  EXPECT_EQ(timeZoneAdvice("", without, true), "");
  EXPECT_NE(timeZoneAdvice("Europe/Oslo", without, true).find("Add options='-c TimeZone=Europe/Oslo'"),
            std::string::npos);
  EXPECT_NE(timeZoneAdvice("UTC", with, true), "");
}

TEST(ProgramCall, IsShownAsItWouldBeTyped) {
  EXPECT_EQ(typed({{"nav", "stop", "a b", "it's"}, ""}), "nav stop 'a b' 'it'\\''s'");
  EXPECT_EQ(typed({{"smsd", "--check"}, "smsd"}), "runuser -u smsd -- smsd --check");
}

TEST(ProgramCall, AnotherUserGetsNeitherTheTerminalNorTheDefaultsOfRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become nobody";
  const std::string alone =
      "read -r pid name state parent group session rest </proc/$$/stat; "
      "test \"$session\" = $$ && test \"$(readlink /proc/$$/fd/0)\" = /dev/null && test -z "
      "\"$PGHOSTADDR$HOME\"";
  setenv("PGHOSTADDR", "192.0.2.1", 1);
  setenv("PGOPTIONS", "-c role=nobody", 1);
  EXPECT_EQ(run({{"sh", "-c", alone}, "nobody"}), 0);
  const auto defaults = []() {
    return getenv("PGHOSTADDR") || getenv("PGOPTIONS") || getenv("HOME") ? 2 : 0;
  };
  EXPECT_EQ(runAs("nobody", defaults), 0);
  EXPECT_EQ(runAs("nobody", []() { return getsid(0) == getpid() && geteuid() != 0 ? 0 : 3; }), 0);
  unsetenv("PGHOSTADDR");
  unsetenv("PGOPTIONS");
}

TEST(Placing, EachFileHasItsPlaceAndItsOwner) {
  EXPECT_EQ(placeOf("groups.yaml", "/etc/smsd"), (FilePlace{"/etc/smsd/groups.yaml", Owner::readableBySmsd}));
  EXPECT_EQ(placeOf("smsd.yaml", "/etc/smsd"), (FilePlace{"/etc/smsd/smsd.yaml", Owner::readableBySmsd}));
  EXPECT_EQ(placeOf("nav.pgpass", "/etc/smsd"), (FilePlace{"/etc/smsd/nav.pgpass", Owner::smsd}));
  EXPECT_EQ(placeOf("modem.yaml", "/etc/smsd"),
            (FilePlace{"/etc/smsd/dispatchers/modem.yaml", Owner::readableBySmsd}));
  EXPECT_EQ(placeOf("gateway.password", "/etc/smsd").path, "/etc/smsd/dispatchers/gateway.password");
}

}  // namespace
}  // namespace smsd::smsctl::move
