# SPDX-License-Identifier: GPL-3.0-or-later
"""The database's clock is stepped by two hours: the clock of a real server, or of this host where the queue is a file.

libfaketime gives one process a clock that a file says, read at each call; the kernel's clocks that only count go on as they are.
"""

import contextlib
import glob
import json
import os
import sqlite3
import time

from harness import Postgres, Scenario, Smsd, sms_in, wait_for
from main_path import install, postgres_queue

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), "")
NUMBERS = [f"+479000000{n}" for n in range(10)]


class FakeClock:
    """The environment of a process whose clock this sets."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.step(0)

    def step(self, hours):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{hours:+d}h\n")
        fresh.chmod(0o644)
        os.replace(fresh, self.file)

    def environment(self):
        return {**os.environ, "LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}


class SteppedPostgres(Postgres):
    """A cluster under a clock of its own."""

    def __init__(self, folder):
        os.chmod(folder, 0o755)
        self.clock = FakeClock(folder)
        super().__init__(folder)

    def start(self, *options):
        before = dict(os.environ)
        os.environ.update(self.clock.environment())
        try:
            super().start(*options)
        finally:
            os.environ.clear()
            os.environ.update(before)


WAIT = 15  # seconds
STEPS = (2, 0, -2, 0)  # where the clock is, in hours


class Clock(Scenario):
    def setUp(self):
        super().setUp()
        if not LIBRARY:
            self.skipTest("libfaketime is not installed")

    def sent(self, smsd):
        return sorted(s["recipient"] for s in sms_in(smsd.folder / "state" / "sent.jsonl"))

    def waiting_are_sent(self, clock, smsd, put, waiting):
        """Ten recipients wait when the clock is stepped: all are sent when their wait is over all the same, and it is said."""
        for number, hours in enumerate(STEPS):
            before = len(self.sent(smsd))
            put()
            self.assertEqual((waiting(), len(self.sent(smsd)) - before), (10, 0))
            clock.step(hours)
            began = time.monotonic()
            wait_for("all are sent", lambda: len(self.sent(smsd)) - before >= 10, deadline=60)
            self.say(step=number, clock_is_at=f"{hours:+d} h", sent=len(self.sent(smsd)) - before, took=f"{time.monotonic() - began:.1f} s")
            way = "ahead" if hours > (0, *STEPS)[number] else "back"
            wait_for("it is said", lambda: smsd.text().count("the database's clock was stepped") == number + 1)
            self.assertIn(f"stepped {way} by 2h", smsd.text().split("the database's clock was ")[-1])
            queue = smsd.status()["queue"]
            self.assertAlmostEqual(queue["clock_step_seconds"], 7200 if way == "ahead" else -7200, delta=60)
            self.assertLess(queue["clock_step_ago_seconds"], 60)
            self.assertRegex(smsd.ctl("status"), rf"(?m)^-  \d+s ago +the database's clock was stepped {way} by 2h( 1m)?$")
        self.assertEqual(self.sent(smsd), sorted(NUMBERS * len(STEPS)))
        self.assertEqual((smsd.status()["queue"]["ignored"], smsd.text().count("fenced")), (0, 0))

    def test_recipients_that_wait_are_sent_whichever_way_the_servers_clock_is_stepped(self):
        postgres = self.open(SteppedPostgres(self.folder))
        queue = {**postgres_queue(postgres), "expire_after": "1h", "lease": "2s"}
        smsd = install(self.open(Smsd(self.folder, queue, {"only": ("debug", {"file": "sent.jsonl"})}))).start()

        def put():
            """As smsd leaves them: a row of the queue, and a wait."""
            postgres.sql("TRUNCATE smsq RESTART IDENTITY")
            postgres.sql("".join(f"INSERT INTO smsd.wait (recipient, rounds, due) VALUES ('{n}', 1, now() + interval '{WAIT} s');"
                                 f"INSERT INTO smsq (time, phone, msg) VALUES (now(), '{n}', 'alert');" for n in NUMBERS))
        self.waiting_are_sent(postgres.clock, smsd, put, lambda: postgres.number("SELECT count(*) FROM smsd.wait"))
        self.assertEqual(postgres.number("SELECT count(*) FROM smsq WHERE sent <> 'Y'"), 0)

    def test_recipients_that_wait_are_sent_whichever_way_this_hosts_clock_is_stepped(self):
        clock, path, hours = FakeClock(self.folder), self.folder / "queue.db", iter((0, *STEPS))
        queue = {"backend": "sqlite", "sqlite": {"path": str(path)}, "expire_after": "1h", "lease": "2s"}
        smsd = self.open(Smsd(self.folder, queue, {"only": ("debug", {"file": "sent.jsonl"})}))
        smsd.start(environment=clock.environment())

        def sql(*statements):
            with contextlib.closing(sqlite3.connect(path, timeout=10)) as db, db:
                return [db.execute(statement).fetchall() for statement in statements][-1]

        def put():
            """As smsd leaves them, by its clock."""
            now = int(1000 * (time.time() + 3600 * next(hours)))
            sql(*(f"INSERT INTO smsd_wait (recipient, rounds, due, reason, noted) VALUES ('{n}', 1, {now + 1000 * WAIT}, '', {now})" for n in NUMBERS),
                *(f"INSERT INTO smsq (time, phone, msg) VALUES (strftime('%Y-%m-%d %H:%M:%f', {now} / 1000.0, 'unixepoch'), '{n}', 'alert')"
                  for n in NUMBERS))
        self.waiting_are_sent(clock, smsd, put, lambda: sql("SELECT count(*) FROM smsd_wait")[0][0])
        self.assertEqual(sql("SELECT count(*) FROM smsq WHERE sent <> 'Y'"), [(0,)])

    def test_a_dead_supervisor_is_taken_over_from_in_its_time_and_a_living_one_is_not(self):
        postgres = self.open(SteppedPostgres(self.folder))
        queue = {**postgres_queue(postgres), "lease": "2s"}
        lives = install(self.open(Smsd(self.folder, queue, {"only": ("debug", {"file": "sent.jsonl"})}, name="lives"))).start()
        for hours in (2, 0, -2):
            dies = self.open(Smsd(self.folder, queue, {"slow": ("debug", {"result": "slow", "delay": "1h", "window": 64})},
                                  name=f"dies{hours}"))
            lives.ctl("dispatcher", "pause", "only")
            dies.start()
            postgres.sql(f"INSERT INTO smsq (time, phone, msg) SELECT now(), '+47{hours + 5}' || (1000 + g), 'alert' FROM generate_series(1, 50) g")
            wait_for("the other has them", lambda: postgres.number("SELECT count(*) FROM smsd.live") >= 50)
            dies.process.kill()
            dies.process.wait()
            postgres.clock.step(hours)
            lives.ctl("dispatcher", "resume", "only")
            began = time.monotonic()
            wait_for("all are sent", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent <> 'Y'") == 0, deadline=60)
            self.say(clock_is_at=f"{hours:+d} h", taken_over=50, took=f"{time.monotonic() - began:.1f} s, the lease is 2 s")
        self.assertEqual(lives.text().count("another supervisor"), 0)
        self.assertIsNone(lives.process.poll())
        self.assertEqual(json.loads(lives.ctl("queue", "held", "--json")), [])
