# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-dispatcher-check: names the fault of each wrong worker, and finds none in smsd's own kinds."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess

from harness import BIN, DEADLINE, SOURCE, Gateway, MailServer, Modem, Scenario, die_with_parent, records, sms_in, wait_for

CHECK, WRONG = BIN / "smsd-dispatcher-check", BIN / "wrong-worker"
PLACES = 12  # runs at the same time: each of them waits most of its time

# How tests/peers/wrong-worker.cpp is wrong: the check that says so, and words of what it says. Any other check passes, or says that this
# one has kept it from a decision.
FAULTS = {
    "exits-at-ready": ("ready", "its process ended with exit status 0"),
    "mute-health": ("health", "did not answer health() within 5 s"),
    "window-too-large": ("description", "Its window is 5000, expected 1 to 64"),
    "other-kind": ("description", "Its kind is fax, expected wrong"),
    "version-7": ("description", "The oldest version that it works with is 7"),
    "begins-too-many": ("window", "It had 3 SMS begun at the same time, and describe() returned a window of 2"),
    "takes-too-many": ("limits", "It took a batch of 7 SMS, and window + backlog is 6"),
    "outcome-twice": ("one-outcome", "which already was accepted"),
    "no-outcome": ("one-outcome", "It reported no outcome for attempt"),
    "foreign-id": ("own-attempts", "which it was not given"),
    "unannounced": ("begun-first", "without begun before it"),
    "begins-early": ("begun-first", "while the report of begun was not answered yet"),
    "begun-twice": ("begun-first", "It reported begun twice"),
    "touches-early": ("begun-first", "has changed while the report of begun was not answered yet"),
    "late": ("deadline", "after it was begun, expected at most 3500 ms"),
    "withheld-ignored": ("withheld", "which was withheld"),
    "withheld-dropped": ("withheld", "was withheld, and it did not report notBegun for it"),
    "recall-lies": ("recall", "and recall() returned refused (never heard of it)"),
    "recall-invents": ("recall", "which it was never given"),
    "recall-forgets": ("recall", "recall() did not return attempt"),
    "report-after-drain": ("drain", "had neither an outcome nor notBegun"),
    "drain-hangs": ("drain", "drain() did not return within"),
    "quit-stays": ("quit", "Its process goes on 5 s after quit() had returned"),
    "last-words-always": ("last-words", "It answered lastWords(), and its process goes on"),
    "garbage": ("messages", "it sent bytes that are no message"),
    "empty-report": ("messages", "It called report() without any report"),
    "crashes": ("stays-alive", "its process ended with signal 6"),
    "crashes-at-input": ("bad-input", "its process ended with signal 6"),
    "counts-fields": ("next-version", "dispatch() failed for an SMS with fields that it does not know"),
    "answers-anything": ("next-version", "It answered a call of method 200, which does not exist"),
    "outlives": ("vanished-supervisor", "Its process goes on 5 s after the connection was closed"),
    "dies-with-it": ("vanished-supervisor", "its process ended with exit status 0"),
    "two-supervisors": ("second-connection", "It answered describe() on a second connection"),
}


def check(*arguments, program, status=None):
    """A run with --json: its result, and what it printed as progress."""
    run = subprocess.run([CHECK, "--json", *arguments, program], capture_output=True, text=True, timeout=DEADLINE, check=False)
    if run.returncode not in ((0, 1) if status is None else (status,)):
        raise AssertionError(f"exit status {run.returncode}: {run.stdout}{run.stderr}")
    return json.loads(run.stdout) if run.stdout else {}, run.stderr


def processes_with(word):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().split(b"\0")[-2:] == [word.encode(), b""]:
                found.append(int(entry.name))
    return found


def results(run, result):
    return {one["name"]: one for one in run["checks"] if one["result"] == result}


class SoapServer:
    """tests/peers/soap-server.php; it says where it listens on its standard error."""

    def __init__(self, folder):
        self.record = folder / "calls.jsonl"
        self.process = subprocess.Popen(["/usr/bin/php", "-S", "127.0.0.1:0", SOURCE / "tests/peers/soap-server.php"], text=True,
                                        env={**os.environ, "SOAP_RECORD": str(self.record)}, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", self.process.stderr.readline())[1])

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stderr.close()


class WrongWorkers(Scenario):
    def run_of(self, fault):
        """A worker of its own folder, because the files of several runs must not meet."""
        folder = self.folder / fault
        folder.mkdir()
        witness = folder / "witness"
        (folder / "wrong.yaml").write_text(f"witness: {witness}\n")
        return check("--name", fault, "--kind", "wrong", "--timeout", "1s", "--config", folder / "wrong.yaml", "--witness", witness,
                     program=WRONG)[0]

    def test_a_worker_without_fault_passes(self):
        run = self.run_of("honest")
        self.assertTrue(run["conforms"], run)
        self.assertEqual({one["result"] for one in run["checks"]} - {"ok", "not applicable"}, set())

    def test_the_fault_of_each_wrong_worker_is_named_and_no_other(self):
        with concurrent.futures.ThreadPoolExecutor(PLACES) as pool:
            runs = dict(zip(FAULTS, pool.map(self.run_of, FAULTS)))
        for fault, (name, words) in FAULTS.items():
            with self.subTest(fault):
                failed = results(runs[fault], "failed")
                self.assertEqual(list(failed), [name], failed)
                self.assertIn(words, " ".join(failed[name]["happened"]))
                self.assertTrue(failed[name]["change"] and failed[name]["written"] and failed[name]["required"])
                self.assertFalse(runs[fault]["conforms"])
        self.say(faults=len(FAULTS))

    def test_its_words_are_for_people_without_json(self):
        run = subprocess.run([CHECK, "--name", "outcome-twice", "--only", "one-outcome", "--activation", "spawn", WRONG], capture_output=True, text=True,
                             timeout=DEADLINE, check=False)
        self.assertEqual(run.returncode, 1, run.stderr)
        for words in (" 1/2 ready                          ok\n", " 2/2 one-outcome                    FAILED\n", "one-outcome: FAILED\n  Required: Each SMS gets exactly",
                      "  Happened: It reported accepted (", "  Written:  proto/dispatcher.capnp, Dispatcher.dispatch\n", "  Change:   ",
                      "The program does not conform: 1 of 2 checks failed"):
            self.assertIn(words, run.stdout)


class Attacks(Scenario):
    """tests/peers/hostile-worker.cpp against the check, which has the bounds of smsd."""

    MOST = 60 * 1024  # KiB
    NAMED = ("bootstrap", "pairs", "resolves", "padded", "calls", "echo", "giant", "deep")
    UNNAMED = ("half", "trickle", "unread", "descriptors")  # nothing that is wrong yet, and no answer

    def attack(self, how, timeout):
        with open(self.folder / f"{how}.json", "w+", encoding="utf-8") as out:
            run = subprocess.Popen([CHECK, "--json", "--name", how, "--only", "one-outcome", "--activation", "spawn", "--timeout", timeout,
                                    BIN / "hostile-worker"], stdout=out, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            return run.returncode, usage.ru_maxrss, json.load(out)

    def test_each_is_noticed_within_bounds(self):
        for how in (*self.NAMED, *self.UNNAMED):
            with self.subTest(how):
                # The attacker has the lowest priority: where the processors are busy, it begins late. The check ends when it notices.
                status, peak, run = self.attack(how, "60s" if how in self.NAMED else "1s")
                self.assertEqual((status, run["conforms"]), (1, False))
                self.assertLess(peak, self.MOST)
                if how in self.NAMED:
                    self.assertIn("messages", results(run, "failed"))


class Usage(Scenario):
    def run_with(self, *arguments):
        return subprocess.run([CHECK, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False)

    def test_a_wrong_command_line_is_refused_in_words(self):
        for arguments, status, words in (
                ([], 64, "expected the dispatcher program"),
                (["--only", "nothing", WRONG], 64, "'nothing': expected one of ready, description"),
                (["--timeout", "soon", WRONG], 64, "'soon': expected a duration from 100ms to 10min"),
                (["--timout", "1s", WRONG], 64, "--timout"),
                (["--batch", "100", WRONG], 64, "pass --yes to permit more than 20"),
                (["--config", self.folder / "none.yaml", WRONG], 66, "No such file or directory"),
                ([self.folder / "none"], 66, "cannot be started: No such file or directory")):
            with self.subTest(words):
                run = self.run_with(*arguments)
                self.assertEqual(run.returncode, status, run.stderr)
                self.assertIn(words, run.stderr)
                self.assertEqual(run.stderr.count("\n"), 1)

    def test_a_dispatcher_that_cannot_start_or_send_is_no_verdict(self):
        config = self.folder / "debug.yaml"
        config.write_text("result: perhaps\n")
        run = self.run_with("--config", config, BIN / "smsd-worker-debug")
        self.assertEqual(run.returncode, 78)
        self.assertIn("cannot start with this configuration: ", run.stderr)
        self.assertIn("result", run.stderr)
        (self.folder / "condition").write_text("no SIM")
        config.write_text(f"condition: {self.folder / 'condition'}\n")
        run = self.run_with("--config", config, BIN / "smsd-worker-debug")
        self.assertEqual((run.returncode, run.stderr.split(": ", 1)[1]), (69, "the dispatcher reports that it cannot send: no SIM\n"))

    def test_it_leaves_neither_a_secret_nor_a_process_behind(self):
        marker = f"32{os.getpid()}"
        leave = self.folder / "leave"
        leave.write_text(f"#!/bin/sh\n/usr/bin/setsid /bin/sleep {marker} &\nexec /bin/sleep {marker}\n")
        leave.chmod(0o755)
        (self.folder / "token.secret").write_text("s3cret")
        config = self.folder / "leave.yaml"
        config.write_text("secret: token.secret\n")
        for ending in (None, signal.SIGINT, signal.SIGTERM):
            with self.subTest(ending):
                run = subprocess.Popen([CHECK, "--start-timeout", "30s" if ending else "5s", "--activation", "socket", "--config", config, leave],
                                       env={**os.environ, "TMPDIR": str(self.folder)}, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
                wait_for("both run", lambda: len(processes_with(marker)) == 2)
                wait_for("the secret is there", lambda: list(self.folder.glob("smsd-check-*/credentials/token.secret")))
                if ending:
                    run.send_signal(ending)
                self.assertEqual(run.wait(DEADLINE), -ending if ending else 1)
                self.assertEqual((processes_with(marker), list(self.folder.glob("smsd-check-*"))), ([], []))

    def test_its_list_has_every_check(self):
        listed = [line.split()[0] for line in self.run_with("--list").stdout.splitlines()]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual({name for name, _ in FAULTS.values()}, set(listed))
        self.assertEqual([one["name"] for one in json.loads(self.run_with("--list", "--json").stdout)["checks"]], listed)


class OwnKinds(Scenario):
    """smsd's own kinds conform, against real peers."""

    def conforms(self, kind, settings, *options):
        config = self.folder / f"{kind}.yaml"
        config.write_text(json.dumps(settings))
        run, progress = check("--config", config, *options, program=BIN / f"smsd-worker-{kind}")
        self.assertTrue(run["conforms"], json.dumps(run, indent=1) + progress)
        self.assertEqual(results(run, "not applicable"), {})
        # One SMS has a deadline of 500 ms, and the outcome of another one was recalled on the next connection.
        self.assertGreaterEqual(run["outcomes"]["accepted"], run["sms"] - 2)
        self.assertRegex(progress, r"(?m)^ 1/\d+ ready( \(socket\))?  +ok$")
        self.assertRegex(progress, r"(?m)^\d+/\d+ vanished-supervisor \(socket\)  +ok$")
        return run["sms"]

    def test_debug(self):
        sent = self.folder / "sent.jsonl"
        sms = self.conforms("debug", {"file": str(sent), "window": 8, "backlog": 8}, "--witness", sent)
        self.assertEqual((len(sms_in(sent)), {m["recipient"] for m in sms_in(sent)}), (sms, {"+447700900123"}))

    def test_http(self):
        gateway = self.open(Gateway(self.folder))
        sms = self.conforms("http", {"url": f"http://127.0.0.1:{gateway.port}/sms?to={{recipient}}&text={{text}}"})
        self.assertEqual(len(gateway.requests()), sms)

    def test_mail(self):
        server = self.open(MailServer(self.folder))
        sms = self.conforms("mail", {"server": server.url, "from": "smsd@example.net", "to": "{recipient}@sms.example.net"})
        self.assertEqual(len(server.mails()), sms)

    def test_soap(self):
        service = self.open(SoapServer(self.folder))
        (self.folder / "password").write_text("hunter2\n")
        (self.folder / "password").chmod(0o600)
        sms = self.conforms("soap", {"preset": "boost", "url": f"http://127.0.0.1:{service.port}/", "username": "me",
                                     "password_file": "password", "sender": "1234"})  # a credential in socket mode
        self.assertEqual(len(records(service.record)), sms)

    def test_gammu(self):
        modem = self.open(Modem(self.folder))
        # Only as systemd starts it: each start of a modem takes some seconds.
        sms = self.conforms("gammu", {"device": str(modem.link)}, "--activation", "socket")
        self.assertIn(sms - len(modem.sms()), (0, 1))  # one is cut short by its deadline of 500 ms

    def test_command_that_serves(self):
        self.conforms("command", {"program": str(SOURCE / "deploy/examples/programs/serve.py"), "mode": "serve", "runtime": "python"})

    def test_command_started_for_each_sms(self):
        program = self.folder / "once.sh"
        program.write_text("#!/bin/sh\nset -e\necho \"line-$SMSD_ID\"\n")
        program.chmod(0o755)
        self.conforms("command", {"program": str(program), "mode": "once", "runtime": "shell"})
