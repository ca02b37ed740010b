# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of different versions work together. The old side is built from frozen schemas (tests/data), the next one from a schema that
is made of today's (tests/peers/next-contract.py)."""

import json
import subprocess

from activator import Unit
from harness import BIN, DEADLINE, Scenario, Smsd, SocketWorker, wait_for

OLD, OLD_CONTROL, NEXT = BIN / "contract-1", BIN / "contract-1-control", BIN / "contract-next"
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


class WorkerOfNextVersion(Scenario):
    """It sends more in each message than a supervisor of today knows."""

    def smsd(self, entry, name="next", **settings):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {name: ("debug", {})}, entries={name: entry}, settings=settings))

    def held(self, smsd):
        return json.loads(smsd.ctl("queue", "held", "--json"))

    def sent(self, smsd, *numbers):
        for number in numbers:
            smsd.ctl("send", number, "router down")
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)

    def test_it_serves_a_supervisor_of_today_whoever_starts_it(self):
        unit = self.open(Unit(self.folder, "next", "debug", {}, program=NEXT))
        for number, entry in enumerate(({"worker": str(NEXT)}, unit.entry())):
            smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / f"queue-{number}.db")}},
                                  {"next": ("debug", {})}, entries={"next": entry}, name=f"smsd-{number}")).start()
            self.sent(smsd, *(f"+47{n:08}" for n in range(SMS)))
            one = smsd.dispatcher("next")
            self.assertEqual((one["state"], one["accepted"], one["unknown"], one["strikes"]), ("ready", SMS, 0, 0), smsd.text())
            self.assertEqual(one["details"], {"fact": "known"})
            self.assertNotIn("protocol", smsd.text())
            self.assertEqual(smsd.stop(), 0)

    def test_an_outcome_and_a_report_of_a_kind_not_known_are_unknown(self):
        smsd = self.smsd({"worker": str(NEXT)}, retry={"unknown": "hold"}).start()
        for number in ("+4711", "+4712"):
            smsd.ctl("send", number, "router down")
        held = wait_for("both are held", lambda: len(self.held(smsd)) == 2 and self.held(smsd))
        self.assertEqual({one["recipient"] for one in held}, {"+4711", "+4712"})
        smsd.ctl("send", "+4714", "router down")
        wait_for("the next one is sent", lambda: smsd.dispatcher("next")["accepted"] == 1)
        one = smsd.dispatcher("next")
        self.assertEqual((one["unknown"], one["strikes"], one["starts"]), (2, 0, 1), smsd.text())
        for number, what in (("1", "an outcome"), ("2", "a report")):
            self.assertIn(f"{what} of a kind that is not in the protocol", smsd.ctl("explain", number))
        self.assertEqual(smsd.stop(), 0)

    def test_a_cause_not_known_is_another_one(self):
        unit = self.open(Unit(self.folder, "next", "debug", {}, program=NEXT))
        smsd = self.smsd(unit.entry()).start()
        self.sent(smsd, "+4713")
        wait_for("it has ended by itself", lambda: "a reason of the next version" in smsd.text())
        self.sent(smsd, "+4714")
        one = smsd.dispatcher("next")
        self.assertEqual((one["accepted"], one["unknown"], one["strikes"], unit.starts), (2, 0, 0, 2), smsd.text())
        self.assertEqual(smsd.stop(), 0)

    def test_one_that_works_with_none_before_its_own_is_refused_with_both_versions(self):
        smsd = self.smsd({"worker": str(NEXT)}, name="strict").start()
        words = "the worker works with protocol versions 2 to 2, smsd with 1 to 1: install programs of one release"
        wait_for("it is refused", lambda: words in smsd.text())
        self.assertNotEqual(smsd.dispatcher("strict")["state"], "ready")
        smsd.ctl("send", "+4714", "router down")
        self.assertEqual(smsd.stop(), 0)
        self.assertIn("N", [one["status"] for one in json.loads(smsd.ctl("queue", "list", "--json"))])


class SupervisorOfNextVersion(Scenario):
    def test_it_sends_through_a_worker_of_today(self):
        worker = self.open(SocketWorker(self.folder, "debug", "debug", {"file": str(self.folder / "sent.jsonl")}))
        said = subprocess.run([NEXT, "--supervise", worker.socket], capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((said.returncode, said.stderr), (0, ""), worker.text())
        self.assertEqual(said.stdout.splitlines(), ["the next method is not known", "ready debug", "begun 1", "begun 2", "accepted 1",
                                                    "accepted 2", "recalled 2", "drained"])


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
