// SPDX-License-Identifier: GPL-3.0-or-later
// NAV's configuration as smsd's: what each key becomes, and what is said of the rest.
#include "supervisor/smsctl/import-nav/import-nav.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/smsctl/import-nav/ini.h"
#include "supervisor/smsctl/import-nav/values.h"

namespace smsd::smsctl {
namespace {

using namespace std::chrono_literals;
using testing::Test;

const std::string debug = "[dispatcher]\ndispatcher1: DebugDispatcher\n[DebugDispatcher]\nresult=success\n";

NavImport import(const std::string& smsd, const std::string& nav = "", const std::string& db = "") {
  return importNav({smsd, nav, db}, "/etc/smsd");
}

std::string fileOf(const NavImport& import, const std::string& path) {
  for (const auto& file : import.files)
    if (file.path == path) return file.content;
  return "no file " + path;
}

std::string yamlOf(const std::string& main) { return fileOf(import("[main]\n" + main + debug), "smsd.yaml"); }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool anyHolds(const std::vector<std::string>& lines, const std::string& part) {
  for (const auto& line : lines)
    if (holds(line, part)) return true;
  return false;
}

std::string problemsOf(const std::string& smsd) { return config::describe(import(smsd).problems); }

TEST(ImportNav, NavsDefaultsAreOurs) {
  const std::string yaml = yamlOf("");
  for (const char* line :
       {"poll_interval: 30s", "expire_after: never", "transliterate: off", "  delay: 30s", "factor: 1.5",
        "max_delay: 1h", "limit: 5", "give_up_after: 0s  # NAV gives up by rounds alone", "at_limit: ignore",
        "all_broken: wait", "{name: debug, kind: debug, activation: spawn"})
    EXPECT_TRUE(holds(yaml, line)) << line << "\n" << yaml;
}

TEST(ImportNav, EachKeyOfMainHasItsPlace) {
  const std::string yaml = yamlOf(
      "delay: 45\ndelayfactor = 2.5\nmaxdelay:7200\nretrylimit: 0\nretrylimitaction: shutdown\nautocancel: 1 "
      "day 12 "
      "hours\nmailwarnlevel: WARNING\nmailaddr: noc@example.org\n");
  for (const char* line :
       {"poll_interval: 45s", "  delay: 45s", "factor: 2.5", "max_delay: 2h", "limit: 0",
        "at_limit: shutdown", "expire_after: 36h", "level: warning", "to: \"noc@example.org\""})
    EXPECT_TRUE(holds(yaml, line)) << line << "\n" << yaml;
}

// C11: NAV knew yes and true only; `on` and 1 were no.
TEST(ImportNav, YesIsYesInEachOfItsForms) {
  for (const char* word : {"yes", "true", "on", "1", "Yes", "ON"})
    EXPECT_TRUE(holds(yamlOf(std::string("exit_on_permanent_error: ") + word + "\n"), "all_broken: shutdown"))
        << word;
  for (const char* word : {"no", "false", "off", "0"})
    EXPECT_TRUE(holds(yamlOf(std::string("exit_on_permanent_error: ") + word + "\n"), "all_broken: wait"))
        << word;
  EXPECT_EQ(problemsOf("[main]\nexit_on_permanent_error: maybe\n" + debug),
            "smsd.conf:2: exit_on_permanent_error: expected yes or no\n");
}

// C16: NAV ended in a KeyError for a section that is not there.
TEST(ImportNav, ASectionThatIsMissingIsSaidByItsName) {
  EXPECT_EQ(problemsOf("[main]\n"),
            "smsd.conf: no section [dispatcher], expected one that names dispatcher1\n");
  EXPECT_EQ(problemsOf("[main]\n[dispatcher]\ndispatcher1: HttpGetDispatcher\n"),
            "smsd.conf:3: HttpGetDispatcher has no section [HttpGetDispatcher], expected one\n");
  const auto without = import(debug);
  EXPECT_TRUE(without.problems.empty());
  EXPECT_TRUE(anyHolds(without.notes, "no section [main]"));
}

// C15: of a dispatcher that could not be loaded NAV used the one before, or none. C17: which numbers it
// looked at depended on how many keys leaked into the section.
TEST(ImportNav, DispatchersAreTakenInTheirOrderWhateverTheNumbers) {
  const auto imported = import(
      "[main]\n[dispatcher]\ndispatcher99: GammuDispatcher\ndispatcher02: DebugDispatcher\ndispatcher1: "
      "OurOwnPlugin\n"
      "dispatcherX: DebugDispatcher\n[DebugDispatcher]\n");
  ASSERT_TRUE(imported.problems.empty()) << config::describe(imported.problems);
  const std::string yaml = fileOf(imported, "smsd.yaml");
  EXPECT_LT(yaml.find("name: debug"), yaml.find("name: modem")) << yaml;
  EXPECT_TRUE(anyHolds(imported.todo, "smsd has no kind for OurOwnPlugin"));
  EXPECT_TRUE(anyHolds(imported.todo, "smsd.conf:6: expected dispatcher1"));
  EXPECT_TRUE(anyHolds(imported.notes, "after 2 comes 99"));
  EXPECT_EQ(problemsOf("[main]\n[dispatcher]\ndispatcher1: OurOwnPlugin\n"),
            "smsd.conf: [dispatcher] names no dispatcher that smsd supports, expected at least one\n");
  EXPECT_TRUE(holds(problemsOf("[dispatcher]\ndispatcher1: DebugDispatcher\ndispatcher01: DebugDispatcher\n"),
                    "a second dispatcher1"));
}

// C35
TEST(ImportNav, ASlipIsSaidWithItsPlace) {
  EXPECT_TRUE(holds(yamlOf("retrylimitaction: Ignore\n"), "at_limit: ignore"));
  EXPECT_TRUE(
      anyHolds(import("[main]\ndelaay: 3\n" + debug).todo, "smsd.conf:2: delaay is not a key of NAV"));
  EXPECT_EQ(
      problemsOf("[main]\ndelay: soon\nretrylimit: -1\nretrylimitaction: explode\n" + debug),
      "smsd.conf:2: delay: expected a whole number of seconds\nsmsd.conf:3: retrylimit: expected a whole "
      "number\n"
      "smsd.conf:4: retrylimitaction: expected ignore or shutdown\n");
}

// C34
TEST(ImportNav, WhatIsOutOfBoundsBecomesTheNearestThatIsAndIsSaid) {
  const auto imported = import("[main]\ndelay: 60\nmaxdelay: 30\ndelayfactor: 0.1\n" + debug);
  const std::string yaml = fileOf(imported, "smsd.yaml");
  EXPECT_TRUE(holds(yaml, "  delay: 1m") && holds(yaml, "max_delay: 1m") && holds(yaml, "factor: 1\n"))
      << yaml;
  EXPECT_TRUE(anyHolds(imported.notes, "delayfactor is out of smsd's bounds"));
  EXPECT_TRUE(anyHolds(imported.notes, "maxdelay was shorter than delay"));
}

// C40: what was no interval ended NAV. C41: "0 days" cancelled everything at each start.
TEST(ImportNav, AutocancelIsAnIntervalOfPostgresqls) {
  EXPECT_TRUE(holds(yamlOf("autocancel: 0\n"), "expire_after: never"));
  EXPECT_TRUE(holds(yamlOf("autocancel: 0 days\n"), "expire_after: never"));
  EXPECT_TRUE(
      holds(problemsOf("[main]\nautocancel: tomorrow\n" + debug), "smsd.conf:2: autocancel: expected"));
  EXPECT_EQ(nav::interval("1 day 12 hours"), 36h);
  EXPECT_EQ(nav::interval("12:30"), 12h + 30min);
  EXPECT_EQ(nav::interval("1 day 00:00:30"), 24h + 30s);
  EXPECT_EQ(nav::interval("2 weeks"), 14 * 24h);
  EXPECT_EQ(nav::interval("90 min"), 90min);
  EXPECT_EQ(nav::interval("1.5 hours"), 90min);
  EXPECT_EQ(nav::interval("3600"), 1h);
  EXPECT_EQ(nav::interval("1day"), 24h);
  for (const char* word : {"", "day", "1 fortnight", "-1 day", "1 day ago", "12:99", "1e400 s", "P1D"})
    EXPECT_EQ(nav::interval(word), std::nullopt) << word;
}

TEST(ImportNav, AUrlGetsOurPlaceholdersAndItsSecretsFilesOfTheirOwn) {
  const auto url =
      nav::gatewayUrl("https://gw/send?user=me&pass=a%%20b%%2B&recv=%(phone)s&msg=%(sms)s&apikey=k1&Token=");
  EXPECT_EQ(url.url,
            "https://gw/send?user=me&pass={pass}&recv={recipient}&msg={text}&apikey={apikey}&Token=");
  ASSERT_EQ(url.secrets.size(), 2u);
  EXPECT_EQ(url.secrets[0].second, "a b+");
  EXPECT_TRUE(url.todo.empty());
  EXPECT_EQ(nav::gatewayUrl("http://gw/?key=x&to=%(phone)s&m=%(sms)s").secrets[0].first, "secret_key");
  EXPECT_TRUE(anyHolds(nav::gatewayUrl("http://gw/?a={b}").todo, "no %(phone)s"));
  EXPECT_EQ(nav::gatewayUrl("http://gw/?a={b}").url, "http://gw/?a=%7Bb%7D");
  // C65: NAV could not send through such a url at all.
  EXPECT_EQ(nav::gatewayUrl("http://gw/a%20b?to=%(phone)s&m=%(sms)s").url,
            "http://gw/a%20b?to={recipient}&m={text}");
  const auto user = nav::gatewayUrl("http://me:canary@gw/?to=%(phone)s&m=%(sms)s");
  EXPECT_EQ(user.url, "http://gw/?to={recipient}&m={text}");
  EXPECT_EQ(user.todo.size(), 1u);
}

TEST(ImportNav, AnUnknownPlaceholderStaysInTheUrlAsItIs) {
  const auto url = nav::gatewayUrl("http://gw/?x=%(other)s&to=%(phone)s&m=%(sms)s");
  EXPECT_EQ(url.url, "http://gw/?x=%(other)s&to={recipient}&m={text}");
  ASSERT_EQ(url.todo.size(), 1u);
  EXPECT_TRUE(holds(url.todo[0], "%(other)s")) << url.todo[0];
  const auto broken = nav::gatewayUrl("http://gw/?to=%(phone)s&m=%(sms)s&x=%(pass=canary)s");
  EXPECT_TRUE(anyHolds(broken.todo, "%(...)"));
  EXPECT_FALSE(anyHolds(broken.todo, "canary"));
}

TEST(ImportNav, TheFirstNumberMayBeZeroOrOne) {
  const std::string second = "[main]\n[dispatcher]\ndispatcher1: GammuDispatcher\n";
  EXPECT_FALSE(anyHolds(import(second + "dispatcher0: DebugDispatcher\n").notes, "the order is kept"));
  EXPECT_FALSE(anyHolds(import(second).notes, "the order is kept"));
  EXPECT_TRUE(anyHolds(import("[main]\n[dispatcher]\ndispatcher2: GammuDispatcher\n").notes,
                       "there is no dispatcher1"));
  EXPECT_TRUE(anyHolds(import(second + "dispatcher0: DebugDispatcher\ndispatcher3: DebugDispatcher\n").notes,
                       "after 1 comes 3"));
}

// Wart numbers belong into comments of the source.
TEST(ImportNav, SaysReasonsAndNoNumbersOfOurs) {
  const auto imported = import(
      "[main]\n[dispatcher]\ndispatcher1: HttpGetDispatcher\n[HttpGetDispatcher]\nurl: "
      "http://gw/?to=%(phone)s&m=%(sms)s\n");
  EXPECT_FALSE(anyHolds(imported.todo, "wart") || anyHolds(imported.notes, "wart"));
  for (const auto& file : imported.files) EXPECT_FALSE(holds(file.content, "wart")) << file.path;
}

TEST(ImportNav, ASecretIsInNoWordAndInNoFileThatOthersMayRead) {
  const auto imported = import(
      "[main]\n[dispatcher]\ndispatcher1: HttpGetDispatcher\ndispatcher2: BoostDispatcher\n"
      "[HttpGetDispatcher]\nurl: http://gw/?password=canary-1&to=%(phone)s&m=%(sms)s\n"
      "[BoostDispatcher]\nurl: http://b/\nusername: u\npassword: canary-2\nsender: 47\n",
      "EMAIL_HOST_USER=u\nEMAIL_HOST_PASSWORD=canary-3\n", "script_smsd=smsd\nuserpw_smsd=canary:4\n");
  ASSERT_TRUE(imported.problems.empty());
  std::size_t found = 0;
  for (const auto& file : imported.files) {
    if (!holds(file.content, "canary")) continue;
    ++found;
    EXPECT_EQ(file.mode, 0600u) << file.path;
  }
  EXPECT_EQ(found, 3u);
  EXPECT_FALSE(anyHolds(imported.notes, "canary") || anyHolds(imported.todo, "canary"));
  EXPECT_EQ(fileOf(imported, "nav.pgpass"), "localhost:5432:nav:smsd:canary\\:4\n");
  EXPECT_TRUE(holds(fileOf(imported, "smsd.yaml"),
                    "user='smsd' options='-c TimeZone=Europe/Oslo' passfile='/etc/smsd/nav.pgpass'"));
}

// C42: NAV writes the wall time of its zone, without the zone.
TEST(ImportNav, TheConnectionNamesTheTimeZoneOfNavC42) {
  const auto connectionOf = [](const NavImport& imported) {
    const std::string yaml = fileOf(imported, "smsd.yaml");
    const std::size_t at = yaml.find("connection: ");
    return yaml.substr(at, yaml.find('\n', at) - at);
  };
  const std::string expiring = "[main]\nautocancel: 12 hours\n" + debug;
  auto imported = import(expiring, "TIME_ZONE = America/New_York\n", "userpw_nav=x\n");
  EXPECT_TRUE(holds(connectionOf(imported), "options='-c TimeZone=America/New_York'"))
      << connectionOf(imported);
  EXPECT_EQ(imported.zone, "America/New_York");
  EXPECT_EQ(imported.user, "navcron") << "NAV's default";
  imported = import(expiring, "NAV_USER=other\n");
  EXPECT_EQ(imported.user, "other");
  EXPECT_TRUE(holds(connectionOf(imported), "options='-c TimeZone=Europe/Oslo'")) << "NAV's default";
  EXPECT_FALSE(anyHolds(imported.todo, "time zone"));
  for (const char* unknown : {"", "TIME_ZONE=it's\n"}) {
    imported = import(expiring, unknown);
    EXPECT_FALSE(holds(connectionOf(imported), "TimeZone")) << connectionOf(imported);
    EXPECT_TRUE(anyHolds(imported.todo, "the time zone of NAV is not known"));
  }
  EXPECT_FALSE(anyHolds(import("[main]\n" + debug).todo, "time zone")) << "no message expires";
}

TEST(ImportNav, AHostWithSystemdAndADatabaseOfItsOwnNeedsNoPassword) {
  const std::string gateway =
      "[main]\n[dispatcher]\ndispatcher1: HttpGetDispatcher\ndispatcher2: "
      "GammuDispatcher\n[HttpGetDispatcher]\n"
      "url: http://h/?pass=canary&to=%(phone)s&m=%(sms)s\n";
  const NavImport imported =
      importNav({gateway, "ADMIN_MAIL=noc@example.org\n", "dbhost=localhost\nuserpw_nav=canary-db\n"},
                ImportTarget{"/etc/smsd", {"http", "mail"}, "/run/postgresql"});
  const std::string yaml = fileOf(imported, "smsd.yaml");
  EXPECT_TRUE(holds(yaml, "host='/run/postgresql' port='5432' dbname='nav' user='smsd' options=")) << yaml;
  EXPECT_TRUE(holds(yaml, "{name: gateway, kind: http, activation: socket,")) << yaml;
  EXPECT_TRUE(holds(yaml, "{name: modem, kind: gammu, activation: spawn,")) << yaml;
  EXPECT_TRUE(holds(yaml, "\n  activation: socket\n")) << "the administrators' mail";
  for (const auto& file : imported.files) EXPECT_FALSE(holds(file.content, "canary-db")) << file.path;
  ASSERT_EQ(imported.ways.size(), 3u);
  const auto way = std::find_if(imported.ways.begin(), imported.ways.end(),
                                [](const auto& one) { return one.name == "gateway"; });
  EXPECT_EQ(way->secrets, std::vector<std::string>{"gateway.pass"});
  EXPECT_TRUE(way->bySystemd);
}

// C64: NAV called any 2xx sent. Nobody but the operator knows what its gateway's yes looks like.
TEST(ImportNav, WhatAGatewaysYesLooksLikeIsToDoC64) {
  const auto imported = import(
      "[main]\n[dispatcher]\ndispatcher1: HttpGetDispatcher\n[HttpGetDispatcher]\nurl: "
      "http://gw/?to=%(phone)s&m=%(sms)s\n");
  ASSERT_EQ(imported.todo.size(), 1u);
  EXPECT_TRUE(anyHolds(imported.todo, "gateway: NAV counted every 2xx as sent"));
  EXPECT_TRUE(anyHolds(imported.todo, "`answers` of dispatchers/gateway.yaml"));
  const std::string file = fileOf(imported, "dispatchers/gateway.yaml");
  EXPECT_TRUE(holds(file, "\n#answers:\n#  - {status: 2xx, body: ")) << file;
  EXPECT_TRUE(holds(file, "\n#  - {status: 2xx, is: unknown, ")) << file;
}

// C70: NAV lent each section the keys of [main]: without mailaddr the administrator got the SMS, and Boost's
// user was NAV's.
TEST(ImportNav, ASectionIsLentNoKeyOfAnother) {
  const auto imported = import(
      "[main]\nmailaddr: noc@example.org\nusername: navcron\n[dispatcher]\ndispatcher1: "
      "UninettMailDispatcher\n"
      "dispatcher2: BoostDispatcher\n[UninettMailDispatcher]\n[BoostDispatcher]\nurl: http://b/\npassword: "
      "p\nsender: 47\n");
  EXPECT_TRUE(anyHolds(imported.todo, "[UninettMailDispatcher] has no mailaddr"));
  EXPECT_TRUE(anyHolds(imported.todo, "[BoostDispatcher] has no username"));
  EXPECT_FALSE(holds(fileOf(imported, "dispatchers/mail-gateway.yaml"), "noc@"));
  EXPECT_FALSE(holds(fileOf(imported, "dispatchers/boost.yaml"), "navcron"));
}

// As Python's RawConfigParser reads it.
TEST(ImportNav, TheSyntaxIsThatOfNavsReader) {
  const auto ini = nav::readIni("; note\n[a]\r\nKey : v # not a comment\nother=x=y:z\n\n[b]\n", "f");
  ASSERT_TRUE(ini.problems.empty());
  EXPECT_EQ(ini.find("a")->at("key").value, "v # not a comment");
  EXPECT_EQ(ini.find("a")->at("other").value, "x=y:z");
  EXPECT_EQ(ini.find("a")->at("other").where, "f:4");
  EXPECT_NE(ini.find("b"), nullptr);
  EXPECT_EQ(config::describe(nav::readIni("x: 1\n[a\n[a]\nk\nk: 1\n  more\nK: 2\n[a]\n", "f").problems),
            "f:1: a key before the first section, expected [main]\nf:2: expected a [section]\n"
            "f:4: expected `key: value`, or a [section]\nf:6: the line before it is continued, expected a "
            "value of one "
            "line\nf:7: a second k, the first is at f:5\nf:8: a second section [a]\n");
}

}  // namespace
}  // namespace smsd::smsctl
