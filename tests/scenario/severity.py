# SPDX-License-Identifier: GPL-3.0-or-later
"""Severity is the order: real rows, real workers, and how long something severe waits for something mild."""

import contextlib
import sqlite3
import time
from urllib.parse import parse_qs

from harness import Gateway, Modem, Postgres, Scenario, Smsd, sms_in, wait_for

MILD, SEVERE = 5, 1


class Queue:
    """Either backend: its part of smsd.yaml, and rows written as another program would write them, in one transaction."""

    def __init__(self, scenario, backend):
        self.postgres = scenario.open(Postgres(scenario.folder)) if backend == "postgresql" else None
        self.file = scenario.folder / "queue.db"
        self.settings = {"backend": backend, "poll_interval": "30s"}
        if self.postgres:
            self.settings["postgresql"] = {"connection": self.postgres.dsn()}
        else:
            self.settings["sqlite"] = {"path": str(self.file)}

    def install(self, smsd):
        if self.postgres:
            smsd.ctl("db", "install", "--notify")
        else:
            smsd.ctl("send", "--severity", str(MILD), "+4700000000", "ok")  # makes the file

    def put(self, prefix, count, severity, text="ok"):
        rows = [(f"+47{prefix}{n:06}", text, severity) for n in range(count)]
        if self.postgres:
            values = ",".join(f"(1, now(), '{phone}', '{said}', {grade})" for phone, said, grade in rows)
            self.postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES {values}")
            return
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as file, file:
            file.executemany("INSERT INTO smsq (phone, msg, severity) VALUES (?, ?, ?)", rows)


MILD_ONES, SEVERE_ONES = "1", "9"


def is_severe(recipient):
    return recipient.startswith("+47" + SEVERE_ONES)


class Storm(Scenario):
    """A backlog of mild SMS is being sent when a storm of severe ones comes in one transaction."""

    def storm(self, backend, kind, settings, sent, window, backlog, mild=8000, severe=1000, before=100):
        queue = Queue(self, backend)
        smsd = self.open(Smsd(self.folder, queue.settings, {"way": (kind, settings)}))
        queue.install(smsd)
        queue.put(MILD_ONES, mild, MILD)
        smsd.start()
        wait_for("the backlog is on its way", lambda: len(sent()) >= before, 120)
        queue.put(SEVERE_ONES, severe, SEVERE)
        wait_for("all severe ones are sent", lambda: len({r for r in sent() if is_severe(r)}) == severe, 300)
        order = sent()
        at = [n for n, recipient in enumerate(order) if is_severe(recipient)]
        between = at[-1] - at[0] + 1 - len(at)
        most = severe // 7 + 2 * (window + backlog)
        self.say(backend=backend, kind=kind, window=window, backlog=backlog, severe_ones=severe, mild_ones_between=between, at_most=most)
        self.assertLessEqual(between, most)

    def debug(self, backend, window, backlog, **more):
        sent = self.folder / "sent.jsonl"
        self.storm(backend, "debug", {"file": str(sent), "delay": "20ms", "window": window, "backlog": backlog},
                   lambda: [sms["recipient"] for sms in sms_in(sent)], window, backlog, **more)

    def http(self, backend):
        gateway = self.open(Gateway(self.folder, "--behave", "delay=0.025"))
        self.storm(backend, "http", {"url": f"http://127.0.0.1:{gateway.port}/send?to={{recipient}}&m={{text}}"},
                   lambda: [parse_qs(r["query"])["to"][0] for r in gateway.requests()], 64, 64)

    def test_debug_and_sqlite(self):
        self.debug("sqlite", 16, 16)

    def test_debug_and_postgresql(self):
        self.debug("postgresql", 16, 16)

    def test_one_at_a_time_and_sqlite(self):
        self.debug("sqlite", 1, 0, severe=200, before=20)

    def test_one_at_a_time_and_postgresql(self):
        self.debug("postgresql", 1, 0, severe=200, before=20)

    def test_http_and_sqlite(self):
        self.http("sqlite")

    def test_http_and_postgresql(self):
        self.http("postgresql")

    def modem(self, backend):
        modem = self.open(Modem(self.folder))
        self.storm(backend, "gammu", {"device": str(modem.link)}, lambda: [sms["number"] for sms in modem.sms()], 1, 1,
                   mild=40, severe=20, before=3)

    def test_modem_and_sqlite(self):
        self.modem("sqlite")

    def test_modem_and_postgresql(self):
        self.modem("postgresql")


class Poison(Scenario):
    """One gateway, which takes everything but has trouble with the texts of mild SMS. The text says how it behaves."""

    def delays(self, text, count, entry, severe=6, apart=3.0, window=64):
        queue = Queue(self, "sqlite")
        gateway = self.open(Gateway(self.folder))
        settings = {"url": f"http://127.0.0.1:{gateway.port}/-/{{text}}/send?to={{recipient}}", "window": window}
        smsd = self.open(Smsd(self.folder, queue.settings, {"gateway": ("http", settings)}, entries={"gateway": entry}))
        queue.install(smsd)
        queue.put(MILD_ONES, count, MILD, text)
        smsd.start()
        asked = lambda: {parse_qs(r["query"])["to"][0]: r["time"] for r in gateway.requests()}
        wait_for("the mild ones are met", lambda: sum(r.startswith("+47" + MILD_ONES) for r in asked()) >= min(count, 3, max(1, window - 1)))
        waited = []
        for n in range(severe):
            begin = time.time()
            queue.put(f"{SEVERE_ONES}{n}", 1, SEVERE)
            number = f"+47{SEVERE_ONES}{n}000000"
            wait_for(f"{number} has left", lambda: number in asked())
            waited.append(asked()[number] - begin)
            # In the middle of whatever the mild ones do next: they go round by themselves.
            end = time.monotonic() + apart
            wait_for("the next one comes", lambda: time.monotonic() >= end)
        self.say(mild_ones=count, text=text, window=window, severe_ones_waited=" ".join(f"{w:.1f}" for w in waited))
        return waited

    def test_a_severe_sms_leaves_within_6_s_where_the_gateway_answers(self):
        for text, count in (("reset", 3), ("garbage", 40)):
            with self.subTest(text=text):
                self.assertLess(max(self.delays(text, count, {})), 6)
            self.doCleanups()
            self.setUp()

    def test_a_severe_sms_leaves_within_the_timeout_and_1_s_where_the_gateway_is_silent(self):
        for window, count in ((1, 1), (1, 30), (4, 30), (64, 300)):
            with self.subTest(window=window, count=count):
                self.assertLess(max(self.delays("silent", count, {"timeout": "4s"}, window=window, apart=1.3)), 5)
            self.doCleanups()
            self.setUp()


class Start(Scenario):
    """From exec to the first SMS, while other dispatchers do not become ready."""

    def first(self, dispatchers, entries):
        queue = Queue(self, "sqlite")
        sent = self.folder / "sent.jsonl"
        smsd = self.open(Smsd(self.folder, queue.settings, {
            n: ("debug", dict(settings, file=str(sent)) if "start_delay" not in settings else settings) for n, settings in dispatchers.items()},
            entries=entries))
        smsd.ctl("send", "--severity", str(SEVERE), "+4790000000", "the first")
        begin = time.monotonic()
        smsd.start(ready=False)
        wait_for("the first is sent", lambda: sms_in(sent))
        return time.monotonic() - begin

    def test_a_preferred_dispatcher_that_is_ready_sends_whatever_the_others_do(self):
        took = self.first({"ready": {}, "wedged": {"start_delay": "1h"}, "slow": {"start_delay": "20s"}}, {})
        self.say(first_sms_after=f"{took:.2f} s")
        self.assertLess(took, 1)

    def test_a_severe_sms_waits_two_seconds_for_a_preferred_one_that_is_not_ready(self):
        took = self.first({"wedged": {"start_delay": "1h"}, "ready": {}}, {})
        self.say(first_sms_after=f"{took:.2f} s")
        self.assertGreater(took, 2)
        self.assertLess(took, 4)
