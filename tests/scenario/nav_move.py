# SPDX-License-Identifier: GPL-3.0-or-later
"""The move from NAV in a booted system: from NAV's files, database and running smsd to this one, and back.

NAV is a stand-in: its files, its tables in a PostgreSQL, a program that settles smsq (tests/peers/nav-smsd.py), and a command `nav` that
starts what daemons.yml lists (tests/peers/nav-command.py). tests/proof/packages runs the same with smsd from its Debian packages.
"""

import json
import time

import packages
from booted import Booted
from harness import SOURCE, wait_for

SIGN = "5a4f43cc316d43a4adf01b4d52cddce2"

DAEMONS = """# NAV daemons
daemons:
    sleeper:
        description: Another daemon of NAV.
        command: sleeper

    smsd:
        description: Dispatches queued SMS alerts.
        command: smsd

    # The last one.
    snmptrapd:
        command: sleeper
"""
SLEEPER = '#!/bin/sh\nsleep 100000 >/dev/null 2>&1 &\necho $! >/run/nav/sleeper.pid\n'
SMSD_CONF = """[main]
username: navcron
autocancel: 12 hours

[dispatcher]
dispatcher1: HttpGetDispatcher

[HttpGetDispatcher]
url: http://127.0.0.1:{port}/sms?user=me&pass=canary-http&recv=%(phone)s&msg=%(sms)s
"""
DB_CONF = "dbhost=localhost\ndbport=5432\ndb_nav=nav\nscript_default=nav\nuserpw_nav=canary-db\n"
WRONG_DATA, NOT_YET = 65, 75
MOVE = ("smsctl", "config", "import-nav", "/etc/nav")
FILES = ("/etc/smsd/smsd.yaml", "/etc/smsd/dispatchers/gateway.yaml", "/etc/smsd/dispatchers/gateway.pass",
         "/etc/systemd/system/smsd-http@gateway.service.d/secrets.conf", "/etc/nav/daemons.yml", "/etc/nav/daemons.yml.before-smsd")


class NavMove(Booted):
    install_seconds = 0

    def setUp(self):
        super().setUp()
        machine = self.machine
        if machine.run("sh", "-c", "ls -d /etc/postgresql/*/main", check=False).returncode != 0:
            self.skipTest("PostgreSQL has no cluster of its own here")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "postgresql")
        machine.shell("runuser -u postgres -- psql -q", stdin="CREATE ROLE nav LOGIN PASSWORD 'canary-db'; CREATE DATABASE nav OWNER nav;")
        machine.shell("PGPASSWORD=canary-db psql -q -h localhost -U nav nav", stdin=(SOURCE / "tests/data/nav-schema.sql").read_text())
        self.web = self.gateway()
        for name, text, mode in (("/etc/nav/smsd.conf", SMSD_CONF.format(port=self.web.port), 0o644), ("/etc/nav/db.conf", DB_CONF, 0o640),
                                 ("/etc/nav/nav.conf", "TIME_ZONE = Europe/Oslo\n", 0o644), ("/etc/nav/daemons.yml", DAEMONS, 0o644),
                                 ("/opt/nav/bin/sleeper", SLEEPER, 0o755),
                                 ("/opt/nav/bin/smsd", (SOURCE / "tests/peers/nav-smsd.py").read_text(), 0o755),
                                 ("/usr/local/sbin/nav", (SOURCE / "tests/peers/nav-command.py").read_text(), 0o755)):
            machine.write(name, text, mode=mode, group="root")
        machine.run("mkdir", "-p", "/run/nav")
        machine.run("nav", "start")
        wait_for("NAV's smsd runs", self.nav_smsd)

    def nav_smsd(self):
        return self.machine.run("pgrep", "-f", "python3 /opt/nav/bin/smsd", check=False).stdout.split()

    def sql(self, text):
        return self.machine.shell("runuser -u postgres -- psql -XqAt nav", stdin=text).stdout.split()

    def alert(self, *texts):
        for text in texts:  # as NAV's alertengine does: the wall time of its zone, each alert in a transaction
            self.sql("INSERT INTO smsq (accountid, time, phone, msg, severity) "
                     f"VALUES (1, now() AT TIME ZONE 'Europe/Oslo', '+4799887766', '{text}', 1)")
            wait_for("it is settled", lambda: self.sql("SELECT count(*) FROM smsq WHERE sent = 'N'") == ["0"])

    def stat(self):
        return self.machine.run("stat", "--format=%n %U:%G %a %Y %i", *FILES).stdout.splitlines()

    def sent_by_us(self):
        return [request["query"].split("msg=")[1] for request in self.web.requests()]

    def sent_by_nav(self):
        return [line.split(" ", 2)[2] for line in self.machine.run("cat", "/run/nav/sms").stdout.splitlines()]

    def test_two_commands_move_from_navs_smsd_and_one_moves_back(self):
        machine = self.machine
        self.alert("before")
        self.assertEqual(self.sent_by_nav(), ["before"])

        # Dry: every step, and nothing is done.
        shown = machine.run(*MOVE).stdout
        self.assertIn("Nothing has been done. To do it: smsctl config import-nav /etc/nav --apply", shown)
        for line in ("gateway: socket (systemd runs, and the units smsd-http@ are installed)", "--role smsd --grant --as postgres",
                     "/usr/local/sbin/nav stop smsd", "systemctl enable --now smsd-http@gateway.socket smsd.service"):
            self.assertIn(line, shown)
        self.assertNotIn("canary", shown)
        more = machine.run(*MOVE, "--nav", "/usr/local/sbin/nav", "--test", "+4799887766").stdout
        self.assertIn("To do it: smsctl config import-nav /etc/nav --nav /usr/local/sbin/nav --apply --test +4799887766\n", more)
        self.assertEqual(machine.run("ls", "/etc/smsd").stdout, "dispatchers\n")
        self.assertEqual(machine.read("/etc/nav/daemons.yml"), DAEMONS)

        began = time.monotonic()
        done = machine.run(*MOVE, "--apply", "--test", "+4799887766").stdout
        took = time.monotonic() - began
        self.assertNotIn("canary", done)
        self.assertIn("The way back: smsctl config import-nav /etc/nav --undo --apply", done)
        self.assertEqual(self.nav_smsd(), [])
        self.assertEqual(self.states(), {"gateway": "ready"})
        self.assertEqual(len(self.web.requests()), 1)  # the test SMS
        self.assertEqual([line.split()[1:3] for line in self.stat()], [
            ["root:smsd", "640"], ["root:smsd", "640"], ["root:smsd", "640"], ["root:root", "644"], ["root:root", "644"], ["root:root", "644"]])
        self.assertEqual(machine.read("/etc/nav/daemons.yml.before-smsd"), DAEMONS)
        self.assertIn("user='smsd' options='-c TimeZone=Europe/Oslo'", machine.read("/etc/smsd/smsd.yaml"))

        # NAV starts its daemons, and its smsd is none of them.
        self.assertNotIn("smsd", machine.run("nav", "start").stdout.replace("snmptrapd", ""))
        self.assertEqual(self.nav_smsd(), [])
        self.alert("one", "two", "three")
        self.assertEqual(self.sent_by_us()[1:], ["one", "two", "three"])
        self.assertEqual(self.sent_by_nav(), ["before"])
        self.assertEqual(machine.journal(f"MESSAGE_ID={SIGN}"), [])

        # A second time: nothing changes.
        stat, began_at = self.stat(), machine.unit("smsd.service", "ActiveEnterTimestampMonotonic", "NRestarts")
        again = machine.run(*MOVE, "--apply").stdout
        self.assertEqual(self.stat(), stat)
        self.assertEqual(machine.unit("smsd.service", "ActiveEnterTimestampMonotonic", "NRestarts"), began_at)
        self.assertEqual(again.count("already done"), 6, again)
        self.assertIn("nothing to do: the queue is installed", again)

        # Units that are not enabled are enabled, though smsd runs.
        machine.run("systemctl", "disable", "smsd-http@gateway.socket")
        self.assertNotIn("start: already done", machine.run(*MOVE, "--apply").stdout)
        self.assertEqual(machine.run("systemctl", "is-enabled", "smsd-http@gateway.socket").stdout, "enabled\n")

        self.nav_comes_back_by_hand()
        self.way_back()
        self.assertLessEqual(self.install_seconds + took, 60)
        self.say(commands=3, install_seconds=f"{self.install_seconds:.1f}", seconds=f"{took:.1f}")  # installation, show, apply

    def nav_comes_back_by_hand(self):
        """Somebody starts NAV's smsd all the same: smsd says so, and says when it is gone."""
        self.machine.run("/opt/nav/bin/smsd")
        entry = wait_for("smsd notices", lambda: self.machine.journal(f"MESSAGE_ID={SIGN}"))[0]
        self.assertIn("NAV's own smsd is connected to the database", entry["MESSAGE"])
        self.assertIn("NAV's own smsd is connected to the database", self.machine.ctl("status", check=False).stdout)
        # A move that meets it ends it first.
        self.assertIn("stop-nav: ", self.machine.run(*MOVE, "--apply").stdout)
        self.assertEqual(self.nav_smsd(), [])
        wait_for("smsd notices that it is gone", lambda: self.machine.journal("MESSAGE_ID=e7cf01257c2e413385642ff68c4e60da"))

    def way_back(self):
        machine = self.machine
        shown = machine.run(*MOVE, "--undo").stdout
        self.assertIn("systemctl disable --now smsd.service smsd-http@gateway.socket", shown)
        self.assertEqual(machine.unit("smsd.service", "ActiveState"), ["active"])
        machine.run(*MOVE, "--undo", "--apply")
        self.assertEqual(machine.unit("smsd.service", "ActiveState"), ["inactive"])
        self.assertEqual(machine.read("/etc/nav/daemons.yml"), DAEMONS)
        self.assertEqual(machine.run("ls", "/etc/nav").stdout.split(), ["daemons.yml", "db.conf", "nav.conf", "smsd.conf"])
        self.assertTrue(self.nav_smsd())
        self.alert("after")
        self.assertEqual(self.sent_by_nav(), ["before", "after"])
        self.assertNotIn("after", self.sent_by_us())

    def test_the_way_back_waits_for_an_smsd_that_no_unit_started(self):
        machine = self.machine
        machine.run(*MOVE, "--apply")
        machine.run("systemctl", "enable", "smsd.target")
        machine.run("systemctl", "stop", "smsd.service")
        machine.run("systemd-run", "--unit=other-init", "runuser", "-u", "smsd", "--", "smsd", "--config", "/etc/smsd/smsd.yaml")
        wait_for("it is ready", lambda: self.states() == {"gateway": "ready"})
        done = machine.run(*MOVE, "--undo", "--apply", check=False)
        self.assertEqual(done.returncode, NOT_YET, done.stdout + done.stderr)
        self.assertIn("an smsd still listens at /run/smsd/operator/control.sock", done.stderr)
        self.assertEqual(self.nav_smsd(), [])
        self.assertEqual(machine.run("systemctl", "is-enabled", "smsd.target", check=False).stdout, "disabled\n")
        machine.run("systemctl", "stop", "other-init.service")
        machine.run(*MOVE, "--undo", "--apply")
        self.assertTrue(self.nav_smsd())

    def test_the_way_back_where_navs_smsd_was_not_listed(self):
        machine = self.machine
        unlisted = "".join(line for line in DAEMONS.splitlines(keepends=True) if "smsd" not in line and "Dispatches" not in line)
        machine.run("nav", "stop", "smsd")
        machine.write("/etc/nav/daemons.yml", unlisted, group="root")
        machine.run(*MOVE, "--apply")
        self.assertIn("put-back: for you: /etc/nav/daemons.yml has no lines that smsctl took out", machine.run(*MOVE, "--undo").stdout)
        done = machine.run(*MOVE, "--undo", "--apply").stdout
        self.assertIn("This step is yours", done)
        self.assertEqual(machine.unit("smsd.service", "ActiveState"), ["inactive"])
        machine.run("/opt/nav/bin/smsd")
        self.assertIn("NAV's smsd sends the SMS now.", machine.run(*MOVE, "--undo", "--apply").stdout)
        self.assertEqual(machine.read("/etc/nav/daemons.yml"), unlisted)

    def test_a_step_that_cannot_be_done_is_marked(self):
        self.machine.write("/etc/smsd/smsd.yaml", "queue: {backend: sqlite}\ndispatchers:\n  - {name: gateway, kind: http}\n")
        done = self.machine.run(*MOVE, check=False)
        self.assertEqual(done.returncode, WRONG_DATA, done.stdout + done.stderr)
        self.assertIn("1. import: cannot be done: /etc/smsd/smsd.yaml exists and was not made from NAV's files", done.stdout)
        self.assertIn("nothing has been done", done.stderr)

    def test_without_systemd_smsd_starts_the_workers(self):
        machine = self.machine
        hidden = f"mount -t tmpfs tmpfs /run/systemd && exec {' '.join(MOVE)} --apply"
        done = machine.run("unshare", "--mount", "sh", "-c", hidden).stdout
        self.assertIn("gateway: spawn (no systemd runs here", done)
        self.assertIn("start smsd: runuser -u smsd -- smsd --config /etc/smsd/smsd.yaml # no systemd runs here", done)
        self.assertIn("{name: gateway, kind: http, activation: spawn, timeout: 30s}", machine.read("/etc/smsd/smsd.yaml"))
        self.assertEqual(self.nav_smsd(), [])
        machine.run("systemd-run", "--unit=other-init", "runuser", "-u", "smsd", "--", "smsd", "--config", "/etc/smsd/smsd.yaml")
        wait_for("it is ready", lambda: self.states() == {"gateway": "ready"})
        self.assertIn("start: already done", machine.run("unshare", "--mount", "sh", "-c", hidden).stdout)
        self.alert("one")
        self.assertEqual(self.sent_by_us(), ["one"])

    def test_a_database_on_another_host_is_used_with_navs_role(self):
        machine = self.machine
        machine.shell("echo 127.0.0.1 db.example.org >>/etc/hosts")
        machine.write("/etc/nav/db.conf", DB_CONF.replace("localhost", "db.example.org"), group="root")
        done = machine.run(*MOVE, "--apply")
        self.assertIn("database: smsctl --config /etc/smsd/smsd.yaml db install --indexes --notify #", done.stdout)
        self.assertNotIn("canary", done.stdout + done.stderr)
        self.assertEqual(machine.run("stat", "--format=%U:%G %a", "/etc/smsd/nav.pgpass").stdout, "smsd:smsd 600\n")
        self.alert("one")
        self.assertEqual(self.sent_by_us(), ["one"])

    def test_a_step_that_fails_is_the_last_and_nav_goes_on(self):
        machine = self.machine
        machine.write("/etc/nav/db.conf", DB_CONF.replace("db_nav=nav", "db_nav=other"), group="root")
        done = machine.run(*MOVE, "--apply", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("database: ", done.stderr)
        self.assertIn("  not done: database, check, check-database, stop-nav, take-out, gone, start\n", done.stderr.replace("smsctl: ", ""))
        self.assertTrue(self.nav_smsd())
        self.assertEqual(machine.read("/etc/nav/daemons.yml"), DAEMONS)
        self.assertEqual(machine.unit("smsd.service", "ActiveState"), ["inactive"])
        # Mended, and repeated: the files of the first try are kept, so the connection is corrected in them.
        machine.shell("sed -i 's/other/nav/' /etc/smsd/smsd.yaml /etc/nav/db.conf")
        machine.run(*MOVE, "--apply")
        self.alert("one")
        self.assertEqual(self.sent_by_us(), ["one"])
        self.assertEqual(json.dumps(self.sent_by_nav() if machine.run("ls", "/run/nav/sms", check=False).returncode == 0 else []), "[]")

    def test_a_script_of_another_user_with_that_name_is_left_alone(self):
        machine = self.machine
        machine.write("/opt/others/smsd.py", "import signal\nsignal.pause()\n", mode=0o644, group="root")
        machine.run("chmod", "755", "/opt/others")
        machine.run("systemd-run", "--unit=look-alike", "--uid=nobody", "python3", "/opt/others/smsd.py")
        wait_for("it runs", lambda: machine.run("pgrep", "-f", "python3 /opt/others/smsd.py", check=False).stdout)
        (pid,) = machine.processes("look-alike.service")
        done = machine.run(*MOVE, "--apply").stdout
        self.assertIn(f"note: process {pid} looks like NAV's smsd, but belongs to another user than root and NAV's (navcron)", done)
        self.assertEqual(machine.processes("look-alike.service"), [pid])
        self.assertEqual(self.nav_smsd(), [])
        self.alert("one")
        self.assertEqual(self.sent_by_us(), ["one"])


class FromPackages(NavMove):
    """Booted without smsd, which apt installs."""

    def boot(self):
        self.packages = packages.folder_of("SMSD_PACKAGES")
        return packages.boot(self.folder, "SMSD_PEER_TREE", "SMSD_TREE")

    def complete(self):
        there = packages.bring(self.machine, self.packages, "packages")
        began = time.monotonic()
        packages.install(self.machine, there)
        self.install_seconds = time.monotonic() - began
