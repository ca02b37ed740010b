# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the version before and of today on one queue, under load. SMSD_BEFORE names the folder of the older programs, which
tests/proof/upgrade builds from the commit before today's schema. Without it, these tests are skipped."""

import collections
import json
import os
import pathlib
import subprocess
import threading
import time
import unittest
import urllib.parse

from activator import Unit
from harness import BIN, Gateway, Postgres, Scenario, Smsd, wait_for
from main_path import url

BEFORE = os.environ.get("SMSD_BEFORE")
SECONDS = float(os.environ.get("SMSD_UPGRADE_SECONDS", "10"))
TIMES = int(os.environ.get("SMSD_UPGRADE_TIMES", "3"))


class Load:
    """Inserts rows, each for a recipient of its own, until it is told to stop."""

    def __init__(self, postgres):
        self.postgres, self.count, self.over = postgres, 0, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.wait(0.1):
            self.postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) SELECT 1, now(), '+47' || (10000000 + g), 'alert ' || g, "
                              f"1 + g % 5 FROM generate_series({self.count + 1}, {self.count + 20}) g")
            self.count += 20

    def stop(self):
        self.over.set()
        self.thread.join()


@unittest.skipUnless(BEFORE, "the programs of the version before are needed: run tests/proof/upgrade")
class Upgrade(Scenario):
    def setUp(self):
        super().setUp()
        self.postgres = self.open(Postgres(self.folder))
        self.gateway = self.open(Gateway(self.folder))

    def supervisor(self, name, programs, entry=None):
        smsd = self.open(Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": self.postgres.dsn()}, "lease": "5s"},
                              {"gateway": ("http", {"url": url(self.gateway.port)})}, name=name, entries={"gateway": entry or {}}))
        smsd.bin = pathlib.Path(programs)
        return smsd

    def check(self, count):
        """Every row was sent, once, and nothing is unknown."""
        wait_for("no row is N", lambda: self.postgres.sql("SELECT count(*) FROM smsq WHERE sent = 'N'") == [["0"]], deadline=60)
        requests = collections.Counter(urllib.parse.parse_qs(r["query"])["to"][0] for r in self.gateway.requests())
        lost = count - len(requests)
        doubled = sum(requests.values()) - len(requests)
        unknown, = self.postgres.sql("SELECT count(*) FROM smsd.submission WHERE outcome = 'unknown'")[0]
        unknown = int(unknown) + int(self.postgres.sql("SELECT count(*) FROM smsd.attempt WHERE outcome = 'unknown'")[0][0])
        self.assertEqual((lost, doubled, unknown), (0, 0, 0), f"lost, doubled, unknown of {count}")
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM smsq WHERE sent <> 'Y'"), [["0"]])

    def install(self, programs):
        config = self.supervisor("installer", programs).config
        subprocess.run([pathlib.Path(programs) / "smsctl", "--config", config, "db", "install", "--indexes", "--notify"], check=True,
                       stdout=subprocess.DEVNULL)

    def version(self):
        return self.postgres.sql("SELECT to_jsonb(i) ->> 'schema_version' FROM smsd.installation i")[0][0]

    def test_an_older_and_a_newer_supervisor_share_a_database_while_its_schema_is_upgraded(self):
        self.install(BEFORE)
        older, newer = self.supervisor("older", BEFORE).start(), self.supervisor("newer", BIN).start()
        load = Load(self.postgres)
        until = time.monotonic() + SECONDS
        wait_for("half of the time is over", lambda: time.monotonic() > until - SECONDS / 2, deadline=SECONDS)
        self.assertEqual(self.version(), "")
        found = json.loads(newer.ctl("db", "check", "--json"))
        self.assertEqual(found["schema"] + 1, found["schema_known"])
        newer.ctl("db", "install")
        self.assertEqual(self.version(), str(found["schema_known"]))
        self.assertEqual(older.stop(), 0)
        older.start()  # an older program starts on the newer schema, too
        wait_for("the time is over", lambda: time.monotonic() > until, deadline=SECONDS)
        load.stop()
        self.check(load.count)
        queue = newer.status()["queue"]
        self.assertEqual((queue["schema"], queue["schema_used"]), (found["schema_known"], found["schema"]))
        sent = {smsd.folder.name: smsd.status()["queue"]["sent"] for smsd in (older, newer)}
        self.assertGreater(min(sent.values()), 0, sent)
        self.assertEqual(older.stop(), 0)
        wait_for("all know the newer schema", lambda: newer.status()["queue"]["schema_used"] == found["schema_known"])
        self.assertEqual(newer.stop(), 0)
        self.say(messages=load.count, sent_since_its_last_start=sent)

    def test_the_programs_are_replaced_under_load_and_back(self):
        self.install(BEFORE)
        unit = self.open(Unit(self.folder, "gateway", "http", {"url": url(self.gateway.port)}, program=pathlib.Path(BEFORE) / "smsd-worker-http"))
        smsd = self.supervisor("main", BEFORE, unit.entry()).start()
        load = Load(self.postgres)
        for n in range(2 * TIMES):
            sent = len(self.gateway.requests())
            wait_for("it sends", lambda before=sent: len(self.gateway.requests()) > before + 40)
            self.assertEqual(smsd.stop(), 0, smsd.text()[-2000:])
            programs = pathlib.Path(BIN if n % 2 == 0 else BEFORE)
            smsd.bin, unit.program = programs, programs / "smsd-worker-http"
            smsd.start()
            if n == 0:
                smsd.ctl("db", "install")
        load.stop()
        self.check(load.count)
        self.assertNotIn("violated the protocol", smsd.text())
        self.say(messages=load.count, replaced=2 * TIMES, worker_starts=unit.starts)
