# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a slip in the configuration names: smsd and its workers leave them as they are."""

import os
import socket

from harness import Scenario, Smsd, wait_for


class FilesOfOthers(Scenario):
    def smsd(self, settings=None, own=None):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "lease": "2s"},
                              {"only": ("debug", own or {"file": str(self.folder / "sent.jsonl")})}, settings=settings))

    def other(self, name, content="somebody's\n"):
        path = self.folder / name
        path.write_text(content)
        return path

    def test_a_control_socket_that_names_a_file_is_an_error_and_the_file_stays(self):
        other = self.other("notes")
        smsd = self.smsd(settings={"control": {"socket": str(other)}})
        for flags in ((), ("--check",)):
            status, said = smsd.run(*flags)
            self.assertEqual(status, 78, said)
            self.assertRegex(said, r"smsd\.yaml:\d+:\d+: control\.socket: \S+/notes is a file, expected a free path or a socket")
        self.assertEqual(other.read_text(), "somebody's\n")

    def test_a_control_socket_that_names_the_queue_is_an_error_before_there_is_a_queue(self):
        smsd = self.smsd(settings={"control": {"socket": str(self.folder / "queue.db")}})
        status, said = smsd.run()
        self.assertEqual(status, 78, said)
        self.assertFalse((self.folder / "queue.db").exists())

    def test_a_queue_that_is_a_file_of_smsds_own_is_an_error(self):
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "smsd" / "state" / "paused")}},
                              {"only": ("debug", {})}))
        status, said = smsd.run()
        self.assertEqual(status, 78, said)
        self.assertRegex(said, r"queue\.sqlite\.path: \S+/state/paused is a file of smsd's own \(state_directory\), expected a path of its own")

    def test_a_queue_where_no_file_can_be_is_an_error_of_the_configuration(self):
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        self.other("file")
        self.other("notes")
        long = "x" * 250
        for name, found in (("folder", "expected a file, found a folder"), ("pipe", "expected a file, found a FIFO"),
                            ("file/queue.db", "leads through a file"), (long, "the file's name has 250 bytes"),
                            ("notes", "is not an SQLite database")):
            smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / name)}}, {"only": ("debug", {})},
                                  name=f"smsd-{name[:8].replace('/', '-')}"))
            status, said = smsd.run()
            self.assertEqual(status, 78, said)
            self.assertIn(found, said)
            self.assertIn("set queue.sqlite.path to another", said)
            self.assertEqual(smsd.ctl("send", "+4799", "text", check=False).returncode, 78)

    def test_the_reserve_beside_a_queue_takes_no_file_of_that_name(self):
        other = self.other("queue.db.reserve")
        smsd = self.smsd().start()
        strain = wait_for("status says so", lambda: (smsd.status() or {"queue": {}})["queue"].get("strain"))
        self.assertIn("queue.db.reserve: expected the space that smsd reserves for a full disk, found another file: move it away", strain)
        self.assertEqual(smsd.text().count("queue.db.reserve: expected"), 1, smsd.text())
        self.assertEqual(other.read_text(), "somebody's\n")
        other.unlink()
        wait_for("healthy again", lambda: (smsd.status() or {}).get("healthy"))

    def test_where_another_program_answers_at_the_control_socket_it_is_said(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.folder / "c.sock"))
            listener.listen(1)
            status, said = self.smsd(settings={"control": {"socket": str(self.folder / "c.sock")}}).run()
        self.assertNotEqual(status, 0)
        self.assertIn("c.sock: another smsd listens there; give this one its own `control.socket`", said)

    def test_the_lock_beside_a_queue_empties_no_file_of_that_name(self):
        other = self.other("queue.db.lock")
        status, said = self.smsd().run()
        self.assertNotEqual(status, 0)
        self.assertIn("expected smsd's lock, found another file", said)
        self.assertEqual(other.read_text(), "somebody's\n")

    def test_a_debug_dispatcher_appends_to_nothing_but_its_own_file(self):
        other = self.other("notes")
        smsd = self.smsd(own={"file": str(other)}).start()
        smsd.ctl("send", "+4700000001", "alert")
        wait_for("the worker says why it does not start", lambda: "has other contents" in smsd.text())
        self.assertEqual(other.read_text(), "somebody's\n")
