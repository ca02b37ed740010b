"""The database's clock is stepped by two hours: the clock of a real server, or of this host where the queue is a file.

libfaketime gives one process a clock that a file says, read at each call; the kernel's clocks that only count go on as they are.
"""

import glob
import json
import os
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


DEFERS = {"when": [{"text": "waits", "result": "defer", "times": 10}], "file": "sent.jsonl", "window": 1}
RETRY = {"delay": "3s", "factor": 1, "max_delay": "3s"}


class Clock(Scenario):
    def setUp(self):
        super().setUp()
        if not LIBRARY:
            self.skipTest("libfaketime is not installed")

    def sent(self, smsd):
        return sorted(s["recipient"] for s in sms_in(smsd.folder / "state" / "sent.jsonl"))

    def waiting_are_sent(self, clock, smsd, put, waiting):
        """Ten recipients wait when the clock is stepped: all are sent within a few waits."""
        for number, hours in enumerate((2, 0, -2, 0)):
            before = len(self.sent(smsd))
            put()
            wait_for("all have had a round", lambda: waiting() >= 10)
            clock.step(hours)
            began = time.monotonic()
            wait_for("all are sent", lambda: len(self.sent(smsd)) - before >= 10, deadline=30)
            self.say(step=number, clock_is_at=f"{hours:+d} h", sent=len(self.sent(smsd)) - before, took=f"{time.monotonic() - began:.1f} s")
        self.assertEqual(self.sent(smsd), sorted(NUMBERS * 4))

    def test_recipients_that_wait_are_sent_whichever_way_the_servers_clock_is_stepped(self):
        postgres = self.open(SteppedPostgres(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"only": ("debug", {"file": "sent.jsonl"})},
                                      settings={"retry": RETRY, "queue": {**postgres_queue(postgres), "expire_after": "1h"}})))
        # What waits is put there as smsd puts it: a row of the queue and its wait.
        def put():
            postgres.sql("TRUNCATE smsq RESTART IDENTITY")
            for number in NUMBERS:
                postgres.sql(f"INSERT INTO smsd.wait (recipient, rounds, due) VALUES ('{number}', 1, now() + interval '2 s')")
                postgres.sql(f"INSERT INTO smsq (time, phone, msg) VALUES (now(), '{number}', 'alert')")
        smsd.start()
        self.waiting_are_sent(postgres.clock, smsd, put, lambda: postgres.number("SELECT count(*) FROM smsd.wait"))
        self.assertEqual(postgres.number("SELECT count(*) FROM smsq WHERE sent <> 'Y'"), 0)
        wait_for("it is said", lambda: smsd.text().count("the database's clock was stepped") >= 2, deadline=40)

    def test_recipients_that_wait_are_sent_whichever_way_this_hosts_clock_is_stepped(self):
        clock = FakeClock(self.folder)
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "expire_after": "1h"},
                              {"only": ("debug", {"file": "sent.jsonl", "when": [{"text": "waits", "result": "defer", "times": 10}]})},
                              settings={"retry": RETRY}))
        smsd.start(environment=clock.environment())
        for hours in (2, -2):
            before = len(self.sent(smsd))
            deferred = smsd.dispatcher("only")["deferred"]
            for number in NUMBERS:
                smsd.ctl("send", number, "waits" if hours == 2 else "alert")
            if hours == 2:
                wait_for("some wait", lambda: smsd.dispatcher("only")["deferred"] > deferred)
            clock.step(hours)
            wait_for("all are sent", lambda: len(self.sent(smsd)) - before >= 10, deadline=30)
            self.assertEqual(smsd.status()["queue"]["ignored"], 0)
        self.assertEqual(self.sent(smsd), sorted(NUMBERS * 2))
        self.assertIsNone(smsd.process.poll())

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
