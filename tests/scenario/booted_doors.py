# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what over smsd's sockets, as installed: real users in real groups, none of whom can read /etc/smsd."""

import json

from booted import Booted
from harness import wait_for

DENIED, WRONG, NOT_ALLOWED = 3, 64, 77


class Doors(Booted):
    def setUp(self):
        super().setUp()
        self.machine.shell("for one in kari ola lise per; do useradd --no-create-home $one; done; "
                           "usermod -aG smsd-operator kari; usermod -aG smsd-status ola; usermod -aG smsd-submit lise")
        when = [{"text": "HOLD", "result": "hang"}, {"text": "NO", "result": "refuse"}]
        self.dispatchers = {"modem": ("debug", {"file": "sent.jsonl", "when": when})}
        self.configure(self.dispatchers, entries={"modem": {"timeout": "1s"}}, retry={"unknown": "hold"}, country="47",
                       intake={"callers": [{"user": "lise", "recipients": ["+47*"], "severities": [1]}]})
        self.start()
        wait_for("the modem is ready", lambda: self.states() == {"modem": "ready"})

    def as_user(self, user, *words, status=0):
        """What smsctl prints to that user, in their real groups."""
        done = self.machine.run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "smsctl", *words, check=False)
        self.assertEqual(done.returncode, status, (user, words, done.stdout, done.stderr))
        return done.stderr if status else done.stdout

    def kari(self, *words, **more):
        return self.as_user("kari", *words, **more)

    def send(self, number, text):
        return json.loads(self.kari("send", number, text, "--json"))["id"]

    def state(self, message):
        """As smsd's own user, so that kari's reads are not more than have an entry each."""
        return json.loads(self.machine.ctl("explain", str(message), "--json").stdout)["state"]

    def held(self):
        return [sms["id"] for sms in json.loads(self.machine.ctl("queue", "held", "--json").stdout)]

    def test_each_group_does_what_is_its_own_and_a_stranger_nothing(self):
        for user in ("kari", "ola", "lise", "per"):
            for path in ("/etc/smsd/smsd.yaml", "/etc/smsd/dispatchers/modem.yaml", "/var/lib/smsd/queue.db"):
                self.assertNotEqual(self.machine.run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "cat", path, check=False).returncode, 0)
        self.assertEqual(self.machine.shell("stat -c '%a %U %G' /run/smsd /run/smsd/operator /run/smsd/status /run/smsd/intake /run/smsd/*/*.sock")
                         .stdout.splitlines(), ["711 smsd smsd", "2750 smsd smsd-operator", "2750 smsd smsd-status", "2750 smsd smsd-submit",
                                               "660 smsd smsd-submit", "660 smsd smsd-operator", "660 smsd smsd-status"])
        self.check_an_operator()
        self.check_monitoring()
        self.check_a_program_that_alerts()
        self.check_a_stranger()

    def check_an_operator(self):
        sent = self.send("+4799887766", "core-gw1 is down")
        wait_for("it is sent", lambda: self.state(sent) == "sent")
        story = self.kari("explain", str(sent))
        for words in ("core-gw1 is down", "1 part, 16 septets in GSM-7", "accepted", "modem now: a worker of kind debug", "next: nothing to do"):
            self.assertIn(words, story)
        self.assertRegex(story, r"through modem: accepted \(reference \d+\), took \d+")
        self.assertIn("core-gw1 is down", self.kari("queue", "show", str(sent)))
        self.assertEqual([m["id"] for m in json.loads(self.kari("queue", "list", "--status", "Y", "--json"))], [sent])
        held = self.send("+471", "HOLD")
        wait_for("it is held", lambda: self.state(held) == "held")
        (first,) = json.loads(self.kari("queue", "held", "--json"))
        self.assertEqual((first["messages"], first["text"]), ([held], "HOLD"))
        self.assertIn("may be sent again", self.kari("queue", "release", str(first["id"])))
        second = wait_for("it is held as another SMS", lambda: [sms for sms in self.held() if sms != first["id"]])
        self.kari("queue", "discard", str(second[0]))
        self.assertIn("discarded by an operator", self.kari("explain", str(held)))
        refused = self.send("+472", "NO")
        wait_for("it is ignored", lambda: self.state(refused) == "ignored")
        self.assertIn("every dispatcher refused it", self.kari("explain", str(refused)))
        self.assertIn("is unsent again", self.kari("queue", "retry", str(refused)))
        wait_for("it was tried again", lambda: self.machine.ctl("explain", str(refused)).stdout.count("every dispatcher refused it") == 2)
        self.kari("dispatcher", "pause", "modem")
        waiting = [self.send("+473", "one"), self.send("+474", "two")]
        self.assertEqual(json.loads(self.kari("queue", "cancel", "--dry-run", "--json"))["would_cancel"], 2)
        self.assertIn("choose by ID", self.kari("queue", "cancel", status=WRONG))
        self.kari("queue", "cancel", str(waiting[0]))
        self.assertEqual([m["id"] for m in json.loads(self.kari("queue", "list", "--json"))], [waiting[1]])
        self.assertEqual(self.kari("queue", "cancel", "--yes"), "1 message will not be sent\n")
        self.kari("dispatcher", "resume", "modem")
        self.kari("reload")
        self.kari("test", "+475")
        uid = self.machine.run("id", "-u", "kari").stdout.strip()
        acts = [entry["MESSAGE"].removesuffix(f" by uid {uid}") for entry in self.machine.journal("--unit=smsd", f"SMSD_UID={uid}")]
        for act in (f"send of message {sent} to +47******66", f"explain of message {sent}", "list of sent messages", "list of held SMS",
                    f"release of the held SMS {first['id']}, with 1 messages", f"discard of the held SMS {second[0]}, with 1 messages",
                    f"retry of the ignored message {refused}", "preview of a cancel",
                    f"cancel of 1 messages (chosen: message {waiting[0]}): {waiting[0]}", "pause of modem",
                    "resume of modem", "reload"):
            self.assertIn(act, acts)
        self.say(acts=len(acts))

    def check_monitoring(self):
        status = json.loads(self.as_user("ola", "status", "--json"))
        self.assertEqual((status["healthy"], [d["name"] for d in status["dispatchers"]]), (True, ["modem"]))
        self.as_user("ola", "dispatcher", "list")
        self.check_denied("ola", "send", "+471", "x")

    def check_a_program_that_alerts(self):
        fate = json.loads(self.as_user("lise", "submit", "--severity", "1", "--json", "90 00 00 01", "core-gw1 is down"))
        self.assertEqual((fate["result"], fate["messages"][0]["recipient"]), ("queued", "+4790000001"))
        sent = fate["messages"][0]["id"]
        wait_for("it is sent", lambda: self.state(sent) == "sent")
        self.assertIn("submitted by the user lise", self.machine.ctl("explain", str(sent)).stdout)
        self.assertIn("may not submit the severity 2", self.as_user("lise", "submit", "--severity", "2", "90000001", "x", status=NOT_ALLOWED))
        self.check_denied("lise", "status")

    def check_a_stranger(self):
        for user in ("per", "ola"):
            self.assertIn("permission denied; run this as root or as a member of the group smsd-submit",
                          self.as_user(user, "submit", "90000001", "x", status=DENIED))
        self.check_denied("per", "status")
        self.check_denied("per", "send", "+471", "x")

    def check_denied(self, user, *first):
        for words in (first, ("queue", "list"), ("queue", "held"), ("queue", "release", "1"), ("queue", "cancel", "--yes"), ("queue", "retry", "--all"),
                      ("explain", "1"), ("queue", "show", "1"), ("test", "+471"), ("dispatcher", "pause", "modem"), ("reload",)):
            said = self.as_user(user, *words, status=DENIED)
            self.assertIn("permission denied; run this as root or as a member of the group smsd-operator", said)

    def test_the_path_of_older_versions_is_kept_where_it_is_named_or_its_folder_is_missing(self):
        self.machine.shell("systemctl stop smsd; rm -r /run/smsd/operator /run/smsd/status; systemctl start smsd")
        self.check_former_path()
        self.assertIn("there is no folder /run/smsd/operator and /run/smsd/status: smsctl works at /run/smsd/control.sock",
                      " ".join(entry["MESSAGE"] for entry in self.machine.journal("--unit=smsd", "--priority=warning")))
        self.configure(self.dispatchers, control={"socket": "/run/smsd/control.sock"})
        self.machine.shell("systemd-tmpfiles --create; systemctl restart smsd")
        self.check_former_path()
        self.as_user("ola", "status")  # its own socket is there again

    def check_former_path(self):
        wait_for("it answers", self.machine.status)  # to smsd's user, who may read the configuration
        self.machine.run("systemctl", "reload", "smsd")
        said = self.as_user("kari", "queue", "list", status=DENIED)
        self.assertIn("/run/smsd/control.sock: permission denied; run this as root; operators without root need the socket in its default folder", said)
        self.assertNotIn("usermod", said)
