# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that are planted for smsctl doctor, with the scene of each, and how a scene plants, looks and heals.

The checks themselves have a table in tests/unit/supervisor/doctor-checks-test.cpp, with a row for every fault.
"""

import json
import time

# fault: the scene that plants it (a method plant_... of its class).
PLANTED = {
    "config-wrong": "OnSqlite", "program-missing": "OnSqlite", "file-open": "OnSqlite", "file-changeable": "OnSqlite",
    "folder-not-writable": "OnSqlite", "socket-open": "OnSqlite", "device-missing": "OnSqlite", "device-held": "OnSqlite",
    "certificate-expired": "OnSqlite", "certificate-expires": "OnSqlite", "clock-wrong": "OnSqlite", "lock-not-in-force": "OnSqlite",
    "lock-below-required": "OnSqlite", "core-dumps": "Installed", "dispatcher-broken": "OnSqlite", "smsd-not-running": "OnSqlite",
    "grants-missing": "OnPostgresql", "indexes-missing": "OnPostgresql", "trigger-missing": "OnPostgresql", "queue-denied": "OnPostgresql",
    "queue-not-installed": "OnPostgresql", "queue-unreachable": "OnPostgresql", "time-zone-differs": "OnPostgresql",
    "other-program": "OnPostgresql", "nav-lists-smsd": "OnPostgresql", "nav-smsd-runs": "OnPostgresql",
    "password-file-ignored": "OnPostgresql", "file-not-readable": "Installed", "queue-not-writable": "Installed", "unit-missing": "Installed",
    "unit-failed": "Installed", "unit-not-active": "Installed", "unit-not-enabled": "Installed", "unit-not-reloaded": "Installed",
    "wall-missing": "Installed", "credential-missing": "Installed", "credential-unreadable": "Installed", "socket-missing": "Installed",
    "socket-folder-wrong": "Installed", "socket-group-wrong": "Installed",
}
# Faults whose remedy is a command that mends them when it is typed; the others need a person.
TYPED = {"file-open", "file-changeable", "folder-not-writable", "socket-open", "password-file-ignored", "grants-missing", "indexes-missing",
         "trigger-missing", "file-not-readable", "queue-not-writable", "socket-folder-wrong", "socket-group-wrong", "unit-not-active", "unit-not-enabled", "unit-not-reloaded"}


class Doctor:
    """What the scenes have in common: plant, look, heal."""

    def doctor(self, *arguments):
        """(exit status, the report)"""
        done = self.examine("--json", *arguments)
        return done.returncode, json.loads(done.stdout)

    def faults(self):
        return {one["fault"] for one in self.doctor()[1]["findings"]}

    def assert_healthy(self):
        status, report = self.doctor()
        self.assertEqual((status, report["findings"], report["format"]), (0, [], 1))
        return report

    def assert_each_planted_fault_is_found_by_its_name(self):
        for fault in (fault for fault, scene in PLANTED.items() if scene == type(self).__name__):
            with self.subTest(fault=fault), getattr(self, "plant_" + fault.replace("-", "_"))() as more:
                status, report = self.doctor()
                self.assertEqual({one["fault"] for one in report["findings"]}, {fault, *(more or ())}, report["findings"])
                self.assertEqual(status, 1)
                if fault in TYPED:
                    (remedy,) = (one["remedy"] for one in report["findings"] if one["fault"] == fault)
                    self.type(remedy)
                    self.assertNotIn(fault, self.faults(), remedy)
        self.assert_healthy()

    def assert_fast(self):
        times = []
        for _ in range(5):
            began = time.monotonic()
            self.examine("--json")
            times.append(time.monotonic() - began)
        self.say(best=f"{min(times) * 1000:.0f} ms", worst=f"{max(times) * 1000:.0f} ms")
        self.assertLess(min(times), 1.0)

    def assert_no_secret_in(self, *secrets):
        both = self.examine().stdout + self.examine("--json").stdout
        for secret in secrets:
            self.assertNotIn(secret, both)
