# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd's own units under a real systemd: installed, started, watched, stopped, and what its journal keeps."""

import collections
import json
import re
import unittest
from urllib.parse import quote

from canaries import FAULTS, canary
from harness import SOURCE, Gateway, MailServer, Modem, Scenario, free_port, wait_for
from machine import Machine, Unbootable
from main_path import asked

ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>%s</e:Body></e:Envelope>'
MAIL = {"from": "smsd@example.org", "to": "{recipient}@sms.example.org"}
DYNAMIC = range(61184, 65520)  # whom DynamicUser= makes


class Booted(Scenario):
    def setUp(self):
        super().setUp()
        try:
            self.machine = self.open(self.boot())
        except Unbootable as reason:
            raise unittest.SkipTest(str(reason)) from None
        self.complete()

    def boot(self):
        return Machine(self.folder)

    def complete(self):
        """What `cmake --install` does not do."""
        for script in readme("sh", "systemd-sysusers"):
            self.machine.shell(re.sub(r"^cmake .*$", "", script, flags=re.MULTILINE))

    def configure(self, dispatchers, entries=None, **settings):
        """`dispatchers`: {name: (kind, its own keys)}, in order of preference, all of them systemd's; `entries`: more of smsd.yaml."""
        listed = [dict({"name": name, "kind": kind, "activation": "socket"}, **(entries or {}).get(name, {}))
                  for name, (kind, _) in dispatchers.items()]
        self.machine.write("/etc/smsd/smsd.yaml", {"dispatchers": listed, **settings})
        for name, (_, keys) in dispatchers.items():
            self.machine.write(f"/etc/smsd/dispatchers/{name}.yaml", keys)
        self.sockets = [f"smsd-{kind}@{name}.socket" for name, (kind, _) in dispatchers.items()]

    def drop_in(self, unit, *lines):
        self.machine.write(f"/etc/systemd/system/{unit}.d/scenario.conf", "\n".join(["[Service]", *lines]) + "\n", mode=0o644, group="root")

    def start(self):
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "enable", "--now", *self.sockets, "smsd")

    def gateway(self, *behave):
        return self.open(Gateway(self.folder, *(word for one in behave for word in ("--behave", one)), under=self.machine.network()))

    def queue(self, *numbers, text="alert"):
        """Also before the first start of smsd, which would make the queue."""
        self.machine.run("setpriv", "--reuid=smsd", "--regid=smsd", "--init-groups", "sh", "-e", "-c",
                         f'[ -e /var/lib/smsd/queue.db ] || smsctl db install >/dev/null; for n; do smsctl send "$n" {text} >/dev/null; done', "sh", *numbers)

    def all_decided(self):
        wait_for("nothing waits", lambda: (self.machine.status() or {"queue": {"unsent": 1}})["queue"]["unsent"] == 0, deadline=180)

    def sms(self, name, file="sent.jsonl"):
        """What a debug dispatcher wrote down."""
        return [json.loads(line) for line in self.machine.read(f"/var/lib/smsd-debug/{name}/{file}").splitlines()]

    def states(self):
        status = self.machine.status()
        return {d["name"]: d["state"] for d in status["dispatchers"]} if status else {}

    def unknown(self):
        return sum(d["unknown"] for d in self.machine.status()["dispatchers"])

    def assert_no_unit_failed(self):
        self.assertEqual(self.machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "smsd*").stdout, "")


def http(gateway, **more):
    return ("http", dict({"url": f"http://127.0.0.1:{gateway.port}/?to={{recipient}}&m={{text}}"}, **more))


def readme(language, word):
    """The blocks of README.md in that language that have the word."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (SOURCE / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if word in block]
    if not found:
        raise AssertionError(f"README.md has no block with {word}")
    return found


class Units(Booted):
    def test_each_kind_sends_behind_the_walls_of_its_unit(self):
        gateway, service = self.gateway(), self.gateway("type=text%2Fxml,body=" + quote(ENVELOPE % "<r><return>1000</return></r>"))
        mail = self.open(MailServer(self.folder, under=self.machine.network()))
        modem = self.open(Modem(self.machine.share, under=self.machine.inside()))
        boost = {"preset": "boost", "url": f"http://127.0.0.1:{service.port}/", "username": "me", "password_file": "boost.password",
                 "sender": "+4712345678"}
        # A pseudo terminal is where it is, not where the link is: the worker has a /tmp of its own.
        self.configure({"gateway": http(gateway), "boost": ("soap", boost), "mail": ("mail", dict(MAIL, server=mail.url)),
                        "modem": ("gammu", {"device": str(modem.link.readlink())}), "file": ("debug", {"file": "sent.jsonl"})})
        self.machine.write("/etc/smsd/dispatchers/boost.password", "hunter2\n", group="root", mode=0o600)
        self.drop_in("smsd-soap@boost.service", "LoadCredential=boost.password:/etc/smsd/dispatchers/boost.password")
        self.start()
        wait_for("all are ready", lambda: set(self.states().values()) == {"ready"})
        for name in self.states():
            self.machine.ctl("test", "+4799887766", "--via", name, "--message", "core-gw1 is down")
        self.assertEqual(gateway.requests()[0]["query"], "to=%2B4799887766&m=core-gw1%20is%20down")
        self.assertIn("hunter2", service.requests()[0]["body"])
        self.assertEqual([m["to"] for m in mail.mails()], [["+4799887766@sms.example.org"]])
        self.assertEqual([sms["text"] for sms in modem.sms()], ["core-gw1 is down"])
        self.assertIn("core-gw1 is down", self.machine.read("/var/lib/smsd-debug/file/sent.jsonl"))
        self.check_walls()
        self.assert_no_unit_failed()
        self.assertEqual([entry["MESSAGE"] for entry in self.machine.journal("--priority=err", "--unit=smsd*")], [])
        explained = self.machine.run("journalctl", "--catalog", "--unit=smsd", "--no-pager").stdout
        self.assertIn("Subject: smsd has started", explained)
        self.say(boot_s=f"{self.machine.boot_seconds:.1f}", kinds=len(self.sockets))

    def check_walls(self):
        owners = collections.Counter()
        for unit in ["smsd.service", *(sock.replace(".socket", ".service") for sock in self.sockets)]:
            active, result, said = self.machine.unit(unit, "ActiveState", "Result", "StatusText")
            self.assertEqual((active, result), ("active", "success"), unit)
            wait_for("its status line counts it", lambda name=unit: re.search(
                r"5 of 5 dispatchers ready" if name == "smsd.service" else "1 accepted", self.machine.unit(name, "StatusText")[0]))
            (pid,) = self.machine.processes(unit)
            told = dict(line.split(":\t", 1) for line in self.machine.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
            self.assertEqual((told["Seccomp"], told["NoNewPrivs"], told["CapEff"], told["CapBnd"]), ("2", "1", "0" * 16, "0" * 16), unit)
            owner = int(told["Uid"].split()[0])
            self.assertEqual(owner in DYNAMIC, unit != "smsd.service", unit)
            owners[owner] += 1
        self.assertEqual(set(owners.values()), {1}, "two units share a user")

    def test_stops_and_restarts_under_load_lose_nothing_send_nothing_twice_and_are_not_cut_short(self):
        gateway = self.gateway("delay=0.2")
        self.configure({"gateway": http(gateway, window=4)})
        self.queue(*(f"+47{n:08}" for n in range(120)))
        self.start()
        for unit in ["smsd", "smsd-http@gateway"] * 3:
            seen = len(gateway.requests())
            wait_for("it sends", lambda before=seen: len(gateway.requests()) > before + 4)
            self.machine.run("systemctl", "restart", unit)
        self.machine.run("systemctl", "stop", "smsd", "smsd-http@gateway")
        after = len(gateway.requests())
        self.assertGreater(120, after, "there was no load left to stop under")
        self.assertEqual([self.machine.unit(unit, "ActiveState", "Result") for unit in ("smsd", "smsd-http@gateway")], [["inactive", "success"]] * 2)
        self.machine.run("systemctl", "start", "smsd")
        self.all_decided()
        copies = {number: len(texts) for number, texts in asked([("?" + request["query"], 0) for request in gateway.requests()]).items()}
        self.assertEqual(len(copies), 120)
        self.assertEqual(set(copies.values()), {1})
        # What a worker that stops had not begun goes to its successor: nobody waits for a round of its own.
        self.assertEqual([entry["MESSAGE"] for entry in self.machine.journal("SMSD_EVENT=sms-waits")], [])
        words = [entry["MESSAGE"] for entry in self.machine.journal("--identifier=systemd")]
        self.assertEqual([line for line in words if re.search(r"timed out|Killing|SIGKILL|Failed with", line)], [])
        self.assert_no_unit_failed()

    def test_the_watchdog_ends_what_hangs_and_both_go_on(self):
        self.configure({"first": ("debug", {"file": "sent.jsonl", "result": "freeze", "after": 1})}, entries={"first": {"timeout": "60s"}})
        self.drop_in("smsd-debug@first.service", "WatchdogSec=1s")
        self.drop_in("smsd.service", "WatchdogSec=1s")
        self.queue("+471")
        self.start()
        self.all_decided()
        (worker,), (smsd,) = self.machine.processes("smsd-debug@first.service"), self.machine.processes("smsd.service")
        self.queue("+472")  # freezes it
        wait_for("systemd has noticed", lambda: self.machine.journal("--unit=smsd-debug@first.service", "--grep=result 'watchdog'"))
        self.machine.write("/etc/smsd/dispatchers/first.yaml", {"file": "sent.jsonl"})
        self.machine.run("systemctl", "restart", "smsd-debug@first.service", check=False)
        self.all_decided()
        self.assertNotEqual(self.machine.processes("smsd-debug@first.service"), [worker])
        self.assertEqual(self.machine.processes("smsd.service"), [smsd])
        self.assertEqual(self.unknown(), 1)
        self.machine.run("kill", "-STOP", smsd)
        wait_for("systemd has noticed", lambda: self.machine.journal("--unit=smsd.service", "--grep=result 'watchdog'"))
        wait_for("it was started again", lambda: self.machine.status())
        self.queue("+473")
        self.all_decided()
        self.assertIn("+473", [line["recipient"] for line in self.sms("first")])

    def test_a_wrong_configuration_is_said_and_not_tried_over_and_over_and_a_death_is(self):
        self.configure({"file": ("debug", {"file": "sent.jsonl"})}, retry={"limit": "many"})
        self.machine.run("systemctl", "start", "smsd", check=False)
        wait_for("it has failed", lambda: self.machine.unit("smsd", "ActiveState") == ["failed"])
        self.assertEqual(self.machine.unit("smsd", "ExecMainStatus", "NRestarts"), ["78", "0"])
        said = "\n".join(entry["MESSAGE"] for entry in self.machine.journal("--unit=smsd"))
        self.assertIn("/etc/smsd/smsd.yaml:", said)
        self.configure({"file": ("debug", {"file": "sent.jsonl"})})
        self.queue("+471")
        self.start()
        self.all_decided()
        (pid,) = self.machine.processes("smsd.service")
        self.queue("+472")
        self.machine.run("kill", "-KILL", pid)
        wait_for("systemd has started another", lambda: self.machine.processes("smsd.service") not in ([], [pid]))
        self.all_decided()
        self.assertEqual(sorted(line["recipient"] for line in self.sms("file")), ["+471", "+472"])

    def test_reload_and_a_worker_started_anew_take_in_what_was_changed(self):
        self.configure({"file": ("debug", {"file": "before.jsonl"})})
        self.start()
        wait_for("it is ready", lambda: self.states() == {"file": "ready"})
        self.configure({"file": ("debug", {"file": "after.jsonl"}), "second": ("debug", {"file": "second.jsonl"})})
        self.machine.run("systemctl", "enable", "--now", *self.sockets)
        self.machine.run("systemctl", "reload", "smsd")
        wait_for("both are ready", lambda: self.states() == {"file": "ready", "second": "ready"})
        self.machine.run("systemctl", "restart", "smsd-debug@file")
        wait_for("both are ready", lambda: self.states() == {"file": "ready", "second": "ready"})
        self.queue("+471")
        self.all_decided()
        self.assertEqual([line["recipient"] for line in self.sms("file", "after.jsonl")], ["+471"])


class Advice(Booted):
    """Each repair that status and catalog advise, typed under a real systemd; socket_mode and advice do the same without one."""

    def point(self, gateway, answer):
        self.machine.write("/etc/smsd/dispatchers/gateway.yaml", {"url": f"http://127.0.0.1:{gateway.port}/-/status={answer}/?to={{recipient}}&m={{text}}"})

    def gateway_state(self):
        return next(iter((self.machine.status() or {"dispatchers": [{"state": "", "reason": "", "next_try_seconds": 0}]})["dispatchers"]))

    def sent_at_once(self, number):
        self.queue(number)
        wait_for("it is sent", lambda: (s := self.machine.status()) and s["queue"]["unsent"] == 0, deadline=20)

    def test_a_rejected_login_that_was_mended_in_the_file_is_used_at_once_after_each_restart(self):
        gateway, pids = self.gateway(), []
        self.configure({"gateway": http(gateway)})
        self.point(gateway, 401)
        self.start()
        for n, words in enumerate((["smsctl", "dispatcher", "restart", "gateway"], ["systemctl", "restart", "smsd"],
                                   ["systemctl", "restart", "smsd-http@gateway"])):
            self.point(gateway, 401)
            self.machine.run("systemctl", "restart", "smsd-http@gateway")
            self.queue(f"+47{n}")
            wait_for("it is broken", lambda: (d := self.gateway_state())["state"] == "broken" and d["next_try_seconds"] > 20)
            self.assertEqual(self.machine.ctl("status", check=False).returncode, 1)
            before = self.machine.processes("smsd-http@gateway.service")
            self.point(gateway, 200)
            self.machine.run(*words)
            self.sent_at_once(f"+48{n}")
            after = self.machine.processes("smsd-http@gateway.service")
            self.assertNotEqual(before, after, words)
            pids += [before, after]
        self.assertEqual([entry["MESSAGE"] for entry in self.machine.journal("SMSD_EVENT=contract-broken")], [])
        self.say(processes=pids)

    def test_a_file_that_the_worker_cannot_start_with_is_said_by_smsd_and_used_when_mended(self):
        gateway = self.gateway()
        self.configure({"gateway": ("http", {"ulr": "http://127.0.0.1/"})})
        self.start()
        reason = wait_for("the reason is in status", lambda: (r := self.gateway_state()["reason"]) and "unknown key" in r and r)
        self.assertIn("/etc/smsd/dispatchers/gateway.yaml:", reason)
        self.assertNotIn("credentials", reason)
        checked = self.machine.run("smsd", "--check", check=False)
        self.assertEqual((checked.returncode, "gateway.yaml:2:" in checked.stderr), (78, True), checked.stderr)
        wait_for("its throttle waits long", lambda: self.gateway_state()["next_try_seconds"] > 5)
        self.point(gateway, 200)
        self.machine.run("systemctl", "restart", "smsd-http@gateway")
        self.sent_at_once("+471")
        self.machine.run("chmod", "a-x", "/usr/local/libexec/smsd/smsd-worker-http")
        self.machine.run("systemctl", "stop", "smsd-http@gateway")
        wait_for("its unit is named", lambda: "`journalctl -u smsd-http@gateway`" in self.gateway_state()["reason"])
        self.machine.run("chmod", "a+x", "/usr/local/libexec/smsd/smsd-worker-http")
        self.machine.run("smsctl", "dispatcher", "resume", "gateway")
        self.sent_at_once("+472")
        # The bad file was an outage; the worker that could not be executed was wanted only after it had been mended.
        self.assertEqual(len(self.machine.journal("SMSD_EVENT=no-dispatcher")), 1)
        self.say(reason=reason)

    def test_a_reload_that_is_refused_fails_and_says_why(self):
        gateway = self.gateway()
        self.configure({"gateway": http(gateway)})
        self.start()
        wait_for("it is ready", lambda: self.states() == {"gateway": "ready"})
        self.machine.run("systemctl", "reload", "smsd")
        self.configure({"gateway": http(gateway)}, retry={"delay": "soon"})
        refused = self.machine.run("systemctl", "reload", "smsd", check=False)
        self.assertNotEqual(refused.returncode, 0)
        wait_for("the reason is in the unit's journal", lambda: self.machine.journal("--unit=smsd", "--grep=retry.delay: found"))
        self.assertEqual(self.machine.unit("smsd", "ActiveState"), ["active"])
        self.configure({"gateway": http(gateway)}, retry={"delay": "45s"})
        self.machine.run("systemctl", "reload", "smsd")


class Canaries(Booted):
    def test_no_fault_of_a_gateway_shows_a_secret_in_the_journal_or_to_who_looks_at_the_processes(self):
        gateway, echo = self.gateway(), canary()
        secrets = {name: canary() for name in ("in_url", "in_header", "in_body", "basic", "literal", "soap", "mail")}
        credentials = {"url.secret": "in_url", "header.secret": "in_header", "body.secret": "in_body", "basic.secret": "basic"}
        keys = {"method": "POST", "body": "password={in_body}&to={recipient}&m={text}", "connect_timeout": "1s",
                "headers": [{"name": "X-Api-Key", "value": "{in_header}"}],
                "auth": {"type": "basic", "username": "noc", "password_file": "basic.secret"},
                "secrets": [{"name": f"in_{name}", "file": f"{name}.secret"} for name in ("url", "header", "body")]}
        url = f"http://127.0.0.1:%d%s?password={{in_url}}&more={secrets['literal']}"
        dispatchers = {f"fault{n}": ("http", dict(keys, url=url % (gateway.port, f"/-/{fault}/"))) for n, fault in enumerate(FAULTS)}
        dispatchers["unreachable"] = ("http", dict(keys, url=url % (free_port(), "/")))
        repeats = self.gateway("status=500,body=" + quote(ENVELOPE % f"<e:Fault><faultcode>e:Client</faultcode><faultstring>{secrets['soap']}</faultstring></e:Fault>"))
        dispatchers["boost"] = ("soap", {"preset": "boost", "url": f"http://127.0.0.1:{repeats.port}/", "username": "me",
                                         "password_file": "soap.secret", "sender": "1234"})
        mail = self.open(MailServer(self.folder, "--behave", f"offer=AUTH PLAIN,auth=535 no: {secrets['mail']}", program="smtp-faults.py",
                                    under=self.machine.network()))
        dispatchers["mail"] = ("mail", dict(MAIL, server=mail.url, tls="never", username="me", password_file="mail.secret"))
        dispatchers["echo"] = ("http", dict(keys, url=url % (gateway.port, "/-/echo/"), reference={"body": "(?s)\"headers.*"}))
        self.configure(dispatchers, entries={name: {"timeout": "2s"} for name in dispatchers})
        for file, name in {**credentials, "soap.secret": "soap", "mail.secret": "mail"}.items():
            self.machine.write(f"/etc/smsd/dispatchers/{file}", secrets[name] + "\n", mode=0o600, group="root")
        for kind, files in (("http", credentials), ("soap", ["soap.secret"]), ("mail", ["mail.secret"])):
            self.drop_in(f"smsd-{kind}@.service", *(f"LoadCredential={file}:/etc/smsd/dispatchers/{file}" for file in files))
        self.start()
        # An SMS does not wait long for dispatchers that start, and thirty of them take their time.
        wait_for("none starts any more", lambda: (states := self.states()) and "starting" not in states.values(), deadline=120)
        self.queue("+4799999999", text=echo)
        self.all_decided()
        met = {request["path"].split("/")[2] for request in gateway.requests() if request["path"].startswith("/-/")}
        self.assertEqual(set(FAULTS) - met, set())
        # They did go where they belong: the search below looks for what was really there.
        taken = next(request for request in gateway.requests() if request["path"] == "/-/echo/")
        self.assertIn(secrets["in_url"], taken["query"])
        self.assertIn(secrets["in_body"], taken["body"])
        self.assertEqual(taken["headers"]["x-api-key"], secrets["in_header"])
        self.assertIn(secrets["soap"], repeats.requests()[0]["body"])
        self.assertTrue(any("AUTH" in entry.get("command", "") for entry in mail.entries()))
        seen = self.everything_there_is_to_see()
        for where, text in seen.items():
            for name, value in {**secrets, **({"text": echo} if where == "journal" else {})}.items():
                for form in (value, quote(value, safe="")):
                    self.assertFalse(form in text, f"the secret {name} shows in {where}")
        self.assertIn("sent message 1 to", seen["journal"])
        self.assertGreaterEqual(sum("smsd-worker-" in text for where, text in seen.items() if where.endswith("cmdline")), len(dispatchers) // 2)
        self.say(dispatchers=len(dispatchers), canaries=len(secrets), journal_bytes=len(seen["journal"]), places=len(seen))

    def everything_there_is_to_see(self):
        seen = {"journal": self.machine.run("journalctl", "--output=export", "--all", "--no-pager").stdout}
        for words in (["systemctl", "status", "--no-pager", "--lines=1000", "smsd*"], ["systemctl", "show", "smsd*"],
                      ["systemctl", "cat", "smsd*"]):
            seen[" ".join(words)] = self.machine.run(*words, check=False).stdout
        for words in (["status"], ["status", "--json"], ["explain", "1"], ["queue", "list"]):
            seen["smsctl " + " ".join(words)] = self.machine.ctl(*words, check=False).stdout
        for unit in ["smsd.service", *(sock.replace(".socket", ".service") for sock in self.sockets)]:
            for pid in self.machine.processes(unit):
                for file in ("cmdline", "environ", "comm"):
                    seen[f"/proc/{pid}/{file}"] = self.machine.shell(f"tr '\\0' ' ' </proc/{pid}/{file}", check=False).stdout
        for name in ("queue.db", "queue.db-wal"):
            seen[name] = self.machine.shell(f"strings -n 8 /var/lib/smsd/{name} || true").stdout
        return seen


class Readme(Booted):
    def test_for_real_with_navs_postgresql_as_the_readme_says(self):
        machine = self.machine
        if machine.run("sh", "-c", "ls -d /etc/postgresql/*/main", check=False).returncode != 0:
            self.skipTest("PostgreSQL has no cluster of its own here")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "postgresql")
        gateway = self.gateway()
        machine.shell(f"runuser -u postgres -- createdb nav && runuser -u postgres -- psql -q nav -f {SOURCE}/tests/data/nav-schema.sql")
        (config,), (keys,), (secret,) = readme("yaml", "dispatchers:\n"), readme("yaml", "secrets:\n"), readme("sh", "LoadCredential=")
        machine.write("/root/new/smsd.yaml", config, group="root")
        machine.write("/root/new/gateway.yaml", keys.replace("https://gateway.example.org", f"http://127.0.0.1:{gateway.port}"), group="root")
        machine.shell("cd /root/new\n" + secret.replace("cat >", "echo 'own+word' >"))
        (database,), (start,), (look,) = readme("sh", "db install --indexes"), readme("sh", "smsd --check"), readme("sh", "queue list --status Y")
        machine.shell(database)
        status = "".join(re.findall("^systemctl status .*\n", start, flags=re.MULTILINE))
        machine.shell(start.replace(status, ""))
        wait_for("it is ready", lambda: self.states() == {"gateway": "ready"})
        machine.shell(status + look)
        wait_for("it is sent", lambda: gateway.requests())
        self.assertIn("password=own%2Bword&to=%2B4799887766&m=a%20test", gateway.requests()[0]["query"])
        self.all_decided()
        # smsd without a network: the database's socket and the worker's are enough.
        (unix,) = readme("sh", "unix-sockets.conf")
        machine.shell(unix)
        (pid,) = machine.processes("smsd.service")
        self.assertEqual(re.findall(r"^ *(\w+):", machine.read(f"/proc/{pid}/net/dev"), flags=re.MULTILINE), ["lo"])
        machine.ctl("send", "+4799887766", "without a network")
        wait_for("it is sent", lambda: len(gateway.requests()) == 2)
        self.all_decided()
