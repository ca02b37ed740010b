# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in: programs submit alerts at intake.sock, each one within its rights, and none twice."""

import json
import os
import pathlib
import pwd
import sqlite3
import subprocess
import unittest

from harness import BIN, Postgres, Scenario, Smsd, die_with_parent, sms_in, wait_for
from harness.basics import programs_for
from main_path import install, postgres_queue

GROUPS = {"groups": [{"name": "noc", "numbers": ["+47 99 88 77 66", "0047 90000001", "90000001"]}]}
LONG = "core-gw1 is down; " + "the interfaces xe-0/0/1 and xe-0/0/2 lost their light, and BGP with them; " * 4 + "end"


class WithIntake(Scenario):
    def supervisor(self, queue, name="smsd", callers=None, groups=GROUPS, worker=None, user=None, **keys):
        mine = {"user": str(os.getuid()), "recipients": ["+47*"], "groups": ["noc"], "severities": [1, 2, 3]}
        folder = self.folder / name
        settings = {"country": "47", "formatting": {"max_parts": 8},
                    "intake": dict({"socket": str(folder / "intake.sock"), "callers": [mine] if callers is None else callers}, **keys)}
        smsd = self.open(Smsd(self.folder, queue, {"only": ("debug", worker or {"file": "sent.jsonl"})}, name=name, settings=settings, user=user))
        if groups is not None:
            (folder / "groups.yaml").write_text(json.dumps(groups))
        return smsd

    def submit(self, smsd, *arguments, status=0, program=BIN / "smsctl", **options):
        severity = () if "--severity" in arguments else ("--severity", "2")
        done = subprocess.run([program, "submit", "--socket", smsd.folder / "intake.sock", "--json", *severity, *arguments], capture_output=True,
                              text=True, check=False, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def sent(self, *supervisors):
        return [sms for one in supervisors for sms in sms_in(one.folder / "state" / "sent.jsonl")]

    def explain(self, smsd, message):
        return json.loads(smsd.ctl("explain", str(message), "--json"))


class Alerts(WithIntake):
    """What an alert becomes, on both queues."""

    def test_on_sqlite(self):
        smsd = self.supervisor({"backend": "sqlite", "sqlite": {"path": "queue.db"}})
        smsd.start()
        self.check_all(smsd)

    def test_on_postgresql(self):
        smsd = self.supervisor(postgres_queue(self.open(Postgres(self.folder))))
        install(smsd).start()
        self.check_all(smsd)

    def check_all(self, smsd):
        self.check_that_the_whole_text_leaves(smsd)
        self.check_that_a_group_is_reached(smsd)
        self.check_that_a_key_is_used_once(smsd)
        self.check_that_an_alert_may_be_resolved(smsd)
        self.check_refusals(smsd)
        self.check_that_an_operator_sends_to_a_group(smsd)

    def check_that_the_whole_text_leaves(self, smsd):
        self.assertGreater(len(LONG), 300)
        fate = self.submit(smsd, "--label", "grafana", "--expires-in", "1h", "99 88 77 66", LONG)
        self.assertEqual(fate["result"], "queued")
        self.assertEqual(fate["messages"][0]["recipient"], "+4799887766")
        wait_for("the SMS has left", lambda: self.sent(smsd))
        self.assertEqual([(sms["recipient"], sms["text"]) for sms in self.sent(smsd)], [("+4799887766", LONG)])
        story = self.explain(smsd, fate["messages"][0]["id"])
        self.assertEqual(story["text"], LONG)
        self.assertEqual(story["alert"]["label"], "grafana")
        self.assertEqual(story["alert"]["caller"], str(os.getuid()))
        words = smsd.ctl("explain", str(fate["messages"][0]["id"]))
        self.assertIn(f"submitted by the user {os.getuid()} (grafana)", words)
        self.assertIn("expires at", words)

    def check_that_a_group_is_reached(self, smsd):
        before = len(self.sent(smsd))
        fate = self.submit(smsd, "--group", "noc", "to all of us")
        self.assertEqual([m["recipient"] for m in fate["messages"]], ["+4799887766", "+4790000001"])
        wait_for("both have left", lambda: len(self.sent(smsd)) == before + 2)
        self.assertIn("to the group noc", smsd.ctl("explain", str(fate["messages"][1]["id"])))

    def check_that_a_key_is_used_once(self, smsd):
        before = len(self.sent(smsd))
        first = self.submit(smsd, "--key", "link-7", "+4799887766", "link 7 is down")
        again = self.submit(smsd, "--key", "link-7", "99887766", "link 7 is down, says its twin")
        self.assertEqual((first["result"], again["result"]), ("queued", "duplicate"))
        self.assertEqual(first["messages"], again["messages"])
        wait_for("it has left", lambda: len(self.sent(smsd)) == before + 1)
        story = smsd.ctl("explain", str(first["messages"][0]["id"]))
        self.assertIn('with the key "link-7"', story)
        self.assertIn("1 alert with the same key was a duplicate of it", story)
        late = self.submit(smsd, "--cancels", "link-7", "+4799887766", "link 7 is up")
        self.assertEqual(late["result"], "queued", "the first one has left")
        wait_for("it has left", lambda: len(self.sent(smsd)) == before + 2)

    def check_that_an_alert_may_be_resolved(self, smsd):
        before = len(self.sent(smsd))
        smsd.ctl("dispatcher", "pause", "only")
        firing = self.submit(smsd, "--key", "disk", "+4790000002", "the disk is full")
        resolved = self.submit(smsd, "--key", "disk-ok", "--cancels", "disk", "--label", "am1", "+4790000002", "the disk has room")
        twin = self.submit(smsd, "--key", "disk-ok-2", "--cancels", "disk", "--label", "am2", "+4790000002", "the disk has room")
        self.assertEqual((firing["result"], resolved["result"], twin["result"]), ("queued", "cancelled", "cancelled"))
        self.assertEqual(resolved["messages"], firing["messages"])
        smsd.ctl("dispatcher", "resume", "only")
        last = self.submit(smsd, "+4790000002", "another one")
        wait_for("it has left", lambda: len(self.sent(smsd)) > before)
        self.assertEqual([sms["text"] for sms in self.sent(smsd)[before:]], ["another one"])
        story = smsd.ctl("explain", str(firing["messages"][0]["id"]))
        self.assertIn("ignored", story)
        self.assertIn("it was resolved", story)
        self.assertIn(f"resolved by an alert of {os.getuid()} (am1), which was not sent", story)
        self.assertNotEqual(last["messages"], firing["messages"])

    def check_refusals(self, smsd):
        for words, status, why in ((["kari", "x"], 65, "kari cannot be a telephone number"), (["+4612345678", "x"], 77, "may not submit to this number"),
                                   (["--group", "boss", "x"], 77, "may not submit to the group boss"), (["--label", "a b", "99887766", "x"], 65, "label"),
                                   (["--key", "k" * 256, "99887766", "x"], 65, "`key`"), (["--severity", "5", "99887766", "x"], 77, "severity 5"),
                                   (["99887766", "x" * 4097], 65, "more than 4096 characters")):
            fate = self.submit(smsd, *words, status=status)
            self.assertEqual(fate["result"], "refused")
            self.assertIn(why, fate["why"])
        wait_for("the journal has it", lambda: "refused an alert of uid" in smsd.text())

    def check_that_an_operator_sends_to_a_group(self, smsd):
        before = len(self.sent(smsd))
        ids = json.loads(smsd.ctl("send", "--group", "noc", "--json", "-- PROBLEM --"))["ids"]
        self.assertEqual(len(ids), 2)
        wait_for("both have left", lambda: len(self.sent(smsd)) == before + 2)
        self.assertEqual({sms["recipient"] for sms in self.sent(smsd)[-2:]}, {"+4799887766", "+4790000001"})
        self.assertIn("there is no group boss", smsd.ctl("send", "--group", "boss", "x", check=False).stderr)
        self.assertIn("cannot be a telephone number", smsd.ctl("send", "kari", "x", check=False).stderr)
        smsd.ctl("send", "99 88 77 66", "in one form")
        wait_for("it has left", lambda: self.sent(smsd)[-1]["text"] == "in one form")
        self.assertEqual(self.sent(smsd)[-1]["recipient"], "+4799887766")


class Rights(WithIntake):
    """Who the kernel says it is decides; the configuration is read again as a whole."""

    def setUp(self):
        super().setUp()
        self.queue = {"backend": "sqlite", "sqlite": {"path": "queue.db"}}

    def test_a_user_without_an_entry_may_do_nothing(self):
        smsd = self.supervisor(self.queue, callers=[{"user": "nobody", "recipients": ["*"]}])
        smsd.start()
        fate = self.submit(smsd, "99887766", "x", status=77)
        self.assertIn(f"the user with the uid {os.getuid()} has no entry in intake.callers", fate["why"])

    @unittest.skipUnless(os.getuid() == 0, "needs another user")
    def test_another_user_is_the_one_that_the_kernel_names(self):
        smsd = self.supervisor(self.queue, callers=[{"user": "nobody", "recipients": ["*"], "rate": 5}])
        smsd.start()
        os.chmod(smsd.folder / "intake.sock", 0o666)  # as its group would see it
        nobody = pwd.getpwnam("nobody")
        program = pathlib.Path(programs_for("nobody", self.folder)) / "smsctl"

        def submit(text, status=0):
            return self.submit(smsd, "99887766", text, status=status, program=program, user=nobody.pw_uid, group=nobody.pw_gid, cwd="/")

        first = submit("from nobody")
        self.assertEqual(self.explain(smsd, first["messages"][0]["id"])["alert"]["caller"], "nobody")
        fates = [submit("again", status=0) for _ in range(4)]
        self.assertEqual({fate["result"] for fate in fates}, {"queued"})
        late = submit("too fast", status=75)
        self.assertIn("more than 5 messages a minute", late["why"])
        self.assertGreater(late["retry_after"], 0)

    def test_a_reload_is_all_or_nothing(self):
        smsd = self.supervisor(self.queue)
        smsd.start()
        groups = smsd.folder / "groups.yaml"
        groups.write_text('groups:\n  - name: noc\n    numbers: ["+4790000009"]\n  - name: boss\n    numbers: [kari]\n')
        refused = smsd.ctl("reload", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("groups.yaml:5", refused.stdout + refused.stderr)
        self.assertIn("kari cannot be a telephone number", refused.stdout + refused.stderr)
        self.assertEqual(len(self.submit(smsd, "--group", "noc", "the former group")["messages"]), 2)
        groups.write_text('groups:\n  - name: noc\n    numbers: ["+4790000009"]\n')
        self.assertIn("groups", smsd.ctl("reload"))
        self.assertEqual([m["recipient"] for m in self.submit(smsd, "--group", "noc", "the new group")["messages"]], ["+4790000009"])
        config = json.loads(smsd.config.read_text())
        config["intake"]["callers"] = []
        smsd.config.write_text(json.dumps(config))
        self.assertIn("intake.callers", smsd.ctl("reload"))
        self.submit(smsd, "99887766", "x", status=77)

    def test_there_is_no_intake_without_a_socket_of_its_own(self):
        smsd = self.open(Smsd(self.folder, self.queue, {"only": ("debug", {})}))
        smsd.start()
        self.assertFalse((smsd.folder / "intake.sock").exists())


class TwoSupervisors(WithIntake):
    """One queue, two ways in: what comes at both is one message."""

    def test_what_comes_at_both_leaves_once(self):
        postgres = self.open(Postgres(self.folder))
        one = self.supervisor(postgres_queue(postgres), name="one")
        two = self.supervisor(postgres_queue(postgres), name="two")
        install(one)
        one.start(), two.start()
        calls = []
        for n in range(40):
            for smsd in (one, two):
                calls.append(subprocess.Popen([BIN / "smsctl", "submit", "--socket", smsd.folder / "intake.sock", "--json", "--severity", "1", "--key", f"k{n}",
                                               f"+479000{n:04}", f"alert {n}"], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent))
            if n % 8 == 7:
                for call in calls[-16:]:
                    call.wait(30)
        results = [json.loads(call.communicate()[0])["result"] for call in calls]
        self.assertEqual((results.count("queued"), results.count("duplicate")), (40, 40))
        wait_for("all have left", lambda: len(self.sent(one, two)) >= 40)
        one.stop(), two.stop()
        self.assertEqual(sorted(sms["text"] for sms in self.sent(one, two)), sorted(f"alert {n}" for n in range(40)))


class Kills(WithIntake):
    """A program that submits again what was not answered, and a supervisor that is killed meanwhile: each alert is one message."""

    ALERTS, TIMES = 1500, int(os.environ.get("SMSD_INTAKE_KILLS", "12"))

    def test_on_sqlite(self):
        smsd = self.supervisor({"backend": "sqlite", "sqlite": {"path": "queue.db"}}, callers=self.anything())
        self.check(smsd, lambda: [text for text, in sqlite3.connect(smsd.folder / "queue.db").execute("SELECT msg FROM smsq")])

    def test_on_postgresql(self):
        postgres = self.open(Postgres(self.folder))
        smsd = install(self.supervisor(postgres_queue(postgres), callers=self.anything()))
        self.check(smsd, lambda: [text for text, in postgres.sql("SELECT msg FROM smsq")])

    def anything(self):
        return [{"user": str(os.getuid()), "recipients": ["*"], "rate": 1_000_000}]

    def check(self, smsd, texts):
        smsd.start()
        client = subprocess.Popen([BIN / "intake-load", "--socket", smsd.folder / "intake.sock", "--alerts", str(self.ALERTS), "--window", "4", "--pause", "20",
                                   "--per-call", "3"], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        killed = 0
        while client.poll() is None and killed < self.TIMES:
            before = len(texts())
            wait_for("alerts come", lambda: len(texts()) > before or client.poll() is not None)
            smsd.process.kill()
            smsd.process.wait(30)
            smsd.start()
            killed += 1
        said = json.loads(client.communicate(timeout=120)[0])
        self.say(killed=killed, **said)
        self.assertGreater(killed, 2)
        self.assertEqual(said["queued"] + said["duplicate"], self.ALERTS)
        self.assertEqual(sorted(texts()), sorted(f"load {n}" for n in range(self.ALERTS)))
