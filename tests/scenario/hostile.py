# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that attacks its supervisor over the RPC connection: it is ended, and hurts nobody else.

Its program is tests/peers/hostile-worker.cpp, which runs with the lowest priority: on a machine with two processors it would
otherwise take one of them from the programs that are measured.
"""

import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import pwd
import signal
import socket
import sqlite3
import struct
import time
import unittest

from harness import BIN, DEADLINE, SOURCE, Scenario, Smsd, die_with_parent, wait_for

SMS = 5000


def resident(pid):
    """KiB of anonymous memory: what the process has taken."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def processor_time(pid):
    """Seconds that its threads ran: unlike the time on the wall it does not grow with what else the machine does."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


class Hostile(Scenario):
    def setUp(self):
        super().setUp()
        self.numbers = itertools.count()

    def smsd(self, name, second, **entry):
        """The first dispatcher is good; the second one's name says how it attacks."""
        queue = self.folder / f"{name}.db"
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(queue)}},
                              {"good": ("debug", {"window": 16, "backlog": 16, "file": str(self.folder / "sent")}), second: ("debug", {})},
                              name=name, entries={second: entry})).start()
        smsd.queue = queue
        self.send(smsd, 500)
        return smsd

    def hostile(self, how, name=None):
        return self.smsd(name or how, how, worker=str(BIN / "hostile-worker"))

    def send(self, smsd, count=SMS):
        """Sends so many SMS, each to a recipient of its own; the seconds from the first that is sent to the last."""
        with contextlib.closing(sqlite3.connect(smsd.queue)) as queue:
            last = queue.execute("SELECT coalesce(max(id), 0) FROM smsq").fetchone()[0]
            with queue:
                queue.executemany("INSERT INTO smsq (phone, msg) VALUES (?, 'alert')",
                                  [(f"+47{next(self.numbers):08}",) for _ in range(count)])
            wait_for("the first is sent", lambda: queue.execute("SELECT 1 FROM smsq WHERE sent = 'Y' AND id > ? LIMIT 1", (last,)).fetchall())
            began = time.monotonic()
            wait_for("all are sent", lambda: not queue.execute("SELECT 1 FROM smsq WHERE sent = 'N' LIMIT 1").fetchall())
            return time.monotonic() - began

    def ended(self, smsd, how):
        return [line for line in smsd.text().splitlines() if f"{how}: worker" in line and "violated the protocol and was ended" in line]


class Floods(Hostile):
    """5,000 SMS of another dispatcher take at most half as long again beside it; smsd takes no memory, and stops as ever."""

    def setUp(self):
        super().setUp()
        self.honest = self.smsd("honest", "honest")

    def beside(self, how, attempt):
        smsd = self.hostile(how, name=f"{how}-{attempt}")
        before = resident(smsd.process.pid)
        smsd.ctl("dispatcher", "restart", how)  # one that was ended would otherwise rest
        took = self.send(smsd)
        grown = resident(smsd.process.pid) - before
        return smsd, took, grown

    def attack(self, how, why):
        """The machine's other work only ever makes the ratio worse: the best of a few pairs counts."""
        for attempt in range(5):
            alone = self.send(self.honest)
            smsd, took, grown = self.beside(how, attempt)
            self.say(alone=f"{alone:.2f} s", beside=f"{took:.2f} s", ratio=f"{took / alone:.2f}", grown=f"{grown / 1024:.1f} MiB",
                     ended=len(self.ended(smsd, how)))
            self.assertLessEqual(grown, 16 * 1024)
            if why:
                wait_for("it is ended for it", lambda: any(why in line for line in self.ended(smsd, how)))
            else:
                self.assertEqual(self.ended(smsd, how), [])
            self.assertEqual(smsd.stop(), 0)
            if took <= 1.5 * alone:
                return
        self.fail("it slows the other dispatcher down")

    def test_bootstrap(self):
        self.attack("bootstrap", "a kind that the protocol does not use")

    def test_pairs(self):
        self.attack("pairs", "a kind that the protocol does not use")

    def test_resolves(self):
        self.attack("resolves", "more messages than its work accounts for")

    def test_padded(self):
        self.attack("padded", "more messages than its work accounts for")

    def test_unread(self):
        self.attack("unread", "more messages than its work accounts for")

    def test_calls(self):
        self.attack("calls", "it broke the rules of Cap'n Proto's RPC")

    def test_echo(self):
        self.attack("echo", "a kind that the protocol does not use")

    def test_giant(self):
        self.attack("giant", "no message, or a message beyond all bounds")

    def test_half(self):
        self.attack("half", "")

    def test_trickle(self):
        self.attack("trickle", "")

    def test_deep(self):
        self.attack("deep", "it broke the rules of Cap'n Proto's RPC")

    def test_descriptors(self):
        self.attack("descriptors", "more messages than its work accounts for")


def frame(*words):
    """A message of one segment."""
    return struct.pack(f"<II{len(words)}Q", 0, len(words), *words)


def pointer(data, pointers, offset=0):
    return offset << 2 | data << 32 | pointers << 48


def bootstrap(number):
    return frame(pointer(1, 1), 8, pointer(1, 1), number, 0)


def finish(number):
    return frame(pointer(1, 1), 4, pointer(1, 0), number)


def interface():
    """The number of the interface Control."""
    file = next(line for line in (SOURCE / "proto" / "control.capnp").read_text().splitlines() if line.startswith("@0x"))
    digest = hashlib.md5(struct.pack("<Q", int(file[1:].rstrip(";"), 16)) + b"Control", usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big") | 1 << 63


def status_call(number):
    """Of what bootstrap() has given: export 0. Cap'n Proto derives the interface's number from the file's and its name."""
    return frame(pointer(1, 1), 2, pointer(3, 3), number, interface(), 0, pointer(1, 1, 2), pointer(0, 2, 3), 0, 0, 0, 0, 0)


def list_call(number, limit=1000):
    """list(status = "N", limit), the method 9."""
    letters = 1 << 2 | 1 | (2 | 2 << 3) << 32
    return frame(pointer(1, 1), 2, pointer(3, 3), number | 9 << 32, interface(), 0, pointer(1, 1, 2), pointer(0, 2, 3), 0, 0, 0,
                 pointer(1, 2, 1), 0, limit, letters, 0, ord("N"))


def explain_call(number, message):
    """explain(message), the method 13."""
    return frame(pointer(1, 1), 2, pointer(3, 3), number | 13 << 32, interface(), 0, pointer(1, 1, 2), pointer(0, 2, 3), 0, 0, 0,
                 pointer(1, 0, 1), 0, message)


class Control(Hostile):
    """What whoever may open control.sock can do there: to smsd, and to the other operators."""

    def setUp(self):
        super().setUp()
        self.daemon = self.smsd("operated", "honest")
        self.socket = str(self.daemon.folder / "control.sock")
        os.chmod(self.socket, 0o666)  # as its group would see it

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.socket)  # blocking, because it fails at once otherwise where many wait to be accepted
        connection.settimeout(DEADLINE)
        self.addCleanup(connection.close)
        return connection

    def as_nobody(self, act):
        """The connections that a child that is nobody opens; they stay open as long as it lives."""
        ready, alive = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgid(pwd.getpwnam("nobody").pw_gid)
                os.setuid(pwd.getpwnam("nobody").pw_uid)
                os.write(ready[1], json.dumps(act()).encode() + b"\n")
                os.close(alive[1])
                os.read(alive[0], 1)
            finally:
                os._exit(0)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.close, alive[1])
        os.close(alive[0])
        with os.fdopen(ready[0]) as said:
            os.close(ready[1])
            return json.loads(said.readline())

    def silent(self, count):
        """Opens so many connections and says nothing; how many of them smsd closed at once."""
        self.held = [self.connect() for _ in range(count)]
        # They are refused in their order, so that nothing follows the end of the last one. One alone has no end.
        self.held[-1].settimeout(5 if count > 1 else 0.2)
        with contextlib.suppress(TimeoutError):
            self.held[-1].recv(1)
        refused = 0
        for connection in self.held:
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                refused += connection.recv(1) == b""
        return refused

    @unittest.skipUnless(os.getuid() == 0, "needs another user")
    def test_silent_connections_of_a_user_leave_room_for_the_others_and_are_closed(self):
        self.assertEqual(self.as_nobody(lambda: self.silent(40)), 40 - 12)
        self.assertTrue(self.daemon.status())
        nobody = pwd.getpwnam("nobody").pw_uid
        self.assertEqual(self.daemon.text().count(f"control.sock: refused a connection of uid {nobody}: 12 of this user and 12 in all are open"), 1)
        wait_for("their places are free", lambda: self.as_nobody(lambda: self.silent(1)) == 0)

    @unittest.skipUnless(os.getuid() == 0, "root has the last places")
    def test_silent_connections_of_root_are_closed_after_half_a_minute(self):
        began = time.monotonic()
        self.assertEqual(self.silent(40), 40 - 32)
        wait_for("one of them gives its place to another connection", self.daemon.status)
        for connection in self.held[:32]:
            connection.settimeout(DEADLINE)
            self.assertEqual(connection.recv(1), b"")
        took = time.monotonic() - began
        self.assertTrue(self.daemon.status())
        self.assertGreater(took, 25)
        self.assertLess(took, 45)
        self.say(silent_for=f"{took:.0f} s")

    def flood(self, connection, message, count):
        """Until smsd reads no more of it, or closes it, or it has had what it reads in five seconds."""
        connection.settimeout(2)
        end = time.monotonic() + 5
        with contextlib.suppress(TimeoutError, ConnectionError):
            for number in range(1, count + 1):
                connection.sendall(message(number))
                if time.monotonic() > end:
                    return

    def test_calls_whose_answers_are_not_read_take_no_memory(self):
        before = resident(self.daemon.process.pid)
        connection = self.connect()
        connection.sendall(bootstrap(0))
        self.flood(connection, status_call, 60_000)
        wait_for("it is ended", lambda: "it left too many calls unfinished" in self.daemon.text())
        grown = resident(self.daemon.process.pid) - before
        self.say(grown=f"{grown / 1024:.1f} MiB")
        self.assertLess(grown, 16 * 1024)
        self.assertTrue(self.daemon.status())
        self.assertEqual(self.daemon.stop(), 0)

    def test_a_stop_with_90_000_answers_that_nobody_reads_is_a_stop(self):
        connection = self.connect()
        self.flood(connection, lambda number: bootstrap(number) + finish(number), 90_000)
        self.assertEqual(self.daemon.stop(), 0)

    def test_floods_of_many_connections_cost_no_more_than_their_share(self):
        def costs():
            before = processor_time(self.daemon.process.pid)
            self.send(self.daemon)
            return processor_time(self.daemon.process.pid) - before
        alone = costs()
        flooders = [self.flooder() for _ in range(8)]
        self.addCleanup(lambda: [os.kill(flooder, signal.SIGKILL) or os.waitpid(flooder, 0) for flooder in flooders])
        beside = min(costs() for _ in range(3))
        self.say(alone=f"{alone:.2f} s", beside=f"{beside:.2f} s", ratio=f"{beside / alone:.2f}")
        self.assertLess(beside, 1.5 * alone)

    def flooder(self):
        """A process with the lowest priority that reads its answers, too, and comes back when it was ended; its pid."""
        child = os.fork()
        if child > 0:
            return child
        die_with_parent()
        os.nice(19)
        pairs = (bootstrap(1) + finish(1)) * 1000
        while True:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
                connection.connect(self.socket)
                connection.settimeout(0.2)
                while True:
                    connection.sendall(pairs)
                    connection.recv(1 << 20)
