# SPDX-License-Identifier: GPL-3.0-or-later
"""NAV's flags on smsd, with and without a daemon that runs, on NAV's own database."""

import json
import pwd
import os
import resource
import signal
import subprocess

from harness import BIN, Postgres, Scenario, Smsd, programs_for, sms_in, wait_for

USAGE, BAD_DATA, NOBODY_TOOK_IT, TRY_LATER, CONFIGURATION = 64, 65, 69, 75, 78


class NavFlags(Scenario):
    def setUp(self):
        super().setUp()
        self.sent = self.folder / "sent.jsonl"

    def smsd(self, queue=None, dispatchers=None, **more):
        queue = queue or {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}
        return self.open(Smsd(self.folder, queue, dispatchers or {"debug": ("debug", {"file": str(self.sent)})}, **more))

    def nav(self):
        self.postgres = self.open(Postgres(self.folder))
        return {"backend": "postgresql", "postgresql": {"connection": self.postgres.dsn()}}

    def flag(self, smsd, status, *flags):
        code, text = smsd.run(*flags)
        self.assertEqual(code, status, text)
        self.assertNotIn("what():", text)
        return text

    # --- in place of keys ---------------------------------------------------------------------------------------------------

    def waits(self, smsd, number):
        """How long each wait of a recipient was, in seconds, as the journal says."""
        words = [line.split(" waits ")[1].split()[0] for line in smsd.text().splitlines() if " waits " in line]
        return [float(word[:-2]) / 1000 if word.endswith("ms") else float(word[:-1]) for word in words][:number]

    def test_flags_win_over_keys_for_as_long_as_smsd_lives(self):  # C31, C32, C33
        # The file says 30 s, 2 times, 5 rounds; the flags say 0.2 s, 1.5 times, 0.5 s at most, for ever. With "a recovery" in between.
        smsd = self.smsd(dispatchers={"debug": ("debug", {"file": str(self.sent), "when": [{"text": "never", "result": "defer"}]})},
                         settings={"retry": {"delay": "30s", "factor": 2, "limit": 5}})
        smsd.start(flags=["-d", "0.2", "-D", "1.5", "-m", "0.5", "-l", "0", "-a", "1", "-f"])
        smsd.ctl("send", "+471", "never")
        wait_for("four rounds", lambda: len(self.waits(smsd, 9)) >= 4, deadline=30)
        smsd.ctl("send", "+472", "a success in between", "--severity", "1")  # so that it is the next probe
        wait_for("it is sent", lambda: sms_in(self.sent), deadline=30)
        before = len(self.waits(smsd, 99))
        wait_for("more rounds than the limit in the file", lambda: len(self.waits(smsd, 99)) >= max(7, before + 2), deadline=60)
        waits = self.waits(smsd, 7)
        self.assertEqual(waits[:4], [0.2, 0.3, 0.45, 0.5], waits)
        self.assertEqual(set(waits[3:]), {0.5}, waits)
        self.say(rounds_with_limit_0=len(self.waits(smsd, 99)), waits=waits)

    def test_flags_and_pauses_outlive_a_reload(self):  # C33; C51: NAV's SIGHUP read nothing
        smsd = self.smsd(dispatchers={"debug": ("debug", {"when": [{"text": "never", "result": "defer"}]}), "spare": ("debug", {"result": "defer"})})
        smsd.start(flags=["-d", "0.2", "-D", "1", "-l", "0"])
        smsd.ctl("dispatcher", "pause", "spare")
        changed = json.loads(smsd.config.read_text())
        changed["retry"] = {"delay": "1h", "max_delay": "1h", "limit": 1}
        changed["log"] = {"recipient": "plain"}
        smsd.config.write_text(json.dumps(changed))
        smsd.process.send_signal(signal.SIGHUP)
        smsd.ctl("send", "+4799887766", "never")
        wait_for("it was read", lambda: "reloaded: " in smsd.text(), deadline=30)
        wait_for("the number is in plain: what the file says holds", lambda: "+4799887766 waits" in smsd.text(), deadline=30)
        wait_for("but for the flags", lambda: len(self.waits(smsd, 9)) >= 3, deadline=60)
        self.assertEqual(set(self.waits(smsd, 9)), {0.2})
        self.assertEqual(smsd.dispatcher("spare")["state"], "paused")
        # A file that does not fit the flags is refused, and says which.
        changed["retry"] = {"delay": "100ms", "max_delay": "150ms"}
        smsd.config.write_text(json.dumps(changed))
        smsd.process.send_signal(signal.SIGHUP)
        refusal = "the reload was refused, nothing has changed: --delay: is 200ms, expected at most retry.max_delay, which is 150ms"
        wait_for("it is refused", lambda: refusal in smsd.text(), deadline=30)
        self.assertIsNone(smsd.process.poll())

    def test_action_1_ends_smsd_with_an_error_and_action_0_does_not(self):  # C30; C36: NAV's shutdown ended with status 0
        defers = {"debug": ("debug", {"result": "defer"})}
        for flags, status in ((["-l", "1", "-a", "1"], NOBODY_TOOK_IT), (["-l", "1", "-a", "shutdown"], NOBODY_TOOK_IT)):
            smsd = self.smsd(dispatchers=defers, name="smsd" + flags[-1])
            smsd.start(flags=flags)
            smsd.ctl("send", "+471", "never")
            self.assertEqual(wait_for("it ends", lambda: smsd.process.poll(), deadline=30), status)
            self.assertEqual(len(json.loads(smsd.ctl("queue", "list", "--json"))), 1)
            smsd.ctl("queue", "cancel", "--yes")
        smsd = self.smsd(dispatchers=defers, name="ignores", settings={"retry": {"at_limit": "shutdown", "limit": 9}})
        smsd.start(flags=["--limit", "1", "--action", "0"])
        smsd.ctl("send", "+472", "never")
        wait_for("it is ignored", lambda: smsd.status()["queue"]["ignored"] == 1, deadline=30)
        self.assertIsNone(smsd.process.poll())

    def test_a_wrong_flag_is_one_line_that_names_it(self):  # C31, C34, C35
        smsd = self.smsd()
        wrong = [("--delay", "0"), ("-d", "soon"), ("--delay", "100000"), ("--delayfactor", "0"), ("-D", "0.1"), ("--maxdelay", "0"),
                 ("-l", "-1"), ("--limit", "1.5"), ("-a", "2"), ("--action", "Ignore")]
        for flag, word in wrong:
            lines = self.flag(smsd, USAGE, flag, word).strip().splitlines()
            long = {"-d": "--delay", "-D": "--delayfactor", "-l": "--limit", "-a": "--action"}.get(flag, flag)
            self.assertTrue(lines[0].startswith(f"smsd: {long}: '{word}': expected "), lines)
            self.assertTrue(lines[0].endswith("; see `smsd --help`"), lines)
            self.assertEqual(len(lines), 1, lines)
        text = self.flag(smsd, CONFIGURATION, "--check", "-d", "7200")  # max_delay is an hour
        self.assertEqual(text, "smsd: --delay: is 2h, expected at most retry.max_delay, which is 1h; --maxdelay can raise it\n")
        self.flag(smsd, 0, "--check", "-d", "7200", "-m", "7200", "-l", "0", "-D", "1.5", "-a", "0")
        self.say(wrong_values_refused=len(wrong) + 1)

    def test_flags_that_do_not_go_together_are_refused(self):
        smsd = self.smsd()
        for flags, words in ((("-t", "1", "-T", "2", "-u", "1"), "--test: cannot be used together with --TEST"), (("-T", "2"), "--TEST: needs --uid"),
                             (("-u", "1"), "--uid: needs --TEST"), (("--message", "x"), "--message: needs --test or --TEST"),
                             (("-c", "-t", "1"), "--cancel: cannot be used together with --test"), (("--nonsense",), "did not expect '--nonsense'"),
                             (("-T", "2", "-u", "0x10"), "--uid: '0x10': expected a whole number from 0 to 2147483647"),
                             (("-t",), "--test: expected a value"), (("--check=no",), "--check: takes no value")):
            self.assertEqual(self.flag(smsd, USAGE, *flags), f"smsd: {words}; see `smsd --help`\n")

    # --- --cancel -----------------------------------------------------------------------------------------------------------

    def test_cancel_without_a_daemon_reports_what_it_ignored(self):  # C38
        smsd = self.smsd(queue=self.nav())
        smsd.ctl("db", "install")
        self.postgres.sql("INSERT INTO smsq (accountid, time, phone, msg, severity) VALUES (1, now(), '+471', 'canary text', 2), "
                          "(NULL, now(), '+472', 'nobody''s', NULL), (2, now(), '+473', 'old', 3)")
        self.postgres.sql("UPDATE smsq SET sent = 'Y' WHERE phone = '+473'")
        text = self.flag(smsd, 0, "-c")
        self.assertIn("2 unsent messages ignored:", text)
        self.assertIn("to +471", text)
        self.assertIn("Noname, severity 2", text)
        self.assertRegex(text, r"to \+472 of .*, no account")
        self.assertNotIn("canary", text)
        self.assertEqual(self.postgres.sql("SELECT sent, count(*) FROM smsq GROUP BY 1 ORDER BY 1"), [["I", "2"], ["Y", "1"]])
        self.assertEqual(self.flag(smsd, 0, "--cancel"), "0 unsent messages ignored\n")

    def test_cancel_beside_a_daemon_leaves_what_is_under_way(self):  # C46
        for backend in ("postgresql", "sqlite"):
            with self.subTest(backend):
                slow = {"debug": ("debug", {"file": str(self.folder / f"{backend}.jsonl"), "when": [{"text": "slow", "result": "hang"}]})}
                smsd = self.smsd(queue=self.nav() if backend == "postgresql" else None, dispatchers=slow, name=backend,
                                 settings={"retry": {"unknown": "hold"}})
                smsd.ctl("db", "install")
                smsd.start()
                smsd.ctl("send", "+471", "slow")
                wait_for("it is under way", lambda: smsd.dispatcher("debug")["under_way"] == 1, deadline=30)
                smsd.ctl("dispatcher", "pause", "debug")
                ids = [json.loads(smsd.ctl("send", "+471", "later", "--json"))["id"],  # its recipient is claimed
                       json.loads(smsd.ctl("send", "+472", "free", "--json"))["id"]]
                text = self.flag(smsd, 0, "-c")
                self.assertIn("1 unsent message ignored:", text)
                self.assertIn(f"{ids[1]} to +472", text)
                left = {m["id"] for m in json.loads(smsd.ctl("queue", "list", "--json"))}
                self.assertEqual(len(left), 2)
                self.assertIn(ids[0], left)
                self.assertIn(f"cancel of 1 messages (chosen: all): {ids[1]} by uid {os.getuid()}", smsd.text())
                smsd.process.send_signal(signal.SIGKILL)
                smsd.process.wait(30)

    def test_a_daemon_that_is_not_for_us_is_not_gone_around(self):
        if os.getuid() != 0:
            self.skipTest("needs another user")
        smsd = self.smsd().start()
        smsd.config.chmod(0o644)
        smsd.ctl("dispatcher", "pause", "debug")
        smsd.ctl("send", "+471", "mine")
        nobody = pwd.getpwnam("nobody")
        for flags in (("-c",), ("-t", "+471")):
            done = subprocess.run([programs_for("nobody", self.folder) / "smsd", "--config", smsd.config, *flags], capture_output=True,
                                  text=True, check=False, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/")
            self.assertEqual(done.returncode, 77, done.stderr)
            self.assertIn("permission denied", done.stderr)
        self.assertEqual(len(json.loads(smsd.ctl("queue", "list", "--json"))), 1)

    # --- --test -------------------------------------------------------------------------------------------------------------

    def test_an_error_of_smsd_itself_is_not_the_silence_of_a_daemon_that_does_not_run(self):
        smsd = self.smsd(dispatchers={f"d{n}": ("debug", {"file": str(self.sent)}) for n in range(3)})
        for most in range(5, 10):  # open files: one step after the other fails
            done = subprocess.run([BIN / "smsd", "--config", smsd.config, "-t", "+471"], capture_output=True, text=True, check=False,
                                  preexec_fn=lambda most=most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
            self.assertNotIn("did not answer", done.stdout + done.stderr, f"with {most} open files")
            self.assertNotEqual(done.returncode, 0)


    def test_test_without_a_daemon_starts_the_workers_and_says_which_took_it(self):  # C48
        ways = {"modem": ("debug", {"result": "defer"}), "fallback": ("debug", {"file": str(self.sent)})}
        # No queue is needed: this one cannot be reached.
        smsd = self.smsd(queue={"backend": "postgresql", "postgresql": {"connection": f"host={self.folder} dbname=none"}}, dispatchers=ways)
        text = self.flag(smsd, 0, "-t", "+4799887766", "--message", "is it on?")
        self.assertRegex(text, r"(?m)^modem: deferred: told to defer \(\d+ ms\)$")
        self.assertRegex(text, r"(?m)^fallback: accepted, reference \d+ \(\d+ ms\)$")
        self.assertIn("fallback accepted the test SMS\n", text)
        self.assertRegex(text, rf"test SMS to \+47\*+66 \(accepted by fallback\) by uid {os.getuid()}\n")
        self.assertEqual([(s["recipient"], s["text"]) for s in sms_in(self.sent)], [("+4799887766", "is it on?")])
        self.flag(smsd, 0, "--test", "+471")
        self.assertEqual(sms_in(self.sent)[1]["text"], "This is a test message from smsd.")

    def test_test_that_nobody_takes_is_a_failure(self):  # C48
        smsd = self.smsd(dispatchers={"a": ("debug", {"result": "refuse"}), "b": ("debug", {"result": "break"}), "c": ("debug", {"result": "unknown"})})
        text = self.flag(smsd, NOBODY_TOOK_IT, "-t", "+471")
        self.assertRegex(text, r"a: refused: told to refuse .*\nb: broken: told to be broken .*\nc: unknown, it may have been sent: told not to know")
        self.assertIn("no dispatcher accepted the test SMS", text)
        text = self.flag(smsd, BAD_DATA, "-t", "1" * 65)
        self.assertEqual(text.strip().splitlines()[-1], "smsd: the number: expected 1 to 64 printable characters")

    def test_test_beside_a_daemon_goes_through_it(self):  # C46, C48
        ways = {"modem": ("debug", {"result": "defer"}), "fallback": ("debug", {"file": str(self.sent)})}
        smsd = self.smsd(dispatchers=ways).start()
        wait_for("ready", lambda: smsd.dispatcher("fallback")["state"] == "ready")
        children = smsd.children()
        text = self.flag(smsd, 0, "-t", "+4799887766")
        self.assertIn("fallback accepted the test SMS", text)
        self.assertEqual(smsd.children(), children)
        self.assertEqual(len(sms_in(self.sent)), 1)
        self.assertRegex(smsd.text(), rf"test SMS to \+47\*+66 \(accepted by fallback\) by uid {os.getuid()}\n")
        self.assertEqual(smsd.status()["queue"]["sent"], 0)  # no row of the queue
        self.assertEqual(smsd.dispatcher("fallback")["accepted"], 1)

    def test_test_does_not_start_workers_where_a_daemon_has_the_lock(self):  # C46
        smsd = self.smsd().start()
        (smsd.folder / "control.sock").unlink()
        text = self.flag(smsd, TRY_LATER, "-t", "+471")
        self.assertIn("another smsd runs", text)
        self.assertEqual(sms_in(self.sent), [])

    # --- --TEST -------------------------------------------------------------------------------------------------------------

    def test_TEST_puts_a_message_of_an_account_into_the_queue(self):  # C44, C49
        smsd = self.smsd(queue=self.nav())
        smsd.ctl("db", "install")
        text = self.flag(smsd, 0, "-T", "+4799887766", "-u", "2", "--message", "for Kari")
        self.assertEqual(text, "test message 1 is in the queue\n")
        self.assertEqual(self.postgres.sql("SELECT accountid, phone, msg, severity IS NULL, sent FROM smsq"),
                         [["2", "+4799887766", "for Kari", "t", "N"]])
        for flags, words in ((("-T", "1" * 16, "-u", "2"), "15"), (("-T", "+471", "-u", "99999"), "99999"),
                             (("-T", "+471", "-u", "2", "--message", "x" * 146), "145")):
            text = self.flag(smsd, BAD_DATA, *flags)
            self.assertEqual(len(text.strip().splitlines()), 1, text)
            self.assertIn(words, text)
        self.assertEqual(self.postgres.number("SELECT count(*) FROM smsq"), 1)
        smsd.start()
        wait_for("it is sent", lambda: sms_in(self.sent), deadline=30)
        self.flag(smsd, 0, "--TEST", "+471", "--uid", "2")
        wait_for("the daemon was told", lambda: len(sms_in(self.sent)) == 2, deadline=10)
        self.assertEqual(sms_in(self.sent)[1]["text"], "This is a test message from smsd.")
