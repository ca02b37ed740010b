# SPDX-License-Identifier: GPL-3.0-or-later
"""smsd-intake before a stand-in for smsd: the answers of each dialect, rights, and faults of smsd."""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import subprocess
import threading
import urllib.parse

from harness import BIN, wait_for
from intake_door import NUMBER, OTHER, READER, TOKEN, Door, webhook

class Plain(Door):
    def test_an_alert_is_in_the_queue_before_its_answer(self):
        status, answer = self.intake.alert(text="blåbær ☃", severity="critical", key="disk-7", expires_in=60)
        self.assertEqual((status, answer), (200, {"fates": [{"result": "queued", "messages": [1], "recipients": [NUMBER]}]}))
        (alert,) = self.smsd.alerts()
        self.assertEqual(alert, {"number": NUMBER, "text": "blåbær ☃", "severity": 1, "key": "tests:disk-7", "cancels": "", "expires_in": 60, "label": "tests"})
        self.assertEqual(self.intake.alert(key="disk-7")[1]["fates"][0]["result"], "duplicate")
        self.assertEqual(self.intake.alert(text="", cancels="disk-7")[1]["fates"][0]["result"], "cancelled")
        self.smsd.mode("left")
        self.assertEqual(self.intake.alert(text="", cancels="disk-7")[1]["fates"][0]["result"], "not_sent")
        self.assertEqual(len(self.smsd.alerts()), 1)

    def test_the_type_of_the_body_does_not_matter(self):
        for name in ("application/x-www-form-urlencoded", "text/plain", ""):  # curl and urllib send the first one unless told
            self.assertEqual(self.intake.post("/alerts", {"to": NUMBER, "text": "x"}, **{"Content-Type": name})[0], 200)
        done = subprocess.run(["curl", "--fail", "--silent", "-H", f"Authorization: Bearer {TOKEN}", "--data-urlencode", "to=+4790000001", "--data-urlencode",
                               'text="a" & b', f"http://127.0.0.1:{self.intake.port}/alerts"], check=True, capture_output=True)
        self.assertEqual((json.loads(done.stdout)["fates"][0]["result"], self.smsd.alerts()[-1]["text"]), ("queued", '"a" & b'))

    def test_a_list_goes_to_each_of_its_recipients(self):
        status, _, body = self.intake.post("/alerts?to=night", [{"text": "one"}, {"to": ["+4790000007", "+4790000008"], "group": "ops", "text": "two"}])
        self.assertEqual(status, 200, body)
        self.assertEqual([(alert["number"][-1], alert["text"]) for alert in self.smsd.alerts()], [("3", "one"), ("7", "two"), ("8", "two"), ("1", "two"), ("2", "two")])
        self.assertEqual(self.smsd.calls(), [4], "in one call, so in one transaction")

    def test_wrong_requests_are_refused_with_the_reason(self):
        for body, words in (("{", "no valid JSON"), ({}, "text"), ({"text": "x"}, "to"), ({"to": NUMBER, "text": 7.5}, "text"), ([[]], "object"),
                            ({"to": NUMBER, "text": "x", "txet": "x"}, "unknown member"), ({"to": NUMBER, "text": "x", "severity": "loud"}, "severity"),
                            ({"to": NUMBER, "text": "x", "key": ["a"]}, "key"), ({"to": NUMBER, "text": "x", "expires_in": -1}, "expires_in"),
                            ({"to": NUMBER, "text": "x" * 4097}, "4096"), ({"to": NUMBER, "text": "a\0b"}, "NUL"), ("[" * 100_000, "JSON")):
            status, _, answer = self.intake.post("/alerts", body)
            self.assertEqual(status, 400, body)
            self.assertIn(words, json.loads(answer)["error"])
        self.assertEqual(self.intake.alert(to="kari")[0], 400, "smsd refuses that")
        self.assertEqual(self.intake.post("/alerts?to=nowhere", {"text": "x"})[0], 403)
        self.assertEqual(self.smsd.alerts(), [])
        self.assertEqual(self.intake.post("/nowhere", {})[0], 405)
        self.assertEqual(self.intake.request("GET", "/nowhere", headers={"access-token": TOKEN})[0], 404)

    def test_a_refused_alert_does_not_keep_the_others_out(self):
        status, _, body = self.intake.post("/alerts", [{"to": NUMBER, "text": "a"}, {"to": "kari", "text": "b"}, {"to": NUMBER, "text": "c"}])
        self.assertEqual(status, 400)
        self.assertEqual([fate["result"] for fate in json.loads(body)["fates"]], ["queued", "refused", "queued"])
        self.assertEqual([alert["text"] for alert in self.smsd.alerts()], ["a", "c"])


class Dialects(Door):
    def get(self, path, **parameters):
        return self.intake.request("GET", f"{path}?{urllib.parse.urlencode(parameters)}")

    def test_alertmanager(self):
        firing = webhook(("Disk", "firing"), ("Fan", "firing"))
        self.assertEqual(self.intake.post("/alertmanager?to=ops", firing)[0], 200)
        self.assertEqual([alert["text"] for alert in self.smsd.alerts()[::2]],
                         [f"FIRING critical: {name} is full ({name}.example.org) since 2026-11-27 19:30Z" for name in ("Disk", "Fan")])
        self.assertEqual({alert["severity"] for alert in self.smsd.alerts()}, {1})
        self.assertEqual(self.intake.post("/alertmanager?to=ops", firing)[0], 200, "the other Alertmanager of a pair")
        self.assertEqual(len(self.smsd.alerts()), 4)
        self.assertEqual(self.intake.post("/alertmanager/ops", webhook(("Disk", "resolved"), status="resolved"))[0], 200)
        self.assertEqual(len(self.smsd.alerts()), 4, "it has cancelled the alert")
        self.smsd.mode("left")
        self.intake.post("/alertmanager/ops", webhook(("Fan", "resolved"), status="resolved"))
        self.assertEqual([alert["text"] for alert in self.smsd.alerts()[4:]], ["RESOLVED critical: Fan is full (Fan.example.org) since 2026-11-27 19:30Z"] * 2)
        self.assertEqual(self.intake.post("/alertmanager", firing)[0], 400, "it has to say who gets them")
        self.assertEqual(self.intake.post("/alertmanager/ops", {"alerts": "none"})[0], 400)
        self.smsd.mode("rate")
        status, headers, _ = self.intake.post("/alertmanager/ops", webhook(("New", "firing")))
        self.assertEqual((status, headers["Retry-After"]), (503, "3"), "Alertmanager drops an alert at 429")

    def test_smseagle_v2(self):
        status, _, body = self.intake.post("/api/v2/messages/sms", {"text": "x", "to": [NUMBER], "groups": ["ops"], "priority": 9, "encoding": "standard"}, token="",
                                           **{"access-token": TOKEN})
        self.assertEqual((status, [entry["status"] for entry in json.loads(body)]), (200, ["queued"] * 3))
        self.assertEqual(json.loads(body)[0], {"status": "queued", "message": "OK", "number": NUMBER, "id": 1})
        status, _, body = self.intake.post("/api/v2/messages/sms", {"text": "x", "to": ["kari"]})
        self.assertEqual((status, json.loads(body)[0]["status"]), (400, "error"))
        self.assertEqual(self.intake.post("/api/v2/messages/sms", {"text": "x", "to": [NUMBER], "send_after": "20991231"})[0], 400)

    def test_smseagle_v1(self):
        status, _, body = self.get("/index.php/http_api/send_sms", login="nms", **{"pass": TOKEN}, to=f"{NUMBER},+4790000002", message="a & b")
        self.assertEqual((status, body), (200, "OK; ID=1,2\n"))
        self.assertEqual(self.get("/http_api/send_togroup", access_token=TOKEN, groupname="night", message="x")[2], "OK; ID=3\n")
        unencoded = self.intake.request("GET", f"/http_api/send_sms?access_token={TOKEN}&to={NUMBER}&message=plus")
        self.assertEqual((unencoded[0], self.smsd.alerts()[-1]["number"]), (200, NUMBER))
        for status, parameters in ((400, {"to": "kari", "message": "x"}), (400, {"to": NUMBER}), (400, {"message": "x"})):
            answer = self.get("/http_api/send_sms", access_token=TOKEN, **parameters)
            self.assertEqual(answer[0], status)
            self.assertNotIn("OK", answer[2])
        self.assertEqual(self.get("/http_api/send_fax", access_token=TOKEN, message="x")[0], 404)

    def test_smseagle_json_rpc(self):
        def call(**params):
            status, _, body = self.intake.post("/jsonrpc/sms", {"method": params.pop("method", "sms.send_sms"), "params": {"access_token": TOKEN, **params}, "id": 5}, token="")
            return status, json.loads(body)
        self.assertEqual(call(to=NUMBER, message="x", responsetype="extended"), (200, {"result": [{"message_id": 1, "status": "ok"}], "id": 5}))
        self.assertEqual(call(to=NUMBER, message="x"), (200, {"result": "OK; ID=2", "id": 5}))
        self.assertEqual(call(method="sms.send_togroup", groupname="night", message="x", highpriority=1)[0], 200)
        self.assertEqual(self.smsd.alerts()[-1]["severity"], 1)
        self.assertEqual(call(to=NUMBER, message="x", test=1)[0], 200)
        self.assertEqual(len(self.smsd.alerts()), 3, "a simulation is not sent")
        status, answer = call(to="kari", message="x", responsetype="extended")
        self.assertEqual((status, answer["result"][0]["status"]), (400, "error"))
        self.assertEqual(self.intake.post("/jsonrpc/sms", {"method": "sms.send_sms", "params": {"access_token": "wrong"}}, token="")[0], 401)

    def test_kannel(self):
        status, _, body = self.get("/cgi-bin/sendsms", username="nms", password=TOKEN, to=f"{NUMBER} +4790000002", text="a b")
        self.assertEqual((status, body), (202, "0: Accepted for delivery"))
        latin = self.intake.request("GET", f"/cgi-bin/sendsms?username=x&password={TOKEN}&to=%2B4790000001&text=bl%E5b%E6r")
        self.assertEqual((latin[0], self.smsd.alerts()[-1]["text"]), (202, "blåbær"))
        form = self.intake.request("POST", "/cgi-bin/sendsms", body=urllib.parse.urlencode({"password": TOKEN, "to": NUMBER, "text": "form"}),
                                   headers={"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual((form[0], self.smsd.alerts()[-1]["text"]), (202, "form"))
        self.assertEqual(self.get("/cgi-bin/sendsms", password=TOKEN, to=NUMBER)[0], 400)
        self.assertEqual(self.get("/cgi-bin/sendsms", password=TOKEN, to="kari", text="x")[0], 400)
        self.smsd.mode("problem")
        status, headers, _ = self.get("/cgi-bin/sendsms", password=TOKEN, to=NUMBER, text="x")
        self.assertEqual((status, headers["Retry-After"]), (503, "7"))


class Rights(Door):
    def test_without_a_token_nothing_is_learned(self):
        answers = set()
        for method, path, body, headers in (("GET", "/", None, {}), ("GET", "/metrics", None, {}), ("POST", "/alerts", "{}", {}), ("PUT", "/alerts", "{}", {}),
                                            ("POST", "/alerts?to=ops", "{}", {"Authorization": "Bearer wrong"}), ("POST", "/alertmanager/ops", "{}", {}),
                                            ("POST", "/alertmanager/nowhere", "{}", {"access-token": TOKEN[:-1]}), ("POST", "/alertmanager", "{}", {"access-token": TOKEN + "x"}),
                                            ("GET", "/http_api/send_sms?to=1&message=x&access_token=", None, {}), ("GET", "/http_api/send_fax", None, {}),
                                            ("POST", "/jsonrpc/sms", "{}", {}), ("POST", "/jsonrpc/sms", "[", {}), ("POST", "/jsonrpc/sms", "x" * 100_000, {}),
                                            ("GET", f"/alerts?access_token={TOKEN}", None, {}), ("GET", "/cgi-bin/sendsms?password=x", None, {}),
                                            ("POST", "/alerts", "{}", {"Authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()})):
            status, found, text = self.intake.request(method, path, body=body, headers=headers)
            found.pop("Connection", None)
            answers.add((status, tuple(sorted(found.items())), text))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(answers.pop()[0], 401)
        self.assertEqual(self.smsd.calls(), [])

    def test_a_token_narrows(self):
        def status(path="/alerts", **alert):
            return self.intake.post(path, {"text": "x", "severity": 2, **alert}, token=OTHER)[0]
        self.assertEqual(status(to="+47 90 00 00 01"), 200)
        self.assertEqual(status(to="+4799000001"), 403)
        self.assertEqual(status(group="night"), 200)
        self.assertEqual((status(group="ops"), status(group="nowhere")), (403, 403), "there is no difference for it")
        self.assertEqual((status(to=NUMBER, severity=3), status(to=NUMBER, severity=0)), (403, 403))
        self.assertEqual(self.intake.post("/alerts", {"to": NUMBER, "text": "x"}, token=READER)[0], 403)
        self.assertEqual(self.intake.request(path="/metrics", headers={"access-token": TOKEN})[0], 403)
        self.assertEqual(len(self.smsd.alerts()), 2)

    def test_a_rate(self):
        statuses = [self.intake.post("/alerts", {"to": NUMBER, "text": "x", "severity": 1}, token=OTHER) for _ in range(6)]
        self.assertEqual([status for status, _, _ in statuses], [200] * 5 + [429])
        self.assertGreater(int(statuses[-1][1]["Retry-After"]), 5)
        self.assertEqual(self.intake.alert()[0], 200, "another token has its own")

    def test_keys_of_two_tokens_are_apart(self):
        self.intake.alert(key="same")
        status, _, body = self.intake.post("/alerts", {"to": NUMBER, "text": "x", "severity": 1, "key": "same", "cancels": "same"}, token=OTHER)
        self.assertEqual((status, json.loads(body)["fates"][0]["result"]), (200, "queued"))

    def test_no_secret_is_in_the_journal_or_a_core(self):
        self.intake.request("GET", f"/http_api/send_sms?to=1&message=geheim&access_token={TOKEN}")
        self.intake.request("GET", "/cgi-bin/sendsms?password=a-wrong-secret&text=geheim")
        wait_for("the refusal is in the journal", lambda: "without a valid token" in self.intake.text())
        for word in (TOKEN, OTHER, "a-wrong-secret", "geheim"):
            self.assertNotIn(word, self.intake.text())
        status = pathlib.Path(f"/proc/{self.intake.process.pid}/status").read_text()
        self.assertRegex(status, r"NoNewPrivs:\s*1\nSeccomp:\s*2")
        limits = pathlib.Path(f"/proc/{self.intake.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0")


class Away(Door):
    """smsd fails, hangs, restarts or is away."""

    def test_a_queue_that_is_away(self):
        self.smsd.mode("problem")
        status, headers, body = self.intake.post("/alerts", {"to": NUMBER, "text": "x"})
        self.assertEqual((status, headers["Retry-After"], json.loads(body)), (503, "7", {"error": "the queue cannot be reached"}))
        self.assertEqual(self.intake.request(path="/healthz")[0], 503)
        self.smsd.mode()
        wait_for("it is well again", lambda: self.intake.request(path="/healthz")[::2] == (200, "ok\n"))

    def test_an_smsd_that_does_not_run(self):
        self.smsd.kill()
        status, headers, _ = self.intake.post("/alerts", {"to": NUMBER, "text": "x"})
        self.assertEqual((status, headers["Retry-After"]), (503, "5"))
        wait_for("it is in the journal", lambda: "smsd cannot be reached" in self.intake.text())
        self.assertLess(self.took(lambda: self.intake.alert()), 1, "later requests do not wait")
        self.assertEqual(self.intake.metric("smsd_intake_connected"), 0)
        self.smsd.start()
        wait_for("it takes alerts again", lambda: self.intake.alert()[0] == 200)
        wait_for("it is in the journal, too", lambda: "reached again" in self.intake.text())

    def test_a_restart_is_ridden_out(self):
        self.assertEqual(self.intake.alert()[0], 200)
        self.smsd.kill()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.intake.alert, text="meanwhile")
            self.smsd.start()
            self.assertEqual(waiting.result()[0], 200)

    def test_a_lost_answer_with_a_key_is_asked_for_again(self):
        self.smsd.mode("break-once")
        status, answer = self.intake.alert(key="k")
        self.assertEqual((status, answer["fates"][0]["result"]), (200, "duplicate"))
        self.assertEqual((len(self.smsd.alerts()), len(self.smsd.calls())), (1, 2))
        self.smsd.mode("break-once")
        self.assertEqual(self.intake.alert(text="without a key")[0], 503)
        self.assertEqual(len(self.smsd.calls()), 3, "it may be in the queue, so that it is not repeated")
        self.smsd.mode("break")
        self.assertEqual(self.intake.alert(key="l")[0], 503, "it is repeated once")
        self.assertEqual(len(self.smsd.calls()), 5)
        self.smsd.mode()
        self.assertEqual(self.intake.alert(key="l")[1]["fates"][0]["result"], "duplicate")

    def test_requests_together(self):
        self.smsd.mode("slow", 200)
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda number: self.intake.alert(text=f"text {number}"), range(100)))
        self.assertEqual({status for status, _ in answers}, {200})
        self.assertEqual(len({answer["fates"][0]["messages"][0] for _, answer in answers}), 100)
        self.assertLess(len(self.smsd.calls()), 50, "requests that wait share a call")

    def test_a_process_that_is_killed_again_and_again(self):
        """Clients that retry: everything that was answered is there, and nothing with a key is there twice."""
        over, sent, ends_with = threading.Event(), [], []

        def client(name):
            for number in range(1_000_000):
                if over.is_set():
                    return
                key = f"{name}-{number}"
                while not over.is_set():
                    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                        if self.intake.alert(text=key, key=key)[0] == 200:
                            sent.append(key)
                            break
        with concurrent.futures.ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as ends:
            ends.callback(over.set)
            for name in "abcd":
                pool.submit(client, name).add_done_callback(lambda done: done.exception() and ends_with.append(done.exception()))
            for turn in range(12):
                reached = len(sent) + 20
                wait_for("more are sent", lambda reached=reached: len(sent) >= reached or ends_with)
                self.assertEqual(ends_with, [])
                if turn % 2:
                    self.smsd.kill()
                    self.smsd.start()
                else:
                    self.intake.kill()
                    self.intake.start()
        keys = [alert["text"] for alert in self.smsd.alerts()]
        self.assertEqual(set(sent) - set(keys), set(), "lost")
        self.assertEqual(len(keys), len(set(keys)), "doubled")
        self.say(sent=len(sent))

    def test_it_ends_when_told_and_answers_before(self):
        self.smsd.mode("slow", 500)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self.intake.alert)
            wait_for("smsd has the alert", self.smsd.calls)
            self.intake.process.terminate()
            self.assertEqual(self.intake.process.wait(10), 0)
            self.assertEqual(waiting.result()[0], 200)
        self.intake.start()
        self.assertEqual(self.intake.alert()[0], 200, "a request that came meanwhile waits for the next process")


class CommandLine(Door):
    def run_it(self, *words):
        done = subprocess.run([BIN / "smsd-intake", *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_options(self):
        self.assertEqual(self.run_it("--no-such")[0], 64)
        self.assertEqual(self.run_it()[0], 78)
        config = self.folder / "credentials" / "config"
        self.assertEqual(self.run_it("--config", config, "--check"), (0, "", ""))
        status, _, said = self.run_it("--config", config)
        self.assertEqual(status, 64)
        self.assertIn("smsd-intake.socket", said)
        self.assertIn("smsd_intake_connected, gauge", self.run_it("--list")[1])
        self.assertIn("tokens[].secret_file", self.run_it("--explain")[1])
        self.assertTrue(json.loads(self.run_it("--explain", "--json")[1]))

    def test_wrong_settings(self):
        file = self.folder / "credentials" / "wrong.yaml"
        token = {"name": "a", "secret_file": "tests.token", "groups": ["*"]}
        (self.folder / "credentials" / "short.token").write_text("short\n")
        (self.folder / "credentials" / "short.token").chmod(0o600)
        for settings, words in (({}, "at least one token"), ({"tokens": [token, {**token, "secret_file": "narrow.token"}]}, "twice"),
                                ({"tokens": [token, {**token, "name": "b"}]}, "that of another token"), ({"tokens": [{**token, "name": "a b"}]}, "name"),
                                ({"tokens": [{**token, "groups": []}]}, "may do nothing"), ({"tokens": [{**token, "recipients": ["kari"]}]}, "no number"),
                                ({"tokens": [{**token, "secret_file": "short.token"}]}, "shorter"), ({"tokens": [token], "alertmanager": {"firing": "{oops}"}}, "placeholder")):
            file.write_text(json.dumps(settings))
            status, _, said = self.run_it("--config", file, "--check")
            self.assertEqual(status, 78, settings)
            self.assertIn(words, said)
            self.assertNotIn(TOKEN, said)
