# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary finds faults of dispatchers before an alert meets them, and never sends more than it was allowed."""

import json
import os
import pathlib
import subprocess
import time
import unittest

from clock import LIBRARY, FakeClock
from harness import BIN, Gateway, MailServer, Modem, Scenario, Smsd, sms_in, wait_for

EVERY = 10  # seconds, the shortest interval
TO = "+4799999999"


class Canaries(Scenario):
    def smsd(self, dispatchers, canary=None, **more):
        settings = {"canary": dict({"recipient": TO, "every": f"{EVERY}s", "max_per_day": 100000}, **(canary or {})), **more.pop("settings", {})}
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, dispatchers,
                              settings=settings, **more))

    def canary(self, smsd, name):
        return smsd.dispatcher(name)["canary"]

    def certificate(self, name, days):
        """A certificate of 127.0.0.1 that signs itself: (its file, its key's)."""
        cert, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-nodes", "-out", request], check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", str(days), "-copy_extensions", "copy", "-out", cert],
                       check=True, capture_output=True)
        return str(cert), str(key)


@unittest.skipUnless(os.getuid() == 0, "only root can give a process another /etc/hosts")
class EightFaults(Canaries):
    """Eight dispatchers whose canaries are accepted; each gets a fault, and the next canary finds it."""

    def gateway(self, *arguments):
        return self.open(Gateway(self.folder, *arguments))

    def test_each_is_found_within_an_interval_and_shown_logged_and_mailed(self):
        cert, key = self.certificate("good", 2)
        expired, expired_key = self.certificate("expired", 0)
        trusted = self.folder / "trusted.pem"
        trusted.write_text(pathlib.Path(cert).read_text() + pathlib.Path(expired).read_text())
        modems = {name: self.open(Modem(self.folder, name=name)) for name in ("credit", "unregistered", "locked")}
        hosts = self.folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n127.0.0.1 gateway.test\n")
        switches = {name: Switch(self.folder, name) for name in ("body", "payment", "certificate", "slow", "name")}
        for switch in switches.values():
            self.open(switch)
        fine = self.gateway()
        tls, tls_expired = self.gateway("--cert", cert, "--key", key), self.gateway("--cert", expired, "--key", expired_key)
        body = self.gateway("--behave", "body=ERROR: this account may not send")
        payment = self.gateway("--behave", "status=402")
        slow = self.gateway("--behave", "delay=30")
        for name, switch in switches.items():
            switch.leads_to(tls.port if name == "certificate" else fine.port)

        def http(name, host="127.0.0.1", scheme="http", **more):
            return "http", dict({"url": f"{scheme}://{host}:{switches[name].port}/?to={{recipient}}&m={{text}}", "keep_alive": False}, **more)
        answers = [{"status": 200, "body": "^ok", "is": "accepted"}, {"status": 200, "body": "^ERROR: (.*)", "is": "refused", "reason": "the gateway refuses it"}]
        dispatchers = {"body": http("body", answers=answers), "payment": http("payment"),
                       "certificate": http("certificate", scheme="https", ca_file=str(trusted)), "slow": http("slow"),
                       "name": http("name", host="gateway.test"),
                       **{name: ("gammu", {"device": str(modem.link), "check_interval": "5s"}) for name, modem in modems.items()}}
        server = self.open(MailServer(self.folder))
        smsd = self.smsd(dispatchers, entries={"slow": {"timeout": "3s"}, **{name: {"timeout": "20s"} for name in modems}},
                         settings={"admin_mail": {"to": "noc@example.org", "delay": "1s", "interval": "2s"}})
        mail = smsd.folder / "dispatchers" / "mail.yaml"
        mail.write_text(json.dumps({"server": server.url, "from": "smsd@example.org", "to": "{recipient}", "subject": "smsd", "tls": "never"}))
        mail.chmod(0o640)
        smsd.start(under=["unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"])
        wait_for("each canary is accepted", lambda: all(d["canary"]["result"] == "accepted" for d in smsd.status()["dispatchers"]), deadline=60)
        self.assertEqual({d["name"]: d["canary"]["failing"] for d in smsd.status()["dispatchers"]}, dict.fromkeys(dispatchers, False))
        self.assertNotIn("canary-failed", smsd.text())

        begin = time.monotonic()
        modems["credit"].tell("cms 8 1")  # operator determined barring: as networks answer a SIM without credit
        modems["unregistered"].tell("registration none")
        modems["locked"].tell("sim pin")
        for name, gateway in (("body", body), ("payment", payment), ("certificate", tls_expired), ("slow", slow)):
            switches[name].leads_to(gateway.port)
        hosts.write_text("127.0.0.1 localhost\n")
        smsd.ctl("dispatcher", "restart", "name")  # a worker uses the addresses that it knows for ten minutes
        found = {}

        def look():
            for d in smsd.status()["dispatchers"]:
                if d["canary"]["failing"]:
                    found.setdefault(d["name"], (time.monotonic() - begin, d["canary"]["result"], d["canary"]["words"]))
            return len(found) == len(dispatchers)
        try:
            wait_for("each fault is found", look, deadline=60)
        except AssertionError as error:
            raise AssertionError(f"{error}\nfound: {found}\n{smsd.text()[-6000:]}") from None
        for name, (after, result, words) in sorted(found.items()):
            self.say(**{name: f"{result} after {after:.1f} s: {words}"})
        # A canary is on its way for as long as its dispatcher's timeout.
        for name, (after, _, _) in found.items():
            self.assertLess(after, EVERY + {"slow": 3, "credit": 20, "locked": 20, "unregistered": 20}.get(name, 5) + 2, name)
        findings = {f["what"]: f["next"] for f in smsd.status()["findings"]}
        for name in dispatchers:
            self.assertTrue(any(what.startswith(f"the canary of {name} was ") and f"canary run {name}" in following for what, following in findings.items()),
                            (name, findings))
            self.assertRegex(smsd.text(), rf"{name}: its canary was ")
        mailed = wait_for("each is mailed", lambda: all(any(f"{name}: its canary was" in m["body"] for m in server.mails()) for name in dispatchers))
        self.assertTrue(mailed)
        self.assertNotIn(TO, smsd.text())

        modems["unregistered"].tell("registration home")
        modems["locked"].tell("sim ready")
        for name in ("body", "payment", "slow"):
            switches[name].leads_to(fine.port)
        switches["certificate"].leads_to(tls.port)
        hosts.write_text("127.0.0.1 localhost\n127.0.0.1 gateway.test\n")
        for name in dispatchers:
            smsd.ctl("dispatcher", "resume", name)
        wait_for("each is accepted again after its repair", lambda: not any(d["canary"]["failing"] for d in smsd.status()["dispatchers"]), deadline=120)
        self.assertFalse([f["what"] for f in smsd.status()["findings"] if "canary" in f["what"]])


class Switch:
    """A port whose connections lead to another port, which changes while it runs."""

    def __init__(self, folder, name):
        self.file = pathlib.Path(folder) / f"{name}.port"
        self.file.write_text("0")
        program = (
            "import asyncio, sys\n"
            "async def pump(reader, writer):\n"
            "    try:\n"
            "        while data := await reader.read(65536):\n"
            "            writer.write(data); await writer.drain()\n"
            "    except OSError: pass\n"
            "    finally: writer.close()\n"
            "async def serve(reader, writer):\n"
            "    try: far = await asyncio.open_connection('127.0.0.1', int(open(sys.argv[1]).read()))\n"
            "    except OSError: return writer.close()\n"
            "    await asyncio.gather(pump(reader, far[1]), pump(far[0], writer))\n"
            "async def main():\n"
            "    server = await asyncio.start_server(serve, '127.0.0.1', 0)\n"
            "    print(server.sockets[0].getsockname()[1], flush=True)\n"
            "    await server.serve_forever()\n"
            "asyncio.run(main())\n")
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", program, self.file], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def leads_to(self, port):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(port))
        os.replace(fresh, self.file)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Bounds(Canaries):
    def test_the_advice_for_a_dispatcher_that_rests_sends_a_canary_after_its_repair(self):
        switch, fine = self.open(Switch(self.folder, "gateway")), self.open(Gateway(self.folder))
        smsd = self.smsd({"gateway": ("http", {"url": f"http://127.0.0.1:{switch.port}/?to={{recipient}}&m={{text}}", "keep_alive": False})},
                         canary={"every": "1d"}).start()
        wait_for("it is ready", lambda: smsd.dispatcher("gateway")["state"] == "ready")

        def fails():
            smsd.ctl("canary", "run", "gateway", check=False)
            return smsd.dispatcher("gateway")["state"] == "resting"
        wait_for("it rests", fails)
        self.assertIn("not tried", smsd.ctl("canary", "run", "gateway", check=False).stdout)
        switch.leads_to(fine.port)
        advice = next(f["next"] for f in smsd.status()["findings"] if f["what"].startswith("the canary of gateway"))
        done = subprocess.run(["/bin/bash", "-c", advice], env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("gateway: accepted", done.stdout)
        self.assertEqual([f["what"] for f in smsd.status()["findings"]], [])

    def test_an_operator_lists_them_and_sends_one_and_a_reload_changes_them(self):
        sent = self.folder / "sent"
        smsd = self.smsd({"modem": ("debug", {"file": str(sent)}), "gateway": ("debug", {"result": "refuse"})},
                         canary={"every": "1d", "max_per_day": 5, "text": "hello from {dispatcher}"}).start()
        wait_for("both are ready", lambda: all(d["state"] == "ready" for d in smsd.status()["dispatchers"]))
        self.assertRegex(smsd.ctl("canary", "list"), r"^modem    none yet; next in .*\ngateway  none yet; next in .*\n$")
        self.assertRegex(smsd.ctl("canary", "run", "modem"), r"^modem: accepted, without a reference \(\d+ ms\)\n$|^modem: accepted, reference .* \(\d+ ms\)\n$")
        self.assertEqual([(one["recipient"], one["text"]) for one in sms_in(sent)], [(TO, "hello from modem")])
        done = smsd.ctl("canary", "run", "--json", check=False)
        self.assertEqual(done.returncode, 69)
        self.assertEqual([(one["dispatcher"], one["result"]) for one in json.loads(done.stdout)["tries"]], [("modem", "accepted"), ("gateway", "refused")])
        listed = {one["dispatcher"]: one for one in json.loads(smsd.ctl("canary", "list", "--json"))}
        self.assertEqual((listed["modem"]["accepted"], listed["gateway"]["refused"], listed["gateway"]["failing"]), (2, 1, True))
        self.assertIn("canary refused", smsd.ctl("status", "--verbose"))
        finding = next(f for f in smsd.status()["findings"] if "canary" in f["what"])
        self.assertRegex(finding["next"], "smsctl --config .* canary run gateway")
        done = subprocess.run(["/bin/bash", "-c", finding["next"]], env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 69, done)
        self.assertEqual(smsd.status()["queue"]["sent"], 0, "no row")
        for words, status in ((("nobody",), 65),):
            self.assertEqual(smsd.ctl("canary", "run", *words, check=False).returncode, status)
        smsd.ctl("canary", "run", "modem")
        refused = smsd.ctl("canary", "run", "modem", check=False)
        self.assertEqual(refused.returncode, 65)
        self.assertIn("today's 5 canaries are used up", refused.stderr)
        config = json.loads(smsd.config.read_text())
        config["canary"].update(recipient="+4711", max_per_day=100)
        config["dispatchers"][1]["canary"] = {"enabled": False}
        smsd.config.write_text(json.dumps(config))
        before = {d["name"]: d["worker_pid"] for d in smsd.status()["dispatchers"]}
        self.assertIn("the canary of gateway", smsd.ctl("reload"))
        self.assertNotIn("+4711", smsd.text())
        self.assertEqual({d["name"]: d["worker_pid"] for d in smsd.status()["dispatchers"]}, before, "no worker is replaced")
        self.assertIsNone(self.canary(smsd, "gateway"))
        smsd.ctl("canary", "run")
        self.assertEqual(sms_in(sent)[-1]["recipient"], "+4711")
        self.assertRegex(smsd.text(), r"canary of modem.*\n(.*\n)*.*canary of all dispatchers")

    def test_a_crash_in_a_loop_sends_one_an_interval(self):
        sent = self.folder / "sent"
        smsd = self.smsd({"modem": ("debug", {"file": str(sent)})}, canary={"every": "1h", "max_per_day": 50})
        smsd.start()
        wait_for("it is ready", lambda: smsd.dispatcher("modem")["state"] == "ready")
        smsd.ctl("canary", "run")
        for _ in range(5):
            smsd.process.kill()
            smsd.process.wait()
            smsd.start()
            wait_for("it is ready", lambda: smsd.dispatcher("modem")["state"] == "ready")
            self.assertEqual(self.canary(smsd, "modem")["result"], "accepted")
        self.assertLessEqual(len(sms_in(sent)), 2, "another one only if the hour passed meanwhile")


@unittest.skipUnless(LIBRARY, "needs faketime")
class SteppedClock(Canaries):
    """The clock of the host goes two hours ahead and back, over the hour of the canary."""

    def test_two_hours_ahead_and_back_send_one_canary(self):
        clock = FakeClock(self.folder)
        sent = self.folder / "sent"
        at = time.strftime("%H:%M", time.localtime(time.time() + 3600))
        smsd = self.smsd({"modem": ("debug", {"file": str(sent)})}, canary={"every": "1d", "at": at, "max_per_day": 50})
        smsd.start(environment=clock.environment())
        wait_for("it is ready", lambda: smsd.dispatcher("modem")["state"] == "ready")
        self.assertLess(self.canary(smsd, "modem")["next_seconds"], 3601)
        clock.step(2)
        smsd.ctl("reload")  # as the look once a minute
        wait_for("its hour is over: it is sent", lambda: len(sms_in(sent)) == 1)
        wait_for("it is accepted", lambda: self.canary(smsd, "modem")["result"] == "accepted")
        for hours in (0, -2, 0, 2):
            clock.step(hours)
            smsd.ctl("reload")
            self.assertGreater(self.canary(smsd, "modem")["next_seconds"], 0)
        smsd.stop()
        self.assertEqual(len(sms_in(sent)), 1)


if __name__ == "__main__":
    unittest.main()
