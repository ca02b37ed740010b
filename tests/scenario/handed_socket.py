# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that serves HTTP at a socket which systemd hands over: this process has systemd's part."""

import http.client
import os
import pathlib
import re
import socket
import subprocess

from harness import DEADLINE, die_with_parent


class HandedSocket:
    """`name`: that of the log and, unless `fd_name` is given, of the socket. The listener outlives the program."""

    def __init__(self, folder, name, command, fd_name=None, environment=None, user=None, backlog=64):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.log = open(self.log_path, "ab")
        self.command, self.user = command, user
        self.environment = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": fd_name or name, **(environment or {})}
        self.start()

    def start(self):
        number = self.listener.fileno()

        def hand_over():
            die_with_parent()
            os.dup2(number, 3)
            os.set_inheritable(3, True)  # dup2() to itself would not

        self.process = subprocess.Popen(["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh", *self.command], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, close_fds=False, preexec_fn=hand_over, user=self.user, env=self.environment)

    def text(self):
        return self.log_path.read_text()

    def request(self, method="GET", path="/metrics", **more):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, **more)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def value_in(self, text, name, **labels):
        """Of the metric with these labels, and no others; None: there is none."""
        for line in text.splitlines():
            found = re.fullmatch(r"([a-z0-9_]+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name and dict(re.findall(r'(\w+)="([^"]*)"', found[2] or "")) == {k: str(v) for k, v in labels.items()}:
                return float(found[3])
        return None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)

    def close(self):
        self.kill()
        self.listener.close()
        self.log.close()
