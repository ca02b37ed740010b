# SPDX-License-Identifier: GPL-3.0-or-later
"""For each trouble, the first screen of `smsctl status` names the cause and a next command, and the command works when it is typed."""

import contextlib
import json
import os
import re
import subprocess
import unittest

from activator import Unit
from advice import Refusing
from full_disk import private_mounts
from harness import BIN, Modem, Postgres, Scenario, Smsd, Systemd, free_port, wait_for
from health import MuteGateway, url

COLUMNS, LINES = 80, 24


class Screen:
    """What `smsctl status` prints, as an operator reads it."""

    def __init__(self, smsd):
        done = smsd.ctl("status", check=False)
        self.text, self.status = done.stdout, done.returncode
        self.lines = self.text.splitlines()

    def fits(self):
        """Beside the prompt."""
        return len(self.lines) < LINES and all(len(line) <= COLUMNS for line in self.lines)

    def findings(self):
        """[(what is wrong, the next command, or None)], from the top."""
        found = []
        for line in self.lines[1:]:
            if found and found[-1][1] and found[-1][1].endswith("\\"):
                found[-1][1] += "\n" + line  # a shell joins them
            elif re.match(r"(!!|! |- )", line):
                found.append([re.sub(r"^(!!|! |- ) (for [\dsmhd ]+?  +|[\dsmhd ]+ ago  +)?", "", line), None])
            elif line.startswith("   $ ") and found:
                found[-1][1] = line[5:]
            elif line.startswith("   ") and found and found[-1][1] is None:
                found[-1][0] += " " + line.strip()
            elif line.strip() and found:
                break
        return found

    def next_for(self, *words):
        """The command under the finding that has all the words; None: there is no such finding."""
        return next((command for what, command in self.findings() if all(word in what for word in words)), None)


class Troubles(Scenario):
    def screen_with(self, smsd, *words):
        """The first screen as soon as a finding has these words."""
        found = self.wait_for_screen(smsd, f"the screen names {words}", lambda screen: screen.next_for(*words))
        self.assertTrue(found.fits(), found.text)
        return found

    def wait_for_screen(self, smsd, what, condition):
        shown = []

        def look():
            shown[:] = [Screen(smsd)]
            return condition(shown[0])
        try:
            wait_for(what, look, deadline=30)
        except AssertionError as error:
            logs = "\n".join(f"{log}:\n{log.read_text()[-3000:]}" for log in sorted(self.folder.rglob("*log")))
            raise AssertionError(f"{error}\n{shown[0].text}\n{logs}") from None
        return shown[0]

    def type(self, command, status=0):
        """As in the operator's shell."""
        done = subprocess.run(["/bin/bash", "-c", command], env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}, capture_output=True, text=True,
                              check=False, cwd=self.folder)
        self.assertEqual(done.returncode, status, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def gone(self, smsd, word):
        self.wait_for_screen(smsd, f"{word} is gone", lambda screen: all(word not in what for what, _ in screen.findings()))

    def smsd(self, dispatchers, queue=None, **more):
        queue = queue or {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "poll_interval": "1s"}
        return self.open(Smsd(self.folder, queue, dispatchers, **more))


class WaysOut(Troubles):
    """Nine dispatchers in trouble at once, before one that works; each is repaired as its finding is at the top."""

    def write(self, smsd, name, keys):
        (smsd.folder / "dispatchers" / f"{name}.yaml").write_text(json.dumps(keys))

    def test_each_trouble_of_a_dispatcher_is_named_and_its_command_ends_it(self):
        gateway, rejecting, mute = self.open(Refusing(200)), self.open(Refusing()), self.open(MuteGateway())
        dead, later, pin = free_port(), self.folder / "later", self.folder / "pin"
        pin.write_text("1234\n")
        pin.chmod(0o600)
        locked = self.open(Modem(self.folder, "sim pin", "pin 4711", name="locked"))
        gone = self.open(Modem(self.folder, name="gone"))
        wrong_key = self.open(Unit(self.folder, "wrong-key", "http", dict(gateway.keys(), windw=3)))
        secret = self.open(Unit(self.folder, "secret", "http", {"url": rejecting.url + "&key={mine}", "secrets": [{"name": "mine", "file": "mine"}]}))
        dispatchers = {"dead": ("http", {"url": url(dead)}), "hung": ("http", {"url": url(mute.port)}), "rejected": ("http", rejecting.keys()),
                       "wrong-key": ("http", {}), "secret": ("http", {}), "crashing": ("debug", {"file": str(later / "sent")}),
                       "locked": ("gammu", {"device": str(locked.link), "pin_file": str(pin), "check_interval": "5s"}), "gone": ("gammu", {"device": str(gone.link), "check_interval": "5s"}),
                       "works": ("debug", {})}
        smsd = self.smsd(dispatchers, entries={"hung": {"timeout": "1s"}, "wrong-key": wrong_key.entry(), "secret": secret.entry()})
        gone.tell("hang-up")
        smsd.ctl("send", "+471", "alert")
        smsd.start()
        wait_for("it is sent", lambda: smsd.status()["queue"]["sent"] == 1)

        def answers(name):
            """An SMS that it answers; those of the queue take the first that works."""
            return lambda: smsd.ctl("test", "+472", "--via", name)

        def mend_dead():
            self.write(smsd, "dead", gateway.keys())

        groups = [  # of (the words that name it, the repair, what has to follow), each repaired as soon as it has moved up to the first screen
            [(("dead has not answered its last SMS", "Connection refused"), mend_dead, answers("dead"))],
            [(("hung is resting", "took too long"), mute.works.set, answers("hung"))],
            [(("rejected is broken", "401"), lambda: setattr(rejecting, "status", 200), answers("rejected"))],
            [(("wrong-key is", "unknown key 'windw'"), lambda: wrong_key.write(gateway.keys()), None),
             (("secret is", "secrets[0].file"), lambda: self.give(secret), None)],
            [(("crashing is", "cannot open"), lambda: later.mkdir(mode=0o777), None)],
            [(("locked is broken", "PIN"), lambda: locked.tell("sim ready"), None),
             (("gone is broken", "no modem"), lambda: gone.tell("plug"), None)],
        ]
        for group in groups:
            typed = []
            for words, repair, then in group:
                found = self.screen_with(smsd, *words)
                self.assertEqual(found.status, 0, found.text)
                typed.append((words[0].split(" ", maxsplit=1)[0], found.next_for(*words), then))
                repair()
            for _, command, then in typed:
                self.type(command)
                if then:
                    then()
            for name, _, _ in typed:
                self.gone(smsd, name)
        self.assertEqual(Screen(smsd).findings(), [])

    def give(self, unit):
        (unit.credentials / "mine").write_text("right\n")
        (unit.credentials / "mine").chmod(0o600)


class Messages(Troubles):
    def on_a_terminal(self, smsd, **environment):
        ours, its = os.openpty()
        done = subprocess.run([BIN / "smsctl", "--config", smsd.config, "status"], stdout=its, env={**os.environ, "TERM": "xterm", **environment}, check=False)
        self.assertEqual(done.returncode, 0)
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: all is read
            while piece := os.read(ours, 4096):
                shown += piece
        os.close(ours)
        return shown.decode()

    def test_a_bad_number_a_held_message_and_a_wrong_key_in_the_file_of_a_running_smsd(self):
        systemd = self.open(Systemd(self.folder))
        smsd = self.smsd({"way": ("debug", {"when": [{"recipient": "+4713", "result": "refuse"}, {"recipient": "+4714", "result": "unknown"}]})},
                         settings={"retry": {"unknown": "hold"}})
        smsd.ctl("send", "+4713", "to nobody")
        smsd.ctl("send", "+4714", "who knows")
        smsd.start(systemd=systemd)
        found = self.screen_with(smsd, "1 message may have been sent, and is held")
        self.assertEqual(found.status, 0, "an operator has to decide, and smsd works")
        held = self.type(found.next_for("is held"))
        self.assertIn("+4714", held)
        found = self.screen_with(smsd, "1 message was not sent in the last 24 h", "every dispatcher refused it")
        self.assertIn("refused", self.type(found.next_for("not sent")))
        self.assertTrue(found.findings()[0][0].startswith("1 message may have been sent"), "first")
        line = wait_for("the same in systemd's line", lambda: "is held until you decide" in (systemd.status() or "") and systemd.status())
        self.assertTrue(line.startswith("healthy: 1 of 1 dispatcher ready, 0 under way, 0 sent; 1 message may have been sent"), line)
        self.assertEqual(line, smsd.status()["line"])
        self.assertIn("\x1b[33m", self.on_a_terminal(smsd))
        self.assertNotIn("\x1b", self.on_a_terminal(smsd, NO_COLOR="1"))
        self.assertNotIn("\x1b", found.text, "no terminal")
        good = smsd.config.read_text()
        smsd.config.write_text(good.replace('"queue"', '"quue"', 1))
        found = self.screen_with(smsd, "smsd could not start again", "unknown key 'quue'")
        self.assertIn("unknown key 'quue'", self.type(found.next_for("could not start again"), status=78))
        smsd.config.write_text(good)
        self.type(found.next_for("could not start again"))
        self.assertIsNone(Screen(smsd).next_for("could not start again"))


class NotRunning(Troubles):
    """smsd does not start; the screen has the reason, and the command finds it until it is mended."""

    def refuses(self, smsd, *words):
        code, said = smsd.run()
        self.assertNotEqual(code, 0, said)
        found = self.screen_with(smsd, *words)
        self.assertIn("smsd is not running: no program listens at", found.text)
        self.assertIn(found.status, (3, 78), found.text)
        return found.next_for(*words)

    def test_what_keeps_it_from_starting_is_named_and_the_command_finds_it_until_it_is_mended(self):
        smsd = self.smsd({"way": ("debug", {}), "gateway": ("http", {"url": "http://127.0.0.1/?to={recipient}&m={text}", "auth": {
            "type": "bearer", "token_file": str(self.folder / "token")}})})
        file, own, token = smsd.config, smsd.folder / "dispatchers" / "way.yaml", self.folder / "token"
        token.write_text("secret")
        token.chmod(0o600)
        good = file.read_text()
        for words, spoil, mend in (
                (("smsd.yaml", "unknown key 'quue'"), lambda: file.write_text(good.replace('"queue"', '"quue"', 1)), lambda: file.write_text(good)),
                (("way.yaml", "unknown key 'fiel'"), lambda: own.write_text('{"fiel": "x"}'), lambda: own.write_text("{}")),
                (("gateway.yaml", "auth.token_file"), lambda: token.rename(self.folder / "away"), lambda: (self.folder / "away").rename(token))):
            spoil()
            command = self.refuses(smsd, *words)
            self.assertIn(words[1], self.type(command, status=78))
            mend()
            self.assertIn("good", self.type(command))
        found = self.screen_with(smsd, "nothing is wrong that can be seen without smsd")
        self.assertEqual(found.status, 3)

    @unittest.skipUnless(os.getuid() == 0, "needs another user")
    def test_what_only_smsd_may_not_read_is_found_with_the_rights_of_smsd(self):
        token = self.folder / "token"
        token.write_text("secret")
        token.chmod(0o600)
        smsd = self.smsd({"gateway": ("http", {"url": "http://127.0.0.1/?to={recipient}&m={text}", "auth": {"type": "bearer", "token_file": str(token)}})},
                         user="nobody")
        (smsd.folder / "state").mkdir()
        os.chown(smsd.folder / "state", smsd.user.pw_uid, smsd.user.pw_gid)
        found = self.screen_with(smsd, "auth.token_file", "Permission denied")
        command = found.next_for("auth.token_file")
        self.assertIn("auth.token_file", self.type(command, status=78))
        os.chown(token, smsd.user.pw_uid, smsd.user.pw_gid)
        self.assertIn("good", self.type(command))


class Databases(Troubles):
    def test_a_database_that_is_down_and_one_that_is_back(self):
        postgres = self.open(Postgres(self.folder))
        smsd = self.smsd({"way": ("debug", {})}, queue={"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}, "lease": "2s"})
        smsd.ctl("db", "install")
        smsd.start()
        other = self.open(Smsd(self.folder, {"backend": "postgresql", "postgresql": {"connection": postgres.dsn()}}, {"way": ("debug", {})}, name="other")).start()
        self.wait_for_screen(smsd, "the other one is there", lambda screen: re.search(rf"(?m)^smsd     1 beside this one: \S+\[{other.process.pid}\]$", screen.text))
        other.stop()
        postgres.stop()
        found = self.screen_with(smsd, "the queue cannot be reached")
        self.assertEqual(found.status, 1)
        command = found.next_for("the queue cannot be reached")
        self.assertIn("no connection to PostgreSQL", self.type(command, status=75))
        smsd.stop()
        found = self.screen_with(smsd, "the queue cannot be used")
        self.assertEqual((found.status, found.next_for("the queue cannot be used")), (3, command))
        postgres.start()
        self.type(command)


class Disks(Troubles):
    @classmethod
    def setUpClass(cls):
        if not private_mounts():
            raise unittest.SkipTest("no file system can be mounted here")

    def mount(self, folder, *options):
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(("size=6m", *options)), "full", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False, stderr=subprocess.DEVNULL)

    def fill(self, disk):
        with open(disk / "ballast", "ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while os.statvfs(disk).f_bavail and ballast.write(b"b" * size):
                        pass

    def test_a_full_database_a_full_disk_and_a_read_only_state_folder(self):
        database, disk = self.folder / "database", self.folder / "disk"
        self.mount(database)
        self.mount(disk)
        state = disk / "state"
        state.mkdir()
        smsd = self.smsd({"way": ("debug", {"file": str(self.folder / "sent")})}, settings={"state_directory": str(state)},
                         queue={"backend": "sqlite", "sqlite": {"path": str(database / "queue.db")}, "poll_interval": "1s", "lease": "2s"}).start()

        def full():
            self.fill(database)  # again: smsd has made room by emptying its log
            return Screen(smsd).next_for("the queue", "the disk is full")
        command = wait_for("the screen names the full database", full)
        self.assertRegex(self.type(command), rf"(9\d|100)% {database}")
        self.assertEqual(Screen(smsd).status, 1)
        self.fill(disk)
        shown = self.screen_with(smsd, "state_directory", "its disk is full")
        self.assertIn("100%", self.type(shown.next_for("state_directory")))
        for ballast in (database / "ballast", disk / "ballast"):
            ballast.unlink()
        self.wait_for_screen(smsd, "nothing is wrong", lambda screen: screen.findings() == [])
        self.mount(state, "ro")
        shown = self.screen_with(smsd, "state_directory", "Read-only file system")
        self.assertEqual(shown.status, 0, "sending needs no state")
        command = shown.next_for("state_directory")
        self.assertRegex(self.type(command), r"\bro\b")
        smsd.stop()
        self.assertEqual(smsd.run()[0], 73)
        shown = self.screen_with(smsd, "state_directory", "Read-only file system")
        self.assertEqual((shown.status, shown.next_for("state_directory")), (3, command))
        subprocess.run(["umount", "-l", state], check=True)
        smsd.start()
        self.assertEqual(Screen(smsd).findings(), [])
