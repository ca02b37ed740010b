# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of systemd that a program notifies of its readiness and its state."""

import pathlib
import socket
import threading
import time

from .basics import DEADLINE, wait_for


class Systemd:
    """systemd's end of NOTIFY_SOCKET: what one program says to it, with the moment of each message."""

    def __init__(self, folder, watchdog=None):
        self.path = pathlib.Path(folder) / f"notify-{time.monotonic_ns()}"
        self.watchdog = watchdog  # seconds, as WatchdogSec=
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.messages = []  # (time.monotonic(), {field: value})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            said = self.socket.recv(4096).decode()
            if said == "END":
                return
            self.messages.append((time.monotonic(), dict(line.split("=", 1) for line in said.splitlines())))

    def environment(self):
        found = {"NOTIFY_SOCKET": str(self.path)}
        if self.watchdog:
            found["WATCHDOG_USEC"] = str(int(self.watchdog * 1e6))
        return found

    def all(self, field):
        """[(moment, value)] of each time the field was said."""
        return [(at, fields[field]) for at, fields in list(self.messages) if field in fields]

    def status(self):
        """The last STATUS=."""
        return (self.all("STATUS") or [(0, None)])[-1][1]

    def now(self):
        """A moment after all that was said before it."""
        before = len(self.messages)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
            mark.sendto(b"MARK=1", str(self.path))
        return wait_for("the mark is read", lambda: [at for at, fields in self.messages[before:] if "MARK" in fields])[-1]

    def signs_of_life(self, since=0.0):
        return [at for at, _ in self.all("WATCHDOG") if at > since]

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"END", str(self.path))
        self.reader.join(DEADLINE)
        self.socket.close()
