# SPDX-License-Identifier: GPL-3.0-or-later
"""smsctl as an operator uses it."""

import json
import os
import pty
import socket
import sqlite3
import subprocess
import unittest

from harness import BIN, DEADLINE, Scenario, Smsd, sms_in, wait_for


class Tools(Scenario):
    def setUp(self):
        super().setUp()
        self.sent = self.folder / "sent.jsonl"
        self.smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                                   {"debug": ("debug", {"file": str(self.sent), "when": [{"text": "HOLD", "result": "hang"}]})}))

    def test_send_wakes_a_running_daemon_and_status_counts_it(self):
        self.smsd.start()
        wait_for("ready", lambda: self.smsd.dispatcher("debug")["state"] == "ready")
        made = json.loads(self.smsd.ctl("send", "+4799887766", "über-Alarm \U0001f525", "--severity", "1", "--json"))
        # poll_interval is 30 s: it was the nudge, or the watch on the file
        wait_for("it is sent", lambda: sms_in(self.sent), deadline=10)
        self.assertEqual(sms_in(self.sent)[0]["text"], "über-Alarm \U0001f525")
        status = wait_for("it is counted", lambda: self.smsd.status()["queue"]["sent"] == 1 and self.smsd.status())
        self.assertEqual(status["healthy"], True)
        self.assertEqual(status["queue"]["unsent"], 0)
        self.assertEqual(status["dispatchers"][0]["accepted"], 1)
        self.assertIn("healthy", self.smsd.ctl("status"))
        listed = json.loads(self.smsd.ctl("queue", "list", "--status", "Y", "--json"))
        self.assertEqual([m["id"] for m in listed], [made["id"]])
        self.assertNotIn("Alarm", self.smsd.text())       # no text in the log,
        self.assertNotIn("+4799887766", self.smsd.text())  # and no whole number

    def test_a_write_of_another_process_is_noticed_without_a_nudge(self):
        self.smsd.start()
        wait_for("ready", lambda: self.smsd.dispatcher("debug")["state"] == "ready")
        # through a configuration that names no running daemon: nobody is told
        other = Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, {"debug": ("debug", {})}, name="other")
        other.ctl("send", "+471", "by another process")
        wait_for("it is sent", lambda: sms_in(self.sent), deadline=10)

    def test_status_without_a_daemon_says_so_with_3(self):
        done = self.smsd.ctl("status", check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("smsd is not running: no program listens at", done.stdout)

    def test_status_is_1_when_no_dispatcher_can_be_used(self):
        broken = self.folder / "smsd" / "dispatchers" / "debug.yaml"
        broken.write_text('{"result": "break"}')
        broken.chmod(0o640)
        self.smsd.start()
        self.smsd.ctl("send", "+471", "hello")
        wait_for("it is broken", lambda: self.smsd.dispatcher("debug")["state"] == "broken")
        done = self.smsd.ctl("status", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOT HEALTHY", done.stdout)
        self.assertIn("told to be broken", done.stdout)

    def test_queue_list_and_cancel(self):
        self.smsd.ctl("db", "install")
        for text, severity in (("mild", 5), ("severe", 1)):
            self.smsd.ctl("send", "+471", text, "--severity", str(severity))
        self.assertEqual([m["text"] for m in json.loads(self.smsd.ctl("queue", "list", "--recipient", "+471", "--json"))], ["severe", "mild"])
        self.assertIn("severe", self.smsd.ctl("queue", "list"))
        self.assertEqual(json.loads(self.smsd.ctl("queue", "cancel", "--older-than", "1h", "--json")), {"cancelled": 0})
        self.assertEqual(json.loads(self.smsd.ctl("queue", "cancel", "--yes", "--json")), {"cancelled": 2})
        self.assertEqual(self.smsd.ctl("queue", "list"), "the queue has no unsent message\n")
        self.assertEqual(self.smsd.ctl("queue", "list", "--status", "Y", "--recipient", "+472"), "the queue has no sent message to +472\n")
        self.assertEqual({m["status"] for m in json.loads(self.smsd.ctl("queue", "list", "--status", "I", "--json"))}, {"I"})

    def test_a_cancel_of_everything_asks_on_a_terminal_and_is_refused_elsewhere(self):
        self.smsd.ctl("db", "install")
        for phone in ("+471", "+472", "+473"):
            self.smsd.ctl("send", phone, f"to {phone}")

        def answering(word):
            ours, theirs = pty.openpty()
            os.write(ours, word.encode() + b"\n")
            done = subprocess.run([BIN / "smsctl", "--config", self.smsd.config, "queue", "cancel"], stdin=theirs, capture_output=True, text=True, check=False)
            os.close(theirs)
            os.close(ours)
            return done

        for words in ([], ["--json"], ["--older-than", "0s"]):
            done = self.smsd.ctl("queue", "cancel", *words, check=False, stdin="y\n")
            self.assertEqual((done.returncode, done.stdout), (64, ""), words)
        for words in (["--recipient", ""], ["--recipient", "", "--older-than", "1ms", "--yes"]):
            done = self.smsd.ctl("queue", "cancel", *words, check=False)
            self.assertEqual((done.returncode, done.stderr), (64, "smsctl: --recipient: expected a value, found an empty one\n"), words)
        done = answering("n")
        self.assertEqual((done.returncode, done.stderr), (1, "smsctl: nothing was cancelled\n"))
        for words in ("3 messages would be cancelled", "to +472", "[y/N]"):
            self.assertIn(words, done.stdout)
        self.assertEqual(json.loads(self.smsd.ctl("queue", "cancel", "--dry-run", "--json"))["would_cancel"], 3)
        self.assertEqual(json.loads(self.smsd.ctl("queue", "cancel", "--dry-run", "--recipient", "+472", "--json"))["would_cancel"], 1)
        self.assertEqual(self.smsd.ctl("queue", "cancel", "--recipient", "+472"), "1 message will not be sent\n")
        first = json.loads(self.smsd.ctl("queue", "list", "--json"))[0]["id"]
        self.smsd.ctl("queue", "cancel", str(first))
        self.assertEqual(self.smsd.ctl("queue", "cancel", str(first), check=False).returncode, 1)
        self.assertIn("1 message will not be sent", answering("y").stdout)
        self.assertEqual(json.loads(self.smsd.ctl("queue", "retry", str(first), "--json")), {"recipient": "+471", "waited": 0, "unsent_again": True})
        self.assertEqual([m["id"] for m in json.loads(self.smsd.ctl("queue", "list", "--json"))], [first])

    def explained(self, smsd, text, until):
        """Sends it, and waits until its JSON says what it has to: (the JSON, the story)."""
        made = str(json.loads(smsd.ctl("send", "+47" + str(len(text)), text, "--severity", "2", "--json"))["id"])

        def asked():
            life = json.loads(smsd.ctl("explain", made, "--json"))
            return life if until(life) else None
        return wait_for(f"{text} is explained", asked), smsd.ctl("explain", made)

    def test_explain_tells_the_life_of_a_message(self):  # C47
        when = [{"text": "REFUSED", "result": "refuse"}, {"text": "DEFERRED", "result": "defer"}]
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "lives.db")}},
                              {"debug": ("debug", {"when": when})}, name="lives"))
        smsd.start()
        life, story = self.explained(smsd, "fine", lambda life: life["status"] == "Y")
        sms = life["submissions"][0]
        self.assertEqual((sms["fate"], sms["only_counted"], sms["messages"]), ("sent", False, [life["id"]]))
        self.assertEqual([a["outcome"] for a in sms["attempts"]], ["accepted"])
        for words in (": sent\n", "queued: fine", f"SMS {sms['id']} with the key {sms['key']}", "through debug: accepted", f"SMS {sms['id']}: sent\n"):
            self.assertIn(words, story)
        life, story = self.explained(smsd, "REFUSED", lambda life: life["status"] == "I")
        self.assertEqual(life["submissions"][0]["attempts"][0]["outcome"], "refused")
        self.assertIn("ignored, it will not be sent: every dispatcher refused it; last reason: told to refuse", story)
        self.assertEqual(life["ignored_because"], "every dispatcher refused it; last reason: told to refuse")
        life, story = self.explained(smsd, "DEFERRED!", lambda life: life["waits_until"])
        self.assertEqual((life["status"], life["rounds"], life["submissions"][0]["fate"]), ("N", 1, "returned"))
        self.assertIn(f"  {life['waits_until']}  next try: its recipient waits, after 1 counted round", story)
        self.assertEqual(story.splitlines()[0], f"message {life['id']} to +479, severity 2: unsent")
        self.assertIn("after 1 counted round without success since " + life["failing_since"], story)
        self.assertRegex(story, r"it is given up if it still fails in (3h (59|60)min|4h) and 5 rounds are counted \(retry.give_up_after\)")
        smsd.stop()
        smsd.ctl("queue", "cancel", "--yes")
        self.assertRegex(smsd.ctl("explain", str(life["id"])), r"ignored [\d.]+ m?s after it was queued: it was cancelled")

    def test_what_is_not_there_cannot_be_explained_released_or_discarded(self):
        self.smsd.ctl("db", "install")
        self.assertEqual(self.smsd.ctl("queue", "held"), "nothing is held\n")
        self.assertEqual(json.loads(self.smsd.ctl("queue", "held", "--json")), [])
        for arguments, words in ((("explain", "7"), "there is no message 7"), (("queue", "release", "7"), "no held SMS has the id 7"),
                                 (("queue", "discard", "7"), "no held SMS has the id 7")):
            done = self.smsd.ctl(*arguments, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
            self.assertIn(words, done.stderr)
        for arguments in (("explain", "x"), ("explain",), ("queue", "release", "-1")):
            self.assertEqual(self.smsd.ctl(*arguments, check=False).returncode, 64, arguments)

    def test_an_id_is_a_decimal_number(self):
        self.smsd.ctl("db", "install")
        for command in (("explain",), ("queue", "release"), ("queue", "discard"), ("queue", "retry")):
            done = self.smsd.ctl(*command, "010", check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, r"\b10\b")
            for word in ("0x1", "0b1", "1.0", "1e2", " 1", "", "0", "99999999999999999999"):
                done = self.smsd.ctl(*command, word, check=False)
                self.assertEqual((done.returncode, done.stdout), (64, ""), word)
                self.assertIn(f": ID: '{word}': expected a whole number from 1 to 9223372036854775807; ", done.stderr)
        done = self.smsd.ctl("send", "+471", "x", "--severity", "010", "--json")
        self.assertEqual(json.loads(self.smsd.ctl("queue", "list", "--json"))[0]["severity"], 10, done)

    def test_a_number_the_queue_cannot_hold_is_refused_in_words(self):  # C49
        done = self.smsd.ctl("send", "", "text", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("what()", done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_send_takes_the_texts_that_notification_scripts_have(self):
        def send(*arguments, **more):
            made = json.loads(self.smsd.ctl("send", *arguments, "--json", **more))["id"]
            listed = json.loads(self.smsd.ctl("queue", "list", "--json"))
            return [m["text"] for m in listed if m["id"] == made][0]
        for text in ("-- PROBLEM: core-gw1 is down", "--PROBLEM--", "-5 degrees", "--severity is 1", "x" * 146, "ø" * 1000, "line\nline"):
            self.assertEqual(send("+471", text), text)
        self.assertEqual(self.smsd.ctl("send", "--", "+471", "-5 degrees", check=True).split()[0], "message")
        self.assertEqual(send("+471", "-", stdin="from a pipe\nsecond line\n"), "from a pipe\nsecond line")
        self.assertEqual(send("+471", "-", "--severity", "1", stdin="-- PROBLEM"), "-- PROBLEM")
        severe = [m for m in json.loads(self.smsd.ctl("queue", "list", "--json")) if m["severity"] == 1]
        self.assertEqual([m["text"] for m in severe], ["-- PROBLEM"])

    def test_send_says_what_it_does_not_take_and_what_will_be_cut(self):
        for arguments, stdin, words in ((("-",), "", "expected a message, found nothing"), (("-",), "\n", "expected a message, found nothing"),
                                        (("x" * 16385,), "", "a text of 16385 bytes: the queue accepts at most 16384"),
                                        (("-",), "y" * 20000, "the queue accepts at most 16384")):
            done = self.smsd.ctl("send", "+471", *arguments, stdin=stdin, check=False)
            self.assertEqual((done.returncode, done.stdout), (65, ""), arguments)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        done = self.smsd.ctl("send", "+471", "x" * 161, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "smsctl: the text takes 2 parts of an SMS, but formatting.max_parts is 1: it will be cut\n")
        self.assertEqual(self.smsd.ctl("send", "+471", "x" * 160, check=False).stderr, "")
        self.assertEqual(self.smsd.ctl("send", "+471", "a", "b", check=False).returncode, 64)
        self.assertEqual(self.smsd.ctl("send", "+471", "a", "--sverity", "1", check=False).returncode, 64)

    def test_preview_counts_as_the_network_does(self):
        shown = json.loads(self.smsd.ctl("preview", "--json", stdin="a" * 160 + "\n"))
        self.assertEqual(shown, {"sms": "a" * 160, "sent": 1, "ignored": 0, "encoding": "gsm7", "units": 160, "parts": 1})
        shown = json.loads(self.smsd.ctl("preview", "--json", stdin="\U0001f525 fire\r\n"))
        self.assertEqual((shown["encoding"], shown["units"], shown["sms"]), ("ucs2", 7, "\U0001f525 fire"))
        shown = json.loads(self.smsd.ctl("preview", "--json", "--max-parts", "2", "--overflow", "carry_over", stdin=("x" * 150 + "\n") * 3))
        # "1: 150; 2: 150" takes 308 septets, two parts hold 306: the first goes alone, the other two stay for the next SMS.
        self.assertEqual((shown["parts"], shown["sent"], shown["carried"], shown["ignored"]), (1, 1, 2, 0))
        shown = json.loads(self.smsd.ctl("preview", "--json", "--max-parts", "2", stdin=("x" * 140 + "\n") * 2))
        self.assertEqual((shown["parts"], shown["sent"], shown["units"]), (2, 2, 288))
        self.assertIn("gsm7", self.smsd.ctl("preview", stdin="one\ntwo\n"))

    def test_db_check_creates_no_queue(self):
        queue = self.folder / "queue.db"
        queue.unlink(missing_ok=True)
        done = self.smsd.ctl("db", "check", check=False)
        self.assertIn("there is no such file: put the queue back if it was there", done.stderr)
        self.assertEqual((done.returncode != 0, done.stdout, queue.exists()), (True, "", False))

    def test_db_install_can_be_run_again(self):
        self.smsd.ctl("db", "install")
        self.assertIn("nothing to do", self.smsd.ctl("db", "install"))
        refused = self.smsd.ctl("db", "install", "--as", "root", check=False)
        self.assertEqual((refused.returncode, "an SQLite file, which has no roles" in refused.stderr), (os.EX_USAGE, True), refused.stderr)
        self.assertIn("can be reached", self.smsd.ctl("db", "check"))

    def test_a_mistyped_command_is_answered_with_what_was_meant_and_every_error_says_whose_it_is(self):
        for words, meant in ((["stauts"], "`smsctl status`"), (["queue", "relase", "7"], "`smsctl queue release`"),
                             (["dispatcher", "resum", "debug"], "`smsctl dispatcher resume`"), (["frobnicate"], "expected one of status, ")):
            done = self.smsd.ctl(*words, check=False)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertIn(meant, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for words in (["stauts"], [], ["explain"], ["explain", "7"], ["status", "--frob"], ["queue", "retry"], ["send", "", "x"]):
            done = self.smsd.ctl(*words, check=False)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertEqual([line for line in done.stderr.splitlines() if not line.startswith("smsctl: ")], [], done.stderr)
            self.assertTrue(done.stderr, words)
        for words, said in (([], "expected a command: one of status, "), (["queue"], "queue: expected a command: one of list, show, cancel, "),
                            (["explain"], "explain: expected ID; see `smsctl explain --help`"), (["send", "+471"], "send: expected TEXT; "),
                            (["explain", "7", "8"], "explain: did not expect '8'; "), (["status", "--frob"], "status: did not expect '--frob'; "),
                            (["preview", "--max-parts", "9"], "preview: --max-parts: '9': expected a whole number from 1 to 8; "),
                            (["queue", "list", "--limit"], "queue list: --limit: expected a value; see `smsctl queue list --help`"),
                            (["queue", "list", "--status", "X"], "queue list: --status: 'X': expected one of N, Y, I; "),
                            (["status", "--json=maybe"], "status: --json: takes no value; "),
                            (["queue", "list", "--limit", "1", "--limit", "2"], "queue list: --limit: expected it once, found it more than once; ")):
            done = self.smsd.ctl(*words, check=False)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (64, "", 1), done.stderr)
            self.assertTrue(done.stderr.startswith("smsctl: " + said), done.stderr)
        for words, known in ((["help"], "preview"), (["help", "queue"], "release"), (["queue", "help"], "release"), (["help", "send"], "--severity")):
            done = self.smsd.ctl(*words, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            self.assertIn(known, done.stdout)
        self.assertIn("Usage: smsctl queue ", self.smsd.ctl("help", "queue"))
        self.assertNotIn("PHONE TEXT REQUIRED", self.smsd.ctl("send", "--help"))

    def test_a_cancel_that_does_nothing_names_the_reason_and_advice_works_as_it_is_typed(self):
        self.smsd.ctl("send", "+471", "x")
        self.assertIn(f"no smsd on this host answers: `smsctl --config {self.smsd.config} status` shows why", self.smsd.ctl("explain", "1"))
        self.smsd.ctl("queue", "cancel", "1")
        for number, why in (("1", "message 1 cannot be cancelled: it is ignored already"), ("7", "there is no message 7 in the queue")):
            done = self.smsd.ctl("queue", "cancel", number, check=False)
            self.assertEqual((done.returncode, done.stderr), (1, f"smsctl: {why}\n"))
        done = self.smsd.ctl("queue", "release", "7", check=False)
        self.assertIn(f"`smsctl --config {self.smsd.config} queue held` lists", done.stderr)

    @unittest.skipUnless(os.getuid() == 0, "a /run of its own is needed")
    def test_what_it_does_straight_at_the_queue_is_in_the_journal_with_the_user_id(self):
        journal = self.folder / "journal"
        journal.mkdir()
        for phone in ("+471", "+472", "+473"):
            self.smsd.ctl("send", phone, "HOLD")
        run = 'mount -t tmpfs run /run && mkdir -p /run/systemd/journal && mount --bind "$0" /run/systemd/journal && exec "$@"'

        def typed(*words, program="smsctl"):
            done = subprocess.run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", run, journal, BIN / program, "--config", self.smsd.config, *words],
                                  capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            return dict(line.split("=", 1) for line in journald.recv(65536).decode().splitlines() if "=" in line)

        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
            journald.bind(str(journal / "socket"))
            journald.settimeout(DEADLINE)
            with sqlite3.connect(self.folder / "queue.db") as queue:  # as smsd leaves an SMS that it holds
                for n in (1, 2):
                    queue.execute("INSERT INTO smsd_submission (id, recipient, attempt, dispatcher, attempts, text, encoding, units, parts, sent_ids, "
                                  "ignored_ids, first_message, rounds, created, ended, fate) VALUES (?, ?, ?, 'debug', 1, 'HOLD', 'gsm7', 4, 1, ?, '[]', ?, 0, "
                                  "'2026-01-01 00:00:00', '2026-01-01 00:00:00', 'held')", (n, f"+47{n}", n, f"[{n}]", n))
                    queue.execute("INSERT INTO smsd_held (message, submission) VALUES (?, ?)", (n, n))
            for words, act in ((["queue", "release", "1"], "release of the held SMS 1, with 1 messages"),
                               (["queue", "discard", "2"], "discard of the held SMS 2, with 1 messages"),
                               (["queue", "retry", "--all"], "retry of every recipient that waits"), (["queue", "cancel", "--yes"], "cancel of 2 messages (chosen: all): 1, 3")):
                entry = typed(*words)
                self.assertEqual((entry["MESSAGE"], entry["SMSD_EVENT"], entry["SMSD_UID"], entry["SYSLOG_IDENTIFIER"]),
                                 (f"{act} by uid 0", "operator-acted", "0", "smsctl"))
            self.smsd.ctl("send", "+474", "x")
            entry = typed("--cancel", program="smsd")
            self.assertEqual((entry["MESSAGE"], entry["SMSD_EVENT"], entry["SMSD_UID"], entry["SYSLOG_IDENTIFIER"]),
                             ("cancel of 1 messages (chosen: all): 4 by uid 0", "operator-acted", "0", "smsd"))

    def test_wrong_arguments_end_with_64_and_help_with_0(self):
        self.assertEqual(self.smsd.ctl("nonsense", check=False).returncode, 64)
        self.assertEqual(self.smsd.ctl("preview", "--max-parts", "9", check=False).returncode, 64)
        for arguments in ([], ["queue"], ["queue", "list"], ["db", "install"], ["send"], ["preview"]):
            done = self.smsd.ctl(*arguments, "--help", check=False)
            self.assertEqual(done.returncode, 0, arguments)
            self.assertGreater(len(done.stdout), 100)
