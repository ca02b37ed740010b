# SPDX-License-Identifier: GPL-3.0-or-later
"""The far ends of the dispatchers: gateways over HTTP, a mail server, a modem."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

from .basics import DEADLINE, SOURCE, die_with_parent, free_port, records, wait_for


class Nginx:
    """A real HTTP server that answers 200 to everything and, unless told not to, logs each request."""

    def __init__(self, folder, record=True):
        self.folder = pathlib.Path(folder) / "nginx"
        self.folder.mkdir()
        self.port = free_port()
        self.log = self.folder / "access.log"
        conf = self.folder / "nginx.conf"
        user = "user nobody nogroup;" if os.getuid() == 0 else ""
        line = f"{self.log} line" if record else "off"
        conf.write_text(f"""
            {user} daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 512; }}
            http {{
              access_log {"off" if not record else self.log};
              keepalive_requests 1000000;
              client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
              uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
              log_format line '$request_uri $connection';
              server {{ listen 127.0.0.1:{self.port}; access_log {line}; location / {{ return 200 "OK\\n"; }}
                        location = /logged {{ access_log off; return 200 "OK\\n"; }} }}
            }}""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "error.log", "-p", self.folder, "-c", conf],
                                        preexec_fn=die_with_parent)
        wait_for("nginx listens", self._listens)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def requests(self):
        """[(request uri, connection number)] of all requests that were answered so far.

        nginx logs a request after it has answered it. It has one process, so when it answers another, the log is complete; it also is
        when nobody listens any more.
        """
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/logged", timeout=DEADLINE).close()
        return [line.split(" ") for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)


class Gateway:
    """tests/peers/http-gateway.py: an HTTP gateway that can be told how to behave, and records every request."""

    def __init__(self, folder, *arguments, under=()):
        self.record = pathlib.Path(folder) / f"gateway-{time.monotonic_ns()}.jsonl"
        self.process = subprocess.Popen(
            [*under, "/usr/bin/python3", SOURCE / "tests" / "peers" / "http-gateway.py", "--record", self.record, *arguments],
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.port = int(self.process.stdout.readline())

    def requests(self):
        return records(self.record)

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


class MailServer:
    """tests/peers/smtp-server.py (a real one) or smtp-faults.py (one that fails where it is told to), and what it recorded."""

    def __init__(self, folder, *arguments, program="smtp-server.py", under=()):
        self.record = pathlib.Path(folder) / f"mail-{time.monotonic_ns()}.jsonl"
        self.process = subprocess.Popen([*under, "/usr/bin/python3", SOURCE / "tests" / "peers" / program, "--record", self.record,
                                         *arguments], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.port = int(self.process.stdout.readline())
        self.url = f"smtp://127.0.0.1:{self.port}"

    def entries(self):
        return records(self.record)

    def mails(self):
        return [entry for entry in self.entries() if "raw" in entry]

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


class Modem:
    """tests/peers/modem.py: a GSM modem on a pseudo terminal behind a link of its own, told while it runs how to misbehave."""

    def __init__(self, folder, *commands, name="modem", under=()):
        self.link, self.record = pathlib.Path(folder) / f"usb-{name}-if00", pathlib.Path(folder) / f"{name}.jsonl"
        self.socket = pathlib.Path(folder) / f"{name}.control"
        self.process = subprocess.Popen(
            [*under, "/usr/bin/python3", "-B", SOURCE / "tests" / "peers" / "modem.py", "--link", self.link, "--record", self.record, "--mode", "666",
             "--control", self.socket, *commands], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        if not self.process.stdout.readline():
            raise AssertionError("the modem did not start")

    def tell(self, text):
        """One command, its answer; see modem.py --help."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.socket))
            control.sendall(text.encode() + b"\n")
            answer = control.makefile().readline().strip()
        if answer.startswith("error"):
            raise AssertionError(f"{text}: {answer}")
        return answer

    def status(self):
        return json.loads(self.tell("status"))

    def sms(self):
        """What a telephone would show, in the order it arrived."""
        return records(self.record)

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.process.stdout.close()
