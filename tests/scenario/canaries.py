# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary in every place where a secret can stand, and a gateway with every fault: nothing that anybody can look at shows one."""

import base64
import os
import pathlib
import subprocess
from urllib.parse import quote

from harness import BIN, Gateway, MailServer, Scenario, Smsd, free_port, wait_for

# What tests/peers/http-gateway.py does with a request. Those that fail; one SMS meets them all.
FAULTS = ["status=%d" % status for status in (302, 400, 401, 402, 404, 407, 408, 409, 429, 500, 502, 503, 504, 599)] + [
    "status=429,retry-after=1", "status=307,location=%2F-%2Fstatus%3D400", "cut=before", "cut=headers", "reset", "garbage", "silent",
    "slow=0.2", "manyheaders", "echo,status=400", "echo,status=500", "echo,status=503", "endless,status=500", "cut=body,status=500"]


def canary():
    return "CANARY" + os.urandom(12).hex()


class Canary(Scenario):
    def setUp(self):
        super().setUp()
        self.canaries = {}

    def secret(self, name, value=None):
        """A file with a secret in it that is looked for afterwards."""
        self.canaries[name] = value or canary()
        file = self.folder / f"{name}.secret"
        file.write_text(self.canaries[name] + "\n")
        file.chmod(0o640)
        return str(file)

    def everything_there_is_to_see(self, smsd):
        """{where: what can be seen there}, of a daemon that runs."""
        seen = {"log": smsd.text(), "status": smsd.ctl("status", check=False).stdout,
                "status --json": smsd.ctl("status", "--json", check=False).stdout, "explain": smsd.ctl("explain", "1", check=False).stdout,
                "queue list": smsd.ctl("queue", "list", check=False).stdout}
        for name in ("queue.db", "queue.db-wal"):
            if (self.folder / name).exists():
                seen[name] = (self.folder / name).read_bytes().decode("latin-1")
        # What ps shows of the daemon and of each worker. The peers are not ours: those are told what to echo.
        for pid in [smsd.process.pid, *(pid for pids in smsd.children().values() for pid in pids)]:
            for file in ("cmdline", "environ", "comm"):
                seen[f"/proc/{pid}/{file}"] = pathlib.Path(f"/proc/{pid}/{file}").read_bytes().decode("latin-1")
        return seen

    def assert_nothing_shows(self, smsd):
        for where, text in self.everything_there_is_to_see(smsd).items():
            for name, value in self.canaries.items():
                for form in (value, quote(value, safe="")):
                    self.assertFalse(form in text, f"the secret {name} shows in {where}")

    def smsd(self, dispatchers, name="smsd"):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, dispatchers, name=name,
                              entries={name: {"timeout": "2s"} for name in dispatchers}))

    def sent(self, smsd, text):
        smsd.ctl("send", "+4799999999", text)
        if smsd.process is None:
            smsd.start()
        wait_for("the last one took it", lambda: (smsd.status() or {"queue": {"unsent": 1}})["queue"]["unsent"] == 0, deadline=180)

    def everywhere(self):
        """Keys of an http dispatcher with a secret in each place, but for the URL's."""
        return {"method": "POST", "body": "password={in_body}&to={recipient}&m={text}", "connect_timeout": "1s",
                "headers": [{"name": "X-Api-Key", "value": "{in_header}"}],
                "auth": {"type": "basic", "username": "noc", "password_file": self.secret("basic")},
                "secrets": [{"name": name, "file": self.secret(name)} for name in ("in_url", "in_header", "in_body")]}


    def certificate(self, name, host, *more):
        """A certificate that signs itself and ended when it was made, or one that holds: (its file, its key's)."""
        cert, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=x", "-addext", f"subjectAltName={host}",
               "-keyout", key]
        if more == ("expired",):
            subprocess.run([*new, "-nodes", "-out", request], check=True, capture_output=True)
            subprocess.run(["openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", "0", "-copy_extensions", "copy", "-out", cert],
                           check=True, capture_output=True)
        else:
            subprocess.run([*new, "-x509", "-days", "2", "-out", cert, *(more or ["-nodes"])], check=True, capture_output=True)
        key.chmod(0o640)
        return str(cert), str(key)


class Http(Canary):
    def test_no_fault_of_a_gateway_shows_a_secret(self):
        gateway = self.open(Gateway(self.folder))
        keys = self.everywhere()
        literal = self.canaries["in the url itself"] = canary()
        url = f"http://127.0.0.1:%d%s?password={{in_url}}&more={literal}"
        dispatchers = {f"fault{n}": ("http", dict(keys, url=url % (gateway.port, f"/-/{fault}/")))
                       for n, fault in enumerate(FAULTS)}
        dispatchers["unreachable"] = ("http", dict(keys, url=url % (free_port(), "/")))
        dispatchers["redirected"] = ("http", dict(keys, url=url % (gateway.port, "/-/status=307,location=%2F-%2Fstatus%3D500"), redirects=2))
        dispatchers["bearer"] = ("http", dict(keys, url=url % (gateway.port, "/-/status=401/"),
                                              auth={"type": "bearer", "token_file": self.secret("bearer")}))
        loop = self.open(Gateway(self.folder, "--behave", "status=307,location=%2Fround"))
        dispatchers["round-and-round"] = ("http", dict(keys, url=url % (loop.port, "/round"), redirects=5))
        digest = {"type": "digest", "username": "noc", "password_file": self.secret("digest")}
        for name, password in (("digest", self.canaries["digest"]), ("digest-rejected", "other")):
            asking = self.open(Gateway(self.folder, "--behave", f"digest=noc:{password},status=500,echo"))
            dispatchers[name] = ("http", dict(keys, url=f"http://127.0.0.1:{asking.port}/?password={{in_url}}", auth=digest))
        proxy = {"url": f"http://127.0.0.1:{free_port()}", "username": "me", "password_file": self.secret("proxy")}
        dispatchers["proxied"] = ("http", dict(keys, url=url % (gateway.port, "/"), proxy=proxy))
        # The last one takes it, and gives all that it was asked as its reference.
        dispatchers["echo"] = ("http", dict(keys, url=url % (gateway.port, "/-/echo/"), reference={"body": "(?s)\"headers.*"}))
        smsd = self.smsd(dispatchers)
        text = self.canaries.setdefault("text", canary())
        self.sent(smsd, text)
        met = {request["path"].split("/")[2] for request in gateway.requests() if request["path"].startswith("/-/")}
        self.assertEqual(set(FAULTS) - met, set())
        self.assertGreater(len(loop.requests()), 5)
        del self.canaries["text"]  # an operator may see it; a log may not
        self.assertFalse(text in smsd.text(), "the text of an SMS shows in the log")
        self.assert_nothing_shows(smsd)
        # The canaries did go where they belong: the search above looks for what was really there.
        echoed = next(request for request in gateway.requests() if request["path"] == "/-/echo/")
        self.assertIn(self.canaries["in_url"], echoed["query"])
        self.assertIn(self.canaries["in_body"], echoed["body"])
        self.assertEqual(echoed["headers"]["x-api-key"], self.canaries["in_header"])
        self.say(dispatchers=len(dispatchers), faults_met=len(met), canaries=len(self.canaries), log_bytes=len(smsd.text()))

    def test_no_certificate_that_is_wrong_shows_a_key(self):
        _, server_key = self.certificate("server", "DNS:elsewhere.example")
        own, key = self.certificate("client", "DNS:me.example")
        key_password = self.secret("key password")
        locked, locked_key = self.certificate("locked", "DNS:me.example", "-passout", f"file:{key_password}")
        old, old_key = self.certificate("old", "IP:127.0.0.1", "expired")
        for name, file in (("client key", key), ("locked key", locked_key)):
            self.canaries[name] = pathlib.Path(file).read_text().splitlines()[1]
        expired = self.open(Gateway(self.folder, "--cert", old, "--key", old_key))
        elsewhere = self.open(Gateway(self.folder, "--cert", str(self.folder / "server.pem"), "--key", str(self.folder / "server.key")))
        plain = self.open(Gateway(self.folder))
        identity = {"certificate_file": own, "key_file": key}
        keys = dict(self.everywhere(), **identity)
        url = "https://127.0.0.1:%d/?password={in_url}"
        mismatched = dict(keys, key_file=server_key)
        with_password = dict(keys, certificate_file=locked, key_file=locked_key, key_password_file=key_password)
        dispatchers = {
            "untrusted": ("http", dict(keys, url=url % elsewhere.port)),
            "another-host": ("http", dict(keys, url=url % elsewhere.port, ca_file=str(self.folder / "server.pem"))),
            "expired": ("http", dict(keys, url=url % expired.port, ca_file=old)),
            "locked": ("http", dict(with_password, url=url % elsewhere.port)),
            "no-tls": ("http", dict(keys, url=url % plain.port)),
            "not-its-key": ("http", dict(mismatched, url=url % elsewhere.port)),
            "good": ("debug", {"file": str(self.folder / "sent")})}
        smsd = self.smsd(dispatchers)
        self.sent(smsd, "x")
        # A peer without TLS may take the bytes of a handshake for a request of a method that nobody has.
        self.assertEqual([r for r in elsewhere.requests() + plain.requests() + expired.requests() if r["method"] == "POST"], [])
        self.assert_nothing_shows(smsd)


class Soap(Canary):
    def test_no_fault_of_a_service_shows_a_secret(self):
        password = self.secret("password")
        value = self.canaries["password"]
        envelope = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>%s</e:Body></e:Envelope>'
        fault = envelope % f"<e:Fault><faultcode>e:Client</faultcode><faultstring>{value}</faultstring></e:Fault>"
        result = f"type=text%2Fxml,body={quote(envelope % f'<r><x>{value}</x></r>')}"
        boost = {"preset": "boost", "username": "me", "password_file": password, "sender": "1234"}
        call = {"method": "send", "secrets": [{"name": "password", "file": password}],
                "parameters": [{"name": "a", "value": "{password}{recipient}{text}"}]}
        answers = [(boost, f"status=500,body={quote(fault)}"), (boost, "status=401,echo"), (boost, "echo"), (boost, "cut=before"),
                   (boost, result), (call, result)]  # the last one takes it, and the secret for its reference
        ways = []
        for n, (keys, answer) in enumerate(answers):
            gateway = self.open(Gateway(self.folder, "--behave", answer))
            ways.append(("soap", dict(keys, url=f"http://127.0.0.1:{gateway.port}/")))
        # One fault at a time: an SMS that two answers leave open is held.
        for n, fault in enumerate(ways[:-1]):
            smsd = self.smsd({f"soap{n}": fault, "last": ways[-1]}, name=f"smsd{n}").start()
            # Otherwise the first one would repeat it while the last one starts.
            wait_for("the last one is ready", lambda: smsd.dispatcher("last")["state"] == "ready")
            self.sent(smsd, "x")
            self.assert_nothing_shows(smsd)
            smsd.stop()
        self.assertIn(value, gateway.requests()[0]["body"])


class Mail(Canary):
    def test_no_fault_of_a_mail_server_shows_a_secret(self):
        password, pin = self.secret("password"), self.secret("pin")
        said = " ".join(self.canaries.values())
        for name in ("password", "pin"):
            self.canaries[f"{name} in base64"] = base64.b64encode(self.canaries[name].encode()).decode()
        self.canaries["login"] = base64.b64encode(f"\0noc\0{self.canaries['password']}".encode()).decode()
        said += f" {self.canaries['login']}"
        good, elsewhere, old = (self.certificate(name, *of) for name, *of in (("good", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example"),
                                                                              ("old", "IP:127.0.0.1", "expired")))
        keys = {"tls": "required", "username": "noc", "password_file": password, "from": "smsd@example.org", "to": "{digits}@sms.example.org",
                "subject": "{pin}", "body": "{pin} {text}", "connect_timeout": "1s", "secrets": [{"name": "pin", "file": pin}]}
        codes = {"greeting": "554", "ehlo": "550", "starttls": "501", "auth": "535 5.7.8", "mail": "550 5.1.8", "rcpt": "550 5.1.1",
                 "data": "554 5.5.1", "content": "554 5.6.0"}
        faults = [f"{stage}={how}" for stage in codes for how in ("cut", "half")]
        faults += [f"{stage}={code} {quote(said)}" for stage, code in codes.items()]
        faults += ["greeting=silent", "auth=garbage", "content=garbage", "ehlo=endless", "tls=cut", "tls=garbage", "auth=334 " + quote(said)]
        servers = {}

        def serve(name, behaviour, certificate=good):
            servers[name] = self.open(MailServer(self.folder, "--behave", behaviour, "--cert", certificate[0], "--key", certificate[1],
                                                 program="smtp-faults.py"))
            return "mail", dict(keys, server=servers[name].url, ca_file=certificate[0])

        dispatchers = {f"fault{n}": serve(f"fault{n}", f"offer=AUTH PLAIN,{fault}") for n, fault in enumerate(faults)}
        dispatchers["no-login"] = serve("no-login", "offer=AUTH GSSAPI")
        dispatchers["another-host"] = serve("another-host", "offer=AUTH PLAIN", elsewhere)
        dispatchers["expired"] = serve("expired", "offer=AUTH PLAIN", old)
        # The last one takes it, and gives a secret as its id.
        dispatchers["last"] = serve("last", f"offer=AUTH PLAIN,content=250 2.0.0 Ok: queued as {self.canaries['pin']}")
        smsd = self.smsd(dispatchers)
        text = canary()
        self.sent(smsd, text)
        self.assertFalse(text in smsd.text(), "the text of an SMS shows in the log")
        self.assert_nothing_shows(smsd)
        for name in ("no-login", "another-host", "expired"):
            self.assertEqual([e for e in servers[name].entries() if e.get("command", "").startswith(("AUTH", "MAIL"))], [], name)
        met = {name for name, server in servers.items() if server.entries()}
        self.assertEqual({f"fault{n}" for n, fault in enumerate(faults) if not fault.startswith("greeting")} - met, set())
        # The canaries did go where they belong.
        mail = servers["last"].mails()[0]["raw"]
        self.assertIn(f"Subject: {self.canaries['pin']}\r\n", mail)
        self.assertIn(f"{self.canaries['pin']} {text}", mail)
        self.assertIn("AUTH PLAIN", str(servers["last"].entries()))
        self.say(dispatchers=len(dispatchers), canaries=len(self.canaries), log_bytes=len(smsd.text()))


class Debug(Canary):
    def test_it_says_why_in_words_and_never_the_text_c69(self):
        """NAV's debug dispatcher logged the text of each SMS, and a tuple for its error."""
        said = {"refuse": "refused", "defer": "deferred", "break": "broken", "unknown": "unknown", "accept": "sent"}
        why = {"refuse": "told to refuse", "defer": "told to defer", "break": "told to be broken", "unknown": "told not to know"}
        smsd = self.smsd({result: ("debug", {"result": result}) for result in said})  # the last one takes it; none has a file to write to
        text = canary()
        self.sent(smsd, text)
        wait_for("the log has all of it", lambda: "accept: sent" in smsd.text())
        for result, words in why.items():
            self.assertRegex(smsd.text(), rf"(?m) {result}: {said[result]} for \S+, goes to \w+: {words}$")
        self.assertIn(f"would send an SMS of {len(text)} bytes", smsd.text())
        for where, seen in self.everything_there_is_to_see(smsd).items():
            if where == "log" or where.startswith("/proc"):
                self.assertFalse(text in seen, f"the text of an SMS shows in {where}")


class Configuration(Canary):
    def assert_not_shown(self, program, text):
        """A file that is wrong: refused, and what is said of it holds no canary and not a part of one."""
        file = self.folder / "file.yaml"
        file.write_text(text)
        file.chmod(0o640)
        done = subprocess.run([BIN / program, "--check", "--config", file], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(f"{file}:", done.stderr)
        for value in self.canaries.values():
            for part in (value[:8], value[8:16], value[-8:]):
                self.assertNotIn(part, done.stdout + done.stderr)
        return done.stderr

    def test_no_problem_with_a_file_shows_what_is_in_it(self):
        secret = self.secret("password")
        value = self.canaries["password"]
        for kind, text in (("http", f"url: http://me:{value}@gw/{{recipient}}/{{texxt}}"), ("http", f"url: {value}"),
                           ("http", f"url: http://gw/{{recipient}}{{text}}\nauth: {{type: basic, password: {value}}}"),
                           ("http", f"url: http://gw/{{recipient}}{{text}}\nauth: {{type: basic, username: x, password_file: {value}}}"),
                           ("http", f"url: http://gw/{{recipient}}{{text}}\nproxy: {{url: 'http://x:{value}@p:1'}}"),
                           ("http", f"url: http://gw/{{recipient}}{{text}}\nbody: 'a b {value}'\nmethod: POST"),
                           ("http", f"url: http://gw/{{recipient}}{{text}}\nreference: {{body: '({value}'}}"),
                           ("soap", f"preset: boost\nurl: http://gw\nusername: x\npassword: {value}\npassword_file: {secret}")):
            with self.subTest(text=text.replace(value, "...")):
                self.assert_not_shown(f"smsd-worker-{kind}", text)

    def test_no_slip_beside_a_secret_shows_it(self):
        """A blank forgotten, the secret where its file or its type belongs, a list for a section."""
        self.secret("password", "s3cret" + canary())
        value = self.canaries["password"]
        for slip in (f"auth: {{type: basic, password:{value}}}", f"auth: {{type: basic, password: {value}, password: {value}}}",
                     f"auth: {{type: bearer, token:{value}}}", f"auth: {{type: bearer, {value}}}", f"auth: {{{value}: x, {value}: y}}",
                     f"auth: Bearer {value}", f"auth: {value}", f"auth: [{value}]", f"auth: {{type: {value}}}", f"auth: password:{value}",
                     f"auth: {{type: basic, username: x, password_file:{value}}}", f"auth: {{password={value}: }}", f"auth:{value}",
                     f"auth: {{type: basic, password: *{value}}}", f"auth: {{type: basic, password: !{value} x}}",
                     f"auth: {{type: basic, password: &{value}}}", f"auth: {{type: basic, password: \"\\{value}\"}}",
                     f"secrets: {value}", f"secrets: [{value}]", f"secrets: [{{name: a, file:{value}}}]", f"secrets: [key:{value}]",
                     f"secrets: [{{name: {value}:x, file: x}}]", f"headers: ['X-Api-Key: {value}']", f"headers: [X-Api-Key: {value}]",
                     f"headers: [{{'X-Api-Key: {value}': x}}]", f"headers: [{{name: 'X-Api-Key: {value}', value: '{{no}}'}}]",
                     f"headers: {{X-Api-Key: {value}}}", f"timeout: {value}", f"timeout: '{value}'", f"window: {value}", f"window: 'x{value}'",
                     f"knows_keys: {value}", f"rate: {{per_second: {value}}}", f"proxy: http://x:{value}@p:1", f"proxy: {{url:{value}}}",
                     f"key_password_file:{value}", f"{value}: x", f"{value}"):
            with self.subTest(slip=slip.replace(value, "...")):
                self.assert_not_shown("smsd-worker-http", f"url: http://gw/{{recipient}}{{text}}\n{slip}\n")
        said = self.assert_not_shown("smsd-worker-http", f"url: http://gw/{{recipient}}{{text}}\nauth: {{type: basic, password:{value}}}\n")
        self.assertIn("file.yaml:2:21: unknown key 'password...', a blank is missing after the colon, did you mean password_file, "
                      "the file it is in? expected one of type, username, password_file, token_file", said)

    def test_no_slip_beside_the_password_of_a_database_shows_it(self):
        self.canaries["password"] = value = canary()
        for queue in (f"postgresql: {{connection:password={value}}}", f"postgresql: {{connection: host=x password={value}}}",
                      f"postgresql: password={value} host=x", f"postgresql: 'postgresql://u:{value}@h/db'", f"postgresql: [password={value}]",
                      f"postgresql: {{password: {value}}}", f"postgresql: {{'host=x password={value}': }}", f"backend: 'u:{value}@h'",
                      f"backend: 'password={value}'", f"lease: password={value}", f"password={value}: x"):
            with self.subTest(queue=queue.replace(value, "...")):
                self.assert_not_shown("smsd", f"queue: {{{queue}}}\ndispatchers: [{{name: x, kind: debug}}]\n")
