# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-intake behind the walls of its units, under a real systemd, with the real smsd: from a POST to an SMS."""

import json

from booted import Booted
from harness import wait_for

POST = """import json, sys, urllib.error, urllib.request
path, token, body = sys.argv[1:]
request = urllib.request.Request("http://127.0.0.1:9785" + path, data=body.encode() or None, headers={"Authorization": "Bearer " + token})
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as fault:
    print(fault.code, fault.read().decode())"""
TOKEN = "a-token-of-the-booted-test"
PROBE = """import os, socket, sys
def tries(what, attempt):
    try:
        attempt()
        print(what, "possible")
    except OSError as fault:
        print(what, "refused")
def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(2)
        one.connect(address)
tries("smsd.yaml", lambda: open("/etc/smsd/smsd.yaml").close())
tries("dispatchers", lambda: os.listdir("/etc/smsd/dispatchers"))
tries("queue", lambda: os.listdir("/var/lib/smsd"))
tries("control.sock", lambda: connect(socket.AF_UNIX, "/run/smsd/operator/control.sock"))
tries("status.sock", lambda: connect(socket.AF_UNIX, "/run/smsd/status/status.sock"))
tries("bus", lambda: connect(socket.AF_UNIX, "/run/dbus/system_bus_socket"))
tries("network", lambda: connect(socket.AF_INET, ("127.0.0.1", 9785)))
tries("writing", lambda: open("/etc/smsd-intake/more", "w").close())
tries("intake.sock", lambda: connect(socket.AF_UNIX, "/run/smsd/intake/intake.sock"))"""


class Intake(Booted):
    def setUp(self):
        super().setUp()
        self.configure({"file": ("debug", {"file": "sent.jsonl"})},
                       intake={"callers": [{"user": "smsd-intake", "recipients": ["+47900*"], "groups": ["ops"], "rate": 1000}]})
        self.machine.write("/etc/smsd/groups.yaml", {"groups": [{"name": "ops", "numbers": ["+4790000001", "+4790000002"]}]})
        self.start()
        wait_for("the worker is ready", lambda: self.states() == {"file": "ready"})
        self.machine.write("/etc/smsd-intake/alerts.token", TOKEN + "\n", group="smsd-intake", mode=0o640)
        self.machine.write("/etc/smsd-intake/intake.yaml", {"tokens": [{"name": "alerts", "secret_file": "alerts.token", "recipients": ["*"], "groups": ["*"]}]},
                           group="smsd-intake", mode=0o640)

    def post(self, body, path="/alerts", token=TOKEN):
        status, _, text = self.machine.run("/usr/bin/python3", "-c", POST, path, token, json.dumps(body) if body else "").stdout.partition(" ")
        return int(status), text

    def test_a_request_becomes_an_sms(self):
        self.assertEqual(self.machine.unit("smsd-intake.socket", "ActiveState"), ["inactive"], "off by default")
        self.machine.run("systemctl", "enable", "--now", "smsd-intake.socket")
        self.assertEqual(self.post(None, "/healthz"), (200, "ok\n\n"))
        status, answer = self.post({"group": "ops", "text": "disk full", "key": "k"})
        self.assertEqual(status, 200, answer)
        wait_for("it is sent", lambda: len(self.sms("file")) == 2)
        self.assertEqual(sorted(sms["recipient"] for sms in self.sms("file")), ["+4790000001", "+4790000002"])
        self.assertIn("duplicate", self.post({"group": "ops", "text": "disk full", "key": "k"})[1])
        self.assertEqual(self.post({"to": "+4799000001", "text": "x"})[0], 403, "smsd.yaml does not allow that to the user smsd-intake")
        self.assertEqual(self.post({"to": "+4790000001", "text": "x"}, token="wrong")[0], 401)
        (intake,) = self.machine.processes("smsd-intake.service")
        lines = dict(line.split(":\t", 1) for line in self.machine.read(f"/proc/{intake}/status").splitlines() if ":\t" in line)
        self.assertEqual((lines["NoNewPrivs"], lines["Seccomp"], lines["CapBnd"]), ("1", "2", "0" * 16))
        self.machine.run("systemctl", "stop", "smsd")
        self.assertEqual(self.post({"to": "+4790000001", "text": "x"})[0], 503)
        self.machine.run("systemctl", "start", "smsd")
        wait_for("alerts are taken again", lambda: self.post({"to": "+4790000001", "text": "y"})[0] == 200)
        self.machine.run("systemctl", "restart", "smsd-intake")
        self.assertEqual(self.post({"to": "+4790000001", "text": "z"})[0], 200)
        self.assert_no_unit_failed()

    def test_a_compromised_process_reaches_intake_sock_alone(self):
        """As the unit's user behind its walls; the process' own lock (Landlock, seccomp) comes in addition."""
        self.machine.write("/usr/local/bin/probe", PROBE, mode=0o755, group="root")
        self.machine.write("/etc/systemd/system/smsd-intake.service.d/probe.conf",
                           "[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/usr/bin/python3 -I /usr/local/bin/probe\nStandardOutput=journal\n", mode=0o644, group="root")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "start", "smsd-intake.service")
        found = dict(entry["MESSAGE"].rsplit(" ", 1) for entry in self.machine.journal("_SYSTEMD_UNIT=smsd-intake.service") if entry["MESSAGE"].endswith(("possible", "refused")))
        self.assertEqual(found.pop("intake.sock"), "possible")
        self.assertEqual(set(found.values()), {"refused"}, found)
        self.assertEqual(len(found), 8)
