# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that was taken over behind its lock: it hurts nobody else. Its program is tests/peers/evil-worker.cpp."""

import contextlib
import os
import pathlib
import re
import sqlite3
import time
import unittest

from harness import BIN, Scenario, Smsd, wait_for

SMS = 5000


def resident(pid):
    """KiB of anonymous memory: what the process has taken."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


class Evil(Scenario):
    def smsd(self, second, program="evil-worker"):
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / f"{second}.db")}, "poll_interval": "1h"},
                              {"good": ("debug", {"window": 16, "backlog": 16}), second: ("debug", {})}, name=f"with-{second}",
                              entries={second: {"worker": str(BIN / program)}}))
        smsd.rounds, smsd.queue = 0, self.folder / f"{second}.db"
        return smsd.start()

    @staticmethod
    def send(smsd, left=0):
        """Sends 5,000 SMS to as many recipients; the seconds until no more than `left` are unsent."""
        smsd.rounds += 1
        with contextlib.closing(sqlite3.connect(smsd.queue)) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg, severity) VALUES (?, 'alert', 5)", [(f"+47{smsd.rounds:02}{n:06}",) for n in range(SMS)])
        began = time.monotonic()
        smsd.ctl("queue", "retry", "--all")
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] <= left)
        return time.monotonic() - began

    def beside(self, how):
        """5,000 SMS of another dispatcher beside it, and, in turns, beside an honest one: how far the evil one came.

        The machine's other work only ever makes a time longer: the best of a few counts.
        """
        honest, smsd = self.smsd("honest", program="smsd-worker-debug"), self.smsd(how)
        said = wait_for("it says how far it came", lambda: re.search(r"evil-worker: (.*): (\d+)\n", smsd.text()))
        alone, took = self.send(honest), self.send(smsd)
        before = resident(smsd.process.pid)
        for pair in range(15):
            if pair >= 3 and took < 1.5 * alone:
                break
            alone, took = min(alone, self.send(honest)), min(took, self.send(smsd))
        grown = resident(smsd.process.pid) - before
        self.say(how=how, alone=f"{alone:.2f} s", beside=f"{took:.2f} s", ratio=f"{took / alone:.2f}", grown=f"{grown / 1024:.1f} MiB",
                 came_to=f"{said[1]} {said[2]}")
        self.assertLess(took, 1.5 * alone)
        self.assertLess(grown, 16 * 1024)
        self.assertEqual((smsd.stop(), honest.stop()), (0, 0))
        return int(said[2])


class LockedIn(Evil):
    def test_it_starts_no_threads(self):
        self.assertEqual(self.beside("threads"), 0)

    def test_it_takes_no_more_memory_than_its_bound(self):
        self.assertLessEqual(self.beside("allocate"), 64)

    def test_it_signals_nobody(self):
        self.assertEqual(self.beside("signals"), 0)

    def test_it_writes_over_no_file_that_its_words_go_to(self):
        self.assertEqual(self.beside("words"), 0)


class Claims(Evil):
    """What a worker says of itself is bounded by what its kind can be."""

    def alone(self, how, timeout="30s", program="evil-worker"):
        self.queue = self.folder / f"{how}.db"
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.queue)}},
                              {how: ("debug", {}), "good": ("debug", {"file": str(self.folder / f"beside-{how}.jsonl")})}, name=how,
                              entries={how: {"worker": str(BIN / program), "timeout": timeout}}))
        smsd.rounds, smsd.queue = 0, self.queue
        return smsd

    def test_a_hoarder_holds_few_and_nothing_waits_behind_it(self):
        """It is preferred, with the default times. A severe alert leaves through the other one, and so do the mild ones."""
        smsd, honest = self.alone("hoard").start(), self.alone("honest", program="smsd-worker-debug").start()
        held = lambda: max([int(taken) for taken in re.findall("SMS taken: ([0-9]+)", smsd.text())], default=0)
        with contextlib.closing(sqlite3.connect(smsd.queue)) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg, severity) VALUES (?, 'alert', 5)", [(f"+4700{n:06}",) for n in range(SMS)])
        smsd.ctl("queue", "retry", "--all")
        wait_for("it has what it gets", lambda: held() > 0)
        began = time.monotonic()
        smsd.ctl("send", "--severity", "1", "+4799999999", "severe")
        wait_for("the severe one is sent", lambda: "severe" in (self.folder / "beside-hoard.jsonl").read_text())
        waited = time.monotonic() - began
        wait_for("the others are sent", lambda: smsd.status()["queue"]["unsent"] <= 100)
        first = time.monotonic() - began
        alone, took = self.send(honest), self.send(smsd, left=100)
        before = resident(smsd.process.pid)
        for pair in range(8):
            if pair >= 3 and took < 1.5 * alone:
                break
            alone, took = min(alone, self.send(honest)), min(took, self.send(smsd, left=100))
        grown = resident(smsd.process.pid) - before
        self.say(severe_after=f"{waited:.1f} s", held=held(), mild_at_first=f"{first:.2f} s", alone=f"{alone:.2f} s",
                 beside=f"{took:.2f} s", ratio=f"{took / alone:.2f}", grown=f"{grown / 1024:.1f} MiB")
        self.assertLess(waited, 6)
        self.assertLessEqual(held(), 100)
        self.assertLess(took, 1.5 * alone)
        self.assertLess(grown, 16 * 1024)

    def test_a_hoarder_gets_back_nothing_it_never_began(self):
        """It is preferred, begins one SMS a second of thousands, and is no more than a delay of two deadlines for the others."""
        smsd = self.alone("hoard", timeout="1s").start()
        with contextlib.closing(sqlite3.connect(self.queue)) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg) VALUES (?, 'alert')", [(f"+4700{n:06}",) for n in range(SMS)])
        smsd.ctl("queue", "retry", "--all")
        wait_for("it has what it claimed", lambda: "SMS taken: " in smsd.text())
        began = time.monotonic()
        wait_for("it is ended", lambda: "an SMS was not begun within 8 s" in smsd.text())
        took = time.monotonic() - began
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.say(ended_after=f"{took:.1f} s", all_sent_after=f"{time.monotonic() - began:.1f} s")
        self.assertLess(took, 12)
        self.assertGreaterEqual(smsd.dispatcher("hoard")["strikes"], 1)
        self.assertEqual(smsd.stop(), 0)

    def test_one_that_claims_more_than_its_kind_can_have_gets_nothing(self):
        self.gets_nothing("greedy", "a window beyond all bounds: 4294967295 + 0, expected at most 4096 + 4096 of kind debug")

    def test_one_of_another_kind_gets_nothing(self):
        self.gets_nothing("stranger", "the worker is of kind gammu, smsd.yaml has debug")

    def gets_nothing(self, how, why):
        smsd = self.alone(how).start()
        smsd.ctl("send", "+4700000001", "alert")
        wait_for("it is ended", lambda: why in smsd.text())
        wait_for("it is sent by the other", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertNotIn("SMS taken", smsd.text())
        self.assertGreaterEqual(smsd.dispatcher(how)["strikes"], 1)
        self.assertEqual(smsd.stop(), 0)


@unittest.skipUnless(os.getuid() == 0, "only root can start smsd as another user")
class Private(Scenario):
    def processes(self):
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "smsd" / "queue.db")}},
                              {"only": ("debug", {})}, user="nobody")).start()
        wait_for("the worker is ready", lambda: smsd.dispatcher("only")["state"] == "ready")
        (worker,) = smsd.children()["smsd-worker-debug"]
        return {"smsd": smsd.process.pid, "worker": worker}

    def test_nobody_of_its_user_looks_into_smsd_or_a_worker_and_neither_leaves_a_core(self):
        for name, pid in self.processes().items():
            with self.subTest(name):
                self.assertNotEqual(os.stat(f"/proc/{pid}/mem").st_uid, 65534, "a process that can be dumped belongs to its user")
                limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
                self.assertRegex(limits, r"Max core file size +0 +0 ")

    def test_a_worker_has_a_session_of_its_own(self):
        processes = self.processes()
        self.assertEqual(os.getsid(processes["worker"]), processes["worker"])
        self.assertNotEqual(os.getpgid(processes["smsd"]), os.getpgid(processes["worker"]))
