# SPDX-License-Identifier: GPL-3.0-or-later
"""sendsms, with the arguments and the exit status of smstools3's: alone, and as the notification scripts of monitoring systems call it."""

import os
import pwd
import shlex
import subprocess
import unittest

from harness import BIN, DEADLINE, Scenario, die_with_parent, wait_for
from harness.basics import programs_for
from intake import WithIntake
from intake_door import StandIn

NUMBER = "+4799887766"


class Commands(WithIntake):
    """A real supervisor on SQLite."""

    def setUp(self):
        super().setUp()
        self.smsd = self.supervisor({"backend": "sqlite", "sqlite": {"path": "queue.db"}},
                                    callers=[{"user": str(os.getuid()), "recipients": ["+47*"], "groups": ["noc"]}]).start()

    def sendsms(self, *words, status=0, stdin="", socket=None):
        done = subprocess.run([BIN / "sendsms", "--socket", socket or self.smsd.folder / "intake.sock", *words], capture_output=True, input=stdin.encode(),
                              check=False, timeout=DEADLINE)
        self.assertEqual(done.returncode, status, done)
        return (done.stderr if status else done.stdout).decode()

    def expect(self, *expected):
        """These SMS have left, in any order, since the last call."""
        before = getattr(self, "seen", 0)
        wait_for("they have left", lambda: len(self.sent(self.smsd)) >= before + len(expected))
        self.assertEqual(sorted((sms["recipient"], sms["text"]) for sms in self.sent(self.smsd)[before:]), sorted(expected))
        self.seen = before + len(expected)

    def test_standard_input_that_cannot_be_read(self):
        done = subprocess.run([BIN / "sendsms", "--socket", self.smsd.folder / "intake.sock", NUMBER], stderr=subprocess.PIPE, text=True, check=False,
                              timeout=DEADLINE, preexec_fn=lambda: os.close(0))
        self.assertEqual((done.returncode, done.stderr), (1, "sendsms: standard input cannot be read\n"))

    def test_each_form(self):
        said = self.sendsms(NUMBER, "disk full")
        self.assertRegex(said, r"^To: \+4799887766 \(message \d+\)\n$")
        self.expect((NUMBER, "disk full"))
        self.assertIn("(sendsms)", self.smsd.ctl("explain", said.split("message ")[1].split(")")[0]))
        self.sendsms("4799887766", "4799887765", "-- PROBLEM: --help")
        self.expect((NUMBER, "-- PROBLEM: --help"), ("+4799887765", "-- PROBLEM: --help"))
        self.sendsms("4799887766 4799887765", "both")
        self.expect((NUMBER, "both"), ("+4799887765", "both"))
        self.sendsms("99 88 77 66", stdin="from\nstandard input\n")
        self.expect((NUMBER, "from\nstandard input"))
        self.sendsms(stdin="4799887766\nall of it\n")
        self.expect((NUMBER, "all of it"))
        self.sendsms("noc", "to a group")
        self.expect((NUMBER, "to a group"), ("+4790000001", "to a group"))
        self.sendsms(NUMBER, b"St\xf6rung")
        self.expect((NUMBER, "Störung"))
        self.sendsms(NUMBER, "twice")
        self.expect((NUMBER, "twice"))
        self.sendsms(NUMBER, "twice")
        self.expect((NUMBER, "twice"))

    def test_failures_have_the_status_of_smstools3(self):
        for words, why in (((), "expected a telephone number, found nothing"), ((NUMBER,), "the text is empty"), (("", "x"), "found nothing"),
                           (("+4799887766 112", "x"), "may be one number or several"), (("+4612345678", "x"), "may not submit to this number"),
                           (("boss", "x"), "may not submit to the group boss"), (("--frobnicate", NUMBER, "x"), "--frobnicate")):
            said = self.sendsms(*words, status=1)
            self.assertIn(why, said)
            self.assertTrue(said.startswith("sendsms: "), said)
            self.assertEqual(said.count("\n"), 1, said)
        said = self.sendsms(NUMBER, "+4612345678", "one of them is refused", status=1)
        self.assertIn("+4612345678: not sent:", said)
        self.expect((NUMBER, "one of them is refused"))

    def test_a_restart_is_ridden_out(self):
        self.smsd.close()
        client = subprocess.Popen([BIN / "sendsms", "--socket", self.smsd.folder / "intake.sock", NUMBER, "through a restart"], preexec_fn=die_with_parent)
        self.assertIsNone(client.poll())
        self.smsd.start()
        self.assertEqual(client.wait(DEADLINE), 0)
        self.expect((NUMBER, "through a restart"))

    @unittest.skipUnless(os.getuid() == 0, "needs another user")
    def test_a_user_outside_the_group_learns_what_to_do(self):
        (self.smsd.folder / "intake.sock").chmod(0o600)
        nobody = pwd.getpwnam("nobody")
        done = subprocess.run([programs_for("nobody", self.folder) / "sendsms", "--socket", self.smsd.folder / "intake.sock", NUMBER, "x"], capture_output=True,
                              text=True, check=False, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/", timeout=DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("permission denied; the user of this program has to be in the group smsd-submit", done.stderr)

    # The calls of clients, built from their sources. The texts of the monitoring systems are examples.

    def command(self):
        """A sendsms in the search path, as the scripts expect it."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        wrapper = folder / "sendsms"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(str(BIN / "sendsms"))} --socket {shlex.quote(str(self.smsd.folder / "intake.sock"))} "$@"\n')
        wrapper.chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def run_script(self, *command, **environment):
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**self.command(), **environment}, stdin=subprocess.DEVNULL, timeout=DEADLINE)

    def test_netdata(self):
        # netdata, src/health/notifications/alarm-notify.sh.in, send_sms(), at 0a05dbde1c1f: 160 characters; the recipients are not quoted;
        # both outputs become the reason of a failure.
        script = ('sendsms=$(command -v sendsms); msg="$host $status_message: $chart, $alarm"; msg="${msg:0:160}"; sent=0; '
                  'for phone in $recipients; do errmessage=$($sendsms $phone "$msg" 2>&1); errcode=$?; '
                  'if [ ${errcode} -eq 0 ]; then sent=$((sent + 1)); else echo "error code ${errcode}: ${errmessage}."; fi; done; [ $sent -gt 0 ]')
        alarm = {"host": "db1", "status_message": "is critical", "chart": "disk_space./var", "alarm": "disk space usage = 98%" + " and more" * 20}
        text = "db1 is critical: disk_space./var, " + alarm["alarm"]
        done = self.run_script("bash", "-c", script, **alarm, recipients="4799887766 +4799887765")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done)
        self.expect((NUMBER, text[:160].rstrip()), ("+4799887765", text[:160].rstrip()))
        done = self.run_script("bash", "-c", script, **alarm, recipients="+4612345678")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error code 1: sendsms: +4612345678: not sent: the user", done.stdout)

    def test_checkmk(self):
        # Checkmk, notifications/sms, at 09fad9b4b9b0: the program is searched by `which`, and called through a shell.
        script = ("import os, sys\nif os.system('which sendsms >/dev/null') != 0: sys.exit(2)\n"
                  "message = os.environ['NOTIFY_HOSTNAME'] + ' ' + os.environ['NOTIFY_SERVICESTATE'][:2] + ' ' + os.environ['NOTIFY_SERVICEDESC'] + ' '\n"
                  "message += os.environ['NOTIFY_SERVICEOUTPUT']\nempf = os.environ['NOTIFY_CONTACTPAGER']\n"
                  "sys.exit(0 if os.system(\"%s %s '%s'\" % ('sendsms', empf, message[:160])) == 0 else 1)\n")
        service = {"NOTIFY_HOSTNAME": "db1", "NOTIFY_SERVICESTATE": "CRITICAL", "NOTIFY_SERVICEDESC": "Filesystem /var", "NOTIFY_SERVICEOUTPUT": "CRIT - 98% used (!!)"}
        done = self.run_script("/usr/bin/python3", "-c", script, **service, NOTIFY_CONTACTPAGER="4799887766")
        self.assertEqual(done.returncode, 0, done)
        self.expect((NUMBER, "db1 CR Filesystem /var CRIT - 98% used (!!)"))
        done = self.run_script("/usr/bin/python3", "-c", script, **service, NOTIFY_CONTACTPAGER="4612345678")
        self.assertEqual(done.returncode, 1)

    def test_icinga_and_nagios(self):
        # ICSW's configuration of Icinga and Nagios, all_commands, notify-by-sms: command_line, with the macros replaced, run by a shell.
        done = self.run_script("/bin/sh", "-c", "sendsms +4799887766 'PROBLEM alert - ping is CRITICAL on db1'")
        self.assertEqual(done.returncode, 0, done)
        self.expect((NUMBER, "PROBLEM alert - ping is CRITICAL on db1"))
        # The form of Nagios' manual for commands, with the text through a pipe.
        done = self.run_script("/bin/sh", "-c", "/usr/bin/printf '%b' 'PROBLEM: db1\\nis DOWN' | sendsms +4799887766")
        self.assertEqual(done.returncode, 0, done)
        self.expect((NUMBER, "PROBLEM: db1\nis DOWN"))


class LostAnswers(Scenario):
    """A stand-in for smsd."""

    def sendsms(self, socket):
        return subprocess.run([BIN / "sendsms", "--socket", socket, NUMBER, "+4799887765", "disk full"], capture_output=True, text=True, check=False, timeout=DEADLINE)

    def test_a_lost_answer_makes_no_second_sms(self):
        smsd = self.open(StandIn(self.folder))
        smsd.mode("break-once")
        smsd.start()
        done = self.sendsms(smsd.socket)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(len(smsd.calls()), 2)
        self.assertEqual([alert["number"] for alert in smsd.alerts()], [NUMBER, "+4799887765"])
        self.assertEqual(len({alert["key"] for alert in smsd.alerts()}), 1)
        self.assertEqual(self.sendsms(smsd.socket).returncode, 0)
        self.assertEqual(len({alert["key"] for alert in smsd.alerts()}), 2, "each call has a key of its own")

    def test_a_queue_that_stays_away(self):
        smsd = self.open(StandIn(self.folder))
        smsd.mode("problem")
        smsd.start()
        done = self.sendsms(smsd.socket)
        self.assertEqual(done.returncode, 1)
        self.assertIn("sendsms: the SMS may not be in the queue: ", done.stderr)
        self.assertGreater(len(smsd.calls()), 2)
