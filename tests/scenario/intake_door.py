# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-intake as systemd starts it, and a stand-in for smsd at intake.sock that fails, is slow or is away on request."""

import json
import pathlib
import socket
import subprocess
import time

from handed_socket import HandedSocket
from harness import BIN, DEADLINE, Scenario, die_with_parent, records, wait_for

NUMBER = "+4790000001"
TOKEN, OTHER, READER = "the-token-of-the-tests", "another-token-of-tests", "reads-the-metrics-only"
TOKENS = [{"name": "tests", "secret_file": "tests.token", "recipients": ["*"], "groups": ["*"]},
          {"name": "narrow", "secret_file": "narrow.token", "recipients": ["+47 900*"], "groups": ["night"], "severities": [1, 2], "rate": 5},
          {"name": "reader", "secret_file": "reader.token", "metrics": True}]


def webhook(*alerts, receiver="sms", group='{}:{alertname="Disk"}', status="firing"):
    """A webhook of Alertmanager, version 4. `alerts`: (name, status)."""
    return {"receiver": receiver, "status": status, "alerts": [
        {"status": state, "labels": {"alertname": name, "severity": "critical", "instance": f"{name}.example.org"},
         "annotations": {"summary": f"{name} is full"}, "startsAt": "2026-11-27T19:30:00.000Z", "endsAt": "0001-01-01T00:00:00Z",
         "generatorURL": "http://prometheus/", "fingerprint": f"{sum(name.encode()):016x}"} for name, state in alerts],
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager/", "version": "4", "groupKey": group, "truncatedAlerts": 0}


class StandIn:
    """`folder`: has its socket, and its messages, which outlive it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "stand-in"
        self.folder.mkdir()
        self.socket = self.folder / "intake.sock"
        self.process = None

    def start(self):
        self.process = subprocess.Popen([BIN / "intake-stand-in", self.socket, self.folder], preexec_fn=die_with_parent)
        wait_for("the stand-in listens", self._listens)

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def mode(self, *words):
        written = self.folder / "mode.new"
        written.write_text(" ".join(str(word) for word in words))
        written.rename(self.folder / "mode")

    def alerts(self):
        return records(self.folder / "alerts.jsonl")

    def calls(self):
        """The number of alerts of each call."""
        calls = self.folder / "calls"
        return [int(line) for line in calls.read_text().split()] if calls.exists() else []

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)

    def close(self):
        self.kill()


class Intake(HandedSocket):
    def __init__(self, folder, smsd, settings=None, program=BIN / "smsd-intake", options=(), tokens=None, **more):
        credentials = pathlib.Path(folder) / "credentials"
        credentials.mkdir(mode=0o700)
        (credentials / "config").write_text(json.dumps({"socket": str(smsd), "tokens": TOKENS if tokens is None else tokens, **(settings or {})}))
        for name, secret in (("tests", TOKEN), ("narrow", OTHER), ("reader", READER)):
            (credentials / f"{name}.token").write_text(secret + "\n")
            (credentials / f"{name}.token").chmod(0o600)
        super().__init__(folder, "intake", [program, *options], fd_name="smsd-intake", environment={"CREDENTIALS_DIRECTORY": str(credentials)}, **more)

    def post(self, path, body, token=TOKEN, **headers):
        """(status, headers, body)"""
        data = body if isinstance(body, (str, bytes)) else json.dumps(body)
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return self.request("POST", path, body=data, headers={"Content-Type": "application/json", **bearer, **headers})

    def alert(self, **alert):
        """(status, the parsed answer)"""
        status, _, body = self.post("/alerts", {"to": "+4790000001", "text": "disk full", **alert})
        return status, json.loads(body)

    def metric(self, name, **labels):
        return self.value_in(self.request(path="/metrics", headers={"Authorization": f"Bearer {READER}"})[2], name, **labels)

    def memory(self):
        """The largest resident size so far, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def raw(self, sent, wait=DEADLINE):
        """What comes back for these bytes until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as client:
            client.sendall(sent)
            got = b""
            try:
                while data := client.recv(65536):
                    got += data
            except OSError:
                pass
        return got


class Door(Scenario):
    """An smsd-intake before a stand-in."""

    settings = None

    def setUp(self):
        super().setUp()
        self.smsd = self.open(StandIn(self.folder))
        self.smsd.start()
        self.intake = self.open(Intake(self.folder, self.smsd.socket, self.settings, backlog=4096))

    def took(self, do):
        before = time.monotonic()
        do()
        return time.monotonic() - before
