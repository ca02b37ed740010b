// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of `smsctl doctor`: a healthy host has no finding, and each fault has one, by its name.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "supervisor/smsctl/doctor/report.h"
#include "version.h"

namespace smsd::smsctl::doctor {
namespace {

using namespace std::chrono_literals;
using Role = FileFacts::Role;

FileFacts file(Role role, const std::string& path, mode_t mode, uid_t owner) {
  return {.role = role,
          .path = path,
          .there = true,
          .owner = owner,
          .ownerName = owner == 0 ? "root" : "smsd",
          .mode = mode,
          .readable = true,
          .writable = true};
}

UnitFacts unit(const std::string& name) {
  UnitFacts facts{.name = name, .installed = true, .active = "active", .enabled = "enabled"};
  if (name.ends_with(".service")) {
    facts.properties = {{"NoNewPrivileges", "yes"}, {"ProtectSystem", "strict"}, {"LimitCORE", "0"}};
    facts.credentials = {{"config", "/etc/smsd/dispatchers/gateway.yaml"},
                         {"gateway.token", "/etc/smsd/dispatchers/gateway.token"}};
  }
  return facts;
}

const std::vector<std::string> wholeLock = {"no_new_privs", "landlock:6", "seccomp", "rlimits"};

DaemonFacts healthyDaemon() {
  DaemonFacts daemon{.answer = DaemonFacts::Answer::yes, .version = SMSD_VERSION, .pid = 10};
  daemon.dispatchers = {{.name = "gateway",
                         .kind = "http",
                         .software = SMSD_WORKER_SOFTWARE,
                         .ready = true,
                         .lockKnown = true,
                         .lock = wholeLock},
                        {.name = "modem",
                         .kind = "gammu",
                         .software = SMSD_WORKER_SOFTWARE,
                         .ready = true,
                         .pid = 12,
                         .lockKnown = true,
                         .lock = wholeLock}};
  return daemon;
}

Facts healthy() {
  Facts facts{.config = "/etc/smsd/smsd.yaml", .isRoot = true, .user = {"smsd", 110}};
  facts.check.done = true;
  facts.files = {file(Role::config, "/etc/smsd/smsd.yaml", 0640, 0),
                 file(Role::configFolder, "/etc/smsd", 0750, 0),
                 file(Role::dispatcherFile, "/etc/smsd/dispatchers/gateway.yaml", 0640, 0),
                 file(Role::secret, "/etc/smsd/dispatchers/gateway.token", 0600, 0),
                 file(Role::passwordFile, "/etc/smsd/smsd.pgpass", 0600, 110),
                 file(Role::stateFolder, "/var/lib/smsd", 0750, 110),
                 file(Role::queueFile, "/var/lib/smsd/queue.db", 0660, 110)};
  facts.dispatchers = {{.name = "gateway",
                        .kind = "http",
                        .bySystemd = true,
                        .file = "/etc/smsd/dispatchers/gateway.yaml",
                        .socket = "/run/smsd/gateway.sock",
                        .requiredLock = {"landlock:5"},
                        .fileRead = true,
                        .named = {{"token_file", "gateway.token"}, {"ca_file", "/etc/ssl/own.pem"}}},
                       {.name = "modem", .kind = "gammu", .fileRead = true, .device = "/dev/ttyUSB0"}};
  facts.systemd = {.runs = true, .ofThisConfig = true};
  facts.systemd.units = {unit("smsd.service"), unit("smsd-http@gateway.socket"),
                         unit("smsd-http@gateway.service")};
  facts.daemon = healthyDaemon();
  facts.queue.isPostgresql = true;
  facts.queue.found = {
      .schema = {5, 5, 5},
      .supervisors = {},
      .condition = {.indexed = true, .announcesInserts = true, .timeZone = "Europe/Oslo", .ahead = 3ms}};
  facts.expires = true;
  facts.others = {.navFolder = "/etc/nav", .navThere = true, .zone = "Europe/Oslo"};
  facts.sockets = {{"/run/smsd/control.sock", "", true, true, false, 0660},
                   {"/run/smsd/gateway.sock", "gateway", true, true, false, 0660}};
  facts.devices = {{.dispatcher = "modem", .path = "/dev/ttyUSB0", .there = true}};
  facts.clock = {
      .now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27), .synchronised = true, .ahead = 3ms};
  facts.clock.configWritten = facts.clock.now - 24h;
  facts.certificates = {{"gateway", "certificate_file", "/etc/smsd/dispatchers/own.pem", true,
                         facts.clock.now + std::chrono::days(90)}};
  facts.disks = {{"/var/lib/smsd", std::uint64_t{100} << 30, std::uint64_t{50} << 30, 1000, 900}};
  facts.processes = {
      {.pid = 10, .dispatcher = "", .seen = true, .noNewPrivs = 1, .seccomp = 2, .coreAllowed = false},
      {.pid = 11, .dispatcher = "gateway", .seen = true, .noNewPrivs = 1, .seccomp = 2, .coreAllowed = false},
      {.pid = 12, .dispatcher = "modem", .seen = true, .noNewPrivs = 1, .seccomp = 2, .coreAllowed = false}};
  facts.corePattern = "core";
  return facts;
}

struct Row {
  const char* fault;
  std::function<void(Facts&)> plant;
  const char* remedy;  // a part of it
};

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"config-wrong", [](Facts& f) { f.check.problems = {"smsd.yaml:3:1: queue.backend: found 'sqlte'"}; },
       "config check"},
      {"program-missing",
       [](Facts& f) {
         f.dispatchers[0].program = "/x";
         f.dispatchers[0].programWorks = false;
         f.check.problems = {"gateway: its worker program /x is missing"};
       },
       "apt install smsd-http"},
      {"user-missing",
       [](Facts& f) {
         f.user = {};
         f.files.clear();
       },
       "systemd-sysusers"},
      {"other-build", [](Facts& f) { f.daemon.version = "0.0.1"; }, "systemctl restart smsd"},
      {"other-build", [](Facts& f) { f.daemon.dispatchers[0].software = "smsd-worker 0.0.1"; },
       "dispatcher restart gateway"},
      {"file-open", [](Facts& f) { f.files[2].mode = 0644; }, "chmod o= /etc/smsd/dispatchers/gateway.yaml"},
      {"file-open", [](Facts& f) { f.files[3].mode = 0604; }, "chmod o= /etc/smsd/dispatchers/gateway.token"},
      {"file-open",
       [](Facts& f) {
         f.files[0].mode = 0644;
         f.files[0].holdsPassword = true;
       },
       "chmod o= /etc/smsd/smsd.yaml"},
      {"file-open", [](Facts& f) { f.files[6].mode = 0664; }, "chmod o= /var/lib/smsd/queue.db"},
      {"file-changeable", [](Facts& f) { f.files[0].mode = 0660; }, "chmod go-w /etc/smsd/smsd.yaml"},
      {"file-changeable", [](Facts& f) { f.files[1].mode = 0770; }, "chmod go-w /etc/smsd"},
      {"file-changeable", [](Facts& f) { f.files[5].mode = 0777; }, "chmod go-w /var/lib/smsd"},
      {"file-changeable", [](Facts& f) { f.files[2].owner = 1000; },
       "chown root:smsd /etc/smsd/dispatchers/gateway.yaml"},
      {"file-not-readable",
       [](Facts& f) {
         f.files[0].readable = false;
         f.check.problems = {"/etc/smsd/smsd.yaml: cannot be read"};
       },
       "chgrp smsd /etc/smsd/smsd.yaml"},
      {"file-not-readable", [](Facts& f) { f.files[4].readable = false; },
       "chown smsd: /etc/smsd/smsd.pgpass"},
      {"folder-not-writable", [](Facts& f) { f.files[5].writable = false; }, "install -d -o smsd"},
      {"folder-not-writable", [](Facts& f) { f.files[5].there = false; }, "install -d -o smsd"},
      {"folder-not-writable",
       [](Facts& f) {
         f.files[5].path = "/run/smsd/operator";
         f.files[5].there = false;
       },
       "systemd-sysusers && systemd-tmpfiles --create"},
      {"queue-not-writable", [](Facts& f) { f.files[6].writable = false; },
       "chown smsd: /var/lib/smsd/queue.db"},
      {"password-file-ignored", [](Facts& f) { f.files[4].mode = 0640; }, "chmod 0600 /etc/smsd/smsd.pgpass"},
      {"smsd-not-running", [](Facts& f) { f.daemon = {}; }, "systemctl start smsd"},
      {"smsd-unhealthy", [](Facts& f) { f.daemon.troubles = {"a message waits for 90s"}; }, "smsctl status"},
      {"dispatcher-broken",
       [](Facts& f) {
         f.daemon.dispatchers[1].broken = true;
         f.daemon.dispatchers[1].reason = "no SIM";
       },
       "dispatcher restart modem"},
      {"unit-missing", [](Facts& f) { f.systemd.units[1].installed = false; }, "activation: spawn"},
      {"unit-failed", [](Facts& f) { f.systemd.units[2].active = "failed"; },
       "journalctl --unit=smsd-http@gateway.service"},
      {"unit-not-active", [](Facts& f) { f.systemd.units[1].active = "inactive"; },
       "systemctl enable --now smsd-http@gateway.socket"},
      {"unit-not-enabled", [](Facts& f) { f.systemd.units[0].enabled = "disabled"; },
       "systemctl enable smsd.service"},
      {"unit-not-reloaded", [](Facts& f) { f.systemd.units[0].needsReload = true; },
       "systemctl daemon-reload"},
      {"wall-missing",
       [](Facts& f) {
         f.systemd.units[2].properties["NoNewPrivileges"] = "no";
         f.systemd.units[2].dropIns = {"/etc/x.conf"};
       },
       "take the line out of /etc/x.conf"},
      {"credential-missing", [](Facts& f) { f.systemd.units[2].credentials.erase("gateway.token"); },
       "systemctl edit smsd-http@gateway.service"},
      {"credential-unreadable", [](Facts& f) { f.systemd.units[2].missingSources = {"gateway.token"}; },
       "write that file"},
      {"queue-unreachable", [](Facts& f) { f.queue.state = QueueFacts::State::unreachable; },
       "smsctl db check"},
      {"queue-denied", [](Facts& f) { f.queue.state = QueueFacts::State::denied; },
       "db install --role smsd --grant --as postgres"},
      {"queue-not-installed", [](Facts& f) { f.queue.state = QueueFacts::State::notInstalled; },
       "db install --indexes --notify"},
      {"queue-strained", [](Facts& f) { f.queue.strain = "the disk is full"; }, "smsctl status"},
      {"grants-missing", [](Facts& f) { f.queue.found.condition.missingPrivileges = "DELETE on smsd.wait"; },
       "--grant --as postgres"},
      {"indexes-missing", [](Facts& f) { f.queue.found.condition.indexed = false; }, "db install --indexes"},
      {"trigger-missing", [](Facts& f) { f.queue.found.condition.announcesInserts = false; },
       "db install --notify"},
      {"schema-old",
       [](Facts& f) {
         f.queue.found.schema = {4, 5, 4};
       },
       "db install --as postgres"},
      {"time-zone-differs", [](Facts& f) { f.queue.found.condition.timeZone = "UTC"; },
       "TimeZone=Europe/Oslo"},
      {"other-program",
       [](Facts& f) { f.queue.found.condition.otherSettler = "NAV's own smsd is connected"; },
       "nav stop smsd"},
      {"nav-smsd-runs", [](Facts& f) { f.others.processes = {77}; }, "nav stop smsd"},
      {"nav-lists-smsd", [](Facts& f) { f.others.listed = {"smsd"}; },
       "take smsd out of /etc/nav/daemons.yml"},
      {"socket-open", [](Facts& f) { f.sockets[0].mode = 0666; }, "chmod o= /run/smsd/control.sock"},
      {"socket-missing", [](Facts& f) { f.sockets[1].there = false; },
       "systemctl restart smsd-http@gateway.socket"},
      {"socket-missing", [](Facts& f) { f.sockets[1].listening = false; },
       "systemctl restart smsd-http@gateway.socket"},
      {"device-missing", [](Facts& f) { f.devices[0].there = false; }, "plug it in"},
      {"device-held",
       [](Facts& f) {
         f.devices[0].holders = {{99, "ModemManager"}};
       },
       "ps -fp 99"},
      {"certificate-expired", [](Facts& f) { f.certificates[0].expires = f.clock.now; }, "smsctl reload"},
      {"certificate-expires",
       [](Facts& f) { f.certificates[0].expires = f.clock.now + std::chrono::days(20); }, "smsctl reload"},
      {"clock-wrong", [](Facts& f) { f.clock.configWritten = f.clock.now + 1h; }, "timedatectl"},
      {"clock-differs", [](Facts& f) { f.clock.ahead = -6s; }, "timedatectl"},
      {"clock-unsynchronised", [](Facts& f) { f.clock.synchronised = false; }, "timedatectl"},
      {"disk-full", [](Facts& f) { f.disks[0].freeBytes = 15 << 20; }, "df -h /var/lib/smsd"},
      {"disk-full", [](Facts& f) { f.disks[0].freeInodes = 0; }, "df -i /var/lib/smsd"},
      {"disk-low", [](Facts& f) { f.disks[0].freeBytes = 900 << 20; }, "df -h /var/lib/smsd"},
      {"lock-not-in-force", [](Facts& f) { f.processes[1].seccomp = 0; }, "/proc/11/exe"},
      {"lock-not-in-force", [](Facts& f) { f.processes[2].noNewPrivs = 0; }, "/proc/12/exe"},
      {"lock-not-in-force",
       [](Facts& f) {
         f.dispatchers.push_back({.name = "mail", .kind = "mail", .ofAdminMail = true});
         f.processes.push_back({13, "mail", true, 1, 0, false});
       },
       "/proc/13/exe"},
      {"lock-below-required",
       [](Facts& f) {
         f.daemon.dispatchers[0].lock[1] = "landlock:4";
         f.daemon.dispatchers[0].broken = true;
         f.daemon.dispatchers[0].reason = "lacks landlock:5, which require_lock demands";
       },
       "smsctl reload"},
      {"lock-incomplete",
       [](Facts& f) {
         f.daemon.dispatchers[1].lock = {"no_new_privs", "seccomp"};
       },
       "--unlocked"},
      {"core-dumps", [](Facts& f) { f.processes[1].coreAllowed = true; }, "prlimit --core=0:0 --pid 11"},
  };
  return table;
}

TEST(DoctorChecks, FindNothingOnAHealthyHost) {
  const Report report = examine(healthy());
  EXPECT_EQ(report.findings.size(), 0u) << textOf(report);
  EXPECT_EQ(report.unchecked.size(), 0u) << textOf(report);
  EXPECT_EQ(report.fine.size(), 14u) << textOf(report);
}

TEST(DoctorChecks, FindEachPlantedFaultByItsNameAndNoOther) {
  for (const auto& row : rows()) {
    Facts facts = healthy();
    row.plant(facts);
    const Report report = examine(facts);
    ASSERT_EQ(report.findings.size(), 1u) << row.fault << "\n" << textOf(report);
    EXPECT_EQ(report.findings[0].fault, row.fault);
    EXPECT_NE(report.findings[0].remedy.find(row.remedy), std::string::npos)
        << row.fault << ": " << report.findings[0].remedy;
    EXPECT_FALSE(report.findings[0].about.empty()) << row.fault;
    for (const auto& fine : report.fine) EXPECT_NE(fine.group, faultNamed(row.fault).group) << row.fault;
  }
}

TEST(DoctorChecks, HaveARowForEachFault) {
  std::set<std::string> planted, known;
  for (const auto& row : rows()) planted.insert(row.fault);
  for (const auto& kind : faultKinds()) known.insert(kind.name);
  EXPECT_EQ(planted, known);
  EXPECT_EQ(known.size(), faultKinds().size()) << "a name is there twice";
  EXPECT_THROW(faultNamed("no-such-fault"), std::logic_error);
}

// What is right although it looks like a fault.
TEST(DoctorChecks, LeaveAloneWhatIsAsItShouldBe) {
  const std::vector<std::function<void(Facts&)>> changes = {
      [](Facts& f) { f.files[0].mode = 0644; },                                // without a password
      [](Facts& f) { f.files[6].mode = 0666, f.files[6].reachable = false; },  // its folder is closed
      [](Facts& f) { f.files[3].readable = false, f.files[3].readBySystemd = true; },
      [](Facts& f) { f.files[1].writable = false; },  // smsd writes no configuration
      [](Facts& f) { f.systemd.units[2].enabled = "static"; },
      [](Facts& f) { f.systemd.units[2].active = "inactive"; },  // no SMS needed it yet
      [](Facts& f) { f.systemd.units[0].enabled = "disabled", f.systemd.targetEnabled = true; },
      [](Facts& f) {
        f.queue.isPostgresql = false, f.others = {.processes = {77}};
      },  // NAV's, of another queue
      [](Facts& f) { f.expires = false, f.queue.found.condition.timeZone = "UTC"; },
      [](Facts& f) {
        f.disks[0] = {"/run/smsd", 400 << 20, 300 << 20, 0, 0};
      },  // a small file system
      [](Facts& f) {
        f.daemon.dispatchers[1] = {.name = "modem", .kind = "pager", .ready = true, .lockKnown = true};
        f.processes[2].seccomp = 0;
      },
      [](Facts& f) { f.check.unseen = {"/etc/smsd/dispatchers/gateway.yaml: its token is not checked"}; },
      [](Facts& f) { f.daemon.dispatchers[1].lockKnown = false, f.daemon.dispatchers[1].lock.clear(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Facts facts = healthy();
    changes[i](facts);
    EXPECT_EQ(examine(facts).findings.size(), 0u) << i << "\n" << textOf(examine(facts));
  }
}

TEST(DoctorChecks, NameWhatTheyCouldNotLookAt) {
  struct Unseen {
    std::function<void(Facts&)> hide;
    const char* what;
    const char* how;
  };
  for (const auto& row : {
           Unseen{[](Facts& f) {
                    f.isRoot = false;
                    f.processes[1].seen = false;
                  },
                  "the lock of gateway", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.check.done = false; }, "as smsd reads it", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.files[0].readable = std::nullopt; }, "can use its files",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.files[5].there = false, f.files[5].hidden = true; }, "can use its files",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.sockets[1].there = false, f.sockets[1].hidden = true; },
                  "/run/smsd/gateway.sock", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.devices[0].there = false, f.devices[0].hidden = true; },
                  "opened /dev/ttyUSB0", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.queue.state = QueueFacts::State::notLooked; }, "the queue",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.queue.state = QueueFacts::State::notThere; }, "the queue", "start smsd"},
           Unseen{[](Facts& f) { f.systemd.runs = false; }, "units", "where systemd runs smsd"},
           Unseen{[](Facts& f) { f.systemd.ofThisConfig = false; }, "units", "where systemd runs smsd"},
           Unseen{[](Facts& f) {
                    f.dispatchers[0].fileRead = false;
                    f.dispatchers[0].named.clear();
                  },
                  "the credentials of gateway", "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.others.navThere = false; }, "NAV's list", "smsctl doctor --nav FOLDER"},
           Unseen{[](Facts& f) { f.devices[0].allSeen = false; }, "opened /dev/ttyUSB0",
                  "sudo smsctl doctor"},
           Unseen{[](Facts& f) { f.certificates[0].expires = std::nullopt; }, "the expiry of",
                  "openssl x509"},
           Unseen{[](Facts& f) { f.clock.synchronised = std::nullopt; }, "a time service", "timedatectl"},
           Unseen{[](Facts& f) {
                    f.daemon.answer = DaemonFacts::Answer::denied;
                    f.daemon.dispatchers.clear();
                  },
                  "what smsd reports", "sudo smsctl doctor"},
       }) {
    Facts facts = healthy();
    row.hide(facts);
    const Report report = examine(facts);
    EXPECT_EQ(report.findings.size(), 0u) << row.what << "\n" << textOf(report);
    ASSERT_EQ(report.unchecked.size(), 1u) << row.what << "\n" << textOf(report);
    EXPECT_NE(report.unchecked[0].what.find(row.what), std::string::npos) << report.unchecked[0].what;
    EXPECT_NE(report.unchecked[0].how.find(row.how), std::string::npos) << report.unchecked[0].how;
  }
}

TEST(DoctorReport, HasTheWorstFirstAndCommandsForTheConfigurationThatItExamined) {
  Facts facts = healthy();
  facts.config = "/srv/my smsd.yaml";
  facts.certificates[0].expires = facts.clock.now + 24h;  // a warning
  facts.processes[1].coreAllowed = true;                  // an error of the last group
  facts.queue.found.condition.missingPrivileges =
      "\x1b[2Jx";  // an error before it, with what must not reach a terminal
  const Report report = examine(facts);
  const std::string text = textOf(report);
  EXPECT_LT(text.find("error    grants-missing"), text.find("error    core-dumps")) << text;
  EXPECT_LT(text.find("error    core-dumps"), text.find("warning  certificate-expires")) << text;
  EXPECT_NE(text.find("smsctl --config '/srv/my smsd.yaml' reload"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(text.ends_with("doctor found 2 errors and 1 warning\n")) << text;
  const auto json = nlohmann::json::parse(jsonOf(report));
  EXPECT_EQ(json.at("format"), 1);
  EXPECT_EQ(json.at("findings").at(0).at("fault"), "grants-missing");
  EXPECT_EQ(json.at("findings").at(0).at("group"), "queue");
  EXPECT_EQ(json.at("findings").at(2).at("level"), "warning");
  EXPECT_EQ(textOf(examine(healthy())).substr(0, 9), "fine     ");
  EXPECT_EQ(nlohmann::json::parse(jsonOfKinds()).at("faults").size(), faultKinds().size());
}

}  // namespace
}  // namespace smsd::smsctl::doctor
