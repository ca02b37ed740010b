// SPDX-License-Identifier: GPL-3.0-or-later
// A host on which `smsctl doctor` finds nothing, for its tests.
#pragma once

#include <string>
#include <vector>

#include "supervisor/smsctl/doctor/facts.h"
#include "version.h"

namespace smsd::smsctl::doctor {

using namespace std::chrono_literals;
using Role = FileFacts::Role;

inline FileFacts file(Role role, const std::string& path, mode_t mode, uid_t owner,
                      const std::string& group = "smsd") {
  return {.role = role,
          .path = path,
          .there = true,
          .owner = owner,
          .ownerName = owner == 0 ? "root" : "smsd",
          .groupName = group,
          .mode = mode,
          .readable = true,
          .writable = true};
}

inline UnitFacts unit(const std::string& name) {
  UnitFacts facts{.name = name, .installed = true, .active = "active", .enabled = "enabled"};
  if (name.ends_with(".service")) {
    facts.properties = {{"NoNewPrivileges", "yes"}, {"ProtectSystem", "strict"}, {"LimitCORE", "0"}};
    facts.credentials = {{"config", "/etc/smsd/dispatchers/gateway.yaml"},
                         {"gateway.token", "/etc/smsd/dispatchers/gateway.token"}};
  }
  return facts;
}

inline const std::vector<std::string> wholeLock = {"no_new_privs", "landlock:6", "seccomp", "rlimits"};

inline DaemonFacts healthyDaemon() {
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

inline Facts healthy() {
  Facts facts{.config = "/etc/smsd/smsd.yaml", .isRoot = true, .user = {"smsd", 110, "smsd"}};
  facts.check.done = true;
  facts.files = {file(Role::config, "/etc/smsd/smsd.yaml", 0640, 0),
                 file(Role::configFolder, "/etc/smsd", 0750, 0),
                 file(Role::dispatcherFile, "/etc/smsd/dispatchers/gateway.yaml", 0640, 0),
                 file(Role::secret, "/etc/smsd/dispatchers/gateway.token", 0600, 0),
                 file(Role::passwordFile, "/etc/smsd/smsd.pgpass", 0600, 110),
                 file(Role::stateFolder, "/var/lib/smsd", 0750, 110),
                 file(Role::queueFile, "/var/lib/smsd/queue.db", 0660, 110),
                 file(Role::socketFolder, "/run/smsd/operator", 02750, 110, "smsd-operator"),
                 file(Role::socketFolder, "/run/smsd/status", 02750, 110, "smsd-status"),
                 file(Role::socketFolder, "/run/smsd/intake", 02750, 110, "smsd-submit"),
                 file(Role::workerSocketFolder, "/run/smsd", 0711, 110)};
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
  facts.sockets = {
      {"/run/smsd/operator/control.sock", "", true, true, false, 0660, "smsd-operator", "smsd-operator"},
      {"/run/smsd/gateway.sock", "gateway", true, true, false, 0660, "smsd"},
      {"/run/smsd/status/status.sock", "", true, true, false, 0660, "smsd-status", "smsd-status"},
      {"/run/smsd/intake/intake.sock", "", true, true, false, 0660, "smsd-submit", "smsd-submit"}};
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

}  // namespace smsd::smsctl::doctor
