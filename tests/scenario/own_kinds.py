# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of dispatcher that smsd does not have: its program is in a folder that the administrator names."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

from activator import Unit
from harness import BIN, DEADLINE, Scenario, Smsd, programs_for, wait_for

CONFIGURATION = 78
ITS_OWN = ("gammu", "http", "soap", "mail", "command", "debug", "control", "exporter", "intake", "status")


class OwnKinds(Scenario):
    def setUp(self):
        super().setUp()
        self.workers = self.folder / "workers"
        self.workers.mkdir()
        self.workers.chmod(0o755)
        self.pages = self.folder / "pages"
        self.program("pager")

    def program(self, kind, folder=None):
        path = (folder or self.workers) / f"smsd-worker-{kind}"
        shutil.copy(BIN / "pager", path)
        path.chmod(0o755)
        return path

    def smsd(self, kind="pager", own=None, entry=None, name="smsd", **settings):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"onduty": (kind, {"file": str(self.pages), **(own or {})})}, entries={"onduty": entry or {}}, name=name,
                              settings={"workers_directory": str(self.workers), **settings}))

    def change(self, smsd, edit):
        config = json.loads(smsd.config.read_text())
        edit(config)
        smsd.config.write_text(json.dumps(config, indent=1))

    def send(self, smsd, count):
        for n in range(count):
            smsd.ctl("send", f"+47{n:08}", "router down")
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)

    def paged(self):
        return self.pages.read_text().splitlines() if self.pages.exists() else []

    def refused(self, smsd, *words):
        """At the start, by the check of smsd and that of smsctl, and by a reload of a smsd that runs with a good configuration."""
        for program in ([BIN / "smsd"], [BIN / "smsd", "--check"], [BIN / "smsctl", "config", "check"]):
            done = subprocess.run([program[0], "--config", smsd.config, *program[1:]], capture_output=True, text=True, timeout=DEADLINE, check=False)
            said = done.stdout + done.stderr
            self.assertEqual(done.returncode, CONFIGURATION, said)
            for word in words:
                self.assertIn(word, said)
        wrong, running = smsd.config.read_text(), self.good().start()
        self.assertEqual(running.ctl("reload"), "reloaded: nothing has changed\n")
        good = json.loads(running.config.read_text())
        own = {key: good[key] for key in ("queue", "control", "state_directory")}
        running.config.write_text(json.dumps({**json.loads(wrong), **own}))
        reload = running.ctl("reload", check=False)
        self.assertEqual(reload.returncode, 1, reload.stdout)
        for word in words:
            self.assertIn(word, reload.stderr)
        running.config.write_text(json.dumps(good))
        self.assertEqual(running.dispatcher("other")["state"], "ready")
        self.assertEqual(running.stop(), 0)

    def good(self):
        self.runs = getattr(self, "runs", 0) + 1
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "other.db")}},
                              {"other": ("debug", {})}, name=f"good-{self.runs}"))

    def test_its_worker_sends_behind_its_lock_and_is_replaced_when_it_dies(self):
        smsd = self.smsd().start()
        self.send(smsd, 5)
        one = smsd.dispatcher("onduty")
        self.assertEqual((one["kind"], one["state"], one["accepted"]), ("pager", "ready", 5), smsd.text())
        self.assertRegex(smsd.text(), r"onduty: worker \d+ is ready, locked in by .*seccomp")
        pid, = smsd.children()["smsd-worker-pager"]
        os.kill(pid, signal.SIGKILL)
        self.send(smsd, 5)
        self.assertEqual(sorted(self.paged()), sorted(f"+47{n:08} router down" for n in range(5) for _ in range(2)))
        self.assertIn("pager", smsd.ctl("dispatcher", "list"))
        self.assertEqual(smsd.stop(), 0)
        self.assertIn("good, 1 dispatcher", smsd.ctl("config", "check"))

    def test_systemd_starts_it(self):
        unit = self.open(Unit(self.folder, "onduty", "pager", {"file": str(self.pages)}, program=self.workers / "smsd-worker-pager"))
        smsd = self.smsd(entry=unit.entry()).start()
        self.send(smsd, 5)
        self.assertEqual(smsd.stop(), 0)
        self.assertNotEqual(unit.pid(), 0)
        smsd.start()
        self.send(smsd, 5)
        self.assertEqual((len(self.paged()), unit.starts), (10, 1))
        self.assertEqual(smsd.stop(), 0)

    def test_its_own_file_is_checked_by_its_program(self):
        smsd = self.smsd(own={"flie": "x"})
        code, text = smsd.run()
        self.assertEqual(code, CONFIGURATION, text)
        self.assertIn("onduty.yaml:3:2: unknown key", text)
        unit = self.open(Unit(self.folder, "onduty", "pager", {}, program=self.workers / "smsd-worker-pager"))
        self.change(smsd, lambda config: config["dispatchers"][0].update(unit.entry()))
        done = smsd.ctl("config", "check", check=False)
        self.assertEqual(done.returncode, CONFIGURATION)
        self.assertIn("onduty.yaml:3:2: unknown key", done.stderr)

    def test_its_window_is_bounded_by_its_entry(self):
        smsd = self.smsd(own={"window": 65}).start()
        wait_for("it has its strikes", lambda: smsd.dispatcher("onduty")["strikes"] > 0)
        self.assertIn("a window beyond all bounds: 65 + 0, expected at most 64 + 4096 of kind pager", smsd.text())
        self.change(smsd, lambda config: config["dispatchers"][0].update(window=65))
        self.assertIn("changed onduty", smsd.ctl("reload"))
        wait_for("it is ready", lambda: smsd.dispatcher("onduty")["state"] == "ready")
        self.assertEqual(smsd.dispatcher("onduty")["window"], 65)
        self.assertEqual(smsd.stop(), 0)

    def test_a_worker_of_another_kind_is_ended(self):
        self.program("fax")
        smsd = self.smsd("fax").start()
        wait_for("it has its strikes", lambda: smsd.dispatcher("onduty")["strikes"] > 0)
        self.assertIn("the worker is of kind pager, smsd.yaml has fax", smsd.text())
        self.assertEqual(smsd.stop(), 0)

    def test_a_misspelt_kind_is_refused_with_the_near_one(self):
        unit = self.open(Unit(self.folder, "onduty", "pager", {}, program=self.workers / "smsd-worker-pager"))
        for number, entry in enumerate(({}, unit.entry())):
            self.refused(self.smsd("pagr", entry=entry, name=f"misspelt-{number}"), "found no program smsd-worker-pagr for kind pagr in",
                         str(self.workers), "did you mean pager?")
        smsd = self.smsd("htpp", name="other")
        self.refused(smsd, "dispatchers[0].kind", "did you mean http?")

    def test_the_names_of_smsds_own_programs_cannot_be_taken(self):
        for kind in ITS_OWN:
            with self.subTest(kind):
                path = self.program(kind)
                self.refused(self.smsd(name=f"with-{kind}"), str(path), "expected another name", "rename it, or move it")
                path.unlink()
        self.refused(self.smsd("intake", name="of-intake"), "dispatchers[0].kind: is intake, expected another name")

    def test_a_program_that_others_can_change_is_refused(self):
        path = self.workers / "smsd-worker-pager"
        path.chmod(0o775)
        self.refused(self.smsd(), str(path), "chmod go-w")

    def test_a_reload_brings_it_replaces_its_program_and_takes_it_away(self):
        smsd = self.good().start()
        file = smsd.folder / "dispatchers/onduty.yaml"
        file.write_text(json.dumps({"file": str(self.pages)}))
        file.chmod(0o640)
        self.change(smsd, lambda config: config.update(workers_directory=str(self.workers), dispatchers=[
            {"name": "onduty", "kind": "pager"}, *config["dispatchers"]]))
        self.assertIn("added onduty", smsd.ctl("reload"))
        self.send(smsd, 3)
        self.assertEqual(len(self.paged()), 3)
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(mode=0o755)
        path = self.program("pager", elsewhere)
        self.change(smsd, lambda config: config.update(workers_directory=str(elsewhere)))
        self.assertIn("changed onduty", smsd.ctl("reload"))

        def running():
            with contextlib.suppress(FileNotFoundError):  # a worker that has just ended
                return [os.readlink(f"/proc/{pid}/exe") for pid in smsd.children().get("smsd-worker-pager", [])]

        wait_for("the other program runs", lambda: running() == [str(path)])
        self.send(smsd, 3)
        self.assertEqual(len(self.paged()), 6)
        self.change(smsd, lambda config: (config.pop("workers_directory"), config["dispatchers"].pop(0)))
        self.assertIn("removed onduty", smsd.ctl("reload"))
        wait_for("its worker has gone", lambda: running() == [])
        self.assertEqual(smsd.stop(), 0)

    def test_it_mails_to_the_administrators(self):
        smsd = self.good()
        file = smsd.folder / "dispatchers/mail.yaml"
        file.write_text(json.dumps({"file": str(self.pages)}))
        file.chmod(0o640)
        self.change(smsd, lambda config: config.update(
            workers_directory=str(self.workers), admin_mail={"to": "noc@example.org", "kind": "pager", "level": "notice", "delay": "100ms"}))
        smsd.start()
        smsd.ctl("dispatcher", "pause", "other")
        wait_for("it is mailed", lambda: any(line.startswith("noc@example.org ") for line in self.paged()))
        self.assertEqual(smsd.stop(), 0)

    def test_config_install_finds_it_in_a_folder_beside_smsd_yaml(self):
        folder, given = self.folder / "etc", self.folder / "given"
        folder.mkdir()
        given.mkdir()
        shutil.copytree(self.workers, folder / "workers")
        text = 'workers_directory: workers\ndispatchers: [{name: onduty, kind: pager}]\n'
        (given / "smsd.yaml").write_text(text)
        (given / "onduty.yaml").write_text(f"file: {self.pages}\n")

        # As root it would check as the user smsd, who need not be here.
        nobody = pwd.getpwnam("nobody")
        other = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        smsctl = programs_for("nobody", self.folder) / "smsctl"

        def install():
            for file in given.iterdir() if other else ():
                os.chown(file, nobody.pw_uid, nobody.pw_gid)
            return subprocess.run([smsctl, "--config", folder / "smsd.yaml", "config", "install", "--dry-run", "smsd.yaml", "onduty.yaml"],
                                  capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=given, **other)

        done = install()
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn(f"would install {folder}/dispatchers/onduty.yaml (root:smsd, mode 0640)", done.stdout)
        self.assertTrue((folder / "workers/smsd-worker-pager").exists())
        (given / "onduty.yaml").write_text(f"flie: {self.pages}\n")
        self.assertIn("onduty.yaml:1:1: unknown key", install().stderr)
        (given / "smsd.yaml").write_text(text.replace("kind: pager", "kind: pagr"))
        done = install()
        self.assertEqual(done.returncode, CONFIGURATION, done.stdout)
        self.assertIn("smsd.yaml:2:30: dispatchers[0].kind: found no program", done.stderr)
        self.assertIn("nothing was installed", done.stderr)
