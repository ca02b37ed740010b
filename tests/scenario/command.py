# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind `command`: programs of the administrator's, in both modes, behind their lock, and under fire."""

import collections
import contextlib
import dataclasses
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import time
import unittest
import urllib.parse

from harness import SOURCE, Gateway, Scenario, Smsd, wait_for

PROBE = SOURCE / "tests/peers/command-probe.py"
KILLS = int(os.environ.get("SMSD_COMMAND_KILLS", "12"))
UNLOCKED = None
RELEASE = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])

# Both send to a gateway that knows keys. The program that serves has one connection, and so one SMS at a time.
SERVE = """#!/usr/bin/python3 -IS
import http.client, json, sys, urllib.parse
print(json.dumps({{"smsd": 1, "window": 8, "knows_keys": True}}), flush=True)
connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout=5)
for line in sys.stdin:
    sms = json.loads(line)
    if sms["type"] == "health":
        answer = {{"health": "ready"}}
    else:
        connection.request("GET", "/send?" + urllib.parse.urlencode({{"m": sms["text"]}}), headers={{"Idempotency-Key": sms["key"]}})
        response = connection.getresponse()
        response.read()
        answer = {{"id": sms["id"], "outcome": "accepted" if response.status == 200 else "unknown", "reason": "status"}}
    print(json.dumps(answer), flush=True)
"""
ONCE = """#!/usr/bin/python3 -IS
import os, socket, sys
text = os.environ["SMSD_TEXT"].encode().hex()
with socket.create_connection(("127.0.0.1", {port}), timeout=5) as gateway:
    gateway.sendall(f"GET /send?m={{text}} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nIdempotency-Key: {{os.environ['SMSD_KEY']}}\\r\\n\\r\\n".encode())
    status = gateway.makefile("rb").readline().split()
print("sent")
sys.exit(0 if status[1:2] == [b"200"] else 1)
"""


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def children_of(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def processes_with(word):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


class Command(Scenario):
    def smsd(self, dispatchers, entries=None, settings=None, name="smsd"):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / f"{name}.db")}, "poll_interval": "1s"},
                              {one: ("command", own) for one, own in dispatchers.items()}, name=name, entries=entries, settings=settings))


@dataclasses.dataclass
class Wall:
    what: str
    attempt: str
    locked: str  # the errno that the program gets
    opened: object  # the keys that open it; UNLOCKED: nothing does, and the same probe passes without the lock
    beside: dict = dataclasses.field(default_factory=dict)  # the keys of the locked program


class Walls(Command):
    """What a program cannot open, execute or reach. Each attempt passes where its wall is not there."""

    def walls(self):
        (self.folder / "named").mkdir()
        for path in ("file", "named/file"):
            (self.folder / path).write_text("text")
        other = str(self.folder / "file")
        sleep = subprocess.Popen(["/bin/sleep", "600"])
        self.addCleanup(sleep.wait)
        self.addCleanup(sleep.kill)
        listeners = [self.enterContext(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first, second = (one.getsockname()[1] for one in listeners)
        control = str(self.folder / "other.sock")
        self.enterContext(socket.socket(socket.AF_UNIX)).bind(control)
        listening = self.enterContext(socket.socket(socket.AF_UNIX))
        os.unlink(control)
        listening.bind(control)
        listening.listen()
        outbound, one_port = {"network": "outbound"}, {"network": "outbound", "connect_ports": [first]}
        return [
            Wall("a file", f"read:{other}", "EACCES", {"readable": [other]}),
            Wall("a folder", f"read:{self.folder}/named", "EACCES", {"readable": [f"{self.folder}/named"]}),
            Wall("a file in a folder", f"read:{self.folder}/named/file", "EACCES", {"readable": [f"{self.folder}/named"]}),
            Wall("the users of the host", "read:/etc/passwd", "EACCES", {"readable": ["/etc/passwd"]}),
            Wall("the list of processes", "read:/proc", "EACCES", {"readable": ["/proc"]}),
            Wall("the environment of another process", f"memory:{sleep.pid}", "EACCES", UNLOCKED),
            Wall("a new file", f"create:{self.folder}/new", "EACCES", UNLOCKED),
            Wall("a file of smsd", f"read:{self.folder}/smsd/smsd.yaml", "EACCES", {"readable": [f"{self.folder}/smsd/smsd.yaml"]}),
            Wall("a program", "exec:/usr/bin/id", "EACCES", {"executable": ["/usr/bin/id"]}),
            Wall("a program that may only be read", "exec:/usr/bin/id", "EACCES", {"executable": ["/usr/bin/id"]}, {"readable": ["/usr/bin/id"]}),
            Wall("a device", "open:/dev/full", "EACCES", {"devices": ["/dev/full"]}),
            Wall("a device that may only be read", "open:/dev/zero", "EACCES", {"devices": ["/dev/zero"]}),
            Wall("a TCP port", f"tcp:{first}", "EPERM", outbound),
            Wall("a UDP socket", "udp", "EPERM", outbound),
            Wall("another TCP port", f"tcp:{second}", "EACCES", {"network": "outbound", "connect_ports": [second]}, one_port),
            Wall("a port to listen on", "bind:0", "EACCES", UNLOCKED, outbound),
            Wall("a Unix socket", f"unix:{control}", "EAFNOSUPPORT", UNLOCKED),
            Wall("a Unix socket, beside a network", f"unix:{control}", "EAFNOSUPPORT", UNLOCKED, outbound),
            Wall("an abstract socket", "abstract", "EAFNOSUPPORT", UNLOCKED),
            Wall("a signal to another process", f"signal:{sleep.pid}", "EPERM", UNLOCKED),
            Wall("the tracing of another process", f"ptrace:{sleep.pid}", "EPERM", UNLOCKED),
            Wall("the limits of another process", f"limit:{sleep.pid}", "EPERM", UNLOCKED),
            Wall("the priority of another process", f"nice:{sleep.pid}", "EPERM", UNLOCKED),
            Wall("memory to write to and to execute", "code", "EPERM", UNLOCKED),
            Wall("written memory to execute", "protect", "EPERM", UNLOCKED),
            Wall("a file without a name", "nameless", "EPERM", UNLOCKED),
            Wall("a namespace", "namespace", "EPERM", UNLOCKED),
            Wall("a keyring", "keyring", "EPERM", UNLOCKED),
            Wall("a mount", "mount", "EPERM", UNLOCKED),
        ]

    @unittest.skipUnless(RELEASE >= (6, 12), "Linux before 6.12 has fewer walls: SandboxAbi tests them")
    @unittest.skipUnless(os.getuid() == 0, "only root passes each attempt without the lock")
    def test_each_wall_holds_and_each_attempt_passes_without_it(self):
        walls = self.walls()
        probe = program(self.folder / "probe.py", PROBE.read_text())
        base = {"program": probe, "mode": "once", "runtime": "python"}
        dispatchers, groups = {}, []
        for n, wall in enumerate(walls):
            if wall.beside not in groups:
                groups.append(wall.beside)
            if wall.opened is not UNLOCKED:
                dispatchers[f"opened-{n}"] = dict(base, arguments=[wall.attempt], **wall.opened)
        for n, beside in enumerate(groups):
            dispatchers[f"locked-{n}"] = dict(base, arguments=[wall.attempt for wall in walls if wall.beside == beside], **beside)
        smsd = self.smsd(dispatchers).start()

        def said_by(dispatcher):
            """{attempt: result} of one start of the program."""
            before = len(smsd.text())
            smsd.ctl("test", "+4799887766", "--via", dispatcher, "--message", "alert", check=False)
            last = dispatchers[dispatcher]["arguments"][-1]
            wait_for(f"{dispatcher} has tried", lambda: f"program: {last}: " in smsd.text()[before:])
            return dict(re.findall(r"program: (\S+): (\w+)$", smsd.text()[before:], flags=re.MULTILINE))

        locked = [said_by(f"locked-{n}") for n in range(len(groups))]
        for n, wall in enumerate(walls):
            with self.subTest(wall.what):
                self.assertEqual(locked[groups.index(wall.beside)][wall.attempt], wall.locked)
                if wall.opened is UNLOCKED:
                    said = subprocess.run(["/usr/bin/python3", probe, wall.attempt], capture_output=True, text=True, check=True).stderr
                    self.assertIn(f"{wall.attempt}: ok", said)
                else:
                    self.assertEqual(said_by(f"opened-{n}")[wall.attempt], "ok")
        self.say(walls=len(walls))


class Ends(Command):
    def test_a_worker_that_is_killed_takes_all_that_its_program_has_started_with_it(self):
        marker = f"31{os.getpid()}"
        run = program(self.folder / "leave.sh", f"#!/bin/sh\n/usr/bin/setsid /bin/sleep {marker}1 &\n/bin/sleep {marker}2\n")
        smsd = self.smsd({"only": {"program": run, "mode": "once", "runtime": "shell", "executable": ["/usr/bin/setsid", "/bin/sleep"]}}).start()
        for victim in ("worker", "starter", "minder", "supervisor"):
            with self.subTest(victim):
                smsd.ctl("send", "+4799887766", "alert")
                wait_for("all of it runs", lambda: processes_with(f"{marker}1") and processes_with(f"{marker}2"))
                worker, = smsd.children()["smsd-worker-command"]
                starter = children_of(worker)[0]
                pid = {"worker": worker, "starter": starter, "minder": children_of(starter)[0], "supervisor": smsd.process.pid}[victim]
                before = set(processes_with(marker))
                os.kill(pid, signal.SIGKILL)
                wait_for("what ran is gone", lambda: not before & set(processes_with(marker)))


class Kills(Command):
    """Messages while the program, its worker and the supervisor are killed at random: none is lost, none has two keys."""

    def under_fire(self, mode, text):
        gateway = self.open(Gateway(self.folder, "--behave", "status=200"))
        run = program(self.folder / f"{mode}.py", text.format(port=gateway.port))
        own = {"program": run, "mode": mode, "runtime": "python", "network": "outbound", "connect_ports": [gateway.port],
               **({"knows_keys": True, "window": 4} if mode == "once" else {})}
        smsd = self.smsd({"only": own}, entries={"only": {"timeout": "5s"}},
                         settings={"stop_timeout": "3s", "formatting": {"overflow": "carry_over"},
                                   "retry": {"delay": "200ms", "max_delay": "1s", "limit": 0}}).start()
        queue, chance, counts, written = self.folder / "smsd.db", random.Random(4711), collections.Counter(), 0
        while sum(counts.values()) < KILLS:
            with contextlib.closing(sqlite3.connect(queue, timeout=30)) as database, database:
                for _ in range(10):
                    database.execute("INSERT INTO smsq (phone, msg, severity) VALUES (?, ?, 3)", (f"+47{written % 40:08}", f"m{written}e"))
                    written += 1
            if smsd.process.poll() is not None:
                smsd.start(ready=False)
            time.sleep(chance.uniform(0.05, 0.6))  # the schedule of the faults
            victim = chance.choice(["program", "worker", "supervisor"])
            workers = smsd.children().get("smsd-worker-command", [])
            programs = [pid for worker in workers for starter in children_of(worker) for minder in children_of(starter)
                        for pid in (minder, *children_of(minder))]
            with contextlib.suppress(OSError):
                if victim == "supervisor":
                    smsd.process.kill()
                    smsd.process.wait()
                    smsd.start(ready=False)
                    counts[victim] += 1
                for pid in workers if victim == "worker" else [chance.choice(programs)] if victim == "program" and programs else []:
                    os.kill(pid, signal.SIGKILL)
                    counts[victim] += 1
        unsent = lambda: sqlite3.connect(queue, timeout=30).execute("SELECT count(*) FROM smsq WHERE sent = 'N'").fetchone()[0]
        wait_for("the queue is empty", lambda: unsent() == 0, 180)
        self.assertEqual(smsd.stop(), 0)
        copies, keys = collections.Counter(), collections.defaultdict(set)
        for request in gateway.requests():
            shown = urllib.parse.parse_qs(request["query"])["m"][0]
            for token in re.findall(r"m(\d+)e", shown if mode == "serve" else bytes.fromhex(shown).decode()):
                copies[int(token)] += 1
                keys[int(token)].add(request["headers"]["idempotency-key"])
        lost = [n for n in range(written) if copies[n] == 0]
        doubled = [n for n in keys if len(keys[n]) > 1]
        self.say(mode=mode, kills=dict(counts), messages=written, lost=len(lost), doubled=len(doubled),
                 repeated_with_their_key=sum(copies.values()) - len(copies))
        self.assertEqual((lost, doubled), ([], []))

    def test_serve(self):
        self.under_fire("serve", SERVE)

    def test_once(self):
        self.under_fire("once", ONCE)


class Examples(Command):
    """The programs of deploy/examples, as the manual has them: in Python, shell and Perl."""

    def test_each_sends_as_its_page_says(self):
        programs = SOURCE / "deploy/examples/programs"
        device = self.folder / "device"
        os.mkfifo(device)
        line = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, line)
        own = {}
        for name, runtime in (("once.sh", "shell"), ("once.pl", "perl"), ("once.py", "python"), ("serve.py", "python")):
            run = program(self.folder / name, (programs / name).read_text())
            own[name.replace(".", "-")] = {"program": run, "runtime": runtime, "mode": name.partition(".")[0],
                                           **({"arguments": [str(device)], "devices": [str(device)]} if "once" in name else {})}
        smsd = self.smsd(own).start()
        for name in own:
            with self.subTest(name):
                self.assertIn("accepted", smsd.ctl("test", "+4799887766", "--via", name, "--message", "core-gw1 is down"))
                if "once" in name:
                    self.assertEqual(os.read(line, 100), b"+4799887766 core-gw1 is down\r\n")
        self.assertEqual(smsd.stop(), 0)
