# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of the SQLite queue is full: smsd sends and marks what waits, says so, stops and starts, and is healthy again when there is room."""

import contextlib
import ctypes
import os
import sqlite3
import subprocess
import time
import unittest

from harness import Scenario, Smsd, sms_in, wait_for

CLONE_NEWNS = 0x20000


def private_mounts():
    """What this process mounts is seen by it and its children alone, and goes with them. False: it may not."""
    return ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) == 0 and \
        subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True).returncode == 0


class FullDisk(Scenario):
    @classmethod
    def setUpClass(cls):
        if not private_mounts():
            raise unittest.SkipTest("no file system can be mounted here")

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "full", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)
        self.db = self.disk / "queue.db"

    def smsd(self, **more):
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.db)}, "poll_interval": "1s", "lease": "2s"}
        return self.open(Smsd(self.folder, queue, {"way": ("debug", {"file": "way.jsonl", **more})}))

    def sent(self, smsd):
        return {sms["recipient"] for sms in sms_in(smsd.folder / "state" / "way.jsonl")}

    def fill(self, leave=0):
        """To the last byte, or nearly."""
        with open(self.disk / "ballast", "ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while self.free() >= leave + size and ballast.write(b"b" * size):
                        pass

    def free(self):
        disk = os.statvfs(self.disk)
        return disk.f_bavail * disk.f_frsize

    def unsent(self, smsd):
        """None when a busy machine did not answer in time."""
        status = smsd.status()
        return status["queue"]["unsent"] if status else None

    def insert_until_full(self):
        """Messages of a program that knows nothing of all this; how many were taken."""
        taken = 0
        with contextlib.closing(sqlite3.connect(self.db, timeout=30, isolation_level=None)) as queue, contextlib.suppress(sqlite3.Error):
            while taken < 50_000:
                queue.execute("INSERT INTO smsq (phone, msg, severity) VALUES (?, ?, 1)", (f"+47{1_000_000 + taken}", "x" * 140))
                taken += 1
        return taken

    def test_what_waits_is_sent_and_marked_and_all_is_well_again_when_there_is_room(self):
        smsd = self.smsd(delay="5ms").start()
        self.fill(leave=2_000_000)
        taken = self.insert_until_full()
        self.assertGreater(taken, 50)
        self.fill()
        wait_for("everything that was taken is sent", lambda: len(self.sent(smsd)) == taken)

        def strained():
            self.fill()  # again: smsd has made room by emptying its log
            status = smsd.status()
            return status if status and status["queue"]["strain"] else None
        status = wait_for("status says so", strained)
        self.assertFalse(status["healthy"])
        self.assertIn("the disk is full", status["queue"]["strain"])
        self.assertIn("the disk is full", " ".join(smsd.ctl("status", check=False).stdout.split()))
        wait_for("everything is marked", lambda: self.unsent(smsd) == 0)
        self.assertEqual(smsd.text().count("smsd continues in the space that it had reserved"), 1, smsd.text())
        (self.disk / "ballast").unlink()
        wait_for("healthy again", lambda: (smsd.status() or {}).get("healthy"))
        self.assertIn("the queue has space again", smsd.text())
        smsd.ctl("send", "+4799", "after")
        wait_for("what comes is sent", lambda: "+4799" in self.sent(smsd))
        self.assertEqual(len(sms_in(smsd.folder / "state" / "way.jsonl")), taken + 1, "one was sent twice")
        self.assertEqual(smsd.stop(), 0, smsd.text())
        self.say(taken_until_full=taken)

    def test_it_stops_and_starts_while_the_disk_is_full(self):
        smsd = self.smsd(delay="1s", window=4).start()
        for n in range(8):
            smsd.ctl("send", f"+47{n}", "text")
        wait_for("some are under way", lambda: smsd.status()["queue"]["under_way"] > 0)
        self.fill()
        began = time.monotonic()
        self.assertEqual(smsd.stop(), 0, smsd.text())
        stopped = time.monotonic() - began
        self.assertLess(stopped, 10, smsd.text())
        self.fill()
        smsd.start()
        wait_for("the rest is sent", lambda: len(self.sent(smsd)) == 8)
        wait_for("and marked", lambda: self.unsent(smsd) == 0)
        self.assertEqual(len(sms_in(smsd.folder / "state" / "way.jsonl")), 8)

        def strained():
            self.fill()
            status = smsd.status()
            return status if status and status["queue"]["strain"] else None
        self.assertFalse(wait_for("status says so", strained)["healthy"])
        self.fill()
        refused = smsd.ctl("send", "+479", "x" * 16000, check=False)
        self.assertEqual(refused.returncode, 75, refused.stdout)
        self.assertIn("the message is not in the queue: send it again afterwards", refused.stdout + refused.stderr)
        (self.disk / "ballast").unlink()
        wait_for("healthy again", lambda: (smsd.status() or {}).get("healthy"))
        self.assertEqual(smsd.stop(), 0, smsd.text())
        self.say(stop=f"{stopped:.1f} s")


class StateFiles(FullDisk):
    """The same disk has the state folder: what is kept there is said to be lost, and nothing else depends on it."""

    def smsd(self, **more):
        (self.disk / "state").mkdir()
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "poll_interval": "1s"}
        return self.open(Smsd(self.folder, queue, {"way": ("debug", {"file": str(self.folder / "way.jsonl"), **more})},
                              settings={"state_directory": str(self.disk / "state")}, entries={"way": {"per_day": 100}}))

    test_what_waits_is_sent_and_marked_and_all_is_well_again_when_there_is_room = None
    test_it_stops_and_starts_while_the_disk_is_full = None

    def test_sending_goes_on_and_a_pause_that_cannot_be_kept_is_kept_when_it_is_said_again(self):
        smsd = self.smsd().start()
        self.fill()
        smsd.ctl("send", "+471", "text")
        wait_for("it is sent", lambda: [sms["recipient"] for sms in sms_in(self.folder / "way.jsonl")] == ["+471"])
        paused = smsd.ctl("dispatcher", "pause", "way", check=False)
        self.assertIn("ends with the next restart", paused.stdout + paused.stderr)
        self.assertEqual(smsd.dispatcher("way")["state"], "paused")
        os.unlink(self.disk / "ballast")
        smsd.ctl("dispatcher", "pause", "way")
        self.assertEqual(smsd.stop(), 0, smsd.text())
        smsd.start()
        self.assertEqual(smsd.dispatcher("way")["state"], "paused")
        smsd.ctl("dispatcher", "resume", "way")
        smsd.ctl("send", "+472", "text")
        wait_for("sending goes on", lambda: len(sms_in(self.folder / "way.jsonl")) == 2)
        self.assertEqual(smsd.stop(), 0, smsd.text())
