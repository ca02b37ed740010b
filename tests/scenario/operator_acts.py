# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does to a running smsd, with smsctl over control.sock."""

import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import time

from harness import BIN, Scenario, Smsd, sms_in, wait_for

NOBODY_TOOK_IT, BAD_DATA, CONFIGURATION, NOT_STORED, TRY_LATER = 69, 65, 78, 74, 75


class Acts(Scenario):
    def setUp(self):
        super().setUp()
        self.sent = self.folder / "sent.jsonl"

    def smsd(self, dispatchers, **more):
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        return self.open(Smsd(self.folder, queue, dispatchers, **more))

    def ready(self, smsd, *names):
        for name in names:
            wait_for(f"{name} is ready", lambda: smsd.dispatcher(name)["state"] == "ready", deadline=30)
        return smsd

    def refused(self, smsd, status, *arguments):
        done = smsd.ctl(*arguments, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def acts(self, smsd):
        return re.findall(r"notice: ((?!send of|explain of|list of).* by uid \d+)", smsd.text())

    def test_a_test_sms_says_of_each_dispatcher_what_came_of_it(self):  # C48
        smsd = self.smsd({"modem": ("debug", {"result": "defer"}), "gateway": ("debug", {"file": str(self.sent)}),
                          "other": ("debug", {"result": "break"})}).start()
        self.ready(smsd, "modem", "gateway", "other")
        said = json.loads(smsd.ctl("test", "+4799887766", "--json"))
        self.assertEqual((said["accepted"], said["dispatcher"]), (True, "gateway"))
        self.assertEqual([(t["dispatcher"], t["result"]) for t in said["tries"]], [("modem", "deferred"), ("gateway", "accepted")])
        self.assertEqual(said["tries"][0]["reason"], "told to defer")
        self.assertEqual(said["reference"], str(sms_in(self.sent)[0]["attempt"]))
        self.assertGreaterEqual(sms_in(self.sent)[0]["attempt"], 1 << 63)  # never one of the queue's
        done = smsd.ctl("test", "+471", "--via", "other", check=False)
        self.assertEqual(done.returncode, NOBODY_TOOK_IT)
        self.assertIn("other: broken: told to be broken", done.stdout)
        self.assertEqual(smsd.ctl("test", "+471", "--via", "other", check=False).stdout.splitlines()[0].split(",")[0],
                         "other: not tried: it is broken")
        self.assertIn("there is no dispatcher nobody, expected one of modem, gateway, other", self.refused(smsd, BAD_DATA, "test", "+471", "--via", "nobody"))
        self.assertEqual(len(sms_in(self.sent)), 1)
        self.assertEqual(smsd.status()["queue"]["sent"], 0)
        self.say(tries=[(t["dispatcher"], t["result"], f"{t['took_ms']} ms") for t in said["tries"]])

    def test_a_retry_says_of_each_state_what_it_is_and_explain_advises_only_what_works(self):
        smsd = self.smsd({"modem": ("debug", {"file": str(self.sent), "when": [{"recipient": "+472", "result": "unknown"}, {"recipient": "+473", "result": "hang"}]})},
                         settings={"retry": {"unknown": "hold"}, "queue": {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")},
                                                                           "expire_after": "1h"}}).start()
        self.ready(smsd, "modem")
        sent, held, slow = (json.loads(smsd.ctl("send", f"+47{n}", "text", "--json"))["id"] for n in (1, 2, 3))
        wait_for("two have an outcome", lambda: (smsd.status()["queue"]["sent"], smsd.status()["queue"]["held"]) == (1, 1), deadline=30)
        self.assertIn(f"message {sent} was sent: there is nothing to retry", self.refused(smsd, 1, "queue", "retry", str(sent)))
        release = re.search(r"message \d+ is held, because it may have been sent: `smsctl --config \S+ (queue release \d+)`", self.refused(smsd, 1, "queue", "retry", str(held)))
        self.assertIn(f"+473 did not wait: an SMS to the recipient of message {slow} is under way", smsd.ctl("queue", "retry", str(slow)))
        smsd.ctl("dispatcher", "pause", "modem")
        self.assertEqual(smsd.ctl(*release[1].split()), "1 message may be sent again\n")
        self.assertEqual(json.loads(smsd.ctl("explain", str(held), "--json"))["state"], "unsent")
        self.assertIn(f"did not wait: message {held} may be sent now", smsd.ctl("queue", "retry", str(held)))
        smsd.ctl("queue", "cancel", str(held))
        story = json.loads(smsd.ctl("explain", str(held), "--json"))
        self.assertIn(f"`smsctl --config {smsd.config} queue retry {held}` makes it unsent again; it may have been sent, and would arrive twice then", story["next"])
        with sqlite3.connect(self.folder / "queue.db", timeout=30) as queue:
            queue.execute("UPDATE smsq SET time = datetime('now', '-2 hours') WHERE id = ?", (held,))
        story = json.loads(smsd.ctl("explain", str(held), "--json"))
        self.assertIn(f"send its text as a new message (`smsctl --config {smsd.config} send`): it is too old for queue.expire_after", story["next"])
        self.assertIn("is older than queue.expire_after (1h)", self.refused(smsd, 1, "queue", "retry", str(held)))

    def test_a_test_sms_waits_for_room_and_the_queue_goes_on(self):
        smsd = self.smsd({"modem": ("debug", {"file": str(self.sent), "window": 1, "backlog": 0, "delay": "1s"})}).start()
        self.ready(smsd, "modem")
        for i in range(6):
            smsd.ctl("send", f"+47{i}", "alert")
        wait_for("they are under way", lambda: smsd.dispatcher("modem")["under_way"] == 1, deadline=30)
        smsd.ctl("test", "+4799", "--message", "test")
        wait_for("all are sent", lambda: len(sms_in(self.sent)) == 7, deadline=60)
        place = [s["text"] for s in sms_in(self.sent)].index("test")
        self.assertLess(place, 6)  # not behind the whole queue
        self.assertEqual(len({s["recipient"] for s in sms_in(self.sent)}), 7)
        self.say(place_of_the_test_among_7=place + 1)

    def test_a_pause_outlives_a_restart_and_a_resume_ends_it(self):
        smsd = self.smsd({"modem": ("debug", {"file": str(self.sent)}), "gateway": ("debug", {"file": str(self.folder / "other.jsonl")})}).start()
        self.ready(smsd, "modem", "gateway")
        self.assertEqual(smsd.ctl("dispatcher", "pause", "modem"), "modem is paused: it gets no more SMS; its worker finishes the SMS that it has begun\n")
        for round_ in range(2):
            smsd.ctl("send", f"+47{round_}", "goes round it")
            wait_for("the other one sends it", lambda: len(sms_in(self.folder / "other.jsonl")) == round_ + 1, deadline=30)
            self.assertEqual(smsd.dispatcher("modem")["state"], "paused")
            listed = json.loads(smsd.ctl("dispatcher", "list", "--json"))
            self.assertEqual([(d["name"], d["state"]) for d in listed], [("modem", "paused"), ("gateway", "ready")])
            self.assertRegex(smsd.ctl("status"), r"modem +debug +paused")
            self.assertRegex(smsd.ctl("dispatcher", "list"), r"modem +debug +paused")
            # The first restart is in order, the second time it was killed.
            smsd.stop() if round_ == 0 else smsd.close()
            begun = time.monotonic()
            smsd.start()
            self.ready(smsd, "gateway")
        took = time.monotonic() - begun
        self.assertEqual(sms_in(self.sent), [])
        smsd.ctl("dispatcher", "resume", "modem")
        self.ready(smsd, "modem")
        smsd.ctl("send", "+479", "the preferred one again")
        wait_for("it is used again", lambda: sms_in(self.sent), deadline=30)
        smsd.stop()
        smsd.start()
        self.ready(smsd, "modem")
        uid = os.getuid()
        self.assertEqual(self.acts(smsd), [f"pause of modem by uid {uid}", f"resume of modem by uid {uid}"])
        self.say(restarts_survived=2, seconds_from_start_to_paused_again=round(took, 2))

    def test_a_wrong_name_is_answered_with_the_names_there_are(self):
        smsd = self.smsd({"modem": ("debug", {}), "gateway": ("debug", {})}).start()
        for act in ("pause", "resume", "restart"):
            self.assertEqual(self.refused(smsd, 1, "dispatcher", act, "mdem"), "smsctl: there is no dispatcher mdem, expected one of modem, gateway\n")
        self.assertLess(len(self.refused(smsd, 1, "dispatcher", "pause", "x" * 10_000)), 200)
        self.assertEqual(self.acts(smsd), [])
        self.assertEqual(smsd.ctl("dispatcher", "pause", check=False).returncode, 64)
        smsd.stop()
        self.assertEqual(smsd.ctl("dispatcher", "pause", "modem", check=False).returncode, 3)

    def test_a_restart_tries_a_mended_dispatcher_at_once(self):  # C10
        # It takes one SMS and then says that it is broken; a fresh worker takes one again.
        smsd = self.smsd({"modem": ("debug", {"file": str(self.sent), "result": "break", "after": 1})}).start()
        self.ready(smsd, "modem")
        smsd.ctl("send", "+470", "the one it takes")
        wait_for("it is sent", lambda: sms_in(self.sent), deadline=30)
        smsd.ctl("send", "+471", "waits for the modem")
        wait_for("it is broken", lambda: smsd.dispatcher("modem")["state"] == "broken", deadline=30)
        pid = smsd.dispatcher("modem")["worker_pid"]
        wait_for("status says that there is no way out", lambda: smsd.status()["without_dispatcher_seconds"] is not None, deadline=30)
        shown = smsd.ctl("status", check=False)
        self.assertEqual((shown.returncode, smsd.status()["healthy"]), (1, False))
        self.assertRegex(shown.stdout, r"!! for \d+s +no dispatcher can be used")
        self.assertIn("told to be broken", shown.stdout)
        self.assertGreater(smsd.dispatcher("modem")["next_try_seconds"], 30)
        begun = time.monotonic()
        smsd.ctl("dispatcher", "restart", "modem")
        wait_for("another process", lambda: smsd.dispatcher("modem")["worker_pid"] not in (0, pid), deadline=30)
        wait_for("it is sent", lambda: len(sms_in(self.sent)) == 2, deadline=30)
        self.say(seconds_from_restart_to_sent=round(time.monotonic() - begun, 2))

    def test_a_retry_ends_the_wait_of_one_or_of_all(self):
        defers = [{"text": text, "result": "defer"} for text in ("one", "two", "three")]
        ways = {"modem": ("debug", {"file": str(self.sent), "when": defers})}
        smsd = self.smsd(ways, settings={"retry": {"delay": "1h"}}).start()
        def waits(which):
            return json.loads(smsd.ctl("explain", str(which), "--json"))["waits_until"]

        def attempts(which):
            return len(json.loads(smsd.ctl("explain", str(which), "--json"))["submissions"])

        ids = []
        for i, text in enumerate(("one", "two", "three")):
            ids.append(json.loads(smsd.ctl("send", f"+47{i}", text, "--json"))["id"])
            wait_for("it waits", lambda: waits(ids[i]), deadline=30)
            # The dispatcher takes the SMS of others: it is the recipient's own trouble.
            smsd.ctl("send", f"+48{i}", "fine")
            wait_for("another's is sent", lambda: len(sms_in(self.sent)) == i + 1, deadline=30)
        self.assertEqual(smsd.ctl("queue", "retry", str(ids[0])), "+470 waited, and may be tried again now\n")
        wait_for("it was tried again", lambda: attempts(ids[0]) == 2, deadline=30)
        wait_for("and waits again", lambda: waits(ids[0]), deadline=30)
        self.assertEqual(attempts(ids[1]), 1)
        self.assertEqual(json.loads(smsd.ctl("queue", "retry", "--recipient", "+471", "--json")), {"recipient": "+471", "waited": 1, "unsent_again": False})
        wait_for("the second, too", lambda: attempts(ids[1]) == 2, deadline=30)
        self.assertEqual(smsd.ctl("queue", "retry", "--recipient", "+4799"), "+4799 did not wait\n")
        self.assertIn("there is no message 999", self.refused(smsd, 1, "queue", "retry", "999"))
        for wrong in ([], ["1", "--all"], ["--all", "--recipient", "+471"], ["x"]):
            self.assertEqual(smsd.ctl("queue", "retry", *wrong, check=False).returncode, 64, wrong)
        wait_for("it waits again", lambda: waits(ids[1]), deadline=30)
        smsd.stop()
        # Without a daemon, at the queue.
        (smsd.folder / "dispatchers" / "modem.yaml").write_text(json.dumps({"file": str(self.sent)}))
        self.assertEqual(smsd.ctl("queue", "retry", "--all"), "3 recipients waited, and may be tried again now\n")
        smsd.start()
        begun = time.monotonic()
        wait_for("all are sent", lambda: len(sms_in(self.sent)) == 6, deadline=30)
        self.assertEqual(len([act for act in self.acts(smsd) if act.startswith("retry of ")]), 3)
        self.say(recipients_freed=3, seconds_to_send_them=round(time.monotonic() - begun, 2))

    def test_a_retry_wakes_what_may_have_been_sent_with_its_key(self):
        ways = {"modem": ("debug", {"file": str(self.sent), "result": "unknown"})}
        smsd = self.smsd(ways, settings={"retry": {"delay": "1h", "max_delay": "1h", "unknown": "resend"}}).start()
        which = json.loads(smsd.ctl("send", "+471", "maybe", "--json"))["id"]
        wait_for("it waits", lambda: " waits 1h " in smsd.text(), deadline=30)
        before = len(sms_in(self.sent))
        smsd.ctl("queue", "retry", str(which))
        wait_for("it went out again", lambda: len(sms_in(self.sent)) > before, deadline=30)
        self.assertEqual(len({s["key"] for s in sms_in(self.sent)}), 1)

    def test_config_check_says_what_smsd_check_says_and_starts_nothing(self):
        smsd = self.smsd({"modem": ("debug", {}), "gateway": ("http", {"url": "http://127.0.0.1/?to={recipient}&m={text}"})})
        self.assertIn("good, 2 dispatchers", smsd.ctl("config", "check"))
        self.assertEqual(json.loads(smsd.ctl("config", "check", "--json")), {"good": True, "dispatchers": 2, "not_checked": []})
        (smsd.folder / "dispatchers" / "gateway.yaml").write_text('{"url": "nonsense", "windw": 3}')
        done = smsd.ctl("config", "check", check=False)
        self.assertEqual(done.returncode, CONFIGURATION)
        code, text = smsd.run("--check")
        self.assertEqual((code, text), (CONFIGURATION, done.stderr.replace("smsctl: ", "smsd: ")))
        self.assertIn("gateway.yaml:1:", done.stderr)
        self.assertFalse((smsd.folder / "state").exists() or self.sent.exists())
        config = json.loads(smsd.config.read_text())
        smsd.config.write_text(json.dumps(dict(config, admin_mail={"to": "noc@example.org"})))
        mail = smsd.folder / "dispatchers" / "mail.yaml"
        mail.write_text('{"sevrer": "smtp://127.0.0.1"}')
        mail.chmod(0o640)
        done = smsd.ctl("config", "check", check=False)
        self.assertEqual((CONFIGURATION, done.stderr.replace("smsctl: ", "smsd: ")), smsd.run("--check"))
        for word in ("gateway.yaml:1:", "mail.yaml:1:"):
            self.assertIn(word, done.stderr)

    def test_what_systemd_starts_is_checked_too_as_far_as_it_may_be_read(self):
        keys = {"url": "http://127.0.0.1/?to={recipient}&m={text}&key={mine}", "secrets": [{"name": "mine", "file": "mine"}]}
        smsd = self.smsd({"gateway": ("http", keys), "other": ("debug", {"reslut": "accept"})},
                         entries={name: {"activation": "socket"} for name in ("gateway", "other")})
        own = smsd.folder / "dispatchers" / "gateway.yaml"
        for text in (smsd.run("--check")[1], smsd.ctl("config", "check", check=False).stderr):
            self.assertIn("dispatchers/other.yaml:2:2:", text)
            self.assertIn("unknown key", text)
        (smsd.folder / "dispatchers" / "other.yaml").unlink()
        code, text = smsd.run("--check")
        self.assertEqual(code, 0, text)
        self.assertIn(f"{own}: secrets[0].file: its file is not checked, because this user cannot read it\n", text)  # a credential of its unit, or none
        self.assertIn(f"{smsd.folder}/dispatchers/other.yaml: No such file or directory; this file is not checked, because only its worker reads it\n", text)
        self.assertIn("good, 2 dispatchers", text)
        said = json.loads(smsd.ctl("config", "check", "--json"))
        self.assertEqual((said["good"], len(said["not_checked"])), (True, 2))
        smsd.start()  # and a wrong file of one does not keep smsd from starting
        own.write_text("{")
        self.assertEqual(smsd.run("--check")[0], CONFIGURATION)

    def test_a_pause_that_cannot_be_stored_is_in_force_and_has_a_status_of_its_own(self):
        smsd = self.smsd({"modem": ("debug", {})}).start()
        self.ready(smsd, "modem")
        (smsd.folder / "state" / "paused").mkdir()  # no file can take its place
        done = smsd.ctl("dispatcher", "pause", "modem", check=False)
        self.assertEqual(done.returncode, NOT_STORED, done.stderr)
        self.assertIn("modem is paused", done.stdout)
        self.assertIn("pause of modem is done, but ends with the next restart of smsd", done.stderr)
        self.assertEqual(smsd.dispatcher("modem")["state"], "paused")
        self.refused(smsd, 1, "dispatcher", "pause", "nobody")
        (smsd.folder / "state" / "paused").rmdir()

    def test_an_error_of_the_queue_has_one_status_with_and_without_smsd(self):
        smsd = self.smsd({"modem": ("debug", {})}).start()
        self.ready(smsd, "modem")
        self.refused(smsd, 1, "queue", "retry", "4711")
        lock = sqlite3.connect(self.folder / "queue.db", isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        words = self.refused(smsd, TRY_LATER, "queue", "retry", "--all")
        self.assertIn("another process holds the lock", words)
        lock.execute("ROLLBACK")
        smsd.stop()
        lock.execute("BEGIN IMMEDIATE")
        self.refused(smsd, TRY_LATER, "queue", "retry", "--all")

    def test_nothing_is_done_past_a_daemon_that_accepts_no_connection(self):
        smsd = self.smsd({"modem": ("debug", {"result": "defer"})}).start()
        self.ready(smsd, "modem")
        smsd.process.send_signal(signal.SIGSTOP)
        self.addCleanup(smsd.process.send_signal, signal.SIGCONT)
        path, waiting = str(smsd.folder / "control.sock"), []
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            self.addCleanup(waiting[-1].close)
            if waiting[-1].connect_ex(path) != 0:
                break
        smsd.ctl("send", "+471", "is not cancelled")
        for flags in (["--cancel"], ["--test", "+471"]):
            code, text = smsd.run(*flags)
            self.assertEqual(code, TRY_LATER, text)
            self.assertIn("did not accept a connection within 5 seconds", text)
        self.assertIn("did not accept a connection within 5 seconds", self.refused(smsd, TRY_LATER, "queue", "retry", "--all"))
        shown = smsd.ctl("status", check=False)
        self.assertEqual((shown.returncode, f"kill -CONT {smsd.process.pid}" in shown.stdout), (TRY_LATER, True), shown.stdout)
        self.assertEqual(len(json.loads(smsd.ctl("queue", "list", "--json"))), 1)

    def test_status_watches_until_it_is_interrupted(self):
        smsd = self.smsd({"modem": ("debug", {})}).start()
        self.ready(smsd, "modem")
        out = self.folder / "watch"
        with open(out, "wb") as file:
            watch = subprocess.Popen([BIN / "smsctl", "--config", smsd.config, "status", "--watch", "--interval", "100ms"], stdout=file)
        self.addCleanup(watch.kill)
        wait_for("several looks", lambda: out.read_text().count("healthy") >= 3, deadline=30)
        smsd.stop()
        wait_for("it goes on without smsd", lambda: "smsd is not running" in out.read_text(), deadline=30)
        smsd.start()
        seen = out.read_text().count("healthy")
        wait_for("and comes back to it", lambda: out.read_text().count("healthy") > seen, deadline=30)
        watch.send_signal(signal.SIGINT)
        self.assertIn(watch.wait(30), (0, 1))  # of the last look
        self.assertEqual(smsd.ctl("status", "--watch", "--interval", "1ms", check=False).returncode, 64)

    def test_strangers_and_floods_at_the_door_disturb_nobody(self):
        smsd = self.smsd({"modem": ("debug", {"file": str(self.sent)})}).start()
        self.ready(smsd, "modem")
        path = str(smsd.folder / "control.sock")
        self.assertEqual((pathlib.Path(path).stat().st_mode & 0o777), 0o660)

        def connect():
            one = socket.socket(socket.AF_UNIX)
            one.connect(path)
            self.addCleanup(one.close)
            return one

        for nonsense in (b"\xa5" * 65536, b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0\xff\xff\xff\x7f" + b"\0" * 64):
            connect().sendall(nonsense)
        idle = [connect() for _ in range(60)]
        for one in idle:
            one.close()
        wait_for("the door is open again", smsd.status, deadline=30)
        self.assertEqual(smsd.ctl("test", "1" * 64).count("accepted the test SMS"), 1)
        self.assertIn("16384", self.refused(smsd, BAD_DATA, "test", "+471", "--message", "x" * 20_000))
        memory = int(pathlib.Path(f"/proc/{smsd.process.pid}/statm").read_text().split()[1]) * 4
        self.say(connections=63, resident_kib=memory)
