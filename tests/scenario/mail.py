"""SMS by mail, with real workers behind their lock and real mail servers."""

import subprocess

from harness import BIN, MailServer, Scenario, Smsd, SOURCE, free_port, sms_in, wait_for

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
        self.assertEqual(smsd.dispatcher("mail")["deferred"], 3)

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
