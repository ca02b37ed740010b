# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Prometheus scrapes smsd through smsd-exporter: the metrics, the panels of the dashboard, and an alert for each trouble."""

import contextlib
import json
import math
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import tempfile
import unittest

from activator import Unit
from advice import Refusing
from full_disk import private_mounts
from harness import BIN, Modem, Postgres, Scenario, Smsd, free_port, wait_for
from health import MuteGateway, url
from monitored import DASHBOARD, RULES, Exporter, Prometheus, needs_prometheus, status_socket

TELEPHONE = "+4799887766"


class Monitored(Scenario):
    def smsd(self, name, dispatchers, queue=None, settings=None, **more):
        queue = queue or {"backend": "sqlite", "sqlite": {"path": str(self.folder / f"{name}.db")}, "poll_interval": "1s"}
        folder = self.folder / name
        return self.open(Smsd(self.folder, queue, dispatchers, name=name, settings={**status_socket(folder), **(settings or {})}, **more))

    def exporter(self, smsd, **more):
        return self.open(Exporter(smsd.folder, smsd.folder / "status.sock", **more))


class Metrics(Monitored):
    """Without Prometheus: what a scrape has, and what a client of the exporter can do."""

    def setUp(self):
        super().setUp()
        when = [{"recipient": "+4713", "result": "refuse"}, {"recipient": "+4714", "result": "unknown"}, {"recipient": "+4715", "result": "defer"}]
        self.one = self.smsd("one", {"first": ("debug", {"when": when}), "second": ("debug", {"when": when[:2]})}, settings={"retry": {"unknown": "hold"}})
        self.metrics = self.exporter(self.one)

    def test_each_figure_is_counted_once_and_no_number_and_no_text_gets_out(self):
        self.assertEqual(self.metrics.scrape().splitlines()[-1], "smsd_up 0", "smsd does not run yet")
        self.one.start()
        value = self.metrics.value
        wait_for("both are ready", lambda: all(value("smsd_dispatcher_state", dispatcher=name, kind="debug", state="ready") for name in ("first", "second")))
        for recipient, severity in ((TELEPHONE, 1), ("+4713", 2), ("+4714", 12), ("+4715", None)):
            self.one.ctl("send", recipient, "the secret text", *(["--severity", str(severity)] if severity else []))
        wait_for("all are settled", lambda: (value("smsd_messages_sent_total"), value("smsd_sms_held_total"), value("smsd_messages_ignored_total", reason="refused")) == (2, 1, 1))
        self.assertEqual(value("smsd_up"), 1)
        self.assertEqual(value("smsd_sms_total", dispatcher="first", outcome="accepted"), 1)
        self.assertEqual(value("smsd_sms_total", dispatcher="first", outcome="deferred"), 1)
        self.assertEqual(value("smsd_sms_total", dispatcher="second", outcome="accepted"), 1)
        self.assertEqual(value("smsd_sms_total", dispatcher="first", outcome="refused"), 1)
        self.assertEqual(value("smsd_sms_parts_total", dispatcher="second", outcome="refused"), 1)
        self.assertEqual(value("smsd_attempt_duration_seconds_count", dispatcher="first"), 4)
        self.assertEqual(value("smsd_delivery_latency_seconds_count"), 2)
        self.assertEqual(value("smsd_failover_duration_seconds_count"), 2, "of the refused and of the deferred one")
        self.assertEqual(value("smsd_claimed_sms_total"), 4)
        self.assertGreaterEqual(value("smsd_queue_call_duration_seconds_count", call="settle"), 1)
        self.assertEqual(value("smsd_worker_starts_total", dispatcher="first"), 1)
        self.assertEqual(value("smsd_dispatcher_state", dispatcher="first", kind="debug", state="ready"), 1)
        self.assertEqual(value("smsd_dispatcher_breaker_state", dispatcher="first", state="closed"), 1)
        wait_for("the held one is counted", lambda: value("smsd_queue_held_messages") == 1)  # the queue is looked at once a second
        self.assertEqual(value("smsd_queue_unsent_messages", severity="other"), 1)
        wait_for("the loop's lag is measured", lambda: value("smsd_event_loop_lag_seconds_count") > 0)
        os.kill(self.one.dispatcher("first")["worker_pid"], 9)
        wait_for("its end is counted", lambda: value("smsd_worker_ends_total", dispatcher="first", cause="died") == 1)
        text = self.metrics.scrape()
        for secret in (TELEPHONE, "99887766", "+471", "secret", "test refused"):
            self.assertNotIn(secret, text)
        self.one.stop()
        wait_for("it is down", lambda: value("smsd_up") == 0)  # an answer is that of a whole second
        self.one.start()
        wait_for("it is up", lambda: value("smsd_up") == 1)

    def test_the_latency_is_counted_from_the_insertion(self):
        self.one.ctl("send", TELEPHONE, "it waits")
        waited = wait_for("a second has passed", lambda: (age := self.queued_for()) > 1.2 and age)
        self.one.start()
        wait_for("it is sent", lambda: self.metrics.value("smsd_delivery_latency_seconds_count") == 1)
        self.assertGreaterEqual(self.metrics.value("smsd_delivery_latency_seconds_sum"), waited)

    def queued_for(self):
        with sqlite3.connect(self.folder / "one.db") as queue:
            return queue.execute("SELECT (julianday('now') - julianday(min(time))) * 86400 FROM smsq").fetchone()[0]

    def test_a_client_is_bounded(self):
        self.one.start()
        for method, path, status in (("GET", "/", 200), ("GET", "/metric", 404), ("GET", "/metrics?x=1", 200), ("POST", "/metrics", 405), ("HEAD", "/metrics", 200)):
            self.assertEqual(self.metrics.request(method, path)[0], status, (method, path))
        self.assertEqual(self.metrics.request(path="/metrics")[1]["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        for host, status in (("127.0.0.1:9784", 200), ("evil.example", 421), (socket.gethostname(), 200)):
            self.assertEqual(self.metrics.request(path="/metrics", headers={"Host": host})[0], status, host)
        with socket.create_connection(("127.0.0.1", self.metrics.port)) as rude:
            rude.sendall(b"this is no request\r\n\r\n")
            self.assertTrue(rude.makefile().readline().startswith("HTTP/1.1 400"))
        with socket.create_connection(("127.0.0.1", self.metrics.port)) as long:
            long.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            with self.assertRaises(OSError):
                while True:
                    long.sendall(b"x" * 65536)
        with contextlib.ExitStack() as silent:
            for _ in range(40):
                silent.enter_context(socket.create_connection(("127.0.0.1", self.metrics.port)))
            self.assertEqual(self.metrics.value("smsd_up"), 1, "those that say nothing are turned out")
        self.assertIsNone(self.metrics.process.poll())

    def test_the_front_page_has_the_state_and_no_number(self):
        self.one.ctl("send", TELEPHONE, "the secret text")
        self.one.start()
        wait_for("it is sent", lambda: self.metrics.value("smsd_delivery_latency_seconds_count") == 1)
        status, headers, body = self.metrics.request(path="/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertRegex(headers["Content-Security-Policy"], "default-src 'none'.*style-src 'sha256-")
        self.assertIn("first", body)
        for secret in (TELEPHONE, "99887766", "secret text"):
            self.assertNotIn(secret, body)
        self.one.stop()
        body = wait_for("it is down", lambda: (answer := self.metrics.request(path="/"))[0] == 503 and answer[2])
        self.assertIn("smsd does not answer", body)
        self.assertIn("status.sock", body, "the cause")

    def test_it_locks_itself_in_and_ends_when_told(self):
        self.metrics.scrape()
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{self.metrics.process.pid}/status").read_text().splitlines() if ":\t" in line)
        self.assertEqual((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"))
        self.metrics.process.terminate()
        self.assertEqual(self.metrics.process.wait(10), 0)

    def test_what_it_says_on_a_command_line(self):
        def run(*words):
            done = subprocess.run([BIN / "smsd-exporter", *words], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr
        self.assertEqual(run()[0], 64)
        self.assertIn("smsd-exporter.socket", run()[2])
        self.assertEqual(run("--no-such")[0], 64)
        self.assertEqual(run("--textfile", "/nowhere/at/all")[0], 73)
        self.assertIn("smsd_up, gauge", run("--list")[1])

    def test_a_text_file_for_node_exporter(self):
        file = self.folder / "smsd.prom"
        write = [BIN / "smsd-exporter", "--socket", self.one.folder / "status.sock", "--textfile", file]
        done = subprocess.run(write, capture_output=True, text=True, check=True)
        self.assertIn("the file has smsd_up 0 alone", done.stderr)
        self.assertEqual(file.read_text().splitlines()[-1], "smsd_up 0")
        self.one.start()
        subprocess.run(write, check=True)
        self.assertIn("smsd_up 1", file.read_text())
        self.assertIn("smsd_sms_total", file.read_text())
        self.assertEqual([path.name for path in self.folder.glob("smsd.prom*")], ["smsd.prom"])
        self.assertEqual(file.stat().st_mode & 0o777, 0o644)


@needs_prometheus
class Panels(Monitored):
    def test_promtool_finds_no_fault_and_each_panel_has_data(self):
        gateway = self.open(Refusing())
        modem = self.open(Modem(self.folder))
        when = [{"recipient": "+4713", "result": "refuse"}, {"recipient": "+4715", "result": "defer"}]
        smsd = self.smsd("busy", {"gateway": ("http", gateway.keys()), "modem": ("gammu", {"device": str(modem.link), "check_interval": "5s"}),
                                  "works": ("debug", {"when": when})},
                         settings={"canary": {"recipient": "+4790", "at": "07:30"}, "heartbeats": [{"name": "nav", "every": "1h", "alert_to": "+4791"}]}).start()
        exporter = self.exporter(smsd)
        prometheus = self.open(Prometheus(self.folder, {"busy": exporter.port}))
        wait_for("a first scrape is stored", lambda: prometheus.query("smsd_messages_sent_total"))
        smsd.ctl("send", "+4713", "to nobody")
        for n in range(5):
            smsd.ctl("send", f"+472{n}", "alert", "--severity", "3")
        wait_for("they are sent", lambda: prometheus.query("smsd_messages_sent_total > 4"))
        smsd.ctl("canary", "run", "works")
        smsd.ctl("heartbeat", "nav")
        done = subprocess.run(["promtool", "check", "metrics"], input=exporter.scrape(), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        empty = {}
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            for target in panel.get("targets", ()):
                query = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m")
                empty[query] = panel["title"]
        self.assertGreater(len(empty), 30)

        def all_have_data():
            for query in list(empty):
                found = [value for _, value in prometheus.query(query) if not math.isnan(value)]
                if found:
                    del empty[query]
            return not empty
        try:
            wait_for("each has data", all_have_data, deadline=30)
        except AssertionError:
            self.fail(f"these panels have no data: {empty}")
        used = set(re.findall(r"\bsmsd_[a-z0-9_]+", DASHBOARD.read_text()))
        used = {re.sub(r"_(bucket|count|sum)$", "", name) for name in used}
        named = set(re.findall(r"^(smsd_\w+),", subprocess.run([BIN / "smsd-exporter", "--list"], capture_output=True, text=True, check=True).stdout, re.M))
        self.assertEqual(named - used, {"smsd_queue_depth_known"}, "each metric is in a panel")


@needs_prometheus
class Alerts(Monitored):
    """Troubles at real programs, all at once, each at an smsd or a dispatcher of its own."""

    maxDiff = None

    def setUp(self):
        super().setUp()
        self.targets, self.expected = {}, {}

    def watch(self, smsd, *alerts):
        """`alerts`: what has to fire, each (alert, dispatcher) or an alert."""
        name = smsd.folder.name
        self.targets[name] = self.exporter(smsd).port
        self.expected[name] = {alert if isinstance(alert, tuple) else (alert, "") for alert in alerts}

    def ways(self):
        """Nine dispatchers in trouble, before one that works."""
        rejecting, mute = self.open(Refusing()), self.open(MuteGateway())
        pin = self.folder / "pin"
        pin.write_text("1234\n")
        pin.chmod(0o600)
        locked, gone = self.open(Modem(self.folder, "sim pin", "pin 4711", name="locked")), self.open(Modem(self.folder, name="gone"))
        wrong_key = self.open(Unit(self.folder, "wrong-key", "http", dict(rejecting.keys(), windw=3)))
        secret = self.open(Unit(self.folder, "secret", "http", {"url": rejecting.url + "&key={mine}", "secrets": [{"name": "mine", "file": "mine"}]}))
        gone.tell("hang-up")
        smsd = self.smsd("ways", {
            "dead": ("http", {"url": url(free_port())}), "hung": ("http", {"url": url(mute.port)}), "rejected": ("http", rejecting.keys()),
            "wrong-key": ("http", {}), "secret": ("http", {}), "crashing": ("debug", {"file": str(self.folder / "no" / "sent")}),
            "locked": ("gammu", {"device": str(locked.link), "pin_file": str(pin), "check_interval": "5s"}),
            "gone": ("gammu", {"device": str(gone.link), "check_interval": "5s"}), "works": ("debug", {})},
            entries={"hung": {"timeout": "1s"}, "wrong-key": wrong_key.entry(), "secret": secret.entry()})
        self.watch(smsd, ("SmsdDispatcherResting", "dead"), ("SmsdDispatcherResting", "hung"), ("SmsdDispatcherBroken", "rejected"),
                   ("SmsdWorkerCrashLoop", "wrong-key"), ("SmsdWorkerCrashLoop", "secret"), ("SmsdWorkerCrashLoop", "crashing"),
                   ("SmsdDispatcherBroken", "locked"), ("SmsdDispatcherBroken", "gone"))
        return smsd

    def disk(self, name):
        folder = self.folder / name
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "full", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False, stderr=subprocess.DEVNULL)
        return folder

    def fill(self, disk):
        with open(disk / "ballast", "ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while os.statvfs(disk).f_bavail and ballast.write(b"b" * size):
                        pass

    def test_each_trouble_fires_its_alert_and_no_other(self):
        if not private_mounts():
            self.skipTest("no file system can be mounted here")
        answers = {"when": [{"recipient": "+4713", "result": "refuse"}, {"recipient": "+4714", "result": "unknown"}]}
        ways = self.ways()
        healthy = self.smsd("healthy", {"way": ("debug", answers)}).start()
        self.watch(healthy)
        number = self.smsd("bad-number", {"way": ("debug", answers)}).start()
        self.watch(number, "SmsdMessagesNotSent")
        held = self.smsd("held", {"way": ("debug", answers)}, settings={"retry": {"unknown": "hold"}}).start()
        self.watch(held, "SmsdMessagesHeld")
        wrong = self.smsd("wrong-key-in-smsd-yaml", {"way": ("debug", {})})
        wrong.config.write_text(wrong.config.read_text().replace('"queue"', '"quue"', 1))
        self.assertEqual(wrong.run()[0], 78)
        self.watch(wrong, "SmsdDown")
        alone = self.smsd("alone", {"dead": ("http", {"url": url(free_port())})}).start()
        self.watch(alone, "SmsdNoDispatcher")
        postgres = self.open(Postgres(self.folder))
        away = self.smsd("database-down", {"way": ("debug", {})}, queue={"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}, "lease": "2s"})
        away.ctl("db", "install")
        away.start()
        self.watch(away, "SmsdQueueUnreachable")
        database, disk, fixed = self.disk("database"), self.disk("disk"), self.folder / "read-only" / "state"
        full = self.smsd("database-full", {"way": ("debug", {})}, queue={"backend": "sqlite", "sqlite": {"path": str(database / "queue.db")}, "poll_interval": "1s", "lease": "2s"})
        full.start()
        self.watch(full, "SmsdQueueStrained")
        (disk / "state").mkdir()
        state = self.smsd("disk-full", {"way": ("debug", {})}, settings={"state_directory": str(disk / "state")}).start()
        self.watch(state, "SmsdStateDirectory")
        read_only = self.smsd("read-only", {"way": ("debug", {})}).start()
        self.watch(read_only, "SmsdStateDirectory")
        prometheus = self.open(Prometheus(self.folder, self.targets))
        wait_for("all are scraped", lambda: len(prometheus.query("smsd_up")) == len(self.targets))
        ways.start()  # now, because an end of a worker before the first scrape is no increase

        for n in range(5):
            ways.ctl("send", f"+472{n}", "alert")
            alone.ctl("send", f"+472{n}", "alert")
        healthy.ctl("send", "+471", "alert")
        number.ctl("send", "+4713", "to nobody")
        held.ctl("send", "+4714", "who knows")
        postgres.stop()
        self.fill(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", fixed], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", fixed], check=False, stderr=subprocess.DEVNULL)
        shown = {}

        def as_expected():
            self.fill(database)  # again: smsd has made room by emptying its log
            firing = prometheus.firing()
            shown.update({name: firing.get(name, set()) for name in self.targets})
            return shown == self.expected
        try:
            wait_for("each fires its alert", as_expected, deadline=90)
        except AssertionError:
            self.assertEqual(shown, self.expected)


@needs_prometheus
class Rules(unittest.TestCase):
    """promtool evaluates the rules over prepared series, with the times that are shipped."""

    HEALTHY = {
        'smsd_up{instance="a",job="smsd"}': "1", 'up{instance="a",job="smsd"}': "1", 'smsd_queue_reachable{instance="a",job="smsd"}': "1",
        'smsd_queue_strained{instance="a",job="smsd"}': "0", 'smsd_queue_other_sender{instance="a",job="smsd"}': "0",
        'smsd_without_dispatcher{instance="a",job="smsd"}': "0", 'smsd_queue_held_messages{instance="a",job="smsd"}': "0",
        'smsd_queue_late_message_age_seconds{instance="a",job="smsd"}': "0", 'smsd_state_directory_failing{instance="a",job="smsd"}': "0",
        'smsd_queue_notifications_silent{instance="a",job="smsd"}': "0", 'smsd_admin_mail_failing{instance="a",job="smsd"}': "0",
        'smsd_queue_replaced_rows_total{instance="a",job="smsd"}': "0",
        'smsd_messages_ignored_total{instance="a",job="smsd",reason="refused"}': "0",
        'smsd_messages_ignored_total{instance="a",job="smsd",reason="left_out"}': "0",
        'smsd_dispatcher_state{instance="a",job="smsd",dispatcher="d",state="broken"}': "0",
        'smsd_dispatcher_state{instance="a",job="smsd",dispatcher="d",state="resting"}': "0",
        'smsd_worker_ends_total{instance="a",job="smsd",dispatcher="d",cause="died"}': "0",
        'smsd_worker_ends_total{instance="a",job="smsd",dispatcher="d",cause="requested"}': "0",
        'smsd_answers_not_understood_total{instance="a",job="smsd",dispatcher="d"}': "0",
        'smsd_dispatcher_day_limit_reached{instance="a",job="smsd",dispatcher="d"}': "0",
        'smsd_canary_failing{instance="a",job="smsd",dispatcher="d"}': "0", 'smsd_heartbeat_missing{instance="a",job="smsd",heartbeat="h"}': "0",
        'smsd_heartbeats_watched{instance="a",job="smsd"}': "1",
        'smsd_event_loop_lag_seconds_bucket{instance="a",job="smsd",le="0.5"}': "+",
        'smsd_event_loop_lag_seconds_bucket{instance="a",job="smsd",le="2.5"}': "+",
        'smsd_event_loop_lag_seconds_bucket{instance="a",job="smsd",le="+Inf"}': "+",
    }
    BROKEN, RESTING = (f'smsd_dispatcher_state{{instance="a",job="smsd",dispatcher="d",state="{state}"}}' for state in ("broken", "resting"))
    DIED, REQUESTED = (f'smsd_worker_ends_total{{instance="a",job="smsd",dispatcher="d",cause="{cause}"}}' for cause in ("died", "requested"))
    CASES = [  # (the series that differ from HEALTHY, the alerts that fire)
        ({}, ()),
        ({"smsd_up": "0"}, ("SmsdDown",)),
        ({"up": "0", "smsd_up": None}, ("SmsdDown",)),
        ({"up": None, "smsd_up": None}, ("SmsdDown",)),
        ({"smsd_queue_reachable": "0"}, ("SmsdQueueUnreachable",)),
        ({"smsd_queue_reachable": "0", "smsd_queue_late_message_age_seconds": "900"}, ("SmsdQueueUnreachable",)),
        ({"smsd_queue_strained": "1"}, ("SmsdQueueStrained",)),
        ({"smsd_queue_strained": "1", "smsd_queue_reachable": "0"}, ("SmsdQueueStrained",)),
        ({"smsd_queue_other_sender": "1"}, ("SmsdOtherSender",)),
        ({"smsd_without_dispatcher": "1"}, ("SmsdNoDispatcher",)),
        ({"smsd_without_dispatcher": "1", RESTING: "1", "smsd_queue_late_message_age_seconds": "900"}, ("SmsdNoDispatcher",)),
        ({BROKEN: "1"}, ("SmsdDispatcherBroken",)),
        ({RESTING: "1"}, ("SmsdDispatcherResting",)),
        ({RESTING: "1", DIED: "+"}, ("SmsdWorkerCrashLoop",)),
        ({REQUESTED: "+"}, ()),
        ({"smsd_queue_late_message_age_seconds": "301"}, ("SmsdMessagesLate",)),
        ({"smsd_queue_late_message_age_seconds": "299"}, ()),
        ({"smsd_queue_held_messages": "2"}, ("SmsdMessagesHeld",)),
        ({'smsd_messages_ignored_total{instance="a",job="smsd",reason="refused"}': "+"}, ("SmsdMessagesNotSent",)),
        ({'smsd_messages_ignored_total{instance="a",job="smsd",reason="left_out"}': "+"}, ()),
        ({"smsd_answers_not_understood_total": "+"}, ("SmsdAnswersNotUnderstood",)),
        ({"smsd_dispatcher_day_limit_reached": "1"}, ("SmsdDayLimitReached",)),
        ({"smsd_state_directory_failing": "1"}, ("SmsdStateDirectory",)),
        ({"smsd_queue_notifications_silent": "1"}, ("SmsdNotificationsSilent",)),
        ({"smsd_queue_replaced_rows_total": "+"}, ("SmsdRowsReplaced",)),
        ({"smsd_canary_failing": "1"}, ("SmsdCanaryFailed",)),
        ({"smsd_canary_failing": "1", BROKEN: "1"}, ("SmsdDispatcherBroken",)),
        ({"smsd_canary_failing": "1", "smsd_without_dispatcher": "1"}, ("SmsdNoDispatcher",)),
        ({"smsd_heartbeat_missing": "1"}, ("SmsdHeartbeatMissing",)),
        ({"smsd_heartbeats_watched": "0"}, ("SmsdHeartbeatsUnwatched",)),
        ({"smsd_admin_mail_failing": "1"}, ("SmsdAdminMailFailing",)),
        ({'smsd_event_loop_lag_seconds_bucket{instance="a",job="smsd",le="0.5"}': "0"}, ("SmsdEventLoopSlow",)),
    ]

    def series(self, changed):
        found = dict(self.HEALTHY)
        for name, value in changed.items():
            keys = [key for key in found if key == name or key.split("{")[0] == name]
            self.assertEqual(len(keys), 1, name)
            found[keys[0]] = value
        return [{"series": key, "values": "0+1x60" if value == "+" else f"{value}x60"} for key, value in found.items() if value is not None]

    def test_each_alert_fires_in_its_trouble_and_no_other(self):
        alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
        self.assertEqual(set(alerts), {alert for _, fired in self.CASES for alert in fired}, "each alert has a case")
        tests = [{"name": f"{changed}", "interval": "30s", "input_series": self.series(changed), "promql_expr_test": [
            {"expr": 'count by(alertname) (ALERTS{alertstate="firing"})', "eval_time": "25m",
             "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in fired]}]} for changed, fired in self.CASES]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": tests}, file)
            file.flush()
            done = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_rules_have_no_fault(self):
        done = subprocess.run(["promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
