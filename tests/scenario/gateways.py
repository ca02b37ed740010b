# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP gateways with a daemon before them: what their answers make of messages, and how fast they are asked."""

import pathlib
import re
import subprocess
import time

from harness import DEADLINE, SOURCE, Gateway, Scenario, Smsd, die_with_parent, records, sms_in, wait_for


class Providers:
    """tests/peers/providers.py: gateways that people use, as their documentation says they behave."""

    def __init__(self, folder):
        self.record = pathlib.Path(folder) / "taken.jsonl"
        self.process = subprocess.Popen(["/usr/bin/python3", SOURCE / "tests" / "peers" / "providers.py", "--record", self.record],
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.port = int(self.process.stdout.readline())

    def taken(self):
        return records(self.record)

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


class Http(Scenario):
    def smsd(self, dispatchers, **more):
        return self.open(Smsd(self.folder, {"backend": "sqlite", "sqlite": {"path": str(self.folder / "queue.db")}}, dispatchers, **more))

    def test_an_example_as_it_stands_sends_and_says_what_was_refused(self):
        providers = self.open(Providers(self.folder))
        smsd = self.smsd({"vonage": ("http", {}), "second": ("debug", {"file": str(self.folder / "second")})})
        example = (SOURCE / "deploy/examples/dispatchers/http-vonage.yaml").read_text()
        folder = smsd.folder / "dispatchers"
        (folder / "vonage.yaml").write_text(re.sub(r"https://[^/]*", f"http://127.0.0.1:{providers.port}", example, count=0))
        (folder / "vonage.secret").write_text("sesame\n")
        (folder / "vonage.secret").chmod(0o640)
        for number in ("+4799999990", "+4799999901"):  # the second is no number, says the gateway
            smsd.ctl("send", number, "core-gw1 is down")
        smsd.start()
        wait_for("both are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual([(sms["to"], sms["text"]) for sms in providers.taken()], [("4799999990", "core-gw1 is down")])
        self.assertEqual([sms["recipient"] for sms in sms_in(self.folder / "second")], ["+4799999901"])
        self.assertIn("0A0000000123ABCD1", smsd.ctl("explain", "1"))
        self.assertEqual(smsd.dispatcher("vonage")["state"], "ready")

    def test_a_gateway_out_of_credits_is_left_alone_and_nothing_counts_as_sent(self):
        """Wart C64: 200 "ERROR: out of credits" is not accepted."""
        gateway = self.open(Gateway(self.folder, "--behave", "body=ERROR: out of credits"))
        keys = {"url": f"http://127.0.0.1:{gateway.port}/?to={{recipient}}&m={{text}}", "window": 1, "backlog": 0,
                "answers": [{"status": 200, "body": "^ERROR: out of credits", "is": "broken", "reason": "out of credits"}]}
        smsd = self.smsd({"gateway": ("http", keys), "second": ("debug", {"file": str(self.folder / "second")})})
        for n in range(5):
            smsd.ctl("send", f"+479999990{n}", "x")
        smsd.start()
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        self.assertEqual(len(sms_in(self.folder / "second")), 5)
        self.assertEqual(smsd.dispatcher("gateway")["state"], "broken")
        self.assertIn("out of credits", smsd.text())
        self.assertEqual(len(gateway.requests()), 1)

    def test_the_rate_of_a_gateway_is_kept_and_nobody_is_sent_elsewhere_for_it(self):
        gateway = self.open(Gateway(self.folder))
        keys = {"url": f"http://127.0.0.1:{gateway.port}/?to={{recipient}}&m={{text}}", "rate": {"per_second": 20}}
        smsd = self.smsd({"gateway": ("http", keys), "second": ("debug", {"file": str(self.folder / "second")})})
        for n in range(40):
            smsd.ctl("send", f"+47999999{n:02}", "x")
        smsd.start()
        wait_for("all are sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        times = sorted(request["time"] for request in gateway.requests())
        self.assertEqual((len(times), sms_in(self.folder / "second")), (40, []))
        # Requests are spaced where they begin; on their way each may be late, so no two neighbours are compared.
        self.assertGreaterEqual(times[-1] - times[0], 39 / 20 * 0.8)
        self.say(requests=len(times), seconds=f"{times[-1] - times[0]:.2f}", per_second=20)

    def test_retry_after_is_how_long_the_next_round_waits(self):
        """Wart C66."""
        gateway = self.open(Gateway(self.folder, "--behave", "status=429,retry-after=3", "--behave", "status=200"))
        keys = {"url": f"http://127.0.0.1:{gateway.port}/?to={{recipient}}&m={{text}}"}
        smsd = self.smsd({"gateway": ("http", keys)}, settings={"retry": {"delay": "100ms"}})
        smsd.ctl("send", "+4799999990", "x")
        before = time.monotonic()
        smsd.start()
        wait_for("it is sent", lambda: smsd.status()["queue"]["unsent"] == 0)
        first, second = (request["time"] for request in gateway.requests())
        self.assertGreaterEqual(second - first, 2.9)
        self.say(waited=f"{second - first:.2f}", altogether=f"{time.monotonic() - before:.2f}")
