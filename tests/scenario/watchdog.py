# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd's watchdog hears of smsd: signs of life while it gets on, none while it does not. By the real program alone: nothing in it is faked."""

import contextlib
import fcntl
import os
import signal
import sqlite3
import statistics

from harness import Postgres, Scenario, Smsd, Systemd, sms_in, wait_for

WATCHDOG = 1.0  # WatchdogSec=, in seconds


class Watchdog(Scenario):
    def setUp(self):
        super().setUp()
        self.systemd = self.open(Systemd(self.folder, watchdog=WATCHDOG))
        self.sent = self.folder / "sent.jsonl"

    def smsd(self, queue, **more):
        return self.open(Smsd(self.folder, queue, {"debug": ("debug", {"file": str(self.sent)})}, **more))

    def postgresql(self, postgres, settings=""):
        smsd = self.smsd({"backend": "postgresql", "lease": "5s", "postgresql": {"connection": postgres.dsn() + settings}})
        smsd.ctl("db", "install", "--indexes", "--notify")
        return smsd

    def signs(self, count, since):
        """So many signs of life after that moment."""
        return wait_for(f"{count} signs of life", lambda: (found := self.systemd.signs_of_life(since)) and len(found) >= count and found)

    def none_for(self, seconds, deadline=60.0):
        """Until it has said none for so long, by its own clock and ours."""
        def quiet():
            last = max(self.systemd.signs_of_life(), default=0.0)
            return self.systemd.now() - last > seconds
        wait_for(f"no sign of life for {seconds:g} s", quiet, deadline)

    def send(self, smsd, count=1, text="alert"):
        for n in range(count):
            smsd.ctl("send", f"+47{n:08}", text)

    @staticmethod
    def insert(postgres, count, text):
        """Straight into the table: smsctl would have smsd open a second connection, for operators."""
        postgres.sql(f"INSERT INTO smsq (phone, msg, time) SELECT '+47' || lpad(n::text, 8, '0'), '{text}', now() FROM generate_series(1, {count}) n")

    @staticmethod
    def backend(postgres):
        """The server process that smsd's queue talks to."""
        return postgres.number("SELECT pid FROM pg_stat_activity WHERE application_name = 'smsd' ORDER BY backend_start DESC LIMIT 1")

    def test_signs_come_at_half_the_time_and_none_while_the_loop_stands(self):
        """It stands as it would behind a journal that takes nothing: in a write."""
        smsd = self.smsd({"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, settings={"log": {"sent": "each"}})
        os.mkfifo(smsd.log)
        journal = os.open(smsd.log, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, journal)
        fcntl.fcntl(journal, fcntl.F_SETPIPE_SZ, 4096)
        smsd.start(systemd=self.systemd)
        self.send(smsd, 3)
        signs = self.signs(8, since=0.0)
        gaps = [b - a for a, b in zip(signs, signs[1:])]
        self.say(watchdog=f"{WATCHDOG:g} s", gaps=" ".join(f"{gap:.2f}" for gap in gaps))
        self.assertLess(statistics.median(gaps), WATCHDOG * 0.75)
        self.assertEqual(self.systemd.all("READY")[0][1], "1")
        self.assertGreaterEqual(signs[0], self.systemd.all("READY")[0][0])
        # An entry each is more than the pipe takes. Straight into the file: smsctl would wait for an answer.
        with contextlib.closing(sqlite3.connect(self.folder / "queue.db", timeout=60)) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg) VALUES (?, 'alert')", [(f"+48{n:08}",) for n in range(60)])
        self.none_for(3 * WATCHDOG)
        self.assertIsNone(smsd.process.poll())
        before = self.systemd.now()

        def drained():
            with contextlib.suppress(BlockingIOError):
                while os.read(journal, 4096):
                    pass
            return len(sms_in(self.sent)) == 63
        wait_for("all are sent", drained)
        self.signs(3, before)

    def test_a_connection_that_hangs_is_cut_and_all_goes_on(self):
        """One process of the server's stands still; the others answer."""
        postgres = self.open(Postgres(self.folder))
        smsd = self.postgresql(postgres).start(systemd=self.systemd)
        self.insert(postgres, 1, "alert")
        wait_for("it is sent", lambda: len(sms_in(self.sent)) == 1)
        wait_for("and written", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'Y'") == 1)
        # A process that is stopped in the middle of a commit would hold a lock that all others wait for.
        wait_for("its process waits", lambda: postgres.number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'smsd'"
                                                              " AND state = 'idle' AND wait_event = 'ClientRead'") >= 1)
        stopped = self.backend(postgres)
        os.kill(stopped, signal.SIGSTOP)
        self.addCleanup(os.kill, stopped, signal.SIGCONT)
        began = self.systemd.now()
        self.insert(postgres, 5, "another")
        wait_for("they are sent", lambda: len(sms_in(self.sent)) == 6)
        wait_for("the queue is back", lambda: "the queue is back" in smsd.text())
        self.assertIn("the queue is away, nothing new is sent until it is back: it has not answered for 10s", smsd.text())
        self.assertIn("smsd cuts its connection", smsd.text())
        self.assertNotEqual(self.backend(postgres), stopped)
        self.say(sent_after=f"{self.systemd.now() - began:.1f} s")
        self.assertEqual(smsd.stop(), 0)

    def test_none_when_the_queue_is_never_answered_and_again_when_it_is(self):
        """A server that takes connections and says nothing, and a connection string that waits for it without end."""
        postgres = self.open(Postgres(self.folder))
        smsd = self.postgresql(postgres, " connect_timeout=0").start(systemd=self.systemd)
        self.insert(postgres, 1, "alert")
        wait_for("it is sent", lambda: len(sms_in(self.sent)) == 1)
        backend = self.backend(postgres)
        postgres.process.send_signal(signal.SIGSTOP)
        self.addCleanup(postgres.process.send_signal, signal.SIGCONT)
        os.kill(backend, signal.SIGTERM)  # so that it connects again
        wait_for("the queue is away", lambda: "the queue is away" in smsd.text())
        away = self.systemd.now()
        self.signs(5, away)  # for a good while that is the database's trouble, and no reason to be started anew
        self.none_for(3 * WATCHDOG, deadline=200)
        self.assertIn("smsd stops its watchdog notifications", smsd.text())
        self.say(signs_end_after=f"{self.systemd.signs_of_life()[-1] - away:.1f} s", lease="5 s")
        self.assertIsNone(smsd.process.poll())
        before = self.systemd.now()
        postgres.process.send_signal(signal.SIGCONT)
        self.signs(3, before)
        wait_for("the queue is back", lambda: "the queue is back" in smsd.text())
        self.send(smsd, 1, "another")
        wait_for("it is sent", lambda: len(sms_in(self.sent)) == 2)
        self.assertEqual(smsd.stop(), 0)
