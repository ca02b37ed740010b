# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clients send through smsd-intake: Debian's Alertmanager, alone and as a pair, Debian's Apprise, and a web server with TLS in front."""

import collections
import datetime
import json
import pathlib
import re
import shutil
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import DEADLINE, die_with_parent, free_port, wait_for
from intake_door import NUMBER, TOKEN, Door

SINCE = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
needs_alertmanager = unittest.skipUnless(shutil.which("prometheus-alertmanager"), "needs the package prometheus-alertmanager, of the group proof of deploy/packages")
needs_apprise = unittest.skipUnless(shutil.which("apprise"), "needs the package apprise, of the group proof of deploy/packages")


class Alertmanager:
    """`cluster`, `peers`: ports of the pair."""

    def __init__(self, folder, name, port, cluster, peers, target):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "alertmanager.yml").write_text(json.dumps({
            "route": {"receiver": "sms", "group_by": ["alertname"], "group_wait": "200ms", "group_interval": "1s", "repeat_interval": "4h"},
            "receivers": [{"name": "sms", "webhook_configs": [{
                "url": f"http://127.0.0.1:{port}/alertmanager?to={target}", "send_resolved": True,
                "http_config": {"authorization": {"credentials_file": str(self.folder / "token")}}}]}]}))
        self.port, self.log = free_port(), open(self.folder / "log", "ab")
        # Each of a pair waits for the other for the peer timeout: so short that both send.
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={self.folder}/alertmanager.yml", f"--storage.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", f"--cluster.listen-address=127.0.0.1:{cluster}", "--cluster.peer-timeout=1ms",
             "--cluster.settle-timeout=2s", "--cluster.advertise-address", f"127.0.0.1:{cluster}", *(f"--cluster.peer=127.0.0.1:{peer}" for peer in peers)],
            stdout=self.log, stderr=self.log, preexec_fn=die_with_parent, cwd=self.folder)
        wait_for("Alertmanager is ready", self._ready)

    def _ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=DEADLINE) as answer:
                return answer.status == 200
        except OSError:
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text()) from None
            return False

    def peers(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/status", timeout=DEADLINE) as answer:
            return len(json.load(answer)["cluster"].get("peers", []))

    def notified(self):
        """Requests to the receiver that were made so far, successful or not."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=DEADLINE) as answer:
            return int(float(re.search(r'^alertmanager_notification_requests_total\{integration="webhook"\} (\S+)$', answer.read().decode(), re.M)[1]))

    def alert(self, names, ended=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        body = [{"labels": {"alertname": name.split("-")[0], "instance": name, "severity": "critical"}, "annotations": {"summary": f"{name} is full"},
                 "startsAt": SINCE.isoformat(), "endsAt": (now + datetime.timedelta(seconds=-1 if ended else 3600)).isoformat()} for name in names]
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2/alerts", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=DEADLINE).close()

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.log.close()


@needs_alertmanager
class FromAlertmanager(Door):
    def pair(self, target="%2B4790000001"):
        ports = [free_port(), free_port()]
        both = [self.open(Alertmanager(self.folder, f"alertmanager-{at}", self.intake.port, ports[at], [ports[1 - at]], target)) for at in (0, 1)]
        wait_for("they are a pair", lambda: all(one.peers() == 2 for one in both))
        return both

    def texts(self):
        return collections.Counter(alert["text"].split(" since")[0] for alert in self.smsd.alerts())

    def test_one(self):
        one = self.open(Alertmanager(self.folder, "alone", self.intake.port, free_port(), [], "ops"))
        one.alert(["Disk-1"])
        wait_for("it is in the queue", lambda: len(self.smsd.alerts()) == 2)  # a group of two numbers
        self.assertEqual(self.texts(), {"FIRING critical: Disk-1 is full (Disk-1)": 2})
        self.assertEqual({(alert["severity"], alert["label"]) for alert in self.smsd.alerts()}, {(1, "tests")})
        self.smsd.mode("left")
        one.alert(["Disk-1"], ended=True)
        wait_for("it is resolved", lambda: len(self.smsd.alerts()) == 4)
        self.assertEqual(self.texts()["RESOLVED critical: Disk-1 is full (Disk-1)"], 2)

    def test_a_pair_whose_receiver_comes_and_goes(self):
        both = self.pair()
        names = [f"Alert{number % 20}-{number}" for number in range(1000)]
        for at in range(0, 1000, 100):
            if at == 300:
                self.smsd.kill()
            if at == 500:
                self.smsd.start()
            if at == 700:
                self.intake.kill()
                self.intake.start()
            if at == 800:
                self.smsd.mode("break-once")
            for one in both:
                one.alert(names[at:at + 100])
        expected = {f"FIRING critical: {name} is full ({name})" for name in names}
        wait_for("all are in the queue", lambda: expected <= set(self.texts()), deadline=120)
        # A group that has news is sent again as a whole, by both.
        wait_for("both have sent", lambda: all(one.notified() >= 20 for one in both))
        texts = self.texts()
        self.assertEqual(set(texts), expected)
        self.assertEqual([name for name, times in texts.items() if times != 1], [], "doubled")
        requests = [one.notified() for one in both]
        self.smsd.mode("left")
        for one in both:
            one.alert(names[:200], ended=True)
        wait_for("they are resolved", lambda: sum(self.texts().values()) >= 1200, deadline=120)
        self.assertEqual(set(self.texts().values()), {1}, "doubled")
        self.say(alerts=1000, requests=requests, doubled=0)


@needs_apprise
class FromApprise(Door):
    def send(self, *targets, options=""):
        url = f"smseagle://{TOKEN}@127.0.0.1:{self.intake.port}/{'/'.join(targets)}{options}"
        return subprocess.run(["apprise", "-b", "disk full", url], capture_output=True, text=True, check=False, timeout=DEADLINE)

    def test_numbers_groups_and_contacts(self):
        done = self.send("+4790000009", "%23ops", "@night")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([(alert["number"][-1], alert["text"]) for alert in self.smsd.alerts()], [("9", "disk full"), ("1", "disk full"), ("2", "disk full"), ("3", "disk full")])
        self.assertEqual(self.send("#night").returncode, 0, "as the manual has it")
        self.assertEqual(self.smsd.alerts()[-1]["number"], "+4790000003")
        self.assertEqual(self.send("+4790000009", options="?priority=high&batch=yes").returncode, 0)
        self.assertEqual(self.smsd.alerts()[-1]["severity"], 1)

    def test_a_failure_is_one(self):
        self.assertEqual(self.send("%23nowhere").returncode, 1)
        self.smsd.mode("problem")
        self.assertEqual(self.send("+4790000009").returncode, 1)
        self.smsd.mode()
        self.smsd.kill()
        self.assertEqual(self.send("+4790000009").returncode, 1)
        self.assertEqual(self.smsd.alerts(), [])


class BehindNginx(Door):
    """The lines of smsd-intake(8) for nginx, with TLS."""

    def setUp(self):
        super().setUp()
        self.port, folder = free_port(), self.folder / "proxy"
        folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key", "-out", folder / "cert", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        manual = (pathlib.Path(__file__).parents[2] / "man/smsd-intake.8").read_text()
        location = re.search(r"^location / \{\n.*?^\}\n", manual, re.M | re.S)[0].replace("127.0.0.1:9785", f"127.0.0.1:{self.intake.port}")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1; pid {folder}/pid; events {{ worker_connections 512; }}
            http {{ {temporary} access_log {folder}/access.log;
              server {{ listen 127.0.0.1:{self.port} ssl; ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key;
            {location} }} }}""")
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"], preexec_fn=die_with_parent)
        self.addCleanup(nginx.wait, DEADLINE)
        self.addCleanup(nginx.terminate)
        self.context = ssl.create_default_context(cafile=folder / "cert")
        wait_for("nginx serves", lambda: self.post("/healthz", None) == 200)

    def post(self, path, body, token=TOKEN):
        request = urllib.request.Request(f"https://localhost:{self.port}{path}", data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE, context=self.context) as answer:
                return answer.status
        except urllib.error.HTTPError as fault:
            fault.close()
            return fault.code
        except OSError:
            return None

    def test_alerts_with_tls(self):
        self.assertEqual(self.post("/alerts", {"to": NUMBER, "text": "x"}), 200)
        self.assertEqual(self.post("/alerts", {"to": NUMBER, "text": "x"}, token="wrong"), 401)
        self.assertEqual(self.post("/alerts", {"to": NUMBER, "text": "x" * 900_000}), 400)
        self.smsd.mode("problem")
        self.assertEqual(self.post("/alerts", {"to": NUMBER, "text": "x"}), 503)
        self.assertEqual(len(self.smsd.alerts()), 1)
        self.assertEqual((self.folder / "proxy" / "access.log").read_text(), "")
