# SPDX-License-Identifier: GPL-3.0-or-later
"""A pooler in front of PostgreSQL: in transaction mode it drops every notification, so that nothing wakes smsd. smsd finds out by itself."""

import os
import pwd
import subprocess
import time

from harness import DEADLINE, Postgres, Scenario, Smsd, die_with_parent, free_port, sms_in, wait_for


class PgBouncer:
    """Debian's pgbouncer on a Unix socket, before the database nav of a cluster."""

    def __init__(self, folder, postgres, mode):
        self.folder = folder / f"pooler-{mode}"
        self.folder.mkdir()
        self.port = free_port()  # names the socket; nothing listens at it
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        config = self.folder / "pgbouncer.ini"
        config.write_text(f"""
[databases]
nav = host={postgres.folder} dbname=nav user=postgres
[pgbouncer]
pool_mode = {mode}
listen_addr =
listen_port = {self.port}
unix_socket_dir = {self.folder}
auth_type = any
logfile = {self.folder}/log
""")
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.process = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", config], cwd="/", preexec_fn=self._drop, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("PgBouncer listens", (self.folder / f".s.PGSQL.{self.port}").exists)

    def _drop(self):
        die_with_parent()
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def dsn(self):
        return f"host={self.folder} port={self.port} dbname=nav user=postgres"

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)


class Pooler(Scenario):
    def smsd(self, postgres, dsn):
        admin = Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}}, {"way": ("debug", {})}, name="admin")
        admin.ctl("db", "install", "--indexes", "--notify")
        queue = {"backend": "postgresql", "postgresql": {"connection": dsn}, "poll_interval": "1h"}
        return self.open(Smsd(self.folder, queue, {"way": ("debug", {"file": "way.jsonl"})}))

    def alert(self, postgres, smsd, number):
        began = time.monotonic()
        postgres.sql(f"INSERT INTO smsq (time, phone, msg, severity) VALUES (now(), '{number}', 'text', 1)")
        wait_for("it is sent", lambda: number in [sms["recipient"] for sms in sms_in(smsd.folder / "state" / "way.jsonl")])
        return time.monotonic() - began

    def notifications(self, smsd):
        queue = smsd.status()["queue"]
        return queue["notifications"], queue["notifications_problem"]

    def test_in_transaction_mode_smsd_says_that_nothing_wakes_it_and_polls_every_5_seconds(self):
        postgres = self.open(Postgres(self.folder))
        pooler = self.open(PgBouncer(self.folder, postgres, "transaction"))
        smsd = self.smsd(postgres, pooler.dsn()).start()
        wait_for("it is said in status", lambda: self.notifications(smsd)[0] == "silent")
        self.assertIn("pool_mode = session", self.notifications(smsd)[1])
        self.assertIn("new messages wait for the next poll", smsd.ctl("status", check=False).stdout)
        self.assertEqual(smsd.text().count("new messages do not wake smsd"), 1, smsd.text())
        took = self.alert(postgres, smsd, "+471")
        self.assertLess(took, 30, "poll_interval is an hour")
        self.assertEqual(smsd.stop(), 0, smsd.text())
        self.say(alert_after=f"{took:.1f} s")

    def test_in_session_mode_and_without_a_pooler_it_is_proven_that_new_messages_wake_it(self):
        postgres = self.open(Postgres(self.folder))
        pooler = self.open(PgBouncer(self.folder, postgres, "session"))
        for dsn, number in ((pooler.dsn(), "+471"), (postgres.dsn(), "+472")):
            smsd = self.smsd(postgres, dsn).start()
            wait_for("it is proven", lambda: self.notifications(smsd) == ("work", ""))
            self.alert(postgres, smsd, number)
            self.assertNotIn("do not wake", smsd.text())
            self.assertEqual(smsd.stop(), 0, smsd.text())
            self.folder = self.folder / "next"  # for the second
            self.folder.mkdir()

    def test_without_the_trigger_status_says_how_to_make_one(self):
        postgres = self.open(Postgres(self.folder))
        smsd = self.smsd(postgres, postgres.dsn())
        postgres.sql("DROP TRIGGER smsd_notify ON smsq")
        smsd.start()
        wait_for("it is said", lambda: self.notifications(smsd)[0] == "not installed")
        self.assertIn("smsctl db install --notify", self.notifications(smsd)[1])
        self.assertTrue(smsd.status()["healthy"])
        self.assertEqual(smsd.stop(), 0, smsd.text())
