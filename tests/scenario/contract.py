# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery contract, one promise at a time (all of them at once: torture)."""

import collections
import json
import signal
import threading
import time

from harness import Gateway, Postgres, Scenario, Smsd, SocketWorker, sms_in, wait_for
from main_path import INSERT, asked, install, postgres_queue, url


class Recall(Scenario):
    def test_a_supervisor_that_comes_back_asks_the_workers_and_sends_nothing_twice(self):
        gateway = self.open(Gateway(self.folder, "--behave", "delay=1"))
        worker = self.open(SocketWorker(self.folder, "gateway", "http", {"url": url(gateway.port)}))
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        smsd = self.open(Smsd(self.folder, queue, {"gateway": ("http", {})}, entries={"gateway": worker.entry()}))
        for n in range(100):
            smsd.ctl("send", f"+47{n:08}", "alert")
        smsd.start()
        wait_for("the gateway is busy", lambda: len(gateway.requests()) >= 32)
        smsd.process.kill()
        smsd.process.wait()
        asked_before = len(gateway.requests())
        smsd.start()
        wait_for("nothing is N", lambda: smsd.status() and smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(len(gateway.requests()), 100)
        self.assertEqual(worker.process.poll(), None)  # the same worker all the time
        self.assertIn("took over", smsd.text())
        status = smsd.dispatcher("gateway")
        self.assertEqual((status["accepted"], status["unknown"]), (100, 0))
        self.assertEqual(smsd.stop(), 0)
        self.say(asked_of_the_gateway_at_the_kill=asked_before, requests=len(gateway.requests()))

    def test_what_an_earlier_connection_handed_over_is_no_breach_of_the_new_one_and_takes_its_room(self):
        worker = self.open(SocketWorker(self.folder, "slow", "debug", {"file": "sent.jsonl", "delay": "1s", "window": 1, "backlog": 0}))
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"slow": ("debug", {})}, entries={"slow": worker.entry()}))
        for n in range(3):
            smsd.ctl("send", f"+47{n}", "alert")
        smsd.start()
        wait_for("one is under way", lambda: smsd.dispatcher("slow")["under_way"] == 1)
        smsd.process.kill()
        smsd.process.wait()
        smsd.start()
        wait_for("it is settled", lambda: smsd.status() and smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(len(sms_in(self.folder / "sent.jsonl")), 3)
        self.assertNotIn("violated the protocol", smsd.text())
        self.assertEqual(smsd.dispatcher("slow")["strikes"], 0)

    def test_a_worker_that_systemd_started_ends_at_sigterm_when_its_work_is_done(self):
        worker = self.open(SocketWorker(self.folder, "slow", "debug", {"file": "sent.jsonl", "delay": "500ms"}))
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"slow": ("debug", {})}, entries={"slow": worker.entry()}))
        smsd.ctl("send", "+471", "alert")
        smsd.start()
        wait_for("it is under way", lambda: smsd.dispatcher("slow")["under_way"] == 1)
        worker.process.terminate()
        self.assertEqual(worker.process.wait(10), 0)
        self.assertEqual(len(sms_in(self.folder / "sent.jsonl")), 1)
        wait_for("it is settled", lambda: smsd.status()["queue"]["unsent"] == 0)


class Unknown(Scenario):
    def setUp(self):
        super().setUp()
        self.sent = self.folder / "sent.jsonl"
        self.smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                                   {"debug": ("debug", {"file": str(self.sent), "when": [{"text": "?", "result": "unknown", "times": 1}]})},
                                   settings={"retry": {"unknown": "resend", "unknown_by_severity": [{"from": 5, "policy": "hold"}]}}))

    def held(self):
        return json.loads(self.smsd.ctl("queue", "held", "--json"))

    def test_critical_is_sent_at_least_once_with_the_same_key(self):
        made = json.loads(self.smsd.ctl("send", "+471", "critical?", "--severity", "1", "--json"))
        self.smsd.start()
        wait_for("it is settled", lambda: self.smsd.status()["queue"]["unsent"] == 0)
        copies = sms_in(self.sent)
        self.assertEqual(len(copies), 2)
        self.assertEqual(len({m["key"] for m in copies}), 1)
        self.assertEqual(len({m["attempt"] for m in copies}), 2)
        self.assertIn("sent again with the same key", self.smsd.text())
        life = json.loads(self.smsd.ctl("explain", str(made["id"]), "--json"))
        outcomes = [a["outcome"] for s in life["submissions"] for a in s["attempts"]]
        self.assertEqual(outcomes, ["unknown", "accepted"])

    def test_info_is_sent_at_most_once_and_an_operator_decides(self):
        for n in (1, 2):
            self.smsd.ctl("send", f"+47{n}", f"info {n}?", "--severity", "5")
        self.smsd.start()
        wait_for("one is held, one is sent", lambda: len(self.held()) == 1 and len(sms_in(self.sent)) == 2)
        held = self.held()[0]
        # Its recipient is not held up by it.
        self.smsd.ctl("send", held["recipient"], "another", "--severity", "5")
        wait_for("the other one is sent", lambda: [m["text"] for m in sms_in(self.sent)].count("another") == 1)
        self.assertEqual([h["id"] for h in self.held()], [held["id"]])
        self.assertIn("may have been sent and is held", self.smsd.text())
        self.smsd.ctl("queue", "release", str(held["id"]))
        wait_for("it is settled", lambda: self.smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(self.held(), [])
        self.assertNotEqual(self.smsd.ctl("queue", "release", str(held["id"]), check=False).returncode, 0)

    def test_what_is_discarded_is_never_sent_again(self):
        self.smsd.ctl("send", "+471", "info?", "--severity", "5")
        self.smsd.start()
        held = wait_for("it is held", self.held)[0]
        # Nor does a new start send it by itself.
        self.assertEqual(self.smsd.stop(), 0)
        self.smsd.start()
        wait_for("it is ready", lambda: self.smsd.dispatcher("debug")["state"] == "ready")
        self.assertEqual([h["id"] for h in self.held()], [held["id"]])
        self.smsd.ctl("queue", "discard", str(held["id"]))
        self.assertEqual(self.held(), [])
        self.assertEqual(self.smsd.status()["queue"]["unsent"], 0)
        self.assertEqual(len(sms_in(self.sent)), 1)
        self.assertEqual([m["status"] for m in json.loads(self.smsd.ctl("queue", "list", "--status", "I", "--json"))], ["I"])


class Fence(Scenario):
    def test_a_supervisor_that_slept_past_its_lease_neither_settles_nor_sends_what_it_lost(self):  # C46
        postgres, gateway = self.open(Postgres(self.folder)), self.open(Gateway(self.folder, "--behave", "delay=0.3"))
        queue = dict(postgres_queue(postgres), lease="2s")
        dispatchers = {"gateway": ("http", {"url": url(gateway.port), "window": 4, "backlog": 16})}
        sleeper, other = (self.open(Smsd(self.folder, queue, dispatchers, name=name)) for name in ("sleeper", "other"))
        install(sleeper)
        postgres.sql(INSERT.format(people=60, messages=1))
        sleeper.start()
        wait_for("the gateway is busy", lambda: len(gateway.requests()) >= 8)
        sleeper.process.send_signal(signal.SIGSTOP)
        other.start()
        wait_for("the other one has done it all", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        settled = postgres.sql("SELECT id, sent, smsid, timesent FROM smsq ORDER BY id")
        before = len(gateway.requests())
        sleeper.process.send_signal(signal.SIGCONT)
        wait_for("it hears of it", lambda: "another supervisor took over" in sleeper.text())
        wait_for("it has a new worker", lambda: sleeper.dispatcher("gateway")["state"] == "ready" and sleeper.status()["queue"]["under_way"] == 0)
        self.assertEqual(len(gateway.requests()), before)
        self.assertEqual(postgres.sql("SELECT id, sent, smsid, timesent FROM smsq ORDER BY id"), settled)
        copies = collections.Counter({recipient: len(sms) for recipient, sms in asked([("?" + r["query"], 0) for r in gateway.requests()]).items()})
        self.assertEqual(len(copies), 60)
        # Twice is only what the sleeper's worker had begun: its window, and one acknowledged behind it.
        self.assertLessEqual(sum(copies.values()) - 60, 8 + 4)
        for smsd in (sleeper, other):
            self.assertEqual(smsd.stop(), 0)
        self.say(sent_after_it_woke=len(gateway.requests()) - before, sent_twice=sum(copies.values()) - 60)


class Stopping(Scenario):
    ROUNDS = 100

    def test_stopped_and_started_a_hundred_times_under_load_nothing_is_lost_and_nothing_sent_twice(self):  # C24
        postgres, gateway = self.open(Postgres(self.folder)), self.open(Gateway(self.folder, "--behave", "delay=0.01"))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"gateway": ("http", {"url": url(gateway.port), "window": 16})})))
        over = threading.Event()
        written = [0]

        def alerts():
            while not over.wait(0.02):
                postgres.sql(f"INSERT INTO smsq (time, phone, msg) SELECT now(), '+47' || lpad((g + {written[0]})::text, 8, '0'), 'alert' FROM generate_series(0, 9) g")
                written[0] += 10

        writer = threading.Thread(target=alerts, daemon=True)
        writer.start()
        try:
            for _ in range(self.ROUNDS):
                seen = len(gateway.requests())
                smsd.start()
                wait_for("it sends", lambda: len(gateway.requests()) > seen)
                self.assertEqual(smsd.stop(), 0)
        finally:
            over.set()
            writer.join()
        smsd.start()
        wait_for("nothing is N", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        copies = collections.Counter({recipient: len(sms) for recipient, sms in asked([("?" + r["query"], 0) for r in gateway.requests()]).items()})
        self.assertEqual(len(copies), written[0])
        self.assertEqual(sum(copies.values()), written[0])
        self.assertEqual(postgres.number("SELECT count(*) FROM smsd.attempt WHERE outcome = 'unknown'"), 0)
        self.say(stops=self.ROUNDS, messages=written[0], lost=0, sent_twice=sum(copies.values()) - len(copies))


class Database(Scenario):
    AWAY = 10  # seconds; the figure in the manual is from a run with 60

    def rss(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def test_stopped_under_load_and_started_again_nothing_is_lost_and_sending_goes_on_at_once(self):  # C25, C27, C28
        postgres, gateway = self.open(Postgres(self.folder)), self.open(Gateway(self.folder, "--behave", "delay=0.05"))
        smsd = install(self.open(Smsd(self.folder, postgres_queue(postgres), {"gateway": ("http", {"url": url(gateway.port), "window": 16, "backlog": 16})})))
        postgres.sql(INSERT.format(people=3000, messages=1))
        smsd.start()
        wait_for("the gateway is busy", lambda: len(gateway.requests()) > 200)
        before = self.rss(smsd.process.pid)
        postgres.stop(signal.SIGQUIT)  # immediate: connections are cut
        wait_for("it says so", lambda: "the queue is away" in smsd.text())
        held = None
        end = time.monotonic() + self.AWAY  # the outage itself
        while time.monotonic() < end:
            count = len(gateway.requests())
            held = (count, time.monotonic()) if held is None or held[0] != count else held
            time.sleep(0.1)
        # What was handed over before went on; nothing new left that could not be recorded.
        self.assertGreater(time.monotonic() - held[1], self.AWAY / 2)
        self.assertIsNone(smsd.process.poll())
        self.assertEqual(smsd.status()["healthy"], False)
        count = len(gateway.requests())
        postgres.start()
        back = time.monotonic()
        wait_for("it goes on", lambda: len(gateway.requests()) > count)
        took = time.monotonic() - back  # a figure, not a check: machines are noisy
        wait_for("no row is N", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        texts = asked([("?" + r["query"], 0) for r in gateway.requests()])
        self.assertEqual(len(texts), 3000)
        self.assertEqual(max(len(sms) for sms in texts.values()), 1)
        grown = self.rss(smsd.process.pid) - before
        self.assertLess(grown, 8 * 1024)
        self.assertEqual(smsd.text().count("the queue is away"), 1)
        self.assertEqual(smsd.text().count("the queue is back"), 1)
        self.assertEqual(smsd.stop(), 0)
        self.say(away=f"{self.AWAY} s", lost=0, sent_twice=0, went_on_after=f"{took:.2f} s", memory_grew=f"{grown} kB")

    def test_a_fail_over_of_the_database_server_is_survived(self):
        primary, gateway = self.open(Postgres(self.folder)), self.open(Gateway(self.folder, "--behave", "delay=0.02"))
        standby = self.open(primary.standby(self.folder / "standby"))
        # Synchronous: what the primary said is durable, the standby has.
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()")
        wait_for("the standby follows", lambda: primary.sql("SELECT sync_state FROM pg_stat_replication") == [["sync"]])
        queue = {"backend": "postgresql", "poll_interval": "1s", "postgresql": {
            "connection": f"host={primary.folder},{standby.folder} dbname=nav user=postgres target_session_attrs=read-write connect_timeout=2"}}
        smsd = install(self.open(Smsd(self.folder, queue, {"gateway": ("http", {"url": url(gateway.port), "window": 16, "backlog": 16})})))
        primary.sql(INSERT.format(people=2000, messages=1))
        wait_for("the standby has it", lambda: standby.number("SELECT count(*) FROM smsq") == 2000)
        smsd.start()
        wait_for("the gateway is busy", lambda: len(gateway.requests()) > 200)
        primary.stop(signal.SIGQUIT)
        wait_for("it says so", lambda: "the queue is away" in smsd.text())
        count = len(gateway.requests())
        standby.promote()
        began = time.monotonic()
        wait_for("it goes on with the other server", lambda: len(gateway.requests()) > count)
        took = time.monotonic() - began
        wait_for("no row is N", lambda: standby.number("SELECT count(*) FROM smsq WHERE sent = 'N'") == 0)
        texts = asked([("?" + r["query"], 0) for r in gateway.requests()])
        self.assertEqual(len(texts), 2000)
        self.assertEqual(max(len(sms) for sms in texts.values()), 1)
        self.assertEqual(smsd.stop(), 0)
        self.say(lost=0, sent_twice=0, went_on_after=f"{took:.2f} s")
