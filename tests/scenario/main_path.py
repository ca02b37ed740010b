# SPDX-License-Identifier: GPL-3.0-or-later
"""From a row in smsq to a request at a gateway: PostgreSQL, nginx, real processes."""

import collections
import contextlib
import os
import pathlib
import signal
import sqlite3
import time
import urllib.parse

from harness import Gateway, Nginx, Postgres, Scenario, Smsd, free_port, sms_in, wait_for

PEOPLE = 2000
INSERT = """
    INSERT INTO smsq (accountid, time, phone, msg, severity)
    SELECT 1 + g % 1000, now(), '+47' || (40000000 + g), 'alert ' || m || ' for ' || g, m
    FROM generate_series(1, {people}) g, generate_series(1, {messages}) m"""


def url(port):
    return f"http://127.0.0.1:{port}/send?to={{recipient}}&m={{text}}"


def postgres_queue(postgres):
    return {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}, "poll_interval": "1s"}


def install(smsd):
    smsd.ctl("db", "install", "--indexes", "--notify")
    return smsd


def asked(requests):
    """{recipient: [text, ...]} of requests as nginx logs them."""
    found = collections.defaultdict(list)
    for uri, _ in requests:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query, strict_parsing=True)
        found[query["to"][0]].append(query["m"][0])
    return found


class MainPath(Scenario):
    def test_2000_recipients_of_3_messages_become_2000_requests_and_nav_finds_its_rows_as_it_left_them(self):
        postgres, nginx = self.open(Postgres(self.folder)), self.open(Nginx(self.folder))
        smsd = self.open(Smsd(self.folder, postgres_queue(postgres), {"gateway": ("http", {"url": url(nginx.port)}),
                                                                      "second": ("debug", {"file": "second.jsonl"})}))
        install(smsd).start()
        wait_for("both workers are ready", lambda: all(d["state"] == "ready" for d in smsd.status()["dispatchers"]))

        # What `ps` shows: one supervisor, one worker a dispatcher.
        self.assertEqual({name: len(pids) for name, pids in smsd.children().items()}, {"smsd-worker-http": 1, "smsd-worker-debug": 1})

        # The second half of the recipients has texts so long that only two of the three fit (NAV: the rest is ignored).
        began = time.monotonic()
        postgres.sql(f"BEGIN; {INSERT.format(people=PEOPLE, messages=3)}; "
                     f"UPDATE smsq SET msg = rpad(msg, 60, 'x') WHERE right(phone, 4)::int >= {PEOPLE // 2}; COMMIT")
        wait_for("no row is N", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        took = time.monotonic() - began

        requests = nginx.requests()
        texts = asked(requests)
        self.assertEqual(len(requests), PEOPLE)
        self.assertEqual(len(texts), PEOPLE)
        for recipient, sms in texts.items():
            self.assertEqual(len(sms), 1, recipient)
            self.assertTrue(sms[0].startswith("1: alert 1 for "), sms[0])
        # Each row tells what the SMS of its recipient says.
        rows = postgres.sql("SELECT phone, msg, sent, smsid, timesent IS NOT NULL AND timesent >= time FROM smsq")
        self.assertEqual(len(rows), 3 * PEOPLE)
        for phone, message, sent, smsid, stamped in rows:
            self.assertEqual(sent, "Y" if message in texts[phone][0] else "I", (phone, message, texts[phone]))
            self.assertEqual((smsid, stamped), ("0", "t"))  # NAV: 0 where the gateway gives no integer
        ignored = sum(row[2] == "I" for row in rows)
        self.assertGreater(ignored, 0)
        for sms in texts.values():
            self.assertEqual(" +1 see web." in sms[0], "; 3: " not in sms[0])

        self.assertEqual(sms_in(smsd.folder / "state" / "second.jsonl"), [])
        self.assertEqual(smsd.stop(), 0)
        self.assertEqual(postgres.number("SELECT count(*) FROM smsd.submission WHERE ended IS NULL"), 0)
        self.say(requests=len(requests), connections=len({c for _, c in requests}), rows=len(rows), ignored=ignored, seconds=f"{took:.2f}")

    def test_kill_9_of_the_busy_worker_in_the_middle_loses_nobody(self):
        postgres = self.open(Postgres(self.folder))
        gateway = self.open(Gateway(self.folder, "--behave", "delay=0.02"))
        smsd = self.open(Smsd(self.folder, postgres_queue(postgres), {"gateway": ("http", {"url": url(gateway.port)})}))
        install(smsd).start()
        first = wait_for("the worker is ready", lambda: smsd.dispatcher("gateway")["state"] == "ready" and smsd.dispatcher("gateway")["worker_pid"])
        postgres.sql(INSERT.format(people=PEOPLE, messages=3))
        wait_for("the gateway is busy", lambda: len(gateway.requests()) > 100)
        os.kill(first, signal.SIGKILL)
        left = postgres.number("SELECT count(DISTINCT phone) FROM smsq WHERE sent = 'N'")
        self.assertGreater(left, 100, "it was over before the kill")
        wait_for("no row is N", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)

        status = smsd.dispatcher("gateway")
        self.assertNotEqual(status["worker_pid"], first)
        self.assertEqual(status["starts"], 2)
        served = collections.Counter(urllib.parse.parse_qs(r["query"])["to"][0] for r in gateway.requests())
        self.assertEqual(len(served), PEOPLE)
        self.assertEqual(postgres.number("SELECT count(*) FROM smsq WHERE sent = 'Y'"), 3 * PEOPLE)
        # A second copy can only be of what was with the gateway at that moment: at most a window (64), each with its key.
        twice = sum(n - 1 for n in served.values())
        self.assertLessEqual(twice, 64)
        keys = collections.defaultdict(set)
        for request in gateway.requests():
            keys[urllib.parse.parse_qs(request["query"])["to"][0]].add(request["headers"]["idempotency-key"])
        self.assertEqual({len(k) for k in keys.values()}, {1})
        self.assertIn("signal 9", smsd.text())
        self.say(left_at_the_kill=left, sent_twice_with_the_same_key=twice)


class Sqlite(Scenario):
    """The shortest whole way: SQLite, the debug worker, smsctl. The suite runs it with the programs of the Debug build as well."""

    def test_500_recipients_of_3_messages_become_500_sms_and_every_program_ends_with_0(self):
        people = 500
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "poll_interval": "1s"},
                              {"way": ("debug", {"file": "way.jsonl"})}))
        smsd.ctl("send", "+4740000000", "the first, from before smsd was there")
        smsd.start()
        way = smsd.folder / "state" / "way.jsonl"
        wait_for("the first is sent", lambda: len(sms_in(way)) == 1)
        with contextlib.closing(sqlite3.connect(self.folder / "queue.db")) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg, severity) VALUES (?, ?, ?)",
                              [(f"+47{41000000 + n}", f"alert {m} for {n}", m) for n in range(people) for m in (1, 2, 3)])
        wait_for("each has its SMS", lambda: len(sms_in(way)) == 1 + people)
        wait_for("nothing waits", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(len({sms["recipient"] for sms in sms_in(way)}), 1 + people)
        smsd.ctl("send", "--severity", "1", "+4742000000", "the last")
        wait_for("the last is sent", lambda: len(sms_in(way)) == 2 + people)
        self.assertIn("accepted", smsd.ctl("test", "+4742000001"))
        worker, = smsd.children()["smsd-worker-debug"]
        self.assertEqual(smsd.stop(), 0, smsd.text())
        wait_for("the worker is gone", lambda: not pathlib.Path(f"/proc/{worker}").exists())
        for word in ("Sanitizer", "runtime error", "signal"):
            self.assertNotIn(word, smsd.text())


class Failover(Scenario):
    def test_with_the_first_dispatcher_refusing_connections_all_goes_through_the_second_each_once(self):
        postgres, nginx = self.open(Postgres(self.folder)), self.open(Nginx(self.folder))
        smsd = self.open(Smsd(self.folder, postgres_queue(postgres), {"dead": ("http", {"url": url(free_port())}),
                                                                      "gateway": ("http", {"url": url(nginx.port)})}))
        install(smsd)
        postgres.sql(INSERT.format(people=PEOPLE, messages=1))
        smsd.start()
        wait_for("no row is N", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        texts = asked(nginx.requests())
        self.assertEqual({len(sms) for sms in texts.values()}, {1})
        self.assertEqual(len(texts), PEOPLE)
        dead = smsd.dispatcher("dead")
        self.assertEqual(dead["state"], "resting")
        self.assertIn("cannot be reached", dead["reason"])
        # It rests: it was not asked for every SMS (C14).
        self.assertLess(dead["deferred"], 200)
        self.assertEqual(smsd.status()["healthy"], True)
        self.say(through_the_second=len(texts), asked_of_the_dead_one=dead["deferred"])

    def test_a_dispatcher_that_comes_back_is_used_again_by_itself(self):
        nginx = self.open(Nginx(self.folder))
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        smsd = self.open(Smsd(self.folder, queue, {
            "first": ("debug", {"when": [{"result": "defer", "times": 3}], "file": "first.jsonl", "window": 1, "backlog": 0}),
            "second": ("http", {"url": url(nginx.port)})}))
        smsd.start()
        wait_for("both are ready", lambda: all(smsd.dispatcher(name)["state"] == "ready" for name in ("first", "second")))
        for n in range(3):
            smsd.ctl("send", f"+471{n}", "before")
        wait_for("the first rests", lambda: smsd.dispatcher("first")["state"] == "resting")
        wait_for("all three through the second", lambda: len(asked(nginx.requests())) == 3)
        # After its rest one SMS is the probe; it is taken, and everything goes the preferred way again.
        wait_for("the rest is over", lambda: smsd.dispatcher("first")["next_try_seconds"] == 0)
        for n in range(5):
            smsd.ctl("send", f"+472{n}", "after")
        first = smsd.folder / "state" / "first.jsonl"
        wait_for("all five through the first", lambda: len(sms_in(first)) == 5)
        self.assertEqual(len(asked(nginx.requests())), 3)
        self.assertEqual(smsd.dispatcher("first")["state"], "ready")


class Flat(Scenario):
    """20,000 recipients cost the same each, whatever the planner believes: counted in rows that PostgreSQL touched, not timed (C45)."""

    RECIPIENTS = 20000
    ROWS = "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'smsq'"

    def drain(self, burst):
        postgres, nginx = self.open(Postgres(self.folder)), self.open(Nginx(self.folder))
        postgres.sql("ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf()")  # nobody analyses the tables in between
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"gateway": ("http", {"url": url(nginx.port)})})))
        insert = INSERT.format(people=self.RECIPIENTS, messages=1)
        if burst:
            smsd.start()
            wait_for("ready", lambda: smsd.dispatcher("gateway")["state"] == "ready")
            postgres.sql(insert)
        else:
            postgres.sql(insert)
            smsd.start()
        began, marks = time.monotonic(), []

        def quarters():
            done = len(nginx.requests())
            while len(marks) < 4 and done >= (len(marks) + 1) * self.RECIPIENTS // 4:
                marks.append(time.monotonic() - began)
            return len(marks) == 4
        wait_for("every recipient is asked", quarters, 120)
        wait_for("no row is N", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        self.assertEqual(smsd.stop(), 0)
        self.assertEqual(len(asked(nginx.requests())), self.RECIPIENTS)
        self.assertEqual(len(nginx.requests()), self.RECIPIENTS)
        rows = wait_for("statistics", lambda: postgres.number(self.ROWS))
        self.assertLess(rows / self.RECIPIENTS, 12)
        self.say(sms_per_second=f"{self.RECIPIENTS / marks[-1]:.0f}", quarters="/".join(f"{m:.2f}" for m in marks) + " s",
                 rows_touched_per_sms=f"{rows / self.RECIPIENTS:.1f}")

    def test_a_queue_that_is_full_at_the_start(self):
        self.drain(burst=False)

    def test_a_burst_into_an_empty_queue(self):
        self.drain(burst=True)
