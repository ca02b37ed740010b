# SPDX-License-Identifier: GPL-3.0-or-later
"""What smsctl says and does when smsd hangs, when its queue is gone or damaged, and when smsd.yaml has a fault while smsd runs."""

import json
import os
import signal
import time

from first_screen import Screen, Troubles
from harness import free_port, sms_in, wait_for


class Hung(Troubles):
    def test_a_stopped_smsd_is_named_within_a_bound_and_the_command_lets_it_go_on(self):
        smsd = self.smsd({"way": ("debug", {})}).start()
        os.kill(smsd.process.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, smsd.process.pid, signal.SIGCONT)
        began = time.monotonic()
        found = Screen(smsd)
        self.assertLess(time.monotonic() - began, 15)
        self.assertIn(f"smsd (pid {smsd.process.pid}) does not answer at", " ".join(found.text.split()))
        self.assertEqual(found.status, 75)
        command = found.next_for("its process is stopped")
        self.assertTrue(found.fits(), found.text)
        done = smsd.ctl("status", "--json", check=False)
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["format"], said["running"], said["healthy"], said["pid"], said["findings"][0]["next"]),
                         (75, 1, True, False, smsd.process.pid, command))
        done = smsd.ctl("doctor", "--json", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("smsd-hangs", {one["fault"] for one in json.loads(done.stdout)["findings"]})
        self.type(command)
        self.wait_for_screen(smsd, "it answers", lambda screen: screen.status == 0)

    def test_an_smsd_whose_socket_was_removed_still_runs(self):
        smsd = self.smsd({"way": ("debug", {})}).start()
        (smsd.folder / "control.sock").unlink()
        found = Screen(smsd)
        self.assertIn(f"smsd runs (pid {smsd.process.pid}), but does not listen at", " ".join(found.text.split()))
        self.assertEqual(found.status, 75)


class Queues(Troubles):
    """Only smsd and `db install` make a queue."""

    def setUp(self):
        super().setUp()
        self.way = self.smsd({"way": ("debug", {"file": str(self.folder / "sent")})})
        self.queue = self.folder / "queue.db"

    def refuses(self, words):
        for command in (("queue", "list"), ("queue", "held"), ("explain", "1"), ("send", "+471", "x"), ("queue", "retry", "--all"),
                        ("queue", "cancel", "--yes"), ("db", "check")):
            done = self.way.ctl(*command, check=False, make_queue=False)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertIn(words, done.stderr, command)
        code, said = self.way.run("-c")
        self.assertNotEqual(code, 0)
        self.assertIn(words, said)

    def faults(self):
        return {one["fault"] for one in json.loads(self.way.ctl("doctor", "--json", check=False).stdout)["findings"]}

    def test_a_queue_that_was_never_there_is_not_made(self):
        self.refuses("there is no such file")
        found = Screen(self.way)
        self.assertIsNotNone(found.next_for("nothing is wrong that can be seen without smsd"), found.text)
        self.assertIn("there is no queue", found.text)
        self.assertEqual(self.faults() & {"queue-gone", "queue-damaged"}, set())
        self.assertFalse(self.queue.exists())

    def test_a_queue_that_is_gone_is_named(self):
        self.way.start()
        self.way.stop()
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"queue.db{suffix}").unlink(missing_ok=True)
        self.refuses("there is no such file")
        found = Screen(self.way)
        command = found.next_for("is gone, although smsd has used it")
        self.assertTrue(found.fits(), found.text)
        self.assertIn("queue-gone", self.faults())
        self.assertFalse(self.queue.exists())
        self.type(command)
        self.assertTrue(self.queue.exists())
        self.assertEqual(self.faults(), {"smsd-not-running"})

    def test_an_empty_file_is_no_queue(self):
        self.queue.write_text("")
        self.refuses("the file is empty, and no queue")
        self.assertIsNotNone(Screen(self.way).next_for("the queue cannot be used", "is empty"))
        self.assertIn("queue-not-installed", self.faults())
        self.assertEqual(self.queue.stat().st_size, 0)

    def test_a_damaged_file_is_named_although_the_count_of_messages_works(self):
        self.way.ctl("db", "install")
        for n in range(300):
            self.way.ctl("send", f"+47{n}", "x" * 140)
        self.assertNotIn("queue-damaged", self.faults())
        with open(self.queue, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            for at in range(40 * 4096, size, 4096):  # not the first pages, which have the tables' definitions
                file.seek(at + 100)
                file.write(b"\xff" * 300)
        found = Screen(self.way)
        command = found.next_for("the queue cannot be used", "damaged")
        self.assertIsNotNone(command, found.text)
        self.assertIn("queue-damaged", self.faults())
        self.assertIn("damaged", self.type(command, status=75))


class Faults(Troubles):
    """smsd.yaml has a fault, while smsd runs."""

    def test_commands_go_through_the_running_smsd_and_warn(self):
        smsd = self.smsd({"way": ("debug", {"file": str(self.folder / "sent")})}).start()
        good = smsd.config.read_text()
        smsd.config.write_text(good.replace('"queue"', '"quue"', 1))
        for command in (("queue", "list"), ("queue", "held"), ("dispatcher", "list"), ("dispatcher", "pause", "way"), ("send", "+471", "alert"),
                        ("explain", "1"), ("queue", "retry", "--all"), ("dispatcher", "resume", "way"), ("test", "+472", "--via", "way")):
            done = smsd.ctl(*command, check=False)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
            self.assertIn("smsctl: warning: smsd could not start again, and runs with what it read before", done.stderr, command)
            self.assertIn("unknown key 'quue'", done.stderr)
        self.assertEqual(Screen(smsd).status, 0)
        done = smsd.ctl("reload", check=False)
        self.assertEqual((done.returncode, "unknown key 'quue'" in done.stderr), (1, True), done.stderr)
        wait_for("both are sent", lambda: len(sms_in(self.folder / "sent")) == 2)
        smsd.stop()
        for command in (("queue", "list"), ("dispatcher", "list"), ("send", "+471", "x")):
            done = smsd.ctl(*command, check=False)
            self.assertEqual((done.returncode, "unknown key 'quue'" in done.stderr, "warning" in done.stderr), (78, True, False), done.stderr)

    def test_an_smsd_whose_socket_is_not_known_is_not_called_down(self):
        smsd = self.smsd({"way": ("debug", {})}).start()
        config = json.loads(smsd.config.read_text())
        smsd.config.write_text(json.dumps({**config, "control": {"sockt": config["control"]["socket"]}}))
        found = Screen(smsd)
        self.assertEqual(found.status, 78)
        text = " ".join(found.text.split())
        self.assertIn(f"smsd runs (pid {smsd.process.pid}), but", text)
        self.assertNotIn("not running", text)
        self.assertIsNotNone(found.next_for("unknown key 'sockt'"), found.text)
        self.assertTrue(json.loads(smsd.ctl("status", "--json", check=False).stdout)["running"])
        smsd.config.write_text(json.dumps(config))
        smsd.stop()
        smsd.config.write_text(json.dumps({**config, "control": {"sockt": "x"}}))
        found = Screen(smsd)
        self.assertIn("whether smsd runs is not known", found.text)
        self.assertEqual(found.status, 78)
        done = smsd.ctl("reload", check=False)
        self.assertEqual(done.returncode, 78, "the default socket may be another smsd's")

    def test_the_file_of_a_dispatcher_that_was_changed_since_the_start_is_checked(self):
        smsd = self.smsd({"way": ("debug", {})}).start()
        own = smsd.folder / "dispatchers/way.yaml"
        own.write_text('{"fiel": "x"}')
        os.utime(own, (time.time() + 2,) * 2)  # its time has no fraction everywhere
        found = self.screen_with(smsd, "smsd could not start again", "unknown key 'fiel'")
        self.assertEqual(found.status, 0)
        self.type(found.next_for("unknown key 'fiel'"), status=78)
        own.write_text("{}")
        self.assertEqual(Screen(smsd).findings(), [])

    def test_json_without_a_daemon_says_what_is_known(self):
        smsd = self.smsd({"way": ("debug", {"fiel": 1})})
        done = smsd.ctl("status", "--json", check=False)
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["format"], said["running"], said["healthy"], said["queue"], said["dispatchers"]),
                         (3, 1, False, False, None, []))
        self.assertIn("unknown key 'fiel'", said["findings"][0]["what"])
        self.assertIn("config check", said["findings"][0]["next"])


class Failures(Troubles):
    def test_a_message_that_was_made_good_is_not_shown_as_lost(self):
        way = {"when": [{"recipient": "+4713", "result": "refuse"}]}
        smsd = self.smsd({"way": ("debug", way)})
        smsd.ctl("send", "+4713", "alert")
        smsd.start()
        found = self.screen_with(smsd, "1 message was not sent in the last 24 h", "since smsd started")
        (smsd.folder / "dispatchers/way.yaml").write_text("{}")
        smsd.ctl("reload")
        smsd.ctl("queue", "retry", "1")
        self.gone(smsd, "not sent")
        self.type(found.next_for("not sent"))

    def test_a_restart_without_a_repair_keeps_the_last_failure_until_something_is_sent(self):
        port = free_port()
        smsd = self.smsd({"dead": ("http", {"url": f"http://127.0.0.1:{port}/?to={{recipient}}&m={{text}}"}), "works": ("debug", {})}).start()
        smsd.ctl("test", "+471", "--via", "dead", check=False)
        self.screen_with(smsd, "dead has not answered its last SMS", "Connection refused")
        smsd.ctl("dispatcher", "restart", "dead")
        wait_for("it is ready", lambda: smsd.dispatcher("dead")["state"] == "ready")
        found = self.screen_with(smsd, "dead has sent nothing since it was restarted", "Connection refused")
        self.assertEqual(found.status, 0)
        smsd.ctl("test", "+471", "--via", "dead", check=False)
        self.screen_with(smsd, "dead has not answered its last SMS", "Connection refused")

    def test_a_worker_that_ends_again_and_again_is_in_a_crash_loop(self):
        smsd = self.smsd({"works": ("debug", {}), "crashing": ("debug", {"file": str(self.folder / "nowhere" / "sent")})}).start()
        found = self.screen_with(smsd, "crashing is in a crash loop: its worker has ended", "cannot open")
        self.assertRegex(" ".join(found.text.split()), r"its worker has ended \d+ times in \d+s")


class AdminMail(Troubles):
    def test_a_server_that_is_away_is_shown_and_the_command_tries_a_mail_now(self):
        port = free_port()
        mail = {"server": f"smtp://127.0.0.1:{port}", "from": "smsd@example.org", "to": "{recipient}"}
        smsd = self.smsd({"way": ("debug", {})}, settings={"admin_mail": {"to": "noc@example.org", "interval": "1h"}})
        own = smsd.folder / "dispatchers/mail.yaml"
        own.write_text(json.dumps(mail))
        own.chmod(0o640)
        smsd.start()
        shown = self.wait_for_screen(smsd, "it was never tried", lambda screen: "mail     not tried yet by" in screen.text)
        self.assertEqual(shown.findings(), [])
        name = smsd.status()["admin_mail"]["dispatcher"]
        smsd.ctl("dispatcher", "restart", name)
        found = self.screen_with(smsd, "no mail to the administrators", "Connection refused")
        self.assertIn("mail     not accepted by", found.text)
        self.type(found.next_for("no mail to the administrators"))
        refused = smsd.ctl("dispatcher", "pause", name, check=False)
        self.assertEqual((refused.returncode, "cannot be paused" in refused.stderr), (1, True), refused.stderr)

    def test_a_lock_that_is_below_what_it_requires_is_shown(self):
        mail = {"server": f"smtp://127.0.0.1:{free_port()}", "from": "smsd@example.org", "to": "{recipient}"}
        smsd = self.smsd({"way": ("debug", {})}, settings={"admin_mail": {"to": "noc@example.org", "require_lock": ["landlock:999"]}})
        own = smsd.folder / "dispatchers/mail.yaml"
        own.write_text(json.dumps(mail))
        own.chmod(0o640)
        smsd.start()
        found = self.screen_with(smsd, "no mail to the administrators", "lacks landlock:999, which require_lock demands")
        self.assertRegex(found.text, r"(?m)^mail     broken by ")
