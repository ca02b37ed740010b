# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd's part of socket activation, in this process: it owns a worker's socket over any number of worker processes.

As smsd-kind@.socket has it: the first connection starts the worker, which gets the listening socket; when the worker has ended what
still waits there is hung up on (FlushPending=yes), and the next connection starts another one. `restart` is `systemctl restart` of
the worker's service, whether it runs or not.
"""

import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading

from harness import BIN, DEADLINE, die_with_parent, wait_for


class Unit:
    """`program`: what is executed instead of the worker of that kind."""

    def __init__(self, folder, name, kind, settings, program=None, environment=None):
        self.folder = pathlib.Path(folder) / "units"
        self.folder.mkdir(exist_ok=True)
        self.credentials = self.folder / f"{name}.credentials"
        self.credentials.mkdir(mode=0o700)
        self.name, self.socket = name, self.folder / f"{name}.sock"
        self.program = program or BIN / f"smsd-worker-{kind}"
        self.environment = environment or {}
        self.administrators = f"/etc/smsd/dispatchers/{name}.yaml"  # what the file is called in messages
        self.write(settings)
        self.log = open(self.folder / f"{name}.log", "ab")
        self.process, self.starts = None, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen(16)
        self.lock, self.over = threading.RLock(), threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def write(self, settings):
        """What its file has; the next process reads it."""
        (self.credentials / "config").write_text(settings if isinstance(settings, str) else json.dumps(settings))

    def entry(self):
        return {"activation": "socket", "socket": str(self.socket)}

    def text(self):
        return (self.folder / f"{self.name}.log").read_text()

    def pid(self):
        with self.lock:
            return self.process.pid if self.process and self.process.poll() is None else 0

    def _start(self):
        number = self.listener.fileno()

        def hand_over():
            die_with_parent()
            os.dup2(number, 3, inheritable=True)

        self.starts += 1
        with contextlib.suppress(OSError):  # cannot be executed: as 203/EXEC
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh", self.program, "--name", self.name, "--config-name", self.administrators],
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, close_fds=False, cwd=self.folder, preexec_fn=hand_over,
                env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": self.name, "CREDENTIALS_DIRECTORY": str(self.credentials), **self.environment})

    def _ended(self):
        """The service is dead: what waits at its socket is hung up on."""
        self.process = None
        self.listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.listener.accept()[0].close()
        self.listener.setblocking(True)

    def _watch(self):
        while not self.over.is_set():
            with self.lock:
                if self.process and self.process.poll() is not None:
                    self._ended()
                if not self.process and select.select([self.listener], [], [], 0)[0]:
                    self._start()
            self.over.wait(0.01)

    def _stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(DEADLINE)
        self._ended()

    def restart(self):
        with self.lock:
            self._stop()
            self._start()

    def close(self):
        if self.over.is_set():
            return
        self.over.set()
        self.thread.join(DEADLINE)
        with self.lock:
            self._stop()
        self.listener.close()
        self.log.close()


def fresh(unit, before):
    return wait_for("a fresh process runs", lambda: unit.pid() not in (0, before) and unit.pid())
