# SPDX-License-Identifier: GPL-3.0-or-later
"""Crowds of clients at smsd-exporter: they keep nobody out, cost smsd one call a second, and do not fill the journal."""

import contextlib
import os
import select
import socket
import threading
import time
import unittest

from harness import wait_for
from monitored import Exporter
from monitoring import Monitored

PLACES = 16  # mostConnections of clients/exporter/http-service.h
SOON = 3  # seconds, on a busy machine


@unittest.skipUnless(os.getuid() == 0, "needs another user, whose places at status.sock are bounded")
class Crowds(Monitored):
    def setUp(self):
        super().setUp()
        self.one = self.smsd("one", {"first": ("debug", {})}).start()
        self.folder.chmod(0o755)
        self.one.folder.chmod(0o755)
        (self.one.folder / "status.sock").chmod(0o666)  # as its group would see it
        self.metrics = self.open(Exporter(self.one.folder, self.one.folder / "status.sock", user="daemon"))
        self.assertEqual(self.metrics.value("smsd_up"), 1)

    def connect(self):
        client = self.open(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.metrics.port))
        client.setblocking(False)
        return client

    def is_served(self):
        began = time.monotonic()
        self.assertEqual(self.metrics.request()[0], 200)
        took = time.monotonic() - began
        self.say(scrape=f"{took:.2f} s")
        self.assertLess(took, SOON)

    def test_answers_that_nobody_reads_keep_nobody_out(self):
        for what in ("GET /x", "POST /metrics", "GET /metrics"):
            with self.subTest(what):
                clients = []
                request = f"{what} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode() * 100
                for _ in range(PLACES):
                    clients.append(client := self.connect())
                    # Until the exporter reads no further request, because it cannot write its answer.
                    with contextlib.suppress(ConnectionError):
                        while select.select([], [client], [], 0.3)[1]:
                            with contextlib.suppress(BlockingIOError):
                                client.send(request)
                self.is_served()
                for client in clients:
                    client.close()

    def test_an_answer_that_nobody_reads_ends_its_connection(self):
        client = self.connect()
        request = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100

        def ended():
            try:
                client.send(request)
            except BlockingIOError:
                return False
            except OSError:
                return True
            return False
        wait_for("the exporter ends it", ended, deadline=30)

    def test_silent_connections_that_come_back_keep_nobody_out(self):
        over = threading.Event()

        def come_back():
            clients = []
            with contextlib.ExitStack() as stack:
                while not over.is_set():
                    while len(clients) < 60:
                        client = stack.enter_context(socket.socket())
                        client.setblocking(False)
                        client.connect_ex(("127.0.0.1", self.metrics.port))
                        clients.append(client)
                    for client in select.select(clients, [], [], 0.05)[0]:
                        client.close()
                        clients.remove(client)
        crowd = threading.Thread(target=come_back)
        crowd.start()
        try:
            for _ in range(5):
                self.is_served()
        finally:
            over.set()
            crowd.join()

    def test_a_flood_of_requests_is_one_call_a_second(self):
        over = threading.Event()
        answers = []

        def flood():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.metrics.port)) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
                while not over.is_set():
                    text = client.recv(1 << 20)
                    answers.append(text.count(b"\nsmsd_up 0"))
                    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * text.count(b"HTTP/1.1 "))
        crowd = [threading.Thread(target=flood) for _ in range(PLACES - 1)]
        for one in crowd:
            one.start()
        try:
            for _ in range(3):
                self.is_served()
                self.assertEqual(self.metrics.value("smsd_up"), 1)
            wait_for("the crowd has many answers", lambda: len(answers) > 300)
        finally:
            over.set()
            for one in crowd:
                one.join()
        self.assertEqual(sum(answers), 0, self.metrics.text())
        self.assertNotIn("smsd does not answer", self.metrics.text())
        self.assertNotIn("turned away", self.one.text())

