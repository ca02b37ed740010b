# SPDX-License-Identifier: GPL-3.0-or-later
"""Retry, order and what an outage may cost: real programs, real databases."""

import collections
import contextlib
import datetime
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

from harness import Nginx, Postgres, Scenario, Smsd, die_with_parent, sms_in, wait_for
from main_path import asked, install, postgres_queue, url

NUMBER = "+4799999999"
WINDOW = 16


def unsent(postgres):
    return postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'")


def insert(postgres, phone, severity=3, text="alert"):
    return postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) "
                        f"VALUES (1, now(), '{phone}', '{text}', {severity}) RETURNING id")[0][0]


def many(postgres, people, severity=3, age="0s", first=0):
    postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) "
                 f"SELECT 1 + g % 1000, now() - interval '{age}', '+47' || (40000000 + {first} + g), 'alert', {severity} "
                 f"FROM generate_series(1, {people}) g")


def moment(text):
    return datetime.datetime.fromisoformat(text + "+00:00").timestamp()


class LateNginx(Nginx):
    """A gateway whose port refuses connections until it is told to open."""

    def __init__(self, folder):
        super().__init__(folder)
        self.close()

    def open(self):
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "error.log", "-p", self.folder, "-c",
                                         self.folder / "nginx.conf"], preexec_fn=die_with_parent)
        wait_for("nginx listens", self._listens)

    def close(self):
        if self.process.poll() is None:
            super().close()


def stop_all(postgres):
    """SIGSTOP for the server and each of its processes; their pids."""
    pids = [postgres.process.pid]
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == postgres.process.pid:
                pids.append(int(entry.name))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


class Recipient(Scenario):
    """Retry belongs to the recipient."""

    def test_one_of_1000_that_every_gateway_refuses_is_given_up_and_nobody_else_waits(self):  # C18 to C22
        postgres = self.open(Postgres(self.folder))
        refuse = {"when": [{"recipient": NUMBER, "result": "refuse"}]}
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {
            "first": ("debug", refuse | {"file": "first.jsonl"}), "second": ("debug", refuse | {"file": "second.jsonl"})})))
        many(postgres, 500)
        message = insert(postgres, NUMBER)
        many(postgres, 499, first=500)
        began = time.monotonic()
        smsd.start()
        wait_for("no row is N", lambda: unsent(postgres) == 0)
        took = time.monotonic() - began
        sent = sms_in(smsd.folder / "state" / "first.jsonl")
        self.assertEqual(len(sent), 999)
        self.assertEqual(len({sms["recipient"] for sms in sent}), 999)
        self.assertEqual(sms_in(smsd.folder / "state" / "second.jsonl"), [])
        self.assertEqual(postgres.sql("SELECT phone, sent FROM smsq WHERE sent <> 'Y'"), [[NUMBER, "I"]])
        self.assertEqual(postgres.number("SELECT count(*) FROM smsd.wait"), 0)
        self.assertEqual(postgres.number("SELECT max(rounds) FROM smsd.submission"), 0)
        self.assertIn("every dispatcher refused it; last reason: told to refuse", smsd.text())
        self.assertIn("told to refuse", smsd.ctl("explain", message))
        self.assertEqual(smsd.text().count("waits"), 0)
        self.say(sent_in_the_first_pass=999, given_up=1, others_delayed=0, seconds=f"{took:.2f}")

    def test_waits_and_rounds_outlive_restarts_and_the_limit_is_its_own(self):  # C20, C21, C33
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.open(Smsd(
            self.folder, postgres_queue(postgres), {"only": ("debug", {"when": [{"recipient": NUMBER, "result": "defer"}], "file": "sent.jsonl"})},
            settings={"retry": {"delay": "300ms", "factor": 2, "limit": 4, "give_up_after": "0s"}})))
        message = insert(postgres, NUMBER)
        for one in range(1, 5):
            insert(postgres, f"+47{one}")
            smsd.start()
            wait_for("another is served in each run", lambda: len(sms_in(smsd.folder / "state" / "sent.jsonl")) >= one)
            wait_for("its round is over", lambda: postgres.number(
                f"SELECT count(*) FROM smsd.submission WHERE recipient = '{NUMBER}' AND ended IS NOT NULL") >= one)
            smsd.stop()
            if one < 4:
                self.assertEqual(postgres.number(f"SELECT rounds FROM smsd.wait WHERE recipient = '{NUMBER}'"), one)
        self.assertEqual(postgres.sql(f"SELECT sent FROM smsq WHERE id = {message}"), [["I"]])
        rounds = postgres.sql(f"SELECT rounds, extract(epoch FROM created - lag(ended) OVER (ORDER BY id)) "
                              f"FROM smsd.submission WHERE recipient = '{NUMBER}' ORDER BY id")
        self.assertEqual([row[0] for row in rounds], ["0", "1", "2", "3"])
        waits = [float(row[1]) for row in rounds[1:]]
        for wait, least in zip(waits, (0.3, 0.6, 1.2)):
            self.assertGreaterEqual(wait, least)
        self.assertIn("no dispatcher accepted it in 4 rounds; last answer: told to defer", smsd.text())
        self.say(rounds=4, restarts=3, waits_of_at_least_300_600_1200_ms="/".join(f"{1000 * w:.0f}" for w in waits) + " ms")

    ONLY_CRITICAL = {"when": [{"text": "critical", "result": "accept"}, {"recipient": NUMBER, "result": "defer"}], "file": "sent.jsonl"}
    SLOW = {"retry": {"delay": "1h"}}

    def critical_behind_a_wait(self, smsd, put, waits):
        """An info alert that waits for an hour, a restart, then a critical alert: seconds from its insertion to its SMS."""
        put(5, "info")
        smsd.start()
        wait_for("it waits", waits)
        smsd.stop()
        smsd.start()
        wait_for("ready", lambda: smsd.dispatcher("only")["state"] == "ready")
        put(5, "as unimportant")
        sent, began = smsd.folder / "state" / "sent.jsonl", time.monotonic()
        put(1, "critical")
        wait_for("it is sent", lambda: sms_in(sent))
        took = time.monotonic() - began
        self.assertEqual([sms["text"] for sms in sms_in(sent)], ["1: critical; 2: info; 3: as unimportant"])
        self.say(behind_a_wait_of="1 h", sent_after=f"{1000 * took:.0f} ms")

    def test_a_critical_alert_does_not_wait_behind_an_old_backoff_on_postgresql(self):  # C22
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"only": ("debug", self.ONLY_CRITICAL)}, settings=self.SLOW)))
        self.critical_behind_a_wait(
            smsd, lambda severity, text: insert(postgres, NUMBER, severity, text),
            lambda: postgres.number("SELECT count(*) FROM smsd.wait WHERE due > now() + interval '50 minutes'") == 1)
        self.assertEqual(postgres.number("SELECT count(*) FROM smsd.wait"), 0)

    def test_a_critical_alert_does_not_wait_behind_an_old_backoff_on_sqlite(self):  # C22
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        smsd = self.open(Smsd(self.folder, queue, {"only": ("debug", self.ONLY_CRITICAL)}, settings=self.SLOW))
        self.critical_behind_a_wait(smsd, lambda severity, text: smsd.ctl("send", NUMBER, text, "--severity", str(severity)),
                                    lambda: " waits 1h" in smsd.text())


class Outage(Scenario):
    """All dispatchers down is nobody's round."""

    def gateways(self, settings):
        """Two gateways that refuse connections, PostgreSQL, and smsd."""
        self.postgres = self.open(Postgres(self.folder))
        (self.folder / "a").mkdir()
        (self.folder / "b").mkdir()
        self.first, self.second = self.open(LateNginx(self.folder / "a")), self.open(LateNginx(self.folder / "b"))
        queue = postgres_queue(self.postgres) | settings.pop("queue", {})
        return install(self.open(Smsd(self.folder, queue, {
            "first": ("http", {"url": url(self.first.port)}), "second": ("http", {"url": url(self.second.port)})}, settings=settings)))

    def requests(self):
        return asked(self.first.requests() + self.second.requests())

    def test_what_is_younger_than_expire_after_is_sent_and_nothing_is_dropped_by_a_counter(self):  # C19, C39
        smsd = self.gateways({"queue": {"expire_after": "120s"}, "retry": {"delay": "100ms", "factor": 1, "limit": 2, "give_up_after": "0s"}})
        many(self.postgres, 100, age="115s")  # become too old during the outage
        many(self.postgres, 200, first=1000)
        lone = insert(self.postgres, NUMBER, severity=1)
        began = time.monotonic()
        smsd.start()
        # Each was probed several times: the counter of whoever was the probe would have run out long ago.
        wait_for("the outage lasts", lambda: all(d["deferred"] >= 5 for d in smsd.status()["dispatchers"]))
        wait_for("some are too old", lambda: time.monotonic() - began > 10)
        self.assertEqual(self.postgres.number("SELECT count(*) FROM smsq WHERE sent <> 'N' AND phone > '+4740001000'"), 0)
        down = time.monotonic() - began
        self.assertEqual(smsd.text().count("no dispatcher can be used"), 1)
        self.assertFalse(smsd.status()["healthy"])
        self.second.open()
        up = time.monotonic()
        wait_for("no row is N", lambda: unsent(self.postgres) == 0, 120)
        took = time.monotonic() - up
        self.assertEqual(self.postgres.sql(f"SELECT sent FROM smsq WHERE id = {lone}"), [["Y"]])
        self.assertEqual(self.postgres.sql("SELECT sent, count(*) FROM smsq WHERE phone > '+4740001000' GROUP BY sent"), [["Y", "201"]])
        self.assertEqual(self.postgres.sql("SELECT sent, count(*) FROM smsq WHERE phone <= '+4740001000' GROUP BY sent"), [["I", "100"]])
        self.assertEqual(self.postgres.number("SELECT count(*) FROM smsd.ignored WHERE reason = 'expired'"), 100)
        self.assertEqual({len(sms) for sms in self.requests().values()}, {1})
        self.say(down_for=f"{down:.1f} s", sent=201, too_old=100, dropped=0, all_sent=f"{took:.1f} s after the gateway opened")

    def test_one_alert_alone_is_sent_however_long_the_gateways_were_away(self):  # C19
        smsd = self.gateways({"retry": {"delay": "100ms", "factor": 1, "limit": 2, "give_up_after": "0s"}})
        insert(self.postgres, NUMBER)
        smsd.start()
        wait_for("it has been tried four times", lambda: smsd.dispatcher("first")["deferred"] + smsd.dispatcher("second")["deferred"] >= 8)
        self.assertEqual(unsent(self.postgres), 1)
        self.first.open()
        wait_for("it is sent", lambda: unsent(self.postgres) == 0)
        self.assertEqual(self.postgres.sql("SELECT sent FROM smsq"), [["Y"]])

    def test_a_flood_for_one_recipient_is_one_digest_afterwards(self):  # C39; nav#1276
        smsd = self.gateways({"retry": {"delay": "200ms"}})
        smsd.start()
        for n in range(30):
            self.postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) SELECT 1, now() + {n} * interval '1 s', "
                              f"'{NUMBER}', 'host ' || {n} * 10 + g || ' is down', 3 FROM generate_series(0, 9) g")
        wait_for("no dispatcher", lambda: "no dispatcher can be used" in smsd.text())
        self.first.open()
        wait_for("no row is N", lambda: unsent(self.postgres) == 0)
        texts = self.requests()
        self.assertEqual(list(texts), [NUMBER])
        self.assertEqual(len(texts[NUMBER]), 1)
        marks = dict(self.postgres.sql("SELECT sent, count(*) FROM smsq GROUP BY sent"))
        self.assertEqual(int(marks["Y"]) + int(marks["I"]), 300)
        self.assertTrue(texts[NUMBER][0].startswith("1: host 0 is down; 2: host 1 is down"), texts)
        self.assertTrue(texts[NUMBER][0].endswith(f" +{marks['I']} see web."), texts)
        self.say(messages=300, sms=1, text=repr(texts[NUMBER][0]))


class EverythingFails(Scenario):
    def smsd(self, retry, result):
        self.sent = self.folder / "sent.jsonl"
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        smsd = self.open(Smsd(self.folder, queue, {n: ("debug", {"result": result}) for n in ("first", "second")}, settings={"retry": retry}))
        for n in range(5):
            smsd.ctl("send", f"+47{n}", "alert")
        return smsd

    def left(self):
        with sqlite3.connect(self.folder / "queue.db") as queue:
            return queue.execute("SELECT count(*) FROM smsq WHERE sent = 'N'").fetchone()[0]

    def test_all_broken_is_a_state_that_is_said_once_and_no_reason_to_exit(self):  # C10
        smsd = self.smsd({}, "break").start()
        wait_for("both are broken", lambda: all(d["state"] == "broken" for d in smsd.status()["dispatchers"]))
        status = smsd.status()
        self.assertFalse(status["healthy"])
        self.assertEqual(status["queue"]["unsent"], 5)
        for n in range(5):
            smsd.ctl("send", f"+472{n}", "more")
        wait_for("they are counted", lambda: smsd.status()["queue"]["unsent"] == 10)
        self.assertEqual(smsd.text().count("no dispatcher can be used"), 1)
        self.assertIsNone(smsd.process.poll())
        self.assertEqual(smsd.stop(), 0)
        self.assertEqual(self.left(), 10)

    def test_all_broken_ends_it_with_69_when_told_so(self):  # C11, C36
        smsd = self.smsd({"all_broken": "shutdown"}, "break")
        status, said = smsd.run()
        self.assertEqual(status, 69)
        self.assertIn("ends by itself, as configured: every dispatcher is broken", said)
        self.assertEqual(self.left(), 5)

    def test_the_limit_ends_it_with_69_when_told_so(self):  # C30, C35, C36
        smsd = self.smsd({"delay": "100ms", "limit": 2, "at_limit": "shutdown"}, "defer")
        status, said = smsd.run()
        self.assertEqual(status, 69)
        self.assertEqual(said.count("ends by itself, as configured: retry.limit is reached"), 1)
        self.assertEqual(self.left(), 5)


class Order(Scenario):
    """A critical alert behind 20,000 info alerts (C43): it leaves in the first window after its claim."""

    BACKLOG = 20000
    SLOW = {"file": "sent.jsonl", "delay": "500ms", "window": WINDOW, "backlog": 0}

    def critical_overtakes(self, smsd, put, claimed):
        sent = smsd.folder / "state" / "sent.jsonl"
        smsd.start()
        wait_for("it is in the middle of the backlog", lambda: len(sms_in(sent)) >= 3 * WINDOW)
        began = time.monotonic()
        put()
        wait_for("it is sent", lambda: any(sms["recipient"] == NUMBER for sms in sms_in(sent)))
        took = time.monotonic() - began
        records = sms_in(sent)
        at = next(n for n, sms in enumerate(records) if sms["recipient"] == NUMBER)
        # With the worker when it was claimed, or handed over while the claim was under way: at most a window each.
        ahead = sum(moment(sms["at"].rstrip("Z")) >= claimed() for sms in records[:at])
        self.assertLessEqual(ahead, 2 * WINDOW)
        self.say(backlog=self.BACKLOG, sent_after=f"{1000 * took:.0f} ms", window=WINDOW, time_of_one_window="500 ms",
                 left_between_its_claim_and_it=ahead)

    def test_on_postgresql_with_the_trigger(self):
        postgres = self.open(Postgres(self.folder))
        queue = postgres_queue(postgres) | {"poll_interval": "1h"}
        smsd = install(self.open(Smsd(self.folder, queue, {"modem": ("debug", self.SLOW)}, settings={"stop_timeout": "2s"})))
        many(postgres, self.BACKLOG, severity=5)
        self.critical_overtakes(smsd, lambda: insert(postgres, NUMBER, severity=1), lambda: float(postgres.sql(
            f"SELECT extract(epoch FROM created) FROM smsd.submission WHERE recipient = '{NUMBER}'")[0][0]))

    def test_on_sqlite_with_a_nudge(self):
        path = self.folder / "queue.db"
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(path)}, "poll_interval": "1h"},
                              {"modem": ("debug", self.SLOW)}, settings={"stop_timeout": "2s"}))
        smsd.ctl("db", "install")
        with sqlite3.connect(path) as queue:
            queue.executemany("INSERT INTO smsq (phone, msg, severity) VALUES (?, 'alert', 5)",
                              ((f"+47{40000000 + n}",) for n in range(self.BACKLOG)))
        queue.close()

        def claimed():
            with sqlite3.connect(path) as reading:
                return moment(reading.execute("SELECT created FROM smsd_submission WHERE recipient = ?", (NUMBER,)).fetchone()[0])
        self.critical_overtakes(smsd, lambda: smsd.ctl("send", NUMBER, "critical", "--severity", "1"), claimed)


class Database(Scenario):
    def test_one_row_that_the_database_does_not_take_holds_up_no_other_verdict(self):
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"only": ("debug", {"file": "sent.jsonl"})})))
        postgres.sql(f"ALTER TABLE smsq ADD CONSTRAINT somebodys CHECK (phone <> '{NUMBER}' OR sent <> 'Y')")
        many(postgres, 300)
        insert(postgres, NUMBER)
        many(postgres, 300, first=300)
        smsd.start()
        wait_for("all others are settled", lambda: unsent(postgres) == 1)
        self.assertEqual(postgres.sql("SELECT phone FROM smsq WHERE sent = 'N'"), [[NUMBER]])
        held = json.loads(smsd.ctl("queue", "held", "--json"))
        self.assertEqual([sms["recipient"] for sms in held], [NUMBER])
        self.assertEqual(held[0]["reason"], "the outcome was accepted, but the database refused it")
        self.assertIn(" N? ", smsd.ctl("queue", "list"))
        self.assertEqual(len(sms_in(smsd.folder / "state" / "sent.jsonl")), 601)
        self.assertEqual(smsd.text().count("the queue refuses the outcome accepted"), 1)
        self.assertNotIn("the queue is away", smsd.text())
        postgres.sql("ALTER TABLE smsq DROP CONSTRAINT somebodys")
        smsd.ctl("queue", "discard", str(held[0]["id"]))
        self.assertEqual(unsent(postgres), 0)
        self.assertEqual(smsd.stop(), 0)
        self.say(settled=600, held=1)

    def test_status_and_stop_answer_while_the_database_hangs(self):
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"only": ("debug", {"file": "sent.jsonl"})},
                                      settings={"stop_timeout": "1s"})))
        smsd.start()
        wait_for("it works", lambda: smsd.status()["healthy"])
        processes = stop_all(postgres)
        try:
            began = time.monotonic()
            wait_for("status answers", smsd.status)
            answered = time.monotonic() - began
            wait_for("a look at the queue is not answered", lambda: not smsd.status()["healthy"])
            self.assertFalse(smsd.status()["queue"]["reachable"])
            wait_for("it says so", lambda: "the queue is away, nothing new is sent until it is back: it has not answered for 10s" in smsd.text())
            self.assertEqual(smsd.text().count("the queue is away"), 1)
            began = time.monotonic()
            self.assertEqual(smsd.stop(), 0)
            stopped = time.monotonic() - began
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        self.say(status_answered_after=f"{answered:.1f} s", stopped_after=f"{stopped:.1f} s")

    def test_a_database_that_hung_for_a_while_is_back_by_itself_and_nothing_is_lost(self):
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"only": ("debug", {"file": "sent.jsonl", "delay": "20ms"})})))
        many(postgres, 3000)
        smsd.start()
        wait_for("it is busy", lambda: len(sms_in(smsd.folder / "state" / "sent.jsonl")) > 300)
        processes = stop_all(postgres)
        try:
            wait_for("it says so", lambda: "it has not answered for 10s" in smsd.text())
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
        wait_for("no row is N", lambda: unsent(postgres) == 0)
        copies = collections.Counter(sms["recipient"] for sms in sms_in(smsd.folder / "state" / "sent.jsonl"))
        self.assertEqual((len(copies), max(copies.values())), (3000, 1))
        self.assertIn("the queue is back", smsd.text())
        self.assertEqual(smsd.stop(), 0)

    def test_old_history_goes_and_nav_keeps_its_rows(self):
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"only": ("debug", {"file": "sent.jsonl"})})))
        many(postgres, 1200)
        smsd.start()
        wait_for("no row is N", lambda: unsent(postgres) == 0)
        postgres.sql("UPDATE smsd.submission SET created = created - interval '91 days', ended = ended - interval '91 days'")
        insert(postgres, NUMBER)
        wait_for("no row is N", lambda: unsent(postgres) == 0)
        wait_for("the old ones are gone", lambda: postgres.number("SELECT count(*) FROM smsd.submission") == 1, 180)
        self.assertEqual(postgres.number("SELECT count(*) FROM smsq"), 1201)
        self.assertEqual(smsd.stop(), 0)
