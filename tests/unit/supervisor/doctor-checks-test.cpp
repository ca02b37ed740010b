// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of `smsctl doctor`: a healthy host has no finding, and each fault has one, by its name.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "supervisor/smsctl/doctor/report.h"
#include "tests/unit/supervisor/healthy-host.h"

namespace smsd::smsctl::doctor {
namespace {

struct Row {
  const char* fault;
  std::function<void(Facts&)> plant;
  const char* remedy;  // a part of it
};

constexpr const char* makeFolders = "systemd-sysusers && systemd-tmpfiles --create";

/// control.sock is in a folder of the administrator's.
void ownFolder(Facts& facts, mode_t mode, uid_t owner = 110) {
  facts.files[7] = file(Role::socketFolder, "/srv/sms", mode, owner);
  facts.sockets[0] = {"/srv/sms/control.sock", "", true, true, false, 0660, "smsd"};
}

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
         f.files[5].role = Role::queueFolder;
         f.files[5].there = false;
       },
       "install -d -o smsd"},
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
      {"dispatcher-resting",
       [](Facts& f) {
         f.daemon.dispatchers[1].resting = true;
         f.daemon.dispatchers[1].reason = "no network";
       },
       "smsctl dispatcher resume modem"},
      {"smsd-hangs",
       [](Facts& f) {
         f.daemon.answer = DaemonFacts::Answer::silent;
         f.daemon.dispatchers.clear();
       },
       "systemctl restart smsd"},
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
       "runuser -u smsd -- smsctl db check"},
      {"queue-gone",
       [](Facts& f) {
         f.queue.isPostgresql = false;
         f.queue.state = QueueFacts::State::gone;
       },
       "runuser -u smsd -- smsctl db install"},
      {"queue-damaged",
       [](Facts& f) {
         f.queue.isPostgresql = false;
         f.queue.state = QueueFacts::State::damaged;
       },
       "runuser -u smsd -- smsctl db check"},
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
      {"socket-open", [](Facts& f) { f.sockets[0].mode = 0666; }, "chmod o= /run/smsd/operator/control.sock"},
      {"socket-folder-wrong", [](Facts& f) { f.files[7].groupName = "users"; }, makeFolders},
      {"socket-folder-wrong", [](Facts& f) { f.files[7].mode = 02755; }, makeFolders},
      {"socket-folder-wrong", [](Facts& f) { f.files[8].mode = 0750; }, makeFolders},
      {"socket-folder-wrong", [](Facts& f) { f.files[8].owner = 1000; }, makeFolders},
      {"socket-folder-wrong", [](Facts& f) { f.files[9].mode = 0755; }, makeFolders},
      {"socket-folder-wrong", [](Facts& f) { f.files[9].groupName = "users"; }, makeFolders},
      {"socket-folder-wrong", [](Facts& f) { ownFolder(f, 0777); }, "chmod go-w /srv/sms"},
      {"socket-folder-wrong", [](Facts& f) { ownFolder(f, 01777); }, "a folder of their own"},
      {"socket-folder-wrong", [](Facts& f) { ownFolder(f, 0755, 1000); }, "chown smsd /srv/sms"},
      {"socket-folder-wrong", [](Facts& f) { ownFolder(f, 0775), f.files[7].groupName = "users"; },
       "chmod go-w /srv/sms"},
      {"socket-group-wrong", [](Facts& f) { f.sockets[0].groupName = "users"; },
       "chgrp smsd-operator /run/smsd/operator/control.sock"},
      {"socket-group-wrong", [](Facts& f) { f.sockets[2].groupName = "smsd-operator"; },
       "chgrp smsd-status /run/smsd/status/status.sock"},
      {"socket-group-wrong", [](Facts& f) { f.sockets[1].groupName = "users"; },
       "chgrp smsd /run/smsd/gateway.sock"},
      {"socket-group-wrong",
       [](Facts& f) {
         ownFolder(f, 0755);
         f.sockets[0].groupName = "users";
       },
       "chgrp smsd /srv/sms/control.sock"},
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
      [](Facts& f) { ownFolder(f, 0755); },
      [](Facts& f) { ownFolder(f, 02775), f.sockets[0].groupName = f.sockets[0].folderGroup = "ops"; },
      [](Facts& f) { f.sockets[0].groupName = "users", f.sockets[0].mode = 0600; },
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

}  // namespace
}  // namespace smsd::smsctl::doctor
