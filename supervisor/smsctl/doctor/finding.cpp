// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/doctor/finding.h"

#include <algorithm>
#include <stdexcept>

namespace smsd::smsctl::doctor {

const std::vector<FaultKind>& faultKinds() {
  constexpr auto error = Gravity::error, warning = Gravity::warning;
  static const std::vector<FaultKind> kinds = {
      {"config-wrong", "installation", error, "smsd or a worker would refuse its configuration"},
      {"program-missing", "installation", error, "the program of a worker is missing or cannot be executed"},
      {"user-missing", "installation", error, "the system user of smsd does not exist"},
      {"other-build", "installation", warning, "smsd or a worker is of another build than smsctl"},
      {"file-open", "files", error, "every user can read a file that may hold a secret or messages"},
      {"file-changeable", "files", error, "a user other than root and smsd's can change a file"},
      {"file-not-readable", "files", error, "the user of smsd cannot read a file that it needs"},
      {"folder-not-writable", "files", error, "the user of smsd cannot write to a folder that it needs"},
      {"queue-not-writable", "files", error, "the user of smsd cannot write to the file of the queue"},
      {"password-file-ignored", "files", error, "libpq ignores a password file, because others may read it"},
      {"smsd-not-running", "daemon", error, "no smsd runs with this configuration"},
      {"smsd-hangs", "daemon", error, "the running smsd does not answer"},
      {"smsd-unhealthy", "daemon", error, "the running smsd reports a trouble"},
      {"dispatcher-broken", "daemon", error, "a dispatcher sends nothing until it is repaired"},
      {"dispatcher-resting", "daemon", warning, "a dispatcher backs off after failures, or has no worker"},
      {"unit-missing", "units", error, "a unit that smsd.yaml needs is not installed"},
      {"unit-failed", "units", error, "a unit has failed"},
      {"unit-not-active", "units", error, "the socket of a dispatcher is not started"},
      {"unit-not-enabled", "units", warning, "a unit is not started at the next boot"},
      {"unit-not-reloaded", "units", warning, "the files of a unit are newer than systemd's copy"},
      {"wall-missing", "units", warning, "a drop-in has taken a wall of a unit away"},
      {"credential-missing", "credentials", error, "the unit of a worker does not pass a secret to it"},
      {"credential-unreadable", "credentials", error, "systemd finds no file for a credential of a unit"},
      {"queue-unreachable", "queue", error, "the queue cannot be reached"},
      {"queue-gone", "queue", error, "the file of the queue was removed"},
      {"queue-damaged", "queue", error, "the file of the queue is damaged"},
      {"queue-denied", "queue", error, "the database refuses the role of smsd"},
      {"queue-not-installed", "queue", error, "the queue is not installed, or is of a version out of reach"},
      {"queue-strained", "queue", error, "the queue works, and will fail unless it is repaired"},
      {"grants-missing", "queue", error, "the role of smsd lacks privileges"},
      {"indexes-missing", "queue", warning, "the partial indexes on smsq are missing"},
      {"trigger-missing", "queue", warning, "no trigger on smsq wakes smsd"},
      {"schema-old", "queue", warning, "the schema smsd is older than this program knows"},
      {"time-zone-differs", "queue", warning, "NAV and smsd read the times of messages in different zones"},
      {"other-program", "others", error, "another program settles the same messages"},
      {"nav-smsd-runs", "others", error, "NAV's smsd runs on this host"},
      {"nav-lists-smsd", "others", error, "NAV's list of daemons starts NAV's smsd"},
      {"socket-open", "sockets", error, "every user may use a socket of smsd"},
      {"socket-folder-wrong", "sockets", error,
       "a folder of smsd's sockets has another owner, group or mode"},
      {"socket-group-wrong", "sockets", error, "a group that should not may use a socket of smsd"},
      {"socket-missing", "sockets", error, "no program listens at the socket of a dispatcher"},
      {"device-missing", "devices", error, "the device of a dispatcher is not there"},
      {"device-held", "devices", error, "another process has opened the device of a dispatcher"},
      {"certificate-expired", "certificates", error, "a certificate that a dispatcher uses has expired"},
      {"certificate-expires", "certificates", warning, "a certificate expires within three weeks"},
      {"clock-wrong", "clock", error, "the clock of this host is behind the files of smsd"},
      {"clock-differs", "clock", warning, "the clocks of this host and of the database differ"},
      {"clock-unsynchronised", "clock", warning, "nothing keeps the clock of this host right"},
      {"disk-full", "disk", error, "a file system that smsd writes to is full"},
      {"disk-low", "disk", warning, "a file system that smsd writes to is nearly full"},
      {"lock-not-in-force", "locks", error, "the kernel shows less of a worker's lock than it has to have"},
      {"lock-below-required", "locks", error, "a worker reports less of a lock than require_lock demands"},
      {"lock-incomplete", "locks", warning, "a worker of smsd's own reports less than its whole lock"},
      {"core-dumps", "core", error, "a core dump of a process may hold secrets"},
  };
  return kinds;
}

const FaultKind& faultNamed(std::string_view name) {
  const auto found =
      std::ranges::find_if(faultKinds(), [&](const FaultKind& kind) { return name == kind.name; });
  if (found == faultKinds().end()) throw std::logic_error("no such fault: " + std::string(name));
  return *found;
}

}  // namespace smsd::smsctl::doctor
