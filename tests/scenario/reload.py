# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGHUP: everything is read and checked again, and all of it is applied, or nothing. Wart C51."""

import collections
import contextlib
import json
import os
import signal
import sqlite3
import threading

from harness import Gateway, Scenario, Smsd, SocketWorker, Systemd, sms_in, wait_for


class Reload(Scenario):
    def setUp(self):
        super().setUp()
        self.sent = [self.folder / f"sent-{n}.jsonl" for n in range(4)]
        self.systemd = self.open(Systemd(self.folder))

    def debug(self, n=0, **settings):
        return ("debug", {"file": str(self.sent[n]), **settings})

    def smsd(self, dispatchers, **more):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, dispatchers, **more))

    def change(self, smsd, edit):
        config = json.loads(smsd.config.read_text())
        edit(config)
        smsd.config.write_text(json.dumps(config, indent=1))

    def reload(self, smsd, word="reloaded: "):
        """SIGHUP, and until it is through: what it said of it."""
        before, told = smsd.text().count(word), len(self.systemd.all("READY"))
        smsd.process.send_signal(signal.SIGHUP)
        wait_for(word, lambda: smsd.text().count(word) > before)
        if self.systemd.messages:
            wait_for("systemd knows", lambda: len(self.systemd.all("READY")) > told)
        return [line for line in smsd.text().splitlines() if word in line][-1].split(word)[1]

    def send(self, smsd, *numbers, severity=None):
        for number in numbers:
            smsd.ctl("send", number, f"alert for {number}", *(["--severity", str(severity)] if severity else []))

    def all_sent(self, smsd, count):
        wait_for(f"{count} are sent", lambda: sum(len(sms_in(path)) for path in self.sent) >= count)
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)

    def test_a_changed_value_holds_from_then_on_and_systemd_hears_of_it(self):
        smsd = self.smsd({"debug": self.debug()}).start(systemd=self.systemd)
        self.change(smsd, lambda config: config.update(formatting={"max_parts": 3}, log={"recipient": "plain"},
                                                       retry={"delay": "45s", "unknown_by_severity": [{"from": 5, "policy": "hold"}]}))
        said = self.reload(smsd)
        for word in ("formatting.max_parts 1 to 3", "retry.delay 30s to 45s", "log.recipient masked to plain", "unknown_by_severity"):
            self.assertIn(word, said)
        self.assertNotIn("dispatchers", said)
        smsd.ctl("send", "+4799887766", "ж" * 140)
        self.all_sent(smsd, 1)
        self.assertEqual(sms_in(self.sent[0])[0]["text"], "ж" * 140)  # one part has room for 70
        self.assertIn("to +4799887766", smsd.text())
        fields = [set(fields) & {"RELOADING", "MONOTONIC_USEC", "READY"} for _, fields in self.systemd.messages]
        self.assertEqual([f for f in fields if f], [{"READY"}, {"RELOADING", "MONOTONIC_USEC"}, {"READY"}])
        self.assertEqual(smsd.dispatcher("debug")["starts"], 1)
        self.assertEqual(self.reload(smsd), "nothing has changed")
        self.assertEqual(smsd.dispatcher("debug")["starts"], 1)

    def test_smsctl_waits_for_the_result_and_fails_where_it_is_refused(self):
        """As `systemctl reload` does, which runs it."""
        smsd = self.smsd({"debug": self.debug()}).start(systemd=self.systemd)
        good = smsd.config.read_text()
        self.change(smsd, lambda config: config.update(retry={"delay": "45s"}))
        self.assertEqual(smsd.ctl("reload"), "reloaded: retry.delay 30s to 45s\n")
        self.assertEqual(json.loads(smsd.ctl("reload", "--json")), {"reloaded": True, "changes": "nothing has changed"})
        for bad in (good.replace('"30s"', '"soon"').replace('"queue"', '"quue"'), "{", good.replace("control.sock", "other.sock")):
            before = smsd.text().count("the reload was refused")
            smsd.config.write_text(bad)
            done = smsd.ctl("reload", check=False)
            if "other.sock" in bad or bad == "{":  # nobody is there, or where somebody is cannot be read
                self.assertEqual(done.returncode, 3 if "other.sock" in bad else 78, done.stderr)
                continue
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn("nothing has changed", done.stderr)
            self.assertIn(f"{smsd.config}:", done.stderr)
            self.assertEqual(smsd.text().count("the reload was refused"), before + 1)
        own = smsd.folder / "dispatchers" / "debug.yaml"
        smsd.config.write_text(good)
        own.write_text("result: what\n")
        done = smsd.ctl("reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{own}:1:", done.stderr)
        self.systemd.now()  # all that was said before is read
        self.assertEqual(len(self.systemd.all("READY")), 1 + len(self.systemd.all("RELOADING")))

    def test_a_bad_file_changes_nothing_and_says_where(self):
        smsd = self.smsd({"debug": self.debug()}).start(systemd=self.systemd)
        good, own = smsd.config.read_text(), smsd.folder / "dispatchers" / "debug.yaml"
        was = own.read_text()
        smsd.config.write_text("retry: {delay: soon}\nqueue: {backnd: sqlite}\ndispatchers: [{name: debug, kind: debug}]\n")
        said = self.reload(smsd, "the reload was refused, nothing has changed: ")
        for word in ("smsd.yaml:1:16", "soon", "smsd.yaml:2:9", "backnd"):
            self.assertIn(word, said)
        # Good itself, but a dispatcher's file is not: as its own worker finds.
        smsd.config.write_text(good.replace('"control"', '"formatting": {"max_parts": 3}, "control"'))
        own.write_text("file: x\nreslut: accept\n")
        said = self.reload(smsd, "the reload was refused, nothing has changed: ")
        self.assertIn("debug.yaml:2:1", said)
        smsd.ctl("send", "+471", "ж" * 140)
        self.all_sent(smsd, 1)
        self.assertLess(len(sms_in(self.sent[0])[0]["text"]), 71)
        # Nor does a worker that dies meanwhile come back with what was refused.
        pid = smsd.dispatcher("debug")["worker_pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for("another one is ready", lambda: smsd.dispatcher("debug")["worker_pid"] not in (0, pid) and smsd.dispatcher("debug")["state"] == "ready")
        self.send(smsd, "+472")
        self.all_sent(smsd, 2)
        own.write_text(was)
        self.assertIn("max_parts 1 to 3", self.reload(smsd))

    def test_what_only_a_restart_changes_is_refused_and_all_of_it_is_said(self):
        smsd = self.smsd({"debug": self.debug()}).start()

        def edit(config):
            config["queue"] = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "other.db")}, "lease": "60s"}
            config["state_directory"] = str(self.folder / "other")
            config["control"] = {"socket": str(self.folder / "other.sock")}
            config["formatting"] = {"max_parts": 2}
        before = smsd.config.read_text()
        self.change(smsd, edit)
        said = self.reload(smsd, "the reload was refused, nothing has changed: ")
        for key in ("queue.sqlite.path", "queue.lease", "state_directory", "control.socket"):
            self.assertRegex(said, rf"smsd.yaml:\d+:\d+: {key}: ")
        self.assertIn("restart", said)
        self.assertFalse((self.folder / "other.db").exists())
        smsd.config.write_text(before)
        self.assertEqual(self.reload(smsd), "nothing has changed")

    def test_dispatchers_are_added_removed_changed_and_put_in_another_order(self):
        smsd = self.smsd({f"d{n}": self.debug(n) for n in range(4)})
        entries = {e["name"]: e for e in json.loads(smsd.config.read_text())["dispatchers"]}

        def use(*names):
            self.change(smsd, lambda config: config.update(dispatchers=[entries[name] for name in names]))

        def ready(*names):
            wait_for(f"{names} are ready", lambda: [(d["name"], d["state"]) for d in smsd.status()["dispatchers"]] == [(n, "ready") for n in names])
        use("d0", "d1")
        smsd.start()
        ready("d0", "d1")
        pids = {n: smsd.dispatcher(n)["worker_pid"] for n in ("d0", "d1")}
        self.send(smsd, "+471")
        self.all_sent(smsd, 1)
        use("d1", "d0")
        self.assertEqual(self.reload(smsd), "dispatchers: in another order")
        self.send(smsd, "+472")
        self.all_sent(smsd, 2)
        self.assertEqual([len(sms_in(path)) for path in self.sent], [1, 1, 0, 0])
        self.assertEqual({n: smsd.dispatcher(n)["worker_pid"] for n in ("d0", "d1")}, pids)
        use("d2", "d1", "d0")
        self.assertEqual(self.reload(smsd), "dispatchers: added d2")
        ready("d2", "d1", "d0")
        self.send(smsd, "+473")
        self.all_sent(smsd, 3)
        use("d2", "d3")
        self.assertEqual(self.reload(smsd), "dispatchers: added d3, removed d1 d0")
        ready("d2", "d3")
        wait_for("their workers are gone", lambda: sum(map(len, smsd.children().values())) == 2)
        self.send(smsd, "+474")
        self.all_sent(smsd, 4)
        own = smsd.folder / "dispatchers" / "d2.yaml"
        own.write_text(json.dumps({"file": str(self.sent[0]), "window": 3}))
        self.assertEqual(self.reload(smsd), "dispatchers: changed d2")
        wait_for("its new worker is ready", lambda: smsd.dispatcher("d2")["window"] == 3)
        entries["d2"]["timeout"] = "7s"
        use("d2", "d3")
        self.assertEqual(self.reload(smsd), "dispatchers: changed d2")
        wait_for("its new worker is ready", lambda: smsd.dispatcher("d2")["starts"] == 3 and smsd.dispatcher("d2")["state"] == "ready")
        self.send(smsd, "+475")
        self.all_sent(smsd, 5)
        self.assertEqual([len(sms_in(path)) for path in self.sent], [2, 1, 2, 0])

    def test_what_the_command_line_says_and_what_an_operator_paused_hold_after_a_reload(self):
        smsd = self.smsd({"first": self.debug(0), "second": self.debug(1)}).start(flags=["--delay", "7"])
        both = smsd.config.read_text()
        smsd.ctl("dispatcher", "pause", "first")
        self.change(smsd, lambda config: config.update(retry={"delay": "50s", "limit": 9}))
        said = self.reload(smsd)
        self.assertIn("retry.limit 5 to 9", said)
        self.assertNotIn("retry.delay", said)  # the flag goes before the file, both times
        self.change(smsd, lambda config: config["dispatchers"].pop(0))
        self.assertEqual(self.reload(smsd), "dispatchers: removed first")
        smsd.config.write_text(both)
        self.assertIn("dispatchers: added first", self.reload(smsd))
        self.assertEqual(smsd.dispatcher("first")["state"], "paused")
        self.send(smsd, "+471")
        self.all_sent(smsd, 1)
        self.assertEqual([len(sms_in(path)) for path in self.sent[:2]], [0, 1])

    def test_what_is_out_with_a_removed_dispatcher_finishes_there_and_what_it_has_not_begun_goes_elsewhere(self):
        smsd = self.smsd({"slow": self.debug(0, delay="1500ms", window=2, backlog=4), "other": self.debug(1)})
        self.send(smsd, *(f"+47{n}" for n in range(6)))
        smsd.start()
        wait_for("two are begun, four wait there", lambda: smsd.dispatcher("slow")["under_way"] == 6)
        slow = smsd.dispatcher("slow")["worker_pid"]
        self.change(smsd, lambda config: config["dispatchers"].pop(0))
        self.assertEqual(self.reload(smsd), "dispatchers: removed slow")
        self.all_sent(smsd, 6)
        self.assertEqual([len(sms_in(path)) for path in self.sent[:2]], [2, 4])
        wait_for("its worker is gone", lambda: slow not in sum(smsd.children().values(), []))
        self.assertNotIn("unknown", smsd.text())

    def test_an_added_dispatcher_that_is_slow_to_start_keeps_nobody_waiting(self):
        smsd = self.smsd({"slow": self.debug(0, start_delay="20s"), "debug": self.debug(1)})
        both = smsd.config.read_text()
        self.change(smsd, lambda config: config["dispatchers"].pop(0))
        smsd.start()
        smsd.config.write_text(both)
        self.assertEqual(self.reload(smsd), "dispatchers: added slow")
        self.send(smsd, "+471")
        self.all_sent(smsd, 1)
        self.assertEqual(smsd.dispatcher("slow")["state"], "starting")

    def test_a_changed_secret_is_a_change_of_the_dispatcher_and_what_it_writes_itself_is_none(self):
        """Rotated in place: its file and its entry are what they were. Nobody is told what stands there."""
        gateway = self.open(Gateway(self.folder))
        first, second, third = (f"canary{n}" + os.urandom(8).hex() for n in range(3))
        keys = {"url": f"http://127.0.0.1:{gateway.port}/?to={{recipient}}&m={{text}}&k={{key_of_ours}}",
                "auth": {"type": "bearer", "token_file": "token"}, "secrets": [{"name": "key_of_ours", "file": str(self.folder / "key")}]}
        smsd = self.smsd({"gateway": ("http", keys), "debug": self.debug()})
        token, key = smsd.folder / "dispatchers" / "token", self.folder / "key"
        for file in (token, key):
            file.write_text(first)
            file.chmod(0o640)
        smsd.start()

        def seen(number):
            self.send(smsd, number)
            wait_for("the gateway has it", lambda: [r for r in gateway.requests() if number[1:] in r["query"]])
            request = [r for r in gateway.requests() if number[1:] in r["query"]][-1]
            return request["headers"]["authorization"], request["query"].split("k=")[-1]
        wait_for("both are ready", lambda: all(d["state"] == "ready" for d in smsd.status()["dispatchers"]))
        self.assertEqual(seen("+471"), (f"Bearer {first}", first))
        self.assertEqual(self.reload(smsd), "nothing has changed")
        token.write_text(second)
        self.assertEqual(self.reload(smsd), "dispatchers: changed gateway")
        wait_for("its new worker is ready", lambda: smsd.dispatcher("gateway")["starts"] == 2 and smsd.dispatcher("gateway")["state"] == "ready")
        self.assertEqual(seen("+472"), (f"Bearer {second}", first))
        key.write_text(third)
        self.sent[0].write_text('{"recipient": "+470", "text": "x"}\n')  # the debug dispatcher's `file`
        self.assertEqual(self.reload(smsd), "dispatchers: changed gateway")
        wait_for("its new worker is ready", lambda: smsd.dispatcher("gateway")["starts"] == 3 and smsd.dispatcher("gateway")["state"] == "ready")
        self.assertEqual(seen("+473"), (f"Bearer {second}", third))
        token.unlink()  # as at a start: what is wrong changes nothing
        self.assertIn("token_file", self.reload(smsd, "the reload was refused, nothing has changed: "))
        token.write_text(second)
        token.chmod(0o640)
        self.assertEqual(self.reload(smsd), "nothing has changed")
        for secret in (first, second, third):
            self.assertNotIn(secret, smsd.text())

    def test_a_worker_that_systemd_started_lives_on_when_its_entry_changes(self):
        worker = self.open(SocketWorker(self.folder, "gw", "debug", {"file": str(self.sent[0])}))
        smsd = self.smsd({"gw": ("debug", {})}, entries={"gw": worker.entry()}).start()
        wait_for("it is ready", lambda: smsd.dispatcher("gw")["state"] == "ready")
        self.change(smsd, lambda config: config["dispatchers"][0].update(timeout="5s"))
        self.assertEqual(self.reload(smsd), "dispatchers: changed gw")
        self.send(smsd, "+471")
        self.all_sent(smsd, 1)
        self.assertIsNone(worker.process.poll())

    def test_fifty_reloads_under_load_lose_nothing_and_send_nothing_twice(self):
        """Each reload adds, removes, re-orders or changes a dispatcher, now and then with a file that is refused."""
        smsd = self.smsd({f"d{n}": self.debug(n, delay="20ms", window=4, backlog=4) for n in range(4)})
        entries = json.loads(smsd.config.read_text())["dispatchers"]
        smsd.start(systemd=self.systemd)
        over, made = threading.Event(), []

        def load():
            with contextlib.closing(sqlite3.connect(self.folder / "queue.db", timeout=60)) as queue:
                while not over.is_set():
                    numbers = [f"+47{len(made) + n:08}" for n in range(8)]
                    with queue:
                        queue.executemany("INSERT INTO smsq (phone, msg) VALUES (?, 'alert')", [(number,) for number in numbers])
                    made.extend(numbers)
                    # No more than is being sent: some are always under way, none wait for long.
                    wait_for("some are sent", lambda: over.is_set() or len(made) - sum(len(sms_in(path)) for path in self.sent) < 40)
        loader = threading.Thread(target=load)
        loader.start()
        try:
            refused = 0
            for n in range(50):
                if n % 10 == 9:
                    good = smsd.config.read_text()
                    smsd.config.write_text('{"nonsense": true}')
                    self.reload(smsd, "the reload was refused, nothing has changed: ")
                    smsd.config.write_text(good)
                    refused += 1
                    continue
                chosen = [entries[(n + k) % 4] for k in range(2 + n % 3)]
                chosen[0] = dict(chosen[0], timeout=f"{20 + n % 2}s")
                own = smsd.folder / "dispatchers" / f"d{n % 4}.yaml"
                own.write_text(json.dumps({"file": str(self.sent[n % 4]), "delay": "20ms", "window": 3 + n % 2, "backlog": 4}))
                self.change(smsd, lambda config: config.update(dispatchers=chosen))
                self.reload(smsd)
        finally:
            over.set()
            loader.join()
        wait_for("nothing is N", lambda: smsd.status()["queue"]["unsent"] == 0)
        copies = collections.Counter(sms["recipient"] for path in self.sent for sms in sms_in(path))
        lost, twice = set(made) - set(copies), [number for number, count in copies.items() if count > 1]
        self.assertEqual((lost, twice, len(copies)), (set(), [], len(made)))
        self.assertEqual(smsd.status()["queue"]["sent"], len(made))
        self.assertEqual(smsd.stop(), 0)
        self.say(reloads=50 - refused, refused=refused, sms=len(made), lost=len(lost), twice=len(twice),
                 by_dispatcher=[len(sms_in(path)) for path in self.sent],
                 workers_started=smsd.text().count(" is ready, locked in"))

    def test_a_hangup_before_and_beside_a_terminal_never_ends_it(self):
        """Wart C51: NAV's ends in the foreground at SIGHUP, and never reads its configuration again."""
        smsd = self.smsd({"debug": self.debug()}).start()
        for _ in range(20):  # as fast as they come: each is taken, or is one with the next
            smsd.process.send_signal(signal.SIGHUP)
        wait_for("it was read", lambda: "reloaded: nothing has changed" in smsd.text())
        self.send(smsd, "+471")
        self.all_sent(smsd, 1)
        self.assertIsNone(smsd.process.poll())
        # One that comes while it stops does not keep it.
        smsd.process.send_signal(signal.SIGHUP)
        self.assertEqual(smsd.stop(), 0)
