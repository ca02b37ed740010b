# SPDX-License-Identifier: GPL-3.0-or-later
"""SMS by mail, with real workers behind their lock and real mail servers."""

import json
import pathlib
import re
import subprocess
import time

from harness import BIN, SOURCE, Gateway, MailServer, Postgres, Scenario, Smsd, Systemd, free_port, sms_in, wait_for

TO = {"from": "smsd@example.org", "to": "{recipient}@sms.example.org"}


class Mail(Scenario):
    def smsd(self, server, own=None, entry=None, **dispatchers):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}},
                              {"mail": ("mail", dict(TO, server=server, **(own or {}))), **dispatchers}, entries={"mail": entry or {}}))

    def certificate(self):
        """A certificate for 127.0.0.1 that signs itself: (the file for the server, the file for the worker)."""
        key, cert = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                        cert, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                       stderr=subprocess.DEVNULL)
        return ["--cert", str(cert), "--key", str(key)], str(cert)

    def test_behind_its_lock_with_tls_and_login(self):
        options, authority = self.certificate()
        server = self.open(MailServer(self.folder, *options, "--login", "me:hunter2"))
        password = self.folder / "mail.password"
        password.write_text("hunter2\n")
        password.chmod(0o600)
        smsd = self.smsd(server.url, {"tls": "required", "ca_file": authority, "username": "me", "password_file": str(password)})
        for n in range(20):
            smsd.ctl("send", f"+4799887{n:03}", f"blå alarm {n}")
        smsd.start()
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(sorted((m["to"][0], m["body"]) for m in server.mails()),
                         [(f"+4799887{n:03}@sms.example.org", f"blå alarm {n}\r\n") for n in range(20)])
        self.assertEqual({(m["tls"], m["login"]) for m in server.mails()}, {(True, "me")})
        self.assertEqual(len({dict(m["headers"])["Message-ID"] for m in server.mails()}), 20)
        self.assertIn("locked in by no_new_privs, landlock", smsd.text())
        self.assertNotIn("hunter2", smsd.text())

    def test_a_server_that_is_not_there_fails_over_c68(self):
        smsd = self.smsd(f"smtp://127.0.0.1:{free_port()}", second=("debug", {"file": str(self.folder / "second.jsonl")}))
        for n in range(3):
            smsd.ctl("send", f"+479988770{n}", "alarm")
        smsd.start()
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(len(sms_in(self.folder / "second.jsonl")), 3)
        for message in range(1, 4):
            attempts = [(attempt["dispatcher"], attempt["outcome"]) for submission in json.loads(smsd.ctl("explain", str(message), "--json"))["submissions"]
                        for attempt in submission["attempts"]]
            self.assertEqual((attempts[0], attempts[-1]), (("mail", "deferred"), ("second", "accepted")), attempts)

    def test_a_bad_number_is_refused_and_delays_nobody(self):
        server = self.open(MailServer(self.folder, "--refuse", "+4700000013@sms.example.org=550 5.1.1 no such user"))
        smsd = self.smsd(server.url)
        for n in range(50):
            smsd.ctl("send", f"+47000000{n:02}", "alarm")
        smsd.start()
        wait_for("all are decided", lambda: smsd.status()["queue"]["unsent"] == 0)
        status = smsd.status()["queue"]
        self.assertEqual((status["sent"], status["ignored"], len(server.mails())), (49, 1, 49))
        self.assertIn("rejects the address (to) (550 5.1.1)", smsd.text())

    def test_the_example_can_be_used(self):
        done = subprocess.run([BIN / "smsd-worker-mail", "--check", "--config", SOURCE / "deploy/examples/dispatchers/mail.yaml"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class AdminMail(Scenario):
    """Wart C50: one SMTP session for each error, inside the loop that sends, with texts and credentials in it."""

    def smsd(self, server, dispatchers, admin=None, settings=None, entries=None, own=None, queue=None, name="smsd"):
        smsd = self.open(Smsd(self.folder, queue or {"backend": "postgresql", "postgresql": {"connection": self.postgres.dsn()}}, dispatchers,
                              name=name, entries=entries,
                              settings=dict({"admin_mail": dict({"to": "noc@example.org", "delay": "1s", "interval": "2s"}, **(admin or {}))},
                                            **(settings or {}))))
        file = smsd.folder / "dispatchers" / "mail.yaml"
        file.write_text(json.dumps(dict({"server": server, "from": "smsd@example.org", "to": "{recipient}", "subject": "smsd"}, **(own or {}))))
        file.chmod(0o640)
        return smsd

    def database(self):
        self.postgres = self.open(Postgres(self.folder))
        return self.postgres

    def fill(self, count, text="alarm", first=0):
        self.postgres.sql(f"INSERT INTO smsq (accountid, time, phone, msg, severity) SELECT 1, now(), '+47' || (90000000 + {first} + g), "
                          f"'{text}', 3 FROM generate_series(1, {count}) g")

    def unsent(self):
        return self.postgres.number("SELECT count(*) FROM smsq WHERE sent='N'")

    @staticmethod
    def counted(mails, event):
        return sum(int(n) for mail in mails for n in re.findall(rf"^ *(\d+)  {event} \(", mail["body"], flags=re.MULTILINE))

    def test_a_storm_of_a_thousand_errors_is_few_mails_c50(self):
        self.database()
        server = self.open(MailServer(self.folder))
        smsd = self.smsd(server.url, {"first": ("debug", {"result": "refuse", "delay": "50ms"})})
        smsd.ctl("db", "install")
        self.fill(1000)
        smsd.start()
        wait_for("all are ignored", lambda: self.unsent() == 0)
        wait_for("all are mailed", lambda: self.counted(server.mails(), "sms-ignored") >= 1000)
        mails = server.mails()
        self.assertEqual(self.counted(mails, "sms-ignored"), 1000)
        self.assertLessEqual(len(mails), 10)
        for mail in mails:
            self.assertEqual((mail["from"], mail["to"]), ("smsd@example.org", ["noc@example.org"]))
            self.assertLess(len(mail["raw"]), 20_000)
            self.assertNotRegex(mail["body"], r"\+479\d{7}")
        self.assertEqual(smsd.status()["queue"]["ignored"], 1000)
        self.say(errors=1000, mails=len(mails))

    def test_mail_that_is_down_is_in_status_and_in_systemds_line_and_so_is_a_queue_that_is_away(self):
        queue, database = self.folder / "queue.db", {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "poll_interval": "1s"}
        server, systemd = f"smtp://127.0.0.1:{free_port()}", self.open(Systemd(self.folder))
        smsd = self.smsd(server, {"first": ("debug", {"result": "refuse"})}, queue=database)
        smsd.start(systemd=systemd)
        self.assertEqual((smsd.status()["admin_mail_down_seconds"], smsd.status()["admin_mail_problem"]), (None, ""))
        smsd.ctl("send", "+471", "an alert that is refused, which is mailed")
        wait_for("systemd shows that mail is down", lambda: f"; no mail to the administrators: {server} cannot be reached" in systemd.status())
        status = smsd.status()
        self.assertTrue(status["healthy"], "an SMS needs no mail")
        self.assertLess(status["admin_mail_down_seconds"], 60)
        self.assertEqual(status["admin_mail_problem"], f"{server} cannot be reached: Connection refused")
        self.assertRegex(" ".join(smsd.ctl("status").split()), rf"! for \d+s no mail to the administrators: {server} cannot be reached: Connection refused \$ smsctl")
        self.assertRegex(smsd.ctl("status"), r"(?m)^mail     not accepted by mail, none yet, \d+ entries wait, one in 2s at most$")
        self.assertIn(f"cannot be sent and is kept for later: {server} cannot be reached: Connection refused", smsd.text())
        for suffix in ("", "-wal", "-shm"):
            queue.with_name(queue.name + suffix).unlink(missing_ok=True)
        wait_for("systemd shows that the queue is away",
                 lambda: systemd.status().startswith("NOT HEALTHY: ") and "the queue cannot be reached: " in systemd.status())

    def test_a_reload_enables_mail_changes_its_address_its_interval_and_its_file_and_disables_it(self):
        servers = [self.open(MailServer(self.folder)) for _ in range(2)]
        smsd = self.smsd(servers[0].url, {"first": ("debug", {"result": "refuse"})}, admin={"to": ""},
                         queue={"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}, "poll_interval": "1s"})
        smsd.start()
        self.assertIsNone(smsd.status()["admin_mail"])
        numbers = iter(range(100))

        def reload(**keys):
            config = json.loads(smsd.config.read_text())
            config["admin_mail"].update(keys)
            smsd.config.write_text(json.dumps(config))
            return smsd.ctl("reload")

        def mailed(server, to):
            before = len(server.mails())
            smsd.ctl("send", f"+47{next(numbers)}", "is refused, which is mailed")
            mail = wait_for("it is mailed", lambda: len(server.mails()) > before and server.mails()[-1])
            self.assertEqual(mail["to"], [to])

        self.assertIn("admin_mail.to nothing to noc@example.org", reload(to="noc@example.org", delay="0s", interval="1s"))
        mailed(servers[0], "noc@example.org")
        shown = wait_for("it is in status", lambda: (m := smsd.status()["admin_mail"]) and m["sent"] == 1 and m)
        self.assertEqual((shown["dispatcher"], shown["interval_seconds"]), ("mail", 1))
        self.assertRegex(smsd.ctl("status"), r"(?m)^mail     ready by mail, last \d+s ago, one in 1s at most$")
        self.assertIn("admin_mail.to noc@example.org to boss@example.org", reload(to="boss@example.org"))
        mailed(servers[0], "boss@example.org")
        file = smsd.folder / "dispatchers" / "mail.yaml"
        file.write_text(file.read_text().replace(servers[0].url, servers[1].url))
        self.assertIn("the file of admin_mail", reload())
        mailed(servers[1], "boss@example.org")
        file.write_text("{}")
        refused = smsd.ctl("reload", check=False)
        self.assertIn("mail.yaml:1:", refused.stderr)
        mails = len(servers[1].mails())
        reload(to="")
        self.assertIsNone(smsd.status()["admin_mail"])
        wait_for("its worker is gone", lambda: "smsd-worker-mail" not in smsd.children())
        smsd.ctl("send", "+4799", "is refused, which is not mailed")
        wait_for("it is ignored", lambda: smsd.status()["queue"]["ignored"] == 4)
        self.assertEqual(smsd.stop(), 0, smsd.text())
        self.assertEqual([len(server.mails()) for server in servers], [2, mails])

    def test_a_mail_server_that_never_answers_slows_no_sms_c50(self):
        """The same work with no mail, and with a mail server that takes connections and says nothing."""
        self.database()
        count, took = 20_000, {}
        hung = self.open(MailServer(self.folder, "--behave", "greeting=silent", program="smtp-faults.py"))
        for turn, mail in enumerate(("none", "hung", "none", "hung")):
            record = self.folder / f"sms-{turn}.jsonl"
            refuse = [{"recipient": f"+47{90000000 + turn * count + n * 100}", "result": "refuse"} for n in range(1, 21)]
            smsd = self.smsd(hung.url, {"first": ("debug", {"file": str(record), "window": 64, "backlog": 256, "when": refuse})},
                             name=f"smsd-{turn}", admin={"timeout": "1s", "level": "warning"} if mail == "hung" else {"to": ""})
            if turn == 0:
                smsd.ctl("db", "install")
            self.fill(count, first=turn * count)
            begin = time.monotonic()
            smsd.start()
            wait_for("everything is decided", lambda: self.unsent() == 0, 240)
            took.setdefault(mail, []).append(time.monotonic() - begin)
            if mail == "hung":
                wait_for("the mail is given up", lambda: "mail to the administrators cannot be sent" in smsd.text())
                self.assertEqual(smsd.text().count("mail to the administrators cannot be sent"), 1)
            self.assertEqual(len(sms_in(record)), count - len(refuse))
            smsd.stop()
        without, beside = min(took["none"]), min(took["hung"])
        self.say(sms=count, rate_without_mail=round(count / without), rate_beside_a_hung_server=round(count / beside))
        self.assertLess(beside, 3 * without + 2)  # room for a busy machine; NAV waited five seconds for each error

    def test_no_text_no_number_and_no_secret_is_ever_mailed_c50(self):
        self.database()
        gateway = self.open(Gateway(self.folder, "--behave", "status=401", "--behave", "status=400", "--behave", "status=504", "--behave",
                                    "cut=headers", "--behave", "status=302,location=http://127.0.0.1/canary-password"))
        rejecting = self.open(MailServer(self.folder, "--behave", "offer=AUTH PLAIN,auth=535 5.7.8 canary-password", program="smtp-faults.py"))
        server = self.open(MailServer(self.folder))
        password = self.folder / "password"
        password.write_text("canary-password\n")
        password.chmod(0o600)
        smsd = self.smsd(
            server.url,
            {"gw": ("http", {"url": f"http://127.0.0.1:{gateway.port}/canary-password?p=canary-password&to={{recipient}}&m={{text}}",
                             "auth": {"type": "basic", "username": "me", "password_file": str(password)}, "window": 1, "backlog": 0}),
             "post": ("mail", dict(TO, server=rejecting.url, username="me", password_file=str(password), window=1)),
             "last": ("debug", {"result": "refuse"})},
            admin={"level": "notice", "lines": 100}, settings={"log": {"recipient": "plain"}, "retry": {"limit": 1, "give_up_after": "0s", "delay": "100ms"}})
        smsd.ctl("db", "install")
        self.fill(30, text="canary-text")
        smsd.start()
        wait_for("everything is decided", lambda: self.unsent() == 0)
        wait_for("all is mailed", lambda: self.counted(server.mails(), "sms-ignored") == 30)
        text = "\n".join(mail["raw"] + mail["body"] + str(mail["headers"]) for mail in server.mails())
        self.assertIn("rejects the credentials (401)", text)
        self.assertIn("rejects the credentials (535 5.7.8)", text)
        self.assertIn("+4790000001", smsd.text())  # the journal was told to show it
        self.assertNotRegex(text, r"9000000\d|900000\d\d")
        for canary in ("canary-text", "canary-password", "Y2FuYXJ5LXBhc3N3b3Jk"):
            self.assertNotIn(canary, text)
            self.assertNotIn(canary, smsd.text())
        for pid in [smsd.process.pid, *sum(smsd.children().values(), [])]:
            for what in ("cmdline", "environ"):
                self.assertNotIn(b"canary", pathlib.Path(f"/proc/{pid}/{what}").read_bytes())

    def test_a_daemon_that_gives_up_says_so_before_it_ends(self):
        server = self.open(MailServer(self.folder))
        smsd = self.smsd(server.url, {"first": ("debug", {"result": "defer"})}, admin={"delay": "1h", "level": "warning"},
                         settings={"retry": {"limit": 1, "delay": "100ms", "at_limit": "shutdown"}},
                         queue={"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}})
        smsd.ctl("send", "+4799887766", "alarm")
        status, said = smsd.run()
        self.assertEqual(status, 69)
        self.assertEqual(len(server.mails()), 1, said)
        self.assertIn("smsd on", server.mails()[0]["body"])
        self.assertEqual(smsd.run()[0], 69)  # and again: no mail each time it is started
        self.assertEqual(len(server.mails()), 1)

    def test_its_file_is_checked_at_the_start(self):
        smsd = self.smsd("nonsense", {"first": ("debug", {})}, queue={"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}})
        status, said = smsd.run()
        self.assertEqual(status, 78)
        self.assertIn("mail.yaml:1:", said)
        (smsd.folder / "dispatchers" / "mail.yaml").unlink()
        status, said = smsd.run()
        self.assertEqual((status, "mail.yaml: not found" in said), (78, True), said)
