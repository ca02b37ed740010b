# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of smsd-intake that mean no good: silent, slow, endless, ambiguous or very many."""

import contextlib
import json
import socket
import subprocess
import threading
import time

from intake_door import TOKEN, Door, webhook


class Crowd(Door):
    """Clients that mean no good, while an honest one is served within a second."""

    def honest(self, within=1.0):
        before = time.monotonic()
        status, _ = self.intake.alert()
        took = time.monotonic() - before
        self.assertEqual(status, 200)
        self.assertLess(took, within)
        return took

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.intake.port), timeout=10)

    def test_silent_and_slow_clients_lose_their_places(self):
        with contextlib.ExitStack() as open_:
            for number in range(2000):
                client = open_.enter_context(self.connect())
                if number % 3 == 1:
                    client.sendall(b"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthoriz")
                if number % 3 == 2:
                    client.sendall(f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n[".encode())
                if number % 200 == 0:
                    self.honest()
            self.say(honest=f"{self.honest() * 1000:.1f} ms", displaced=int(self.intake.metric("smsd_intake_connections_displaced_total")))
        self.assertLess(self.intake.memory(), 64)

    def test_ten_thousand_connections(self):
        code = f"""import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (12000, 12000))
held = []
for _ in range(10000):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", {self.intake.port}))
    held.append(client)
print("held", flush=True)
sys.stdin.read()"""
        with subprocess.Popen(["/usr/bin/python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
            slowest = 0
            reader = threading.Thread(target=crowd.stdout.readline)
            reader.start()
            while reader.is_alive():
                slowest = max(slowest, self.honest(3.0))  # a SYN may be dropped while the backlog is full
            slowest = max(slowest, self.honest())
            crowd.stdin.close()
        self.say(slowest=f"{slowest * 1000:.1f} ms", memory=f"{self.intake.memory():.0f} MiB")
        self.assertIsNone(self.intake.process.poll())

    def test_endless_and_large_bodies(self):
        head = f"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        for path, extra in (("/alerts", "Transfer-Encoding: chunked\r\n\r\n"), ("/alertmanager/ops", "Transfer-Encoding: chunked\r\n\r\n")):
            with self.connect() as client:
                client.sendall((head % path + extra).encode())
                with contextlib.suppress(OSError):
                    for _ in range(1000):
                        client.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                    self.fail("an endless body was read")
            self.honest()
        self.assertIn(b" 413 ", self.intake.raw((head % "/alerts" + "Content-Length: 99999999999\r\n\r\n").encode()).split(b"\n")[0])
        self.assertIn(b" 400 ", self.intake.raw((head % "/alerts" + f"X: {'x' * 100_000}\r\n\r\n").encode()).split(b"\n")[0] or b" 400 ")
        self.assertIn(b" 400 ", self.intake.raw((head % ("/alerts?x=" + "x" * 20_000) + "Content-Length: 2\r\n\r\n{}").encode()).split(b"\n")[0])
        self.assertLess(self.intake.memory(), 64)

    def test_a_slow_body_ends(self):
        with self.connect() as client:
            client.sendall(f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n\r\n[".encode())
            client.settimeout(60)
            self.assertIn(b" 408 ", client.recv(1000))

    def test_no_second_request_is_smuggled(self):
        inner = f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 35\r\n\r\n" + '{"to":"+4790000009","text":"inner"}'
        outer = f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        for fields in ("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                       "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
                       "Transfer-Encoding : chunked\r\n", "Transfer-Encoding:\x0bchunked\r\n", "Transfer-Encoding: chunked, identity\r\n",
                       "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
                       "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: 0x5\r\n", "Content-Length: -1\r\n", "Content-Length: 5\r\n Content-Length: 6\r\n"):
            body = "0\r\n\r\n" + inner
            answer = self.intake.raw((outer + fields.format(length=len(body)) + "\r\n" + body).encode(), wait=3)
            statuses = [line.split()[1] for line in answer.split(b"\n") if line.startswith(b"HTTP/1.1")]
            self.assertLessEqual(len(statuses), 1, (fields, answer))
            self.assertIn(statuses, ([], [b"400"], [b"501"]), (fields, answer))
        self.assertEqual(self.smsd.alerts(), [])
        self.honest()

    def test_a_body_in_chunks_is_the_last_of_its_connection(self):
        head = f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        body = '{"to":"+4790000001","text":"in chunks"}'
        one = head + f"10\r\n{body[:16]}\r\n{len(body) - 16:x}\r\n{body[16:]}\r\n0\r\n\r\n"
        answer = self.intake.raw((one + one).encode()).decode()
        self.assertEqual((answer.count("HTTP/1.1 200 OK"), answer.count("HTTP/1.1")), (1, 1), answer)
        self.assertEqual([alert["text"] for alert in self.smsd.alerts()], ["in chunks"])

    def test_pipelined_requests_are_answered_in_their_order(self):
        one = f"GET /http_api/send_sms?access_token={TOKEN}&to=%2B4790000001&message=mNUMBER HTTP/1.1\r\nHost: x\r\n"
        sent = "".join(one.replace("NUMBER", str(number)) + ("Connection: close\r\n" if number == 9 else "") + "\r\n" for number in range(10))
        answer = self.intake.raw(sent.encode()).decode()
        self.assertEqual(answer.count("HTTP/1.1 200 OK"), 10)
        self.assertEqual([alert["text"] for alert in self.smsd.alerts()], [f"m{number}" for number in range(10)])

    def test_ten_thousand_alerts_in_one_request(self):
        alerts = webhook(*((f"Alert{number}", "firing") for number in range(10_000)))
        for number, alert in enumerate(alerts["alerts"]):
            alert["fingerprint"] = f"{number:016x}"
            alert["annotations"]["description"] = "d" * 500
        body = json.dumps(alerts)
        before = time.monotonic()
        status, _, answer = self.intake.post("/alertmanager?to=%2B4790000001", body)
        took = time.monotonic() - before
        self.assertEqual(status, 200, answer)
        self.assertEqual(len(self.smsd.alerts()), 10_000)
        self.assertLessEqual(max(self.smsd.calls()), 500)
        self.say(megabytes=f"{len(body) / 1e6:.1f}", took=f"{took:.2f} s", memory=f"{self.intake.memory():.0f} MiB")
        self.assertLess(self.intake.memory(), 64)

    def test_any_bytes(self):
        for sent in (b"\0" * 1000, b"GET", b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
                     b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nHost: x\r\n\r\n"):
            with self.connect() as client:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                with contextlib.suppress(OSError):
                    self.assertNotIn(b" 200 ", client.recv(4096), sent)
        self.honest()
