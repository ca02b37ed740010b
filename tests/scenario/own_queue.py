# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue that is no part of smsd: the example, gammu-smsd's outbox on PostgreSQL, loaded by real smsd and smsctl.

Programs insert into outbox as they do for gammu-smsd; the SMS leave through smsd's dispatchers, and the rows end in sentitems.
"""

import collections
import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import urllib.parse

from harness import BIN, SOURCE, Gateway, Postgres, Scenario, Smsd, sms_in, wait_for

OBJECTS = BIN.parent / "examples" / "queue-gammu-outbox"
TABLES = SOURCE / "examples" / "queue-gammu-outbox" / "tests" / "gammu-17.sql"
TOKEN = re.compile(r"m(\d+)e")
TEXT = '"DestinationNumber", "TextDecoded", "CreatorID"'


class Outbox:
    """A database of gammu-smsd's."""

    def __init__(self, postgres):
        self.postgres = postgres
        postgres.sql("CREATE DATABASE gammu", database="postgres")
        self.sql(TABLES.read_text())

    def sql(self, text):
        return self.postgres.sql(text, database="gammu")

    def number(self, text):
        return int(self.sql(text)[0][0])

    def queue(self, user="postgres", **keys):
        return {"backend": "gammu-outbox", "directory": str(OBJECTS), "connection": self.postgres.dsn(user, "gammu"),
                "poll_interval": "1s", **keys}


class OutboxScenario(Scenario):
    """smsd with a debug dispatcher on a database of gammu-smsd's."""

    def setUp(self):
        super().setUp()
        self.outbox = Outbox(self.open(Postgres(self.folder)))

    def smsd(self, queue=None, name="smsd"):
        return self.open(Smsd(self.folder, queue or self.outbox.queue(), {"debug": ("debug", {"file": str(self.folder / f"{name}.jsonl")})}, name=name))

    def sent(self, smsd):
        return {sms["recipient"]: sms["text"] for sms in sms_in(self.folder / f"{smsd.folder.name}.jsonl")}


class MainPath(OutboxScenario):
    def test_what_a_program_inserts_is_sent_and_moves_to_sentitems(self):
        smsd = self.smsd()
        self.assertIn("smsd_outbox", smsd.ctl("db", "install"))
        smsd.start()
        self.outbox.sql(f"INSERT INTO outbox ({TEXT}, \"Priority\") VALUES ('+4790', 'router down', 'test', 9), ('+4791', 'info', 'test', 0)")
        wait_for("outbox is empty", lambda: self.outbox.number("SELECT count(*) FROM outbox") == 0)
        self.assertEqual(self.sent(smsd), {"+4790": "router down", "+4791": "info"})
        self.assertEqual(self.outbox.sql('SELECT "DestinationNumber", "Status", "SenderID" FROM sentitems ORDER BY 1'),
                         [["+4790", "SendingOKNoReport", "smsd"], ["+4791", "SendingOKNoReport", "smsd"]])
        self.assertEqual(smsd.status()["queue"]["backend"], "gammu-outbox")
        self.assertTrue(smsd.status()["healthy"])
        # What smsctl does with any queue, it does with this one.
        self.assertIn("the gammu-outbox queue can be reached", smsd.ctl("db", "check"))
        self.assertEqual([s["host"] != "" for s in json.loads(smsd.ctl("db", "check", "--json"))["supervisors"]], [True])
        life = json.loads(smsd.ctl("explain", "1", "--json"))
        self.assertEqual(life["submissions"][0]["fate"], "sent")
        smsd.ctl("send", "+4792", "by hand")
        wait_for("it was sent", lambda: self.sent(smsd).get("+4792") == "by hand")
        self.assertEqual(smsd.stop(), 0)

    def test_a_role_with_the_printed_grants_is_enough(self):
        owner = self.smsd(name="owner")
        self.outbox.sql("CREATE ROLE smsd LOGIN")
        grants = owner.ctl("db", "install", "--role", "smsd")
        self.outbox.sql("\n".join(line for line in grants.splitlines() if line.startswith("GRANT")))
        smsd = self.smsd(self.outbox.queue("smsd")).start()
        self.outbox.sql(f"INSERT INTO outbox ({TEXT}) VALUES ('+4790', 'text', 'test')")
        wait_for("it was sent", lambda: "+4790" in self.sent(smsd))
        smsd.ctl("send", "+4791", "by hand")
        wait_for("it was sent", lambda: "+4791" in self.sent(smsd))

    def test_a_connection_in_a_secret_file_is_used_and_never_shown(self):
        secret = self.folder / "connection"
        secret.write_text(self.outbox.postgres.dsn("postgres", "gammu") + " password=hunter2\n")
        secret.chmod(0o640)
        queue = {key: value for key, value in self.outbox.queue().items() if key != "connection"}
        smsd = self.smsd({**queue, "connection_file": str(secret)})
        smsd.ctl("db", "install")
        smsd.start()
        self.outbox.sql(f"INSERT INTO outbox ({TEXT}) VALUES ('+4790', 'text', 'test')")
        wait_for("it was sent", lambda: "+4790" in self.sent(smsd))
        self.assertNotIn("hunter2", smsd.text() + json.dumps(smsd.status()))
        secret.chmod(0o644)
        status, said = smsd.run("--check")
        self.assertEqual(status, 78, said)
        self.assertIn("open to all users", said)
        done = smsd.ctl("db", "check", check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("open to all users", done.stderr)

    def test_an_object_that_smsd_refuses_ends_it_at_the_start_with_78_and_the_file(self):
        copies = self.folder / "queues"
        copies.mkdir()
        for name, damage, words in (("missing", None, "No such file"), ("empty", b"", "cannot be loaded"), ("open", 0o666, "can be written by other")):
            with self.subTest(name):
                file = copies / f"smsd-queue-{name}.so"
                if damage is not None:
                    shutil.copy(OBJECTS / "smsd-queue-gammu-outbox.so", file)
                    file.write_bytes(damage) if isinstance(damage, bytes) else file.chmod(damage)
                smsd = self.smsd({"backend": name, "directory": str(copies), "connection": "x"}, name=name)
                for flags in ((), ("--check",)):
                    status, said = smsd.run(*flags)
                    self.assertEqual(status, 78, said)
                    self.assertIn(f"{file}: ", said)
                    self.assertIn(words, said)
                for command in (("db", "install"), ("config", "check")):
                    done = smsd.ctl(*command, check=False)
                    self.assertEqual(done.returncode, 78, done.stderr)
                    self.assertIn(words, done.stderr)


class Injector(OutboxScenario):
    def test_a_program_of_gammu_itself_injects(self):
        program = shutil.which("gammu-smsd-inject")
        if program is None:
            self.skipTest("gammu-smsd is not installed")
        smsd = self.smsd()
        smsd.ctl("db", "install")
        smsd.start()
        rc = self.folder / "gammu-smsdrc"
        rc.write_text(f"[gammu]\ndevice = /dev/null\nconnection = at\n[smsd]\nservice = sql\ndriver = native_pgsql\nhost = {self.outbox.postgres.folder}\n"
                      "user = postgres\npassword =\ndatabase = gammu\n")
        long = "a text that needs more than one part, " * 10
        for phone, text, options in (("+4790", "by gammu", []), ("+4791", long, ["-len", str(len(long))])):
            subprocess.run([program, "-c", rc, "TEXT", phone, *options, "-text", text], check=True, capture_output=True, timeout=60)
        wait_for("both were sent", lambda: len(self.sent(smsd)) == 2)
        self.assertEqual(self.sent(smsd)["+4790"], "by gammu")
        self.assertTrue(self.sent(smsd)["+4791"].startswith("a text that needs more than one part, a text"))
        wait_for("outbox is empty", lambda: self.outbox.number("SELECT count(*) FROM outbox") == 0)


class Wall(OutboxScenario):
    def test_the_object_is_loaded_under_the_memory_wall_of_the_unit(self):
        def wall():  # as MemoryDenyWriteExecute=yes: PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, of Linux 6.3
            if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) != 0:
                os._exit(77)
        smsd = self.smsd()
        done = subprocess.run([smsd.bin / "smsd", "--config", smsd.config, "--check"], capture_output=True, text=True, check=False, preexec_fn=wall)
        if done.returncode == 77:
            self.skipTest("the kernel has no such wall")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Kills(Scenario):
    """SMSD_OUTBOX_KILLS: how many times the supervisor is killed."""

    def test_kills_of_the_supervisor_lose_and_double_nothing_at_a_gateway_that_knows_keys(self):
        kills, chance = int(os.environ.get("SMSD_OUTBOX_KILLS", 6)), random.Random(7)
        outbox = Outbox(self.open(Postgres(self.folder)))
        gateway = self.open(Gateway(self.folder, "--behave", "delay=0.02"))
        url = f"http://127.0.0.1:{gateway.port}/send?to={{recipient}}&m={{text}}"
        smsd = self.open(Smsd(self.folder, outbox.queue(lease="2s"), {"gateway": ("http", {"url": url, "knows_keys": True, "window": 16})},
                              settings={"retry": {"delay": "200ms", "max_delay": "1s", "limit": 0}}))
        smsd.ctl("db", "install")
        smsd.start()
        over, written = threading.Event(), [0]

        def inject():
            while not over.wait(0.1):
                rows = ", ".join(f"('+47{n % 997:08}', 'm{n}e', 'test')" for n in range(written[0], written[0] + 10))
                outbox.sql(f"INSERT INTO outbox ({TEXT}) VALUES {rows}")
                written[0] += 10

        program = threading.Thread(target=inject, daemon=True)
        program.start()
        for _ in range(kills):
            before = len(gateway.requests())
            with contextlib.suppress(AssertionError):  # the kill may hit at any moment, also before the first SMS of this life
                wait_for("SMS leave", lambda: len(gateway.requests()) > before + chance.randrange(15), 10)
            smsd.process.send_signal(signal.SIGKILL)
            smsd.process.wait()
            smsd.start(ready=False)
        over.set()
        program.join()
        wait_for("outbox is empty", lambda: outbox.number("SELECT count(*) FROM outbox") == 0, 120)
        keys = collections.defaultdict(set)
        for request in gateway.requests():
            for text in urllib.parse.parse_qs(request["query"])["m"]:
                for token in TOKEN.findall(text):
                    keys[int(token)].add(request["headers"]["idempotency-key"])
        sent = outbox.number("""SELECT count(*) FROM sentitems WHERE "Status" = 'SendingOKNoReport'""")
        lost = [token for token in range(written[0]) if token not in keys]
        doubled = {token: sorted(found) for token, found in keys.items() if len(found) > 1}
        self.say(kills=kills, messages=written[0], sent=sent, lost=len(lost), doubled=len(doubled),
                 requests=len(gateway.requests()), unknown=outbox.number("SELECT count(*) FROM smsd_outbox.attempt WHERE outcome = 'unknown'"))
        self.assertEqual((lost, doubled, sent), ([], {}, written[0]))
        self.assertEqual(smsd.stop(), 0)
