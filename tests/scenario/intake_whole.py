# SPDX-License-Identifier: GPL-3.0-or-later
"""From a POST to the SMS: smsd-intake with the real smsd, in good order and while it, smsd and the worker are killed."""

import collections
import concurrent.futures
import contextlib
import getpass
import http.client
import itertools
import os
import random
import signal
import threading
import urllib.parse

from activator import Unit
from harness import Gateway, Scenario, Smsd, sms_in, wait_for
from intake_door import Intake, webhook

KILLS = int(os.environ.get("SMSD_INTAKE_KILLS", "12"))


class OverIntake(Scenario):
    def begin(self, kind, settings):
        # Its worker is systemd's, and outlives smsd, so that a killed smsd leaves no SMS unknown.
        self.worker = self.open(Unit(self.folder, "way", kind, settings))
        self.socket = self.folder / "smsd" / "intake.sock"
        self.smsd = self.open(Smsd(
            self.folder, {"backend": "sqlite", "sqlite": {"path": "queue.db"}, "poll_interval": "1s"}, {"way": (kind, {})}, entries={"way": self.worker.entry()},
            settings={"groups_file": "groups.yaml", "retry": {"delay": "200ms", "max_delay": "1s", "limit": 0}, "intake": {"socket": str(self.socket), "callers": [
                {"user": getpass.getuser(), "recipients": ["+47*"], "groups": ["*"], "rate": 1_000_000}]}}))
        (self.folder / "smsd" / "groups.yaml").write_text("groups: [{name: ops, numbers: ['+4790000001', '+4790000002']}]")
        self.smsd.start()
        self.intake = self.open(Intake(self.folder, self.socket, backlog=4096))

    def kill(self, victim):
        if victim == "intake":
            self.intake.kill()
            self.intake.start()
        elif victim == "smsd":
            self.smsd.close()
            self.smsd.start(ready=False)
        else:
            os.kill(wait_for("the worker runs", self.worker.pid), signal.SIGKILL)

    def client(self, name, over, answered):
        """Posts alerts one after the other, each until it is answered with 200."""
        for number in itertools.count():
            key = f"{name}{number}"
            while not over.is_set():
                with contextlib.suppress(OSError, ValueError, http.client.HTTPException):  # whoever answers was killed
                    if self.intake.alert(to=f"+479{name}{number:06}", text=key, key=key)[0] == 200:
                        answered.append(key)
                        break
            if over.is_set():
                return

    def kill_while_clients_retry(self, victims):
        """(how often each was killed, the alerts that were answered)"""
        over, answered, failed, killed = threading.Event(), [], [], collections.Counter()
        generator = random.Random(7)
        with concurrent.futures.ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as ends:
            ends.callback(over.set)
            for name in "1234":
                pool.submit(self.client, name, over, answered).add_done_callback(lambda done: done.exception() and failed.append(done.exception()))
            for victim in itertools.islice(itertools.cycle(victims), KILLS):
                reached = len(answered) + generator.randint(1, 40)
                wait_for("more are answered", lambda reached=reached: len(answered) >= reached or failed)
                self.assertEqual(failed, [])
                self.kill(victim)
                killed[f"killed {victim}"] += 1
        return killed, answered


class Whole(OverIntake):
    def setUp(self):
        super().setUp()
        self.sent = self.folder / "sent.jsonl"
        self.begin("debug", {"file": str(self.sent), "window": 8})

    def texts(self):
        return [sms["text"] for sms in sms_in(self.sent)]

    def test_a_post_becomes_an_sms(self):
        status, answer = self.intake.alert(to="+47 900 00 009", text="blåbær", key="k")
        self.assertEqual((status, answer["fates"][0]["result"], answer["fates"][0]["recipients"]), (200, "queued", ["+4790000009"]))
        wait_for("it is sent", lambda: self.texts() == ["blåbær"])
        self.assertEqual(self.intake.alert(to="004790000009", text="blåbær", key="k")[1]["fates"][0]["result"], "duplicate")
        self.assertEqual(self.intake.alert(to="kari")[0], 400)
        self.assertEqual(self.intake.alert(to="+46700000000")[0], 403, "smsd does not allow that to the user")
        self.assertEqual(self.intake.post("/alerts", {"group": "nowhere", "text": "x"})[0], 403)
        self.assertEqual(self.intake.request(path="/healthz")[0], 200)

    def test_a_webhook_and_its_resolution(self):
        self.assertEqual(self.intake.post("/alertmanager/ops", webhook(("Disk", "firing")))[0], 200)
        wait_for("both have it", lambda: len(self.texts()) == 2)
        self.intake.post("/alertmanager/ops", webhook(("Disk", "firing")))
        self.intake.post("/alertmanager/ops", webhook(("Disk", "resolved"), status="resolved"))
        wait_for("it is resolved", lambda: len(self.texts()) == 4)
        self.assertEqual(sorted(text.split()[0] for text in self.texts()), ["FIRING"] * 2 + ["RESOLVED"] * 2)
        self.smsd.ctl("dispatcher", "pause", "way")
        self.intake.post("/alertmanager/ops", webhook(("Fan", "firing")))
        self.intake.post("/alertmanager/ops", webhook(("Fan", "resolved"), status="resolved"))
        self.smsd.ctl("dispatcher", "resume", "way")
        self.assertEqual(self.intake.alert(to="+4790000009", text="last")[0], 200)
        wait_for("the last one is sent", lambda: "last" in self.texts())
        self.assertFalse([text for text in self.texts() if "Fan" in text], "it was cancelled before it left")

    def test_a_worker_that_outlives_smsd_gets_no_sms_twice(self):
        killed, answered = self.kill_while_clients_retry(("smsd", "intake"))
        wait_for("all are sent", lambda: set(answered) <= set(self.texts()), deadline=180)
        wait_for("nothing is left", lambda: self.smsd.status()["queue"]["unsent"] == 0, deadline=180)
        texts = collections.Counter(self.texts())
        doubled = [text for text, times in texts.items() if times > 1]
        self.say(**killed, answered=len(answered), doubled=len(doubled))
        self.assertEqual(doubled, [])


class Kills(OverIntake):
    """A gateway that knows keys takes a key once, however often it is sent: the first request with it is the SMS."""

    def setUp(self):
        super().setUp()
        self.gateway = self.open(Gateway(self.folder))
        self.begin("http", {"url": f"http://127.0.0.1:{self.gateway.port}/?to={{recipient}}&m={{text}}", "knows_keys": True, "window": 8, "backlog": 8})

    def keys(self):
        """text -> the keys with which it reached the gateway"""
        found = collections.defaultdict(set)
        for request in self.gateway.requests():
            found[urllib.parse.parse_qs(request["query"])["m"][0]].add(request["headers"]["idempotency-key"])
        return found

    def test_what_was_answered_is_sent_once(self):
        killed, answered = self.kill_while_clients_retry(("worker", "smsd", "intake"))
        wait_for("all are sent", lambda: set(answered) <= set(self.keys()), deadline=180)
        wait_for("nothing is left", lambda: self.smsd.status()["queue"]["unsent"] == 0, deadline=180)
        doubled = [text for text, used in self.keys().items() if len(used) > 1]
        self.say(**killed, answered=len(answered), doubled=len(doubled))
        self.assertEqual(doubled, [])
