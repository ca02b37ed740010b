# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-exporter as systemd starts it, and Debian's Prometheus that scrapes it."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.parse
import urllib.request

from handed_socket import HandedSocket
from harness import BIN, DEADLINE, SOURCE, die_with_parent, free_port, wait_for

MONITORING = SOURCE / "deploy" / "monitoring"
RULES, DASHBOARD = MONITORING / "smsd.rules.yml", MONITORING / "smsd-dashboard.json"

needs_prometheus = unittest.skipUnless(shutil.which("prometheus") and shutil.which("promtool"),
                                       "needs the package prometheus, of the group proof of deploy/packages")


def status_socket(folder):
    """The settings of an smsd whose state an exporter can read."""
    return {"status": {"socket": str(pathlib.Path(folder) / "status.sock")}}


class Exporter(HandedSocket):
    """`status`: smsd's status.sock, which need not be there."""

    def __init__(self, folder, status, name="exporter", program=BIN / "smsd-exporter", options=(), user=None):
        super().__init__(folder, name, [program, "--socket", status, *options], fd_name="smsd-exporter", user=user)

    def scrape(self):
        return self.request()[2]

    def value(self, name, **labels):
        return self.value_in(self.scrape(), name, **labels)


class Prometheus:
    """Scrapes once a second. `targets`: {instance: port}. The rules are those that are shipped, but fire after two seconds."""

    def __init__(self, folder, targets):
        self.folder = pathlib.Path(folder) / "prometheus"
        self.folder.mkdir()
        rules = self.folder / "smsd.rules.yml"
        rules.write_text(re.sub(r"\bfor: \w+", "for: 2s", RULES.read_text()))
        configuration = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(rules)], "scrape_configs": [
            {"job_name": "smsd", "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
                                                    for instance, port in targets.items()]}]}
        (self.folder / "prometheus.yml").write_text(json.dumps(configuration))
        self.port = free_port()
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log, preexec_fn=die_with_parent, cwd=self.folder)
        wait_for("Prometheus is ready", self._ready)

    def _ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=DEADLINE) as answer:
                return answer.status == 200
        except OSError:
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text()) from None
            return False

    def query(self, expression):
        """[(labels, value)]"""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression}), timeout=DEADLINE) as answer:
            result = json.load(answer)["data"]["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def firing(self):
        """{instance: {(alert, dispatcher or ""), ...}}"""
        found = {}
        for labels, _ in self.query('ALERTS{alertstate="firing"}'):
            found.setdefault(labels.get("instance", ""), set()).add((labels["alertname"], labels.get("dispatcher", "")))
        return found

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.log.close()
