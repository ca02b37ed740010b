# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-mail-intake: as Postfix's pipe(8) calls it, and behind a real Postfix with the lines of the manual."""

import email.mime.text
import email.utils
import os
import pathlib
import pwd
import re
import shutil
import smtplib
import subprocess
import unittest

from harness import BIN, DEADLINE, SOURCE, Scenario, die_with_parent, free_port, programs_for, wait_for
from intake import WithIntake
from intake_door import StandIn

NUMBER = "+4799887766"
SQLITE = {"backend": "sqlite", "sqlite": {"path": "queue.db"}}


def mail(subject, text, message_id=None, to="sms@sms.example.org"):
    """As Django makes it, with which Argus (src/argus/notificationprofile/media/sms_as_email.py at 01d2a73e70db) and NAV
    (python/nav/smsd/uninettmaildispatcher.py at 1594b6fd58db) send theirs."""
    made = email.mime.text.MIMEText(text, "plain", "utf-8")
    made["Subject"], made["From"], made["To"] = subject, "argus@sender.example", to
    made["Date"], made["Message-ID"] = email.utils.formatdate(), message_id or email.utils.make_msgid(domain="sender.example")
    return made


class Filter(WithIntake):
    """A real supervisor on SQLite."""

    def deliver(self, message, *options, status=0, socket=None):
        data = message if isinstance(message, bytes) else message.as_bytes()
        done = subprocess.run([BIN / "smsd-mail-intake", "--socket", socket or self.smsd.folder / "intake.sock", *options], input=data, capture_output=True,
                              check=False, timeout=DEADLINE)
        self.assertEqual(done.returncode, status, done)
        return done.stderr.decode()

    def start(self, **caller):
        self.smsd = self.supervisor(SQLITE, callers=[{"user": str(os.getuid()), "recipients": ["+47*"], "groups": ["noc"], **caller}]).start()

    def expect(self, *expected):
        wait_for("they have left", lambda: len(self.sent(self.smsd)) >= len(expected))
        self.assertEqual([(sms["recipient"], sms["text"]) for sms in self.sent(self.smsd)], list(expected))

    def test_mails(self):
        self.start()
        # No output: pipe(8) would put it into the log.
        self.assertEqual(self.deliver(mail("sms +4799887766", "Bø: link 7 is down\n")), "")
        sent = [(NUMBER, "Bø: link 7 is down")]
        self.expect(*sent)
        twice = mail("sms 99887766", "twice")
        self.deliver(twice)
        self.deliver(b"From argus@sender.example  Fri Nov 27 12:00:00 2026\nReceived: by another\n" + twice.as_bytes())
        self.expect(*(sent := [*sent, (NUMBER, "twice")]))
        self.deliver(mail("Disk full", "on db1"), "--to=4799887765", "--severity", "1")
        self.expect(*(sent := [*sent, ("+4799887765", "on db1")]))
        japanese = b"Subject: sms +4799887766\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B8N>c\x1b(B\n"
        self.deliver(japanese)
        self.expect(*(sent := [*sent, (NUMBER, "故障")]))
        self.deliver(b"Subject: sms +4799887766\nContent-Type: text/plain; charset=ibm1047\n\nan unknown set\n")
        self.expect(*(sent := [*sent, (NUMBER, "an unknown set")]))
        large = mail("sms +4799887766", "x" * 5000).as_bytes() + b"\n" * (4 << 20)
        self.deliver(large)
        wait_for("it has left", lambda: len(self.sent(self.smsd)) == len(sent) + 1)
        self.assertEqual(self.explain(self.smsd, len(sent) + 1)["text"], "x" * 4093 + "...")
        self.assertIn("(mail)", self.smsd.ctl("explain", "1"))
        self.deliver(mail("sms noc", "to a group"), "--to=")
        wait_for("it has left", lambda: len(self.sent(self.smsd)) == len(sent) + 3)

    def test_refusals(self):
        self.start(rate=2)
        for message, status, why in ((mail("Re: sms +4799887766", "x"), 65, "the subject has to be `sms NUMBER`"), (b"", 65, "no SMS was sent: "),
                                     (mail("sms +4799887766", " "), 65, "send the alert as plain text"),
                                     (mail("sms +123", "x"), 77, "intake.callers"), (mail("sms +00", "x"), 65, "cannot be a telephone number"),
                                     (mail("sms boss", "x"), 77, "intake.callers"), (mail("sms +4612345678", "x"), 77, "may not submit to this number")):
            said = self.deliver(message, status=status)
            self.assertIn(why, said)
            self.assertTrue(all(line.startswith("smsd-mail-intake: ") for line in said.splitlines()), said)
        self.assertIn("--frobnicate", self.deliver(mail("sms noc", "x"), "--frobnicate", status=75))
        self.deliver(mail("sms noc", "two of two"))
        self.assertIn("the mail is tried again", self.deliver(mail("sms noc", "too many"), status=75))
        self.assertEqual(self.smsd.ctl("queue", "list", "--json").count("too many"), 0)

    def test_smsd_is_away(self):
        self.start()
        self.smsd.close()
        late = mail("sms +4799887766", "late")
        self.assertIn("smsd is not running", self.deliver(late, status=75))
        self.smsd.start()
        self.deliver(late)
        self.expect((NUMBER, "late"))


class Confined(Scenario):
    def test_it_runs_locked_in(self):
        """While it waits for the answer of a stand-in, it has its lock."""
        smsd = self.open(StandIn(self.folder))
        smsd.mode("hang")
        smsd.start()
        client = subprocess.Popen([BIN / "smsd-mail-intake", "--socket", smsd.socket], stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        try:
            client.stdin.write(mail("sms +4799887766", "x").as_bytes())
            client.stdin.close()
            wait_for("it has called", smsd.calls)
            status = pathlib.Path(f"/proc/{client.pid}/status").read_text()
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertRegex(status, r"Seccomp:\t2")
        finally:
            client.kill()
            client.wait(DEADLINE)
            client.stderr.close()

    def test_a_lost_answer_makes_no_second_sms(self):
        smsd = self.open(StandIn(self.folder))
        smsd.mode("break-once")
        smsd.start()
        done = subprocess.run([BIN / "smsd-mail-intake", "--socket", smsd.socket], input=mail("sms +4799887766", "x").as_bytes(), capture_output=True, check=False,
                              timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual((len(smsd.calls()), len(smsd.alerts())), (2, 1))


def lines_of_the_manual():
    """The literal blocks of the manual for main.cf and master.cf."""
    page = (SOURCE / "man" / "smsd-mail-intake.8").read_text()
    blocks = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed\n", page, re.M | re.S)
    return next(b for b in blocks if "relay_domains" in b), next(b for b in blocks if "argv=" in b)


class PostfixServer:
    """Debian's Postfix in a folder of its own, on loopback. Mails to sender.example become files in `bounces`."""

    def __init__(self, folder, program, socket):
        self.folder, self.port = pathlib.Path(folder) / "postfix", free_port()
        self.bounces, self.log = self.folder / "bounces", self.folder / "log"
        config = self.folder / "etc"
        for path in (self.folder, config, self.folder / "spool", self.folder / "data", self.bounces):
            path.mkdir()
        self.bounces.chmod(0o777)
        shutil.chown(self.folder / "data", "postfix")
        main, master = lines_of_the_manual()
        main = main.replace("inline:{ {sms.example.org = smsd:} }", "inline:{ {sms.example.org = smsd:}, {sender.example = capture:} }")
        (config / "main.cf").write_text(main + "\n".join((
            "compatibility_level = 3.6", f"queue_directory = {self.folder}/spool", f"data_directory = {self.folder}/data", "inet_interfaces = 127.0.0.1",
            "inet_protocols = ipv4", "mynetworks = 127.0.0.1/32", "myhostname = mx.example.org", "mydestination =", "alias_maps =", "alias_database =", "relayhost =",
            "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", f"maillog_file = {self.log}", f"maillog_file_prefixes = {self.folder}",
            "queue_run_delay = 1s", "minimal_backoff_time = 1s", "maximal_backoff_time = 1s", "default_database_type = hash", "")))
        master = master.replace("user=smsd-mail-intake:smsd-submit", "user=nobody").replace("/usr/sbin/smsd-mail-intake", f"{program} --socket {socket}")
        services = (f"127.0.0.1:{self.port} inet n - n - - smtpd", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 1 1 qmgr", "rewrite unix - - n - - trivial-rewrite",
                    "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "proxymap unix - - n - - proxymap",
                    "smtp unix - - n - - smtp", "error unix - - n - - error", "retry unix - - n - - error", "anvil unix - - n - 1 anvil",
                    "scache unix - - n - 1 scache", "flush unix n - n 1000? 0 flush", "showq unix n - n - - showq", "postlog unix-dgram n - n - 1 postlogd",
                    f"capture unix - n n - - pipe user=nobody argv=/bin/dd status=none of={self.bounces}/${{queue_id}}")
        (config / "master.cf").write_text(master + "\n".join(services) + "\n")
        self.config = config
        self.process = subprocess.Popen(["postfix", "-c", config, "start-fg"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        wait_for("Postfix listens", self._listens)

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Postfix ended: {self.text()}")
        try:
            smtplib.SMTP("127.0.0.1", self.port, timeout=DEADLINE).close()
            return True
        except OSError:
            return False

    def send(self, message, source="127.0.0.1"):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=DEADLINE, source_address=(source, 0)) as client:
            client.send_message(message)

    def text(self):
        return self.log.read_text() if self.log.exists() else ""

    def close(self):
        subprocess.run(["postfix", "-c", self.config, "abort"], capture_output=True, check=False, timeout=DEADLINE)
        self.process.wait(DEADLINE)


@unittest.skipUnless(shutil.which("postfix") and os.getuid() == 0, "needs root and the package postfix, of the group proof of deploy/packages")
class Postfix(WithIntake):
    def setUp(self):
        super().setUp()
        pwd.getpwnam("postfix")
        self.smsd = self.supervisor(SQLITE, callers=[{"user": "nobody", "recipients": ["+47*"], "groups": ["noc"]}])
        self.start_smsd()
        self.postfix = self.open(PostfixServer(self.folder, programs_for("nobody", self.folder) / "smsd-mail-intake", self.smsd.folder / "intake.sock"))

    def start_smsd(self):
        self.smsd.start()
        (self.smsd.folder / "intake.sock").chmod(0o666)  # as its group would see it

    def expect(self, *expected):
        wait_for(f"they have left; {self.postfix.text()}", lambda: len(self.sent(self.smsd)) >= len(expected))
        self.assertEqual(sorted((sms["recipient"], sms["text"]) for sms in self.sent(self.smsd)), sorted(expected))

    def test_mails_of_argus_and_nav(self):
        # Numbers of their own, because messages that wait for one number become one SMS.
        self.postfix.send(mail("sms +4790000011", "link 7 is down\n"))
        self.postfix.send(mail("sms 90000012", "Bø er nede\n"))
        self.postfix.send(mail("Alert", "by the address", to="sms+noc@sms.example.org"))
        self.expect(("+4790000011", "link 7 is down"), ("+4790000012", "Bø er nede"), (NUMBER, "by the address"), ("+4790000001", "by the address"))
        self.assertNotIn("status=bounced", self.postfix.text())

    def test_a_mail_waits_while_smsd_is_away(self):
        self.smsd.close()
        late = mail("sms +4799887766", "late", message_id="<1@sender.example>")
        self.postfix.send(late)
        wait_for("Postfix keeps it", lambda: "status=deferred (temporary failure. Command output: smsd-mail-intake: smsd is not running" in self.postfix.text())
        self.start_smsd()
        self.expect((NUMBER, "late"))
        wait_for("Postfix knows", lambda: self.postfix.text().count("status=sent") == 1)
        self.postfix.send(late)
        wait_for("a second delivery is a duplicate", lambda: self.postfix.text().count("status=sent") == 2)
        self.expect((NUMBER, "late"))

    def test_a_refused_mail_returns_with_the_reason(self):
        self.postfix.send(mail("sms +4612345678", "x"))
        bounce = wait_for("it returns", lambda: next((b.read_text() for b in self.postfix.bounces.iterdir() if "--" in b.read_text()), None))
        said = " ".join(bounce.split())
        self.assertIn("no SMS to +4612345678: the user nobody may not submit to this number; the administrator of smsd can allow it", said)
        self.assertEqual(self.sent(self.smsd), [])

    def test_only_the_own_networks_may_send(self):
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.postfix.send(mail("sms +4799887766", "x"), source="127.0.0.2")
        self.assertEqual(self.sent(self.smsd), [])
