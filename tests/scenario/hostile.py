"""A worker that attacks its supervisor over the RPC connection: it is ended, and hurts nobody else.

Its program is tests/peers/hostile-worker.cpp, which runs with the lowest priority: on a machine with two processors it would
otherwise take one of them from the programs that are measured.
"""

import contextlib
import itertools
import sqlite3
import time

from harness import BIN, Scenario, Smsd, wait_for

SMS = 5000


def resident(pid):
    """KiB of anonymous memory: what the process has taken."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


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
        return [line for line in smsd.text().splitlines() if f"{how}: worker" in line and "broke the contract and was ended" in line]


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
        self.attack("bootstrap", "a kind that the contract has no use for")

    def test_pairs(self):
        self.attack("pairs", "a kind that the contract has no use for")

    def test_resolves(self):
        self.attack("resolves", "more messages than its work accounts for")

    def test_padded(self):
        self.attack("padded", "more messages than its work accounts for")

    def test_unread(self):
        self.attack("unread", "more messages than its work accounts for")

    def test_calls(self):
        self.attack("calls", "it broke the rules of Cap'n Proto's RPC")

    def test_echo(self):
        self.attack("echo", "a kind that the contract has no use for")

    def test_giant(self):
        self.attack("giant", "no message, or one beyond all bounds")

    def test_half(self):
        self.attack("half", "")

    def test_trickle(self):
        self.attack("trickle", "")

    def test_deep(self):
        self.attack("deep", "it broke the rules of Cap'n Proto's RPC")

    def test_descriptors(self):
        self.attack("descriptors", "more messages than its work accounts for")
