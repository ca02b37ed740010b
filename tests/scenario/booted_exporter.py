# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-exporter behind the walls of its units, under a real systemd."""

from booted import DYNAMIC, Booted
from harness import wait_for

GET = """import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:9784/metrics", timeout=20).read().decode())"""


class Exporter(Booted):
    def setUp(self):
        super().setUp()
        self.configure({"modem": ("debug", {"file": "sent.jsonl"})})
        self.start()
        wait_for("the modem is ready", lambda: self.states() == {"modem": "ready"})

    def scrape(self):
        return self.machine.run("/usr/bin/python3", "-c", GET).stdout

    def test_a_scrape_through_the_socket_of_systemd(self):
        self.assertEqual(self.machine.unit("smsd-exporter.socket", "ActiveState"), ["inactive"], "off by default")
        self.machine.run("systemctl", "enable", "--now", "smsd-exporter.socket")
        self.assertIn("\nsmsd_up 1\n", self.scrape())
        (exporter,) = self.machine.processes("smsd-exporter.service")
        lines = dict(line.split(":\t", 1) for line in self.machine.read(f"/proc/{exporter}/status").splitlines() if ":\t" in line)
        self.assertIn(int(lines["Uid"].split()[0]), DYNAMIC)
        self.assertEqual((lines["NoNewPrivs"], lines["Seccomp"], lines["CapBnd"]), ("1", "2", "0" * 16))
        self.queue("+4799887766")
        self.all_decided()
        wait_for("it is counted", lambda: "\nsmsd_messages_sent_total 1\n" in self.scrape())
        self.machine.run("systemctl", "stop", "smsd")
        wait_for("the last answer is not reused any more", lambda: "\nsmsd_up 0\n" in self.scrape())
        self.machine.run("systemctl", "start", "smsd")
        wait_for("it is scraped again", lambda: "\nsmsd_up 1\n" in self.scrape())
        self.assert_no_unit_failed()

    def test_a_text_file_for_node_exporter(self):
        folder = "/var/lib/prometheus/node-exporter"
        self.machine.run("systemctl", "start", "smsd-exporter-textfile.service")  # without the folder it does nothing
        self.assert_no_unit_failed()
        self.machine.shell(f"mkdir -p {folder}; systemctl start smsd-exporter-textfile.service")
        self.assertIn("\nsmsd_up 1\n", self.machine.read(f"{folder}/smsd.prom"))
        self.assertEqual(self.machine.shell(f"stat -c %a {folder}/smsd.prom; ls {folder}").stdout.split(), ["644", "smsd.prom"])
        self.assert_no_unit_failed()
