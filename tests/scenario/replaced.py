# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite queue's file is replaced or removed while smsd uses it: smsd says so within a poll, and goes on with the file that is there."""

import contextlib
import json
import os
import sqlite3

from harness import Scenario, Smsd, sms_in, wait_for


class Replaced(Scenario):
    def setUp(self):
        super().setUp()
        self.db = self.folder / "queue.db"

    def smsd(self, debug=None):
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.db)}, "poll_interval": "1s"}
        return self.open(Smsd(self.folder, queue, {"way": ("debug", {"file": "way.jsonl", **(debug or {})})}))

    def sent(self, smsd):
        return [sms["recipient"] for sms in sms_in(smsd.folder / "state" / "way.jsonl")]

    def first_is_sent(self, smsd):
        wait_for("the first is sent", lambda: self.sent(smsd) == ["+471"])
        wait_for("and marked", lambda: smsd.status()["queue"]["unsent"] == 0)

    def back_up(self):
        backup = self.folder / "backup.db"
        with contextlib.closing(sqlite3.connect(self.db)) as source, contextlib.closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        return backup

    def insert(self, *recipients):
        with contextlib.closing(sqlite3.connect(self.db)) as queue, queue:
            queue.executemany("INSERT INTO smsq (phone, msg, severity) VALUES (?, 'text', 1)", [(r,) for r in recipients])

    def remove(self, *suffixes):
        for suffix in suffixes:
            self.db.with_name(self.db.name + suffix).unlink(missing_ok=True)

    def test_a_file_that_is_replaced_is_used_within_a_poll_and_said_once(self):
        smsd = self.smsd()
        smsd.ctl("send", "+471", "before")
        smsd.start()
        self.first_is_sent(smsd)
        os.replace(self.back_up(), self.db)
        self.remove("-wal", "-shm")
        self.insert("+472")  # nobody tells smsd: its watch is on the old log
        wait_for("the row of the new file is sent", lambda: "+472" in self.sent(smsd))
        smsd.ctl("send", "+473", "after")
        wait_for("what came later is sent, too", lambda: "+473" in self.sent(smsd))
        self.assertEqual(self.sent(smsd), ["+471", "+472", "+473"])
        self.assertEqual(smsd.text().count(f"{self.db} was replaced by another file"), 1, smsd.text())
        status = smsd.status()
        self.assertTrue(status["healthy"])
        self.assertEqual((status["queue"]["replaced_files"], status["queue"]["replaced_files_how"]), (1, f"{self.db} was replaced by another file"))
        self.assertRegex(" ".join(smsd.ctl("status").split()), rf"- \d+s ago the file of the queue was replaced or removed 1 time, the last time: {self.db} was replaced by another file ")
        self.assertEqual(smsd.stop(), 0, smsd.text())

    def test_a_file_that_is_removed_makes_status_unhealthy_until_one_is_put_there(self):
        smsd = self.smsd()
        smsd.ctl("send", "+471", "before")
        smsd.start()
        self.first_is_sent(smsd)
        backup = self.back_up()
        self.remove("", "-wal", "-shm")
        status = wait_for("status says so", lambda: next((s for s in [smsd.status()] if s and not s["healthy"]), None))
        self.assertFalse(status["queue"]["reachable"])
        wait_for("the reason is there", lambda: "was removed while smsd used it" in smsd.status()["queue"]["problem"])
        self.assertIn("restart smsd", smsd.status()["queue"]["problem"])
        self.assertRegex(smsd.text(), f"{self.db} was removed while smsd used it: .* and creates none if it is missing")
        self.assertFalse(self.db.exists(), "an empty queue nobody asked for")
        with contextlib.closing(sqlite3.connect(backup)) as queue, queue:
            queue.execute("INSERT INTO smsq (phone, msg, severity) VALUES ('+472', 'text', 1)")
        os.replace(backup, self.db)
        wait_for("what is in the file that was put back is sent", lambda: self.sent(smsd) == ["+471", "+472"])
        wait_for("healthy again", lambda: smsd.status()["healthy"])
        self.assertEqual(smsd.stop(), 0, smsd.text())

    def test_what_was_under_way_for_the_old_file_marks_no_row_of_the_new_one(self):
        smsd = self.smsd({"window": 1, "backlog": 0, "delay": "3s"}).start()
        smsd.ctl("send", "+471", "under way in the old file")
        wait_for("it is under way", lambda: smsd.status()["queue"]["under_way"] == 1)
        # A queue of its own, in which the same number belongs to another message.
        other = Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "other.db")}}, {"way": ("debug", {})}, name="other")
        first = json.loads(other.ctl("send", "--json", "+479", "of the new file"))["id"]
        os.replace(self.folder / "other.db", self.db)
        self.remove("-wal", "-shm")
        wait_for("the new file's message is sent", lambda: "+479" in self.sent(smsd))
        wait_for("and marked", lambda: self.row(first) == ("+479", "Y"))
        self.assertEqual(self.sent(smsd).count("+479"), 1)
        self.assertIn("1 SMS under way belonged to the old file", smsd.text())
        self.assertEqual(smsd.stop(), 0, smsd.text())

    def test_a_row_that_was_replaced_under_a_claim_is_counted_and_said(self):
        smsd = self.smsd({"window": 1, "backlog": 0, "delay": "3s"}).start()
        first = json.loads(smsd.ctl("send", "--json", "+471", "slow"))["id"]
        wait_for("it is under way", lambda: smsd.status()["queue"]["under_way"] == 1)
        self.assertEqual(smsd.status()["queue"]["replaced_rows"], 0)
        self.assertNotIn("\n- ", smsd.ctl("status"))
        with contextlib.closing(sqlite3.connect(self.db, timeout=10)) as queue, queue:
            queue.execute("DELETE FROM smsq")  # as TRUNCATE ... RESTART IDENTITY does
            queue.execute("INSERT INTO smsq (id, phone, msg, severity) VALUES (?, '+472', 'new', 1)", (first,))
        wait_for("the new row is sent", lambda: self.sent(smsd) == ["+471", "+472"])
        wait_for("and marked", lambda: self.row(first) == ("+472", "Y"))
        status = smsd.status()["queue"]
        self.assertEqual((status["replaced_rows"], status["sent"]), (1, 1))
        self.assertLess(status["replaced_rows_seconds"], 30)
        self.assertRegex(smsd.ctl("status"), r"(?m)^-  \d+s ago +1 message had another row when settled$")
        self.assertEqual(smsd.text().count("1 message had another row when it was settled"), 1, smsd.text())
        self.assertEqual(smsd.stop(), 0, smsd.text())

    def row(self, identity):
        with contextlib.closing(sqlite3.connect(self.db)) as queue:
            return queue.execute("SELECT phone, sent FROM smsq WHERE id = ?", (identity,)).fetchone()
