# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway and a mail server by their names: looked up behind the lock, by a worker that starts no thread any more."""

import os
import unittest

from harness import Gateway, MailServer, Scenario, Smsd, wait_for

SMS = 200


@unittest.skipUnless(os.getuid() == 0, "only root can give a process another /etc/hosts")
class Names(Scenario):
    def start(self, dispatchers, hosts):
        """smsd in a mount namespace of its own, where these names are this host's."""
        file = self.folder / "hosts"
        file.write_text("127.0.0.1 localhost\n" + "".join(f"{line}\n" for line in hosts))
        smsd = self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, dispatchers))
        for n in range(SMS):
            smsd.ctl("send", f"+47000{n:05}", "alert")
        return smsd.start(under=["unshare", "--mount", "sh", "-c", f'mount --bind {file} /etc/hosts && exec "$@"', "sh"])

    def all_sent(self, smsd, kind, threads):
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        (pid,) = smsd.children()[f"smsd-worker-{kind}"]
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        self.say(kind=kind, threads=fields["Threads"], peak=fields["VmPeak"], data=fields["VmData"], resident=fields["VmHWM"])
        self.assertEqual(int(fields["Threads"]), threads)
        self.assertEqual(smsd.stop(), 0)

    def test_an_http_gateway_with_64_requests_at_once(self):
        gateway = self.open(Gateway(self.folder, "--behave", "delay=0.2"))
        smsd = self.start({"gateway": ("http", {"url": f"http://gateway.example:{gateway.port}/?to={{recipient}}&m={{text}}", "window": 64})},
                          ["127.0.0.1 gateway.example"])
        self.all_sent(smsd, "http", threads=2)
        self.assertEqual(len(gateway.requests()), SMS)

    def test_the_second_address_of_a_name_where_the_first_does_not_answer(self):
        gateway = self.open(Gateway(self.folder))
        smsd = self.start({"gateway": ("http", {"url": f"http://gateway.example:{gateway.port}/?to={{recipient}}&m={{text}}"})},
                          ["127.0.0.77 gateway.example", "127.0.0.1 gateway.example"])
        self.all_sent(smsd, "http", threads=2)
        self.assertEqual(len(gateway.requests()), SMS)

    def test_a_mail_server_with_16_conversations_at_once(self):
        server = self.open(MailServer(self.folder))
        smsd = self.start({"mail": ("mail", {"server": f"smtp://mail.example:{server.port}", "tls": "never", "from": "smsd@example.org",
                                             "to": "{recipient}@sms.example.org", "window": 16})}, ["127.0.0.1 mail.example"])
        self.all_sent(smsd, "mail", threads=18)
        self.assertEqual(len(server.mails()), SMS)

    def test_a_proxy_by_its_name_and_a_gateway_that_only_the_proxy_knows(self):
        proxy = self.open(Gateway(self.folder))  # an HTTP proxy is asked for whole URLs, and this one answers itself
        smsd = self.start({"gateway": ("http", {"url": "http://behind.example/?to={recipient}&m={text}",
                                                "proxy": {"url": f"http://proxy.example:{proxy.port}"}})}, ["127.0.0.1 proxy.example"])
        self.all_sent(smsd, "http", threads=2)
