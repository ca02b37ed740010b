# SPDX-License-Identifier: GPL-3.0-or-later
"""What gateways really answer: in other charsets, in JSON that is none, and in words that no rule knows."""

import json
import signal
from urllib.parse import quote

from harness import DEADLINE, Gateway, Scenario, Smsd, sms_in, wait_for

RULES = [{"status": "2xx", "json": "/status", "equals": "ok", "is": "accepted"},
         {"status": "2xx", "json": "/status", "equals": "error", "is": "refused"}]


class Answers(Scenario):
    def smsd(self, gateway, *others, **more):
        keys = {"url": f"http://127.0.0.1:{gateway.port}/?to={{recipient}}&m={{text}}", "answers": RULES, "reference": {"json": "/id"}}
        dispatchers = {"gateway": ("http", keys), **{name: ("debug", {"file": str(self.folder / name)}) for name in others}}
        queue = {"backend": "sqlite", "sqlite": {"path": str(self.folder / f"{gateway.port}.db")}}
        settings = {"retry": {"delay": "100ms", "max_delay": "100ms", **more}}
        return self.open(Smsd(self.folder, queue, dispatchers, settings=settings, name=f"smsd-{gateway.port}"))

    def held(self, smsd):
        return json.loads(smsd.ctl("queue", "held", "--json"))

    def test_a_yes_in_another_charset_or_in_what_is_nearly_json_is_one_sms(self):
        latin1 = '{"status":"ok","id":"7","info":"gesendet f\u00fcr morgen"}'.encode("latin-1")
        for body, kind in ((latin1, "application/json; charset=ISO-8859-1"), (latin1, "application/json"),
                           (b'{"status":"ok","id":"7","text":"core-gw1 is down\nsince 03:00"}', "application/json"),
                           (b'{"text":"interface "uplink" is down","status":"ok","id":"7"}', "text/html"),
                           ("\ufeff" + '{"status":"ok","id":"7"}', "text/plain"),
                           ('{"status":"ok","id":"7"}'.encode("utf-16"), "application/json"),
                           (b'<br />\nNotice: x\n{"status":"ok","id":"7","cost":NaN}', "text/html; charset=UTF-8")):
            with self.subTest(body):
                gateway = self.open(Gateway(self.folder, "--behave", f"type={quote(kind, safe='')},body={quote(body, safe='')}"))
                smsd = self.smsd(gateway)
                smsd.ctl("send", "+4799887766", "router down")
                smsd.start()
                wait_for("it is sent", lambda: smsd.status()["queue"]["sent"] == 1)
                self.assertEqual(len(gateway.requests()), 1)
                self.assertIn("reference 7", smsd.ctl("explain", "1"))
                self.assertEqual(smsd.stop(), 0)

    def test_an_answer_that_is_not_understood_is_sent_once_more_and_then_held_and_named(self):
        gateway = self.open(Gateway(self.folder, "--behave", "body=" + quote('{"version":2,"state":"queued"}', safe="")))
        smsd = self.smsd(gateway)
        smsd.ctl("send", "+4799887766", "router down")
        smsd.start()
        wait_for("it is held", lambda: self.held(smsd))
        requests = gateway.requests()
        self.assertEqual(len(requests), 2)
        self.assertEqual(len({request["headers"]["idempotency-key"] for request in requests}), 1)
        one = smsd.dispatcher("gateway")
        self.assertEqual((one["state"], one["not_understood"], one["unknown"]), ("ready", 2, 2))
        self.assertIn("no rule covers", one["last_not_understood"])
        self.assertIn("gateway: its configuration did not cover 2 answers", smsd.ctl("status"))
        self.assertIn("not-understood", smsd.ctl("explain", "1"))
        self.assertEqual(smsd.text().count("does not cover an answer"), 1)
        # An operator who looked says that it may go once more; the mended configuration understands the answer.
        file = smsd.folder / "dispatchers" / "gateway.yaml"
        keys = json.loads(file.read_text())
        keys["answers"].insert(0, {"status": "2xx", "json": "/state", "equals": "queued", "is": "accepted"})
        file.write_text(json.dumps(keys))
        smsd.process.send_signal(signal.SIGHUP)
        wait_for("the configuration is in force", lambda: smsd.dispatcher("gateway")["not_understood"] == 0)
        smsd.ctl("queue", "release", str(self.held(smsd)[0]["id"]))
        wait_for("it is sent", lambda: smsd.status()["queue"]["sent"] == 1)
        self.assertNotIn("did not cover", smsd.ctl("status"))

    def test_with_another_dispatcher_the_repetition_is_its(self):
        gateway = self.open(Gateway(self.folder, "--behave", "body=queued"))
        smsd = self.smsd(gateway, "second")
        smsd.ctl("send", "+4799887766", "router down")
        smsd.start()
        wait_for("it is sent", lambda: smsd.status()["queue"]["sent"] == 1)
        self.assertEqual((len(gateway.requests()), len(sms_in(self.folder / "second"))), (1, 1))

    def test_with_the_policy_hold_there_is_no_repetition(self):
        gateway = self.open(Gateway(self.folder, "--behave", "body=queued"))
        smsd = self.smsd(gateway, "second", unknown="hold")
        smsd.ctl("send", "+4799887766", "router down")
        smsd.start()
        wait_for("it is held", lambda: self.held(smsd))
        self.assertEqual((len(gateway.requests()), sms_in(self.folder / "second")), (1, []))

    def test_a_supervisor_that_is_killed_between_the_two_makes_no_third(self):
        """The first answer is not understood, the repetition has no answer yet."""
        gateway = self.open(Gateway(self.folder, "--behave", "body=queued", "--behave", "silent"))
        smsd = self.smsd(gateway)
        smsd.ctl("send", "+4799887766", "router down")
        smsd.start()
        wait_for("the repetition is out", lambda: len(gateway.requests()) == 2)
        smsd.process.kill()
        smsd.process.wait(DEADLINE)
        smsd.start()
        wait_for("it is held", lambda: self.held(smsd))
        self.assertEqual(len(gateway.requests()), 2)
        self.assertEqual(smsd.stop(), 0)

    def test_a_gateway_of_which_nothing_is_understood_does_not_get_a_whole_queue_twice(self):
        gateway = self.open(Gateway(self.folder, "--behave", "body=please log in"))
        smsd = self.smsd(gateway)
        for n in range(40):
            smsd.ctl("send", f"+47998877{n:02}", "router down")
        file = smsd.folder / "dispatchers" / "gateway.yaml"
        file.write_text(json.dumps({**json.loads(file.read_text()), "window": 2, "backlog": 0}))
        smsd.start()
        wait_for("it counts as broken", lambda: smsd.dispatcher("gateway")["state"] == "broken")
        self.assertIn("correct it", smsd.dispatcher("gateway")["reason"])
        self.assertLessEqual(len(gateway.requests()), 8)
        self.assertGreaterEqual(smsd.status()["queue"]["unsent"], 36)
