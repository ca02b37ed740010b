# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is said before anything is started: one clear message, a telling exit status, nothing half started."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness import BIN, DEADLINE, Postgres, Scenario, Smsd, die_with_parent, wait_for

CONFIGURATION, NOT_ALLOWED, TRY_LATER = 78, 77, 75


class StartUp(Scenario):
    def refused(self, smsd, status, *words):
        """smsd ends by itself with `status` and says `words`; no worker ran, no socket is left."""
        code, text = smsd.run()
        self.assertEqual(code, status, text)
        for word in words:
            self.assertIn(word, text)
        self.assertNotIn("started", text)
        self.assertNotIn("what():", text)
        self.assertFalse((smsd.folder / "control.sock").exists())
        self.assertFalse((smsd.folder / "sent.jsonl").exists())
        return text

    def smsd(self, queue, dispatchers=None, **more):
        dispatchers = dispatchers or {"debug": ("debug", {"file": str(self.folder / more.get("name", "smsd") / "sent.jsonl")})}
        return self.open(Smsd(self.folder, queue, dispatchers, **more))

    def sqlite(self):
        return {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}

    def test_an_unreachable_database(self):
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": f"host={self.folder} dbname=nav user=smsd"}})
        text = self.refused(smsd, TRY_LATER, "Is the server running")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_a_missing_schema_and_a_missing_table(self):
        postgres = self.open(Postgres(self.folder))
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}})
        text = self.refused(smsd, CONFIGURATION, "smsctl db install")
        self.assertEqual(len(text.strip().splitlines()), 1, text)
        smsd.ctl("db", "install")
        postgres.sql("DROP TABLE profiles.smsq")
        text = self.refused(smsd, CONFIGURATION, "smsq", "search_path")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_a_wrong_password_and_a_missing_privilege(self):
        postgres = self.open(Postgres(self.folder, auth="scram-sha-256"))
        postgres.sql("CREATE ROLE smsd LOGIN PASSWORD 'right'")
        passfile = self.folder / "pgpass"
        passfile.write_text("*:*:*:*:canary-wrong\n")
        passfile.chmod(0o600)
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": postgres.dsn(user="smsd") + f" passfile={passfile}"}})
        text = self.refused(smsd, NOT_ALLOWED, "smsd", "password")
        self.assertNotIn("canary", text)
        passfile.write_text("*:*:*:*:right\n")
        admin = Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}},
                     {"debug": ("debug", {})}, name="admin")
        admin.ctl("db", "install")
        text = self.refused(smsd, NOT_ALLOWED, "GRANT")
        self.assertEqual(len(text.strip().splitlines()), 1, text)

    def test_the_printed_grants_are_enough_for_a_role_of_its_own(self):
        postgres = self.open(Postgres(self.folder))
        postgres.sql("CREATE ROLE smsd LOGIN")
        admin = Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}},
                     {"debug": ("debug", {})}, name="admin")
        advice = admin.ctl("db", "install", "--indexes", "--notify", "--role", "smsd")
        postgres.sql("\n".join(line for line in advice.splitlines() if line.startswith("GRANT ")))
        smsd = self.smsd({"backend": "postgresql", "postgresql": {"connection": postgres.dsn(user="smsd")}}, settings={
            "heartbeats": [{"name": "nav", "every": "1s", "grace": "1s", "alert_to": "+48"}],
            "intake": {"socket": str(self.folder / "intake.sock"), "callers": [{"user": str(os.getuid()), "recipients": ["*"]}]}}).start()
        postgres.sql("INSERT INTO smsq (time, phone, msg) VALUES (now(), '+47', 'hello')")
        wait_for("it is sent, and an alert of smsd's own", lambda: postgres.number("SELECT count(*) FROM smsq WHERE sent = 'Y'") == 2)
        smsd.ctl("dispatcher", "pause", "debug")
        for words, result in ((["--key", "a", "text" * 100], "queued"), (["--key", "a", "again"], "duplicate"), (["--cancels", "a", "resolved"], "cancelled")):
            done = smsd.ctl("submit", "--socket", self.folder / "intake.sock", "--json", "+4711", *words)
            self.assertEqual(json.loads(done)["result"], result)
        self.assertEqual(smsd.stop(), 0)
        # and not more than enough: NAV's accounts stay NAV's
        self.assertEqual(postgres.sql("SELECT has_table_privilege('smsd', 'account', 'UPDATE'), has_column_privilege('smsd', 'account', 'password', 'SELECT')"),
                         [["f", "f"]])

    def test_unknown_keys_and_bad_values_in_both_kinds_of_file_with_their_places(self):
        smsd = self.smsd(self.sqlite(), {"debug": ("debug", {"reslut": "accept"}), "gateway": ("http", {"url": "ftp://x/{text}"})})
        self.refused(smsd, CONFIGURATION, "debug.yaml:2:2", "reslut", "result", "gateway.yaml:2:2")
        smsd.config.write_text("queue: {backnd: sqlite}\nretry: {delay: soon}\ndispatchers: [{name: debug, kind: debug}]\n")
        text = self.refused(smsd, CONFIGURATION, "smsd.yaml:1:9", "backnd", "backend", "smsd.yaml:2:16", "soon")
        self.assertEqual(len(text.strip().splitlines()), 2, text)

    def test_a_missing_worker_program(self):
        smsd = self.smsd(self.sqlite(), {"modem": ("gammu", {}), "debug": ("debug", {})})
        (self.folder / "bin").mkdir()
        shutil.copy(BIN / "smsd", self.folder / "bin")  # no worker is beside this one
        shutil.copy(BIN / "smsd-worker-debug", self.folder / "bin")
        done = subprocess.run([self.folder / "bin" / "smsd", "--config", smsd.config], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, CONFIGURATION, done.stderr)
        for word in ("dispatcher modem", "smsd-worker-gammu", "worker:"):
            self.assertIn(word, done.stderr)
        self.assertNotIn("dispatcher debug", done.stderr)

    def test_a_missing_configuration(self):
        done = subprocess.run([BIN / "smsd", "--config", self.folder / "none.yaml"], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, CONFIGURATION)
        self.assertIn("none.yaml: not found", done.stderr)

    def test_check_says_that_all_is_good_and_starts_nothing(self):
        smsd = self.smsd(self.sqlite())
        done = subprocess.run([BIN / "smsd", "--check", "--config", smsd.config], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("good, 1 dispatcher", done.stdout)
        self.assertFalse((smsd.folder / "state").exists())
        self.assertFalse((self.folder / "queue.db").exists())

    def test_a_fifo_in_the_place_of_any_of_its_files_holds_nothing_up(self):
        """It ends with its name, or starts without what is kept there."""
        for name, status in (("instance", 73), ("paused", 66), ("today-debug", None)):
            with self.subTest(name):
                smsd = self.smsd(self.sqlite(), name=name, entries={"debug": {"per_day": 100}})
                state = smsd.folder / "state"
                state.mkdir(exist_ok=True)
                os.mkfifo(state / name)
                if status:
                    code, text = smsd.run()
                    self.assertEqual(code, status, text)
                    self.assertIn(f"{state / name}: it is not a regular file", text)
                else:
                    smsd.start()
                    smsd.ctl("send", "+4799887766", "router down")
                    wait_for("the SMS", lambda: smsd.status()["queue"]["sent"] == 1)
                    self.assertEqual(smsd.stop(), 0)
        for program, flag in (("smsd", "--config"), ("smsctl", "--config"), ("smsd-worker-http", "--check")):
            os.mkfifo(self.folder / f"{program}.yaml")
            words = [BIN / program, flag] + (["--config"] if flag == "--check" else []) + [self.folder / f"{program}.yaml"]
            done = subprocess.run(words + (["status"] if program == "smsctl" else []), capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual(done.returncode, CONFIGURATION, done.stderr)
            self.assertIn("it is not a regular file", " ".join((done.stdout + done.stderr).split()))
        gammurc = self.folder / "gammurc"
        modem = self.folder / "modem.yaml"
        modem.write_text(f"gammurc: {gammurc}\n")
        for make, why in ((lambda: os.mkfifo(gammurc), "it is not a regular file"), (gammurc.mkdir, "it is not a regular file"),
                          (lambda: gammurc.symlink_to("/dev/zero"), "it is not a regular file"), (lambda: gammurc.symlink_to("/no/such"), "No such file or directory")):
            make()
            done = subprocess.run([BIN / "smsd-worker-gammu", "--check", "--config", modem], capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual(done.returncode, CONFIGURATION, done.stderr)
            self.assertIn(f"{gammurc} cannot be read ({why})", done.stderr)
            gammurc.rmdir() if gammurc.is_dir() else gammurc.unlink()
        smsd = self.smsd(self.sqlite(), name="dispatcher")
        file = next(smsd.folder.glob("**/debug.yaml"))
        file.unlink()
        os.mkfifo(file)
        self.refused(smsd, CONFIGURATION, f"{file}: not a regular file")

    def test_a_second_smsd_on_the_same_state_or_the_same_file_is_refused(self):
        first = self.smsd(self.sqlite()).start()
        code, text = first.run()
        self.assertEqual(code, TRY_LATER)
        self.assertIn("state_directory", text)
        other = self.smsd(self.sqlite(), name="other")
        code, text = other.run()
        self.assertEqual(code, TRY_LATER, text)
        self.assertIn(str(first.process.pid), text)
        self.assertEqual(first.stop(), 0)

    def test_a_complaint_about_a_dispatchers_file_names_no_secret(self):
        smsd = self.smsd(self.sqlite(), {"gateway": ("http", {"url": "http://user:canary-secret@gw/{nothing}?pw=canary-secret"})})
        self.assertNotIn("canary-secret", self.refused(smsd, CONFIGURATION, "gateway.yaml:2:2"))


class Told(Scenario):
    """A signal during the start ends it as one later does, however long what it waits for would take."""

    PATIENCE = 30.0  # what a worker program has for its --check

    def setUp(self):
        super().setUp()
        self.pids = self.folder / "pids"
        self.worker = self.folder / "hangs"
        self.worker.write_text(f'#!/bin/sh\necho "$$ $*" >> {self.pids}\nexec tail -f /dev/null\n')
        self.worker.chmod(0o755)

    def checks(self):
        """The pids of the worker programs that were asked to check a file."""
        lines = self.pids.read_text().splitlines() if self.pids.exists() else []
        return [int(line.split()[0]) for line in lines if line.endswith("--check")]

    def smsd(self, queue=None, entries=None):
        return self.open(Smsd(self.folder, queue or {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"modem": ("debug", {}), "gateway": ("debug", {})}, entries=entries))

    def hanging(self):
        return self.smsd(entries={name: {"worker": str(self.worker)} for name in ("modem", "gateway")})

    @staticmethod
    def runs(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""  # empty: ended, and not reaped yet
        return False

    def nothing_is_left(self):
        wait_for("the worker programs are gone", lambda: not any(map(self.runs, self.checks())))

    def test_while_worker_programs_hang_in_their_check(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.pids.unlink(missing_ok=True)
            smsd = self.hanging().start(ready=False)
            wait_for("both are asked", lambda: len(self.checks()) == 2)
            smsd.process.send_signal(signal.SIGHUP)  # for later, and no end
            smsd.process.send_signal(number)
            self.assertEqual(smsd.process.wait(self.PATIENCE / 2), 0, smsd.text())
            self.nothing_is_left()
            self.assertIn("stopped on request before it had started", smsd.text())
            self.assertNotIn("did not answer", smsd.text())
            self.assertFalse((self.folder / "queue.db").exists())
            shutil.rmtree(smsd.folder)

    def test_a_command_that_waits_for_them_ends_as_any_command(self):
        config = self.hanging().config
        for command in (["smsd", "--config", config, "--check"], ["smsd", "--config", config, "--test", "+4711"],
                        ["smsctl", "--config", config, "config", "check"]):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                self.pids.unlink(missing_ok=True)
                process = subprocess.Popen([BIN / command[0], *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           preexec_fn=die_with_parent)
                with self.subTest(command=command, number=number):
                    try:
                        wait_for("both are asked", lambda: len(self.checks()) == 2)
                        process.send_signal(number)
                        self.assertEqual(process.wait(self.PATIENCE / 2), -number)  # and not 0: nothing was found good
                        self.nothing_is_left()
                    finally:
                        process.kill()
                        process.wait()

    def test_while_the_queue_does_not_answer(self):
        """A server that hangs takes connections, and says nothing."""
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self.folder / ".s.PGSQL.5432"))
            server.listen()
            smsd = self.smsd({"backend": "postgresql", "postgresql": {
                "connection": f"host={self.folder} dbname=nav user=smsd connect_timeout={4 * DEADLINE:g}"}}).start(ready=False)
            server.settimeout(DEADLINE)
            server.accept()[0].detach()  # stays open
            smsd.process.terminate()
            self.assertEqual(smsd.process.wait(DEADLINE), 0, smsd.text())
            self.assertIn("stopped on request before it had started: the queue does not answer", smsd.text())
