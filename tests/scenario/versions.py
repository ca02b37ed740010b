# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of different versions work together. The old side is built from frozen schemas (tests/data)."""

import subprocess

from activator import Unit
from harness import BIN, DEADLINE, Scenario, Smsd, SocketWorker, wait_for

OLD, OLD_CONTROL = BIN / "contract-1", BIN / "contract-1-control"
SMS = 20


class WorkerOfVersion1(Scenario):
    def smsd(self, entry):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"old": ("debug", {})}, entries={"old": entry}))

    def send(self, smsd, count=SMS):
        for n in range(count):
            smsd.ctl("send", f"+47{n:08}", "router down")
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)

    def check(self, smsd, sent):
        dispatcher = smsd.dispatcher("old")
        self.assertEqual((dispatcher["state"], dispatcher["accepted"], dispatcher["unknown"]), ("ready", sent, 0), smsd.text())
        self.assertNotIn("protocol", smsd.text())
        self.assertIn("accepted", smsd.ctl("explain", "1"))

    def test_it_serves_a_supervisor_of_today_that_starts_it(self):
        smsd = self.smsd({"worker": str(OLD)}).start()
        self.send(smsd)
        self.check(smsd, SMS)
        self.assertEqual(smsd.stop(), 0)

    def test_it_outlives_the_upgrade_of_its_supervisor(self):
        """systemd has started it for an older smsd, and today's connects to the same process."""
        unit = self.open(Unit(self.folder, "old", "debug", {}, program=OLD))
        smsd = self.smsd(unit.entry())
        for _ in range(2):
            smsd.start()
            self.send(smsd)
            self.check(smsd, SMS)
            self.assertEqual(smsd.stop(), 0)
        self.assertEqual(unit.starts, 1)


class SupervisorOfVersion1(Scenario):
    def test_it_sends_through_a_worker_of_today(self):
        worker = self.open(SocketWorker(self.folder, "debug", "debug", {"file": str(self.folder / "sent.jsonl")}))
        said = subprocess.run([OLD, "--supervise", worker.socket], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((said.returncode, said.stderr), (0, ""), worker.text())
        self.assertEqual(said.stdout.splitlines(), ["ready debug", "begun 1", "begun 2", "accepted 1", "accepted 2", "recalled 2", "drained"])


class ControlOfVersion1(Scenario):
    def smsd(self):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"gateway": ("debug", {})}))

    def test_its_client_asks_and_steers_a_daemon_of_today(self):
        smsd = self.smsd().start()
        wait_for("it is ready", lambda: smsd.dispatcher("gateway")["state"] == "ready")
        said = subprocess.run([OLD_CONTROL, "--ask", smsd.folder / "control.sock"], capture_output=True, text=True, timeout=DEADLINE,
                              check=False)
        self.assertEqual((said.returncode, said.stderr), (0, ""), smsd.text())
        self.assertEqual(said.stdout.splitlines(), ["healthy 1, sqlite, reachable 1", "gateway debug accepted 0", "problem ''"])
        wait_for("it is paused", lambda: smsd.dispatcher("gateway")["state"] == "paused")
        self.assertEqual(smsd.stop(), 0)

    def ask(self, smsd, *command):
        """What smsctl of today prints to a daemon of version 1."""
        with subprocess.Popen([OLD_CONTROL, "--serve", smsd.folder / "control.sock"], stdout=subprocess.PIPE, text=True) as daemon:
            self.assertEqual(daemon.stdout.readline(), "serves\n")
            said = smsd.ctl(*command, check=False)
            daemon.wait(DEADLINE)
        (smsd.folder / "control.sock").unlink()
        return said

    def test_its_daemon_answers_smsctl_of_today(self):
        smsd = self.smsd()
        for command, expected in ((["status"], ["smsd 0.0.1  healthy", "gateway"]),
                                  (["status", "--json"], ['"schema": 0', '"accepted": 7']),
                                  (["dispatcher", "pause", "gateway"], ["gateway is paused"])):
            said = self.ask(smsd, *command)
            self.assertEqual((said.returncode, said.stderr), (0, ""))
            for words in expected:
                self.assertIn(words, said.stdout)
        said = self.ask(smsd, "reload")
        self.assertEqual(said.returncode, 75)
        self.assertIn("smsd is of an older version than smsctl and does not know this command", said.stderr)
